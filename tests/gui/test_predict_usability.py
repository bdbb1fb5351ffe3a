"""A good guest in napari: reached by keyboard, fits its width, keeps settings, leaves without a trace."""

from __future__ import annotations

import gc
import weakref

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QScrollArea,
    QTabWidget,
    QWidget,
)
from superqt.utils._qthreading import WorkerBase

from napari_cellforce.viewer.workspace import Workspace
from napari_cellforce.widgets.base.panel import WIDTH
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.predict.panel import PredictPanel
from napari_cellforce.zoo import DEFAULT_MODEL


def listeners(viewer: ViewerModel) -> dict[str, int]:
    """How many listen to each of the viewer's events."""
    groups = {"viewer": viewer.events, "layers": viewer.layers.events, "dims": viewer.dims.events}
    counts = {
        f"{group}.{name}": len(emitter.callbacks)
        for group, events in groups.items()
        for name, emitter in events.emitters.items()
    }
    return {
        **counts,
        "mouse move": len(viewer.mouse_move_callbacks),
        "mouse drag": len(viewer.mouse_drag_callbacks),
    }


def focus_order(panel: QWidget) -> list[QWidget]:
    """Where Tab leads to, from control to control, on a panel that is shown."""
    order, widget = [], panel.nextInFocusChain()
    while widget is not panel:
        reached = widget.focusPolicy() & Qt.TabFocus and widget.isEnabled() and widget.isVisibleTo(panel)
        if reached and panel.isAncestorOf(widget):
            order.append(widget)
        widget = widget.nextInFocusChain()
    return order


class TestLeaving:
    def test_the_viewer_is_as_it_was(self, viewer, make_panel, add):
        add()
        Workspace.of(viewer)  # lives as long as the viewer, whichever panels come and go
        before = listeners(viewer)
        hand = make_panel()
        hand.wait_until(lambda: "outline cell 7" in viewer.layers)
        assert listeners(viewer) != before
        hand.press("Pick")
        hand.panel.dispose()
        assert listeners(viewer) == before
        hand.panel.dispose()

    def test_the_outline_stays_and_the_next_panel_takes_its_place(self, viewer, make_panel, add):
        add()
        for _ in (1, 2):
            hand = make_panel()
            hand.wait_until(lambda: "outline cell 7" in viewer.layers and viewer.layers[-1].data.any())
            hand.panel.dispose()
            assert [layer.name for layer in viewer.layers] == ["cell 7 zyxin", "outline cell 7"]

    def test_a_running_job_is_dropped(self, viewer, add, make_movie, hand, tug, notifications):
        add(make_movie(10))
        tug.waits = True
        hand.press("Predict")
        tug.release(1)
        hand.wait_until(lambda: hand.control("Progress").value() == 1)
        hand.panel.dispose()
        shown = len(viewer.layers)
        tug.release(1)
        hand.wait_until(lambda: not WorkerBase._worker_set)
        assert len(viewer.layers) == shown, "its layers stay"
        assert notifications == []

    def test_nothing_keeps_the_panel_alive(self, viewer, add, tmp_path, qtbot):
        add()
        panel = PredictPanel(viewer, memory=Memory(tmp_path / "m.json"), preferences=Preferences())
        gone = weakref.ref(panel)
        panel.dispose()
        panel.deleteLater()
        qtbot.waitUntil(lambda: not WorkerBase._worker_set)
        QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)
        del panel
        gc.collect()
        assert gone() is None

    def test_arrows_follow_time_after_the_panel_is_closed(self, viewer, add, hand):
        add()
        hand.predict()
        hand.panel.dispose()
        arrows = viewer.layers[f"F [normalised] cell 7 ({DEFAULT_MODEL})"]
        viewer.dims.set_current_step(0, 2)
        assert set(arrows.data[:, 0, 0]) == {2}
        viewer.layers.remove(arrows)
        viewer.dims.set_current_step(0, 1)
        assert set(arrows.data[:, 0, 0]) == {2}, "once removed it is left alone"


class TestMemory:
    def test_model_and_outline_are_remembered(self, make_panel):
        first = make_panel()
        first.control("Model").setCurrentText("gfnn-schmitt2024")
        first.control("Outline").setValue(40)
        first.panel.dispose()
        second = make_panel()
        assert second.control("Model").currentText() == "gfnn-schmitt2024"
        assert second.control("Outline").value() == 40
        second.press("Reset")
        assert second.control("Model").currentText() == DEFAULT_MODEL
        assert second.control("Outline").value() == 0

    @pytest.mark.parametrize(
        "content", ["", "{", "[]", '{"predict": 3}', '{"predict": {"model": 7, "outline": "x"}}']
    )
    def test_a_damaged_memory_is_no_reason_to_fail(self, tmp_path, make_panel, content):
        (tmp_path / "panels.json").write_text(content)
        hand = make_panel()
        assert hand.control("Model").currentText() == DEFAULT_MODEL
        assert hand.control("Outline").value() == 0

    def test_panels_do_not_overwrite_each_others(self, tmp_path):
        memory = Memory(tmp_path / "sub" / "panels.json")
        assert memory.recall("predict") == {}
        memory.remember("predict", {"a": 1})
        memory.remember("train", {"b": 2})
        assert (memory.recall("predict"), memory.recall("train")) == ({"a": 1}, {"b": 2})

    def test_a_folder_that_cannot_be_written_is_no_reason_to_disturb(self, tmp_path, notifications):
        (tmp_path / "file").touch()
        Memory(tmp_path / "file" / "panels.json").remember("predict", {"a": 1})
        assert notifications == []


class TestKeyboard:
    def test_tab_goes_down_the_panel_to_the_blue_button(self, add, hand, qtbot):
        add()
        hand.panel.resize(WIDTH, 700)
        with qtbot.waitExposed(hand.panel):
            hand.panel.show()
        order = focus_order(hand.panel)
        steps = ["Zyxin", "Pixel", "Outline", "Model"]
        places = [order.index(hand.control(step)) for step in steps] + [order.index(hand.button("Predict"))]
        assert places == sorted(places)
        hand.panel.hide()

    def test_pressing_tab_gets_there(self, add, hand, qtbot):
        add()
        with qtbot.waitExposed(hand.panel):
            hand.panel.show()
        hand.panel.activateWindow()
        hand.control("Zyxin").setFocus()
        if hand.panel.focusWidget() is not hand.control("Zyxin"):
            pytest.skip("this screen gives no focus")
        for _ in range(40):
            if hand.panel.focusWidget() is hand.button("Predict"):
                break
            qtbot.keyClick(hand.panel.focusWidget(), Qt.Key_Tab)
        assert hand.panel.focusWidget() is hand.button("Predict")
        hand.panel.hide()

    def test_every_control_says_what_it_is(self, add, hand):
        add()
        hand.predict()
        for widget in focus_order(hand.panel):
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            inner = isinstance(widget.parent(), QComboBox | QAbstractSpinBox | QTabWidget)
            around = widget.parent() if inner else widget
            text_only = isinstance(widget, QLabel | QScrollArea)
            assert text_only or around.accessibleName() or text, f"{widget} in {widget.parent()}"

    def test_labels_lead_to_their_controls(self, hand):
        for name in ("Pixel", "Model", "Zyxin"):
            (label,) = [label for label in hand.panel.findChildren(QLabel) if label.text() == name]
            assert label.buddy() is hand.control(name)


class TestSize:
    def test_it_fits_into_350_pixels_with_everything_unfolded(self, add, make_movie, hand):
        add(make_movie(name="a movie with quite a long name that nobody can pronounce"))
        hand.button("▸ Advanced").click()
        hand.predict()
        assert hand.sees(hand.button("Save"))
        content = hand.panel.findChild(QScrollArea).widget()
        assert content.minimumSizeHint().width() <= WIDTH == 350

    def test_it_fits_where_something_is_missing(self, add, make_movie, hand):
        add(make_movie(pixel_size=None))
        hand.control("Model").setCurrentText("gfnn-schmitt2024")
        assert hand.panel.findChild(QScrollArea).widget().minimumSizeHint().width() <= WIDTH
