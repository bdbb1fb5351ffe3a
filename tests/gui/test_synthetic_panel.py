"""The panel Synthetic cell: draw, ask, change, compare, scan; and what it says of drawings that cannot be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Shapes
from qtpy.QtCore import QCoreApplication, QEvent

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic import CellConfig, Outline, Shape, draw
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.base.slider import NumberSlider
from napari_cellforce.widgets.base.worker import DebouncedWorker
from napari_cellforce.widgets.synthetic.change_table import change, format_number, percent
from napari_cellforce.widgets.synthetic.panel import WELCOME, SyntheticPanel
from napari_cellforce.widgets.synthetic.predict_section import check_names
from napari_cellforce.widgets.synthetic.shape_conversion import (
    adhesion_layer,
    adhesions_of,
    outline_layer,
    outline_of,
)

TRIANGLE = np.array([[20.0, 20.0], [90.0, 40.0], [40.0, 100.0]])
"""Corners in pixels."""

MICRON = ("micrometer", "micrometer")


@pytest.fixture
def open_panel(viewer: ViewerModel, tmp_path: Path) -> Iterator[Callable[[], SyntheticPanel]]:
    """Open the panel; several share their memory, like sessions."""
    panels: list[SyntheticPanel] = []

    def make() -> SyntheticPanel:
        memory = Memory(tmp_path / "panels.json")
        panels.append(SyntheticPanel(viewer, memory=memory, preferences=Preferences()))
        return panels[-1]

    yield make
    for panel in panels:
        panel.dispose()
        panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def panel(open_panel: Callable[[], SyntheticPanel]) -> SyntheticPanel:
    """The panel with a small image, so that everything is quick."""
    panel = open_panel()
    panel.drawing.microscope.recall({"side": 128, "pixel": 0.68})
    panel.drawing.outline.recall({"outline": [1500]})
    return panel


@pytest.fixture
def drawn(qtbot, panel: SyntheticPanel) -> SyntheticPanel:
    """The panel after its button was pressed once."""
    panel.run_section.started.emit()
    qtbot.waitUntil(lambda: panel.cell_view.shown, timeout=10000)
    return panel


def quiet(panel: SyntheticPanel) -> bool:
    return not (panel.drawing.worker.busy or panel.ask_section.busy or panel.scan_run.running)


def ask(qtbot, panel: SyntheticPanel) -> None:
    panel.run_section.started.emit()
    qtbot.waitUntil(lambda: panel.evaluation is not None and quiet(panel), timeout=20000)


def test_an_empty_panel_offers_to_draw_and_draws_nothing_by_itself(panel: SyntheticPanel) -> None:
    assert panel.run_section.button_label == "Draw a cell"
    assert panel.run_section.ready
    assert panel.run_section.status == WELCOME
    panel.drawing.outline.area.set_value(2000)
    assert not panel.drawing.worker.busy


def test_the_drawn_image_has_pixel_size_and_units(drawn: SyntheticPanel, viewer: ViewerModel) -> None:
    (layer,) = viewer.layers
    assert layer.data.shape == (128, 128)
    assert tuple(layer.scale) == (0.68, 0.68)
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 2
    assert drawn.run_section.button_label == "Predict the forces with sheet"


def test_a_change_redraws_in_place(qtbot, drawn: SyntheticPanel, viewer: ViewerModel) -> None:
    layer, before = viewer.layers[0], viewer.layers[0].data.copy()
    drawn.drawing.adhesions.length.set_value(6)
    qtbot.waitUntil(lambda: quiet(drawn), timeout=10000)
    assert viewer.layers[0] is layer
    assert (layer.data != before).any()


def test_a_removed_image_can_be_drawn_again(qtbot, drawn: SyntheticPanel, viewer: ViewerModel) -> None:
    viewer.layers.clear()
    assert drawn.run_section.button_label == "Draw a cell"
    drawn.run_section.started.emit()
    qtbot.waitUntil(lambda: drawn.cell_view.shown, timeout=10000)


def test_an_edit_is_compared_with_the_cell_before(qtbot, drawn: SyntheticPanel, viewer: ViewerModel) -> None:
    ask(qtbot, drawn)
    before = drawn.evaluation.numbers["total force [nN]"]
    assert "|F| [Pa] synthetic cell (sheet)" in viewer.layers
    drawn.drawing.adhesions.length.set_value(7)
    qtbot.waitUntil(lambda: drawn.evaluation is None and quiet(drawn), timeout=10000)
    assert "has changed" in drawn.run_section.status
    assert "|F| [Pa] synthetic cell (sheet)" not in viewer.layers, "it was that of another cell"
    ask(qtbot, drawn)
    now = drawn.evaluation.numbers["total force [nN]"]
    assert now > before
    assert f"{100 * (now / before - 1):+.1f} %" in drawn.run_section.status
    drawn.edit_section.set_reference()
    assert "→" not in drawn.edit_section.headline


def test_live_asks_again_after_every_change_and_the_last_counts(qtbot, drawn: SyntheticPanel) -> None:
    drawn.ask_section.set_live(True)
    qtbot.waitUntil(lambda: drawn.evaluation is not None and quiet(drawn), timeout=20000)
    for length in (4, 5, 6, 7):
        drawn.drawing.adhesions.length.set_value(length)
    qtbot.waitUntil(lambda: quiet(drawn) and drawn.evaluation is not None, timeout=20000)
    qtbot.waitUntil(lambda: drawn.evaluation is not None and quiet(drawn), timeout=20000)
    assert drawn.evaluation.cell.config.adhesions.length == 7


def test_the_filter_answers_in_normalised_units(qtbot, drawn: SyntheticPanel) -> None:
    drawn.ask_section.choose("adhesion-filter")
    ask(qtbot, drawn)
    assert drawn.evaluation.unit == "normalised"
    assert "normalised" in drawn.edit_section.headline
    assert "never how hard" in drawn.run_section.status


def test_an_outline_can_be_edited_by_hand(qtbot, drawn: SyntheticPanel, viewer: ViewerModel) -> None:
    area = drawn.drawing.cell.outline.area
    drawn.drawing.outline.edit_button.click()
    qtbot.waitUntil(lambda: quiet(drawn), timeout=10000)
    layer = viewer.layers["outline by hand"]
    assert layer.mode == "direct", "the tool stays in the hand when the cell is drawn again"
    assert 5 < len(layer.data[0]) < 60
    assert drawn.drawing.cell.outline.area == pytest.approx(area, rel=0.05)
    corners = layer.data[0]
    layer.data = [corners.mean(axis=0) + 1.2 * (corners - corners.mean(axis=0))]
    qtbot.waitUntil(lambda: drawn.drawing.cell.outline.area > 1.3 * area, timeout=10000)


def test_adhesions_can_be_edited_by_hand(qtbot, drawn: SyntheticPanel, viewer: ViewerModel) -> None:
    count = len(drawn.drawing.cell.adhesions[0])
    drawn.drawing.adhesions.edit_button.click()
    layer = viewer.layers["adhesions by hand"]
    assert len(layer.data) == count
    layer.selected_data = {0}
    layer.remove_selected()
    qtbot.waitUntil(lambda: len(drawn.drawing.cell.adhesions[0]) == count - 1, timeout=10000)


def test_a_cell_can_be_painted(qtbot, drawn: SyntheticPanel, viewer: ViewerModel) -> None:
    drawn.paint()
    qtbot.waitUntil(lambda: quiet(drawn), timeout=10000)
    layer = viewer.layers["cell painted by hand"]
    area = drawn.drawing.cell.outline.area
    layer.brush_size = 12
    for x in range(20, 108, 4):
        layer.paint((64, x), 1)
    qtbot.waitUntil(lambda: drawn.drawing.cell.outline.area > area + 50, timeout=10000)


def refusals() -> list[tuple[list, str, str]]:
    crossing = TRIANGLE[[0, 1, 2, 0]] + [[0, 0], [0, 0], [0, 0], [30, 80]]
    return [
        ([(crossing, "polygon")], "crosses itself", "crossing"),
        ([(TRIANGLE, "path")], "open", "open"),
        ([(TRIANGLE * 3, "polygon")], "leaves the image", "outside"),
        ([(TRIANGLE, "polygon"), (TRIANGLE, "polygon")], "has 2 shapes", "two"),
        ([(TRIANGLE / 40, "polygon")], "smaller than one adhesion", "tiny"),
    ]


@pytest.mark.parametrize(("shapes", "words"), [r[:2] for r in refusals()], ids=[r[2] for r in refusals()])
def test_drawings_that_cannot_be_are_refused_in_words(
    qtbot, drawn: SyntheticPanel, viewer: ViewerModel, shapes: list, words: str
) -> None:
    layer = Shapes(shapes, scale=(0.68, 0.68), units=MICRON)
    drawn.drawing.outline.draw_by_hand(layer, "select")
    qtbot.waitUntil(lambda: quiet(drawn) and drawn.drawing.problem is not None, timeout=10000)
    assert words in drawn.run_section.status
    assert not drawn.run_section.ready


def test_a_cell_of_too_few_mesh_nodes_is_drawn_but_gets_no_forces(qtbot, drawn: SyntheticPanel) -> None:
    drawn.drawing.adhesions.length.set_value(1)
    drawn.drawing.outline.ways.setCurrentIndex(drawn.drawing.outline.ways.findData("circle"))
    layer = Shapes([(TRIANGLE / 9 + 40, "polygon")], scale=(0.68, 0.68), units=MICRON)
    drawn.drawing.outline.draw_by_hand(layer, "select")
    qtbot.waitUntil(lambda: quiet(drawn), timeout=10000)
    assert drawn.drawing.problem is None
    drawn.run_section.started.emit()
    qtbot.waitUntil(lambda: "mesh nodes" in drawn.run_section.status, timeout=10000)


def test_nothing_drawn_yet_is_no_mistake(drawn: SyntheticPanel) -> None:
    drawn.drawing.outline.ways.setCurrentIndex(drawn.drawing.outline.ways.findData("by hand"))
    assert drawn.run_section.status.startswith("No outline has been drawn yet")
    assert not drawn.run_section.ready


def test_a_scan_fills_curves_and_a_stack_to_scroll_through(
    qtbot, drawn: SyntheticPanel, viewer: ViewerModel, tmp_path: Path
) -> None:
    drawn.tabs.setCurrentIndex(1)
    drawn.scan_section.choose("area", 800, 1600, 3)
    assert drawn.run_section.button_label == "Scan cell area: 3 cells"
    drawn.run_section.started.emit()
    qtbot.waitUntil(lambda: drawn.curves.done == 3 and quiet(drawn), timeout=60000)
    stack = viewer.layers["scan of cell area zyxin"]
    assert stack.data.shape == (3, 128, 128)
    assert (stack.data.reshape(3, -1).max(axis=1) > 0).all()
    assert not viewer.layers["synthetic cell zyxin"].visible, "one cell at a time"
    drawn.curves.step_chosen.emit(0)
    assert viewer.dims.current_step[0] == 0
    drawn.curves.save(tmp_path)
    qtbot.waitUntil(lambda: (tmp_path / "scan_area_cell.json").exists(), timeout=20000)
    qtbot.waitUntil(lambda: not drawn.curves.saving.running, timeout=20000)


def test_stop_keeps_the_cells_that_are_done(qtbot, drawn: SyntheticPanel) -> None:
    drawn.tabs.setCurrentIndex(1)
    drawn.scan_section.choose("area", 800, 1600, 40)
    drawn.run_section.started.emit()
    qtbot.waitUntil(lambda: drawn.curves.done >= 2, timeout=60000)
    drawn.run_section.stop()
    assert drawn.run_section.status == "Stopping …"
    qtbot.waitUntil(lambda: quiet(drawn), timeout=20000)
    assert 2 <= drawn.curves.done < 40
    assert "what is done is kept" in drawn.run_section.status


def test_a_scan_of_nobody_or_nowhere_says_so(qtbot, drawn: SyntheticPanel) -> None:
    drawn.tabs.setCurrentIndex(1)
    drawn.scan_section.choose("area", 800, 800, 3)
    assert "two different numbers" in drawn.run_section.status
    drawn.scan_section.choose("aspect", 1, 3, 3)
    drawn.drawing.outline.ways.setCurrentIndex(drawn.drawing.outline.ways.findData("circle"))
    qtbot.waitUntil(lambda: "Choose the ellipse" in drawn.run_section.status, timeout=10000)
    assert not drawn.run_section.ready


def test_a_scan_in_which_no_cell_can_be_drawn_says_why(qtbot, drawn: SyntheticPanel) -> None:
    drawn.tabs.setCurrentIndex(1)
    drawn.scan_section.choose("area", 60000, 70000, 2)
    drawn.run_section.started.emit()
    qtbot.waitUntil(lambda: drawn.curves.done == 2 and quiet(drawn), timeout=20000)
    assert "leaves the image" in drawn.run_section.status


def test_an_answer_that_comes_too_late_is_not_shown(
    qtbot, drawn: SyntheticPanel, viewer: ViewerModel
) -> None:
    drawn.run_section.started.emit()
    drawn.drawing.adhesions.length.set_value(6)
    qtbot.waitUntil(lambda: quiet(drawn), timeout=20000)
    assert drawn.evaluation is None
    assert "|F| [Pa] synthetic cell (sheet)" not in viewer.layers


def test_settings_are_kept_between_sessions(open_panel) -> None:
    first = open_panel()
    first.drawing.adhesions.density.set_value(0.5)
    first.drawing.outline.corners.set_value(5)
    first.drawing.microscope.exposure.set_value(100)
    check_names(first.scan_section.model_list, ("fibres", "adhesion-filter"))
    first.scan_section.choose("length", 2, 5, 4)
    first.dispose()
    second = open_panel()
    assert second.drawing.adhesions.density.value == 0.5
    config = second.scan_section.config(second.drawing.drawing())
    assert config.values == (2, 3, 4, 5)
    assert config.models == ("fibres", "adhesion-filter")
    assert config.drawing.config.shape.corners == 5
    assert config.drawing.config.camera.exposure == 100
    second.reset()
    assert second.scan_section.models == ("sheet",)


def test_a_closed_panel_hears_nothing_more(panel: SyntheticPanel, viewer: ViewerModel) -> None:
    panel.dispose()
    for event in (
        viewer.layers.events.inserted,
        viewer.layers.events.removed,
        viewer.dims.events.current_step,
    ):
        owners = {type(getattr(ref(), "__self__", ref())).__module__ for ref, _ in event.callbacks if ref()}
        assert not any(owner.startswith("napari_cellforce.widgets") for owner in owners)


def test_of_many_requests_the_newest_is_done(qtbot) -> None:
    latest, done = DebouncedWorker(), []
    latest.done.connect(done.append)

    def work(i: int) -> int:
        time.sleep(0.05)
        return i

    for i in range(20):
        latest.submit(lambda i=i: work(i))
        qtbot.wait(5)
    qtbot.waitUntil(lambda: not latest.busy, timeout=5000)
    assert done[-1] == 19
    assert len(done) < 10, "those in between are never run"
    assert done == sorted(done)


def test_an_outline_survives_the_way_into_a_layer_and_back() -> None:
    cell = draw(CellConfig(shape=Shape(kind="blob", area=1500), side=128, pixel_size=0.68))
    back = outline_of(outline_layer(cell.outline, 0.68), 0.68)
    assert back.area == pytest.approx(cell.outline.area, rel=0.05)
    np.testing.assert_allclose(back.centroid, cell.outline.centroid, atol=0.5)


def test_adhesions_survive_the_way_into_a_layer_and_back() -> None:
    cell = draw(CellConfig(shape=Shape(area=1500), side=128, pixel_size=0.68))
    there = cell.adhesions[0]
    back = adhesions_of(adhesion_layer(there, 0.68, 1.0), cell.outline.centroid, 0.68, width=1.0)
    for name in ("centre", "length", "width", "intensity"):
        np.testing.assert_allclose(getattr(back, name), getattr(there, name), rtol=1e-4)
    np.testing.assert_allclose(np.tan(back.angle), np.tan(there.angle), rtol=1e-2)


def test_shapes_are_measured_in_micrometres_whatever_their_layer_counts_in() -> None:
    in_pixels = Shapes([(TRIANGLE, "polygon")])
    in_microns = Shapes([(TRIANGLE, "polygon")], scale=(0.5, 0.5), units=MICRON)
    shifted = Shapes([(TRIANGLE, "polygon")], scale=(0.5, 0.5), units=MICRON, translate=(3, 4))
    np.testing.assert_allclose(outline_of(in_pixels, 0.5).points, TRIANGLE / 2)
    np.testing.assert_allclose(outline_of(in_microns, 99).points, TRIANGLE / 2)
    np.testing.assert_allclose(outline_of(shifted, 99).points, TRIANGLE / 2 + [3, 4])


def test_an_ellipse_is_an_outline_of_its_area_and_an_adhesion_of_its_axes() -> None:
    box = np.array([[10.0, 10.0], [10.0, 50.0], [30.0, 50.0], [30.0, 10.0]])
    layer = Shapes([(box, "ellipse")], scale=(1, 1), units=MICRON)
    assert outline_of(layer, 1).area == pytest.approx(np.pi * 20 * 10, rel=1e-3)
    around = Outline(np.array([[0.0, 0.0], [0.0, 100.0], [100.0, 100.0], [100.0, 0.0]]))
    found = adhesions_of(layer, around.centroid, 1, width=9)
    assert (found.length[0], found.width[0]) == (40, 20)
    assert np.cos(found.angle[0]) > 0.99, "it points to the middle of the cell"


def test_a_polygon_is_no_adhesion() -> None:
    with pytest.raises(CellForceError, match="lines or ellipses"):
        adhesions_of(Shapes([(TRIANGLE, "polygon")]), np.zeros(2), 0.5, width=1)


def test_a_slider_and_its_box_agree(qtbot) -> None:
    slider = NumberSlider(0, 10, 2.5, "µm", 1)
    qtbot.addWidget(slider)
    with qtbot.waitSignal(slider.changed):
        slider.slider.setValue(100)
    assert slider.value == 5
    slider.set_value(7.3)
    assert slider.slider.value() == 146
    assert slider.value == 7.3, "the slider's steps do not round what was typed"


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [(100, 130, "+30.0 %"), (100, 50, "-50.0 %"), (100, 100.01, "±0 %"), (0, 5, "–"), (float("nan"), 5, "–")],
)
def test_changes_in_words(before: float, now: float, words: str) -> None:
    assert percent(before, now) == words


def test_angles_change_in_degrees_and_tiny_numbers_are_nothing() -> None:
    assert change("angle to the adhesions [°]", 20, 25) == "+5.0°"
    assert change("net / total force", 1e-4, 2e-4) == "–"
    assert format_number(1e-7) == "0"


def test_a_new_outline_is_not_drawn_over_the_one_before(
    qtbot, drawn: SyntheticPanel, viewer: ViewerModel
) -> None:
    outline = drawn.drawing.outline
    outline.edit_button.click()
    first = viewer.layers["outline by hand"]
    outline.start_drawing()
    second = viewer.layers[-1]
    assert (first.visible, second.visible) == (False, True)
    outline.start_painting()
    assert second not in viewer.layers, "nothing had been drawn in it"
    outline.ways.setCurrentIndex(0)
    assert not viewer.layers[-1].visible, "a rule draws the outline now"
    qtbot.waitUntil(lambda: quiet(drawn), timeout=10000)


def test_what_is_left_out_of_a_painted_cell_is_told(
    qtbot, drawn: SyntheticPanel, viewer: ViewerModel
) -> None:
    drawn.drawing.outline.start_painting()
    assert drawn.run_section.status.startswith("No cell has been painted yet"), "which is no mistake"
    painted = np.zeros((128, 128), np.uint8)
    painted[40:90, 20:60] = painted[40:90, 70:110] = painted[64, 60:70] = painted[100:110, 20:30] = 1
    viewer.layers[-1].data = painted
    note = drawn.drawing.note
    qtbot.waitUntil(lambda: "2 pieces are painted: the largest is the cell" in note.text(), timeout=10000)
    assert "takes it for 2 cells" in note.text()
    painted[40:90, 20:110], painted[100:] = 1, 0
    viewer.layers[-1].data = painted
    qtbot.waitUntil(lambda: not note.text(), timeout=10000)


def test_another_scan_replaces_the_one_before_and_shows_the_first_model(
    qtbot, drawn: SyntheticPanel, viewer: ViewerModel
) -> None:
    drawn.tabs.setCurrentIndex(1)
    check_names(drawn.scan_section.model_list, ("sheet", "adhesion-filter"))
    for parameter, low, high in (("area", 800, 1600), ("number", 10, 30)):
        drawn.scan_section.choose(parameter, low, high, 2)
        drawn.run_section.started.emit()
        qtbot.waitUntil(lambda: drawn.curves.done == 2 and quiet(drawn), timeout=60000)
    scans = {layer.name: layer.visible for layer in viewer.layers if "scan of" in layer.name}
    assert scans == {
        "scan of number of adhesions zyxin": True,
        "|F| [Pa] scan of number of adhesions (sheet)": True,
        "F [Pa] scan of number of adhesions (sheet)": True,
        "|F| [normalised] scan of number of adhesions (adhesion-filter)": False,
        "F [normalised] scan of number of adhesions (adhesion-filter)": False,
    }


def test_of_a_model_with_inner_fields_the_traction_alone_is_shown(
    qtbot, drawn: SyntheticPanel, viewer: ViewerModel
) -> None:
    drawn.ask_section.choose("sheet-filter")
    ask(qtbot, drawn)
    assert not [layer.name for layer in viewer.layers if layer.name.startswith("Y ")]
    assert "Y" in drawn.evaluation.result.scalars, "it has one"


def test_numbers_of_another_cell_are_not_left_standing(qtbot, drawn: SyntheticPanel) -> None:
    ask(qtbot, drawn)
    assert not drawn.edit_section.isHidden()
    drawn.drawing.adhesions.length.set_value(6)
    qtbot.waitUntil(lambda: drawn.evaluation is None and quiet(drawn), timeout=10000)
    assert drawn.edit_section.isHidden()


@pytest.mark.parametrize("intensity", [-1.0, np.inf, 1e9, "bright"])
def test_an_intensity_that_cannot_be_is_refused_by_name(intensity: float | str) -> None:
    line = np.array([[20.0, 20.0], [30.0, 20.0]])
    layer = Shapes([line], shape_type="line", name="mine", features={"intensity": [intensity]})
    with pytest.raises(CellForceError, match=r"“mine” has the intensity .*: it is a number from 0 to 1000"):
        adhesions_of(layer, np.zeros(2), 0.5, width=1)


def test_of_a_painted_movie_the_frame_that_is_looked_at_counts(
    qtbot, drawn: SyntheticPanel, viewer: ViewerModel
) -> None:
    movie = np.zeros((3, 128, 128), np.uint8)
    movie[1, 30:70, 30:70] = movie[2, 30:100, 30:100] = 1
    viewer.add_labels(movie, scale=(1, 0.68, 0.68), units=("pixel", *MICRON))
    for frame, side in ((1, 40), (2, 70)):
        viewer.dims.set_current_step(0, frame)
        drawn.drawing.outline.ways.setCurrentIndex(0)
        drawn.drawing.outline.ways.setCurrentIndex(drawn.drawing.outline.ways.findData("by hand"))
        qtbot.waitUntil(lambda: quiet(drawn), timeout=10000)
        assert drawn.drawing.cell.outline.area == pytest.approx((side * 0.68) ** 2, rel=0.02)


def test_a_panel_opened_again_draws_in_place_of_the_one_closed(
    qtbot, open_panel, drawn: SyntheticPanel, viewer: ViewerModel
) -> None:
    ask(qtbot, drawn)
    viewer.add_image(viewer.layers[0].data, name="my copy", metadata=dict(viewer.layers[0].metadata))
    drawn.dispose()
    again = open_panel()
    again.run_section.started.emit()
    qtbot.waitUntil(lambda: again.cell_view.shown, timeout=10000)
    assert [layer.name for layer in viewer.layers] == ["synthetic cell zyxin", "my copy"]


@pytest.mark.parametrize(
    "begin", [SyntheticPanel.paint, lambda panel: panel.drawing.outline.edit_button.click()]
)
def test_rules_that_draw_no_cell_are_refused_in_words_before_it_is_edited(
    panel: SyntheticPanel, viewer: ViewerModel, begin: Callable[[SyntheticPanel], None]
) -> None:
    panel.drawing.outline.area.set_value(9000)
    begin(panel)
    assert "leaves the image" in panel.run_section.status
    assert not viewer.layers
    panel.drawing.outline.start_drawing()
    assert panel.run_section.status.startswith("No outline has been drawn yet"), "a hand may do better"


def test_a_drawn_cell_lies_on_top_of_other_images_and_below_drawings(
    qtbot, panel: SyntheticPanel, viewer: ViewerModel
) -> None:
    viewer.add_image(np.ones((9, 9)), name="mine")
    viewer.add_shapes(name="sketch", ndim=2)
    panel.run_section.started.emit()
    qtbot.waitUntil(lambda: panel.cell_view.shown, timeout=10000)
    assert [layer.name for layer in viewer.layers] == ["mine", "synthetic cell zyxin", "sketch"]


def test_an_outline_by_hand_is_not_shown_on_the_cells_of_a_scan(
    qtbot, drawn: SyntheticPanel, viewer: ViewerModel
) -> None:
    drawn.drawing.outline.edit_button.click()
    qtbot.waitUntil(lambda: quiet(drawn), timeout=10000)
    drawn.tabs.setCurrentIndex(1)
    drawn.scan_section.choose("area", 800, 1600, 2)
    drawn.run_section.started.emit()
    qtbot.waitUntil(lambda: drawn.curves.done == 2 and quiet(drawn), timeout=60000)
    assert not viewer.layers["outline by hand"].visible
    drawn.drawing.adhesions.length.set_value(5)
    qtbot.waitUntil(lambda: quiet(drawn), timeout=10000)
    assert viewer.layers["outline by hand"].visible
    assert not viewer.layers["scan of cell area zyxin"].visible
