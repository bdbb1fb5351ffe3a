"""A folder is dropped, its plan is shown with what is wrong, and it is worked through."""

from __future__ import annotations

import dataclasses
import shlex
import threading

import pytest
from qtpy.QtCore import QCoreApplication, QEvent, QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QApplication, QFileDialog, QLineEdit, QPushButton, QScrollArea, QTableWidget

from napari_cellforce.batch import BatchConfig, execute
from napari_cellforce.io import write_stack
from napari_cellforce.io.measured import MeasuredLayout
from napari_cellforce.predict import PredictConfig, RunConfig
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.batch.folder_section import BatchFolderSection
from napari_cellforce.widgets.batch.panel import BatchPanel
from napari_cellforce.zoo import DEFAULT_MODEL

PATIENCE = 60_000


@pytest.fixture
def folder(tmp_path, make_movie):
    """Two movies, and a file that is none."""
    inputs = tmp_path / "my cells"
    for n in (1, 2):
        write_stack(inputs / f"cell {n}.tif", make_movie(frames=n + 1, name=f"cell {n}"))
    (inputs / "broken.tif").write_text("no image")
    return inputs


@pytest.fixture
def make_panel(viewer, tmp_path):
    panels = []

    def make() -> BatchPanel:
        memory = Memory(tmp_path / "panels.json")
        panels.append(BatchPanel(viewer, memory=memory, preferences=Preferences()))
        return panels[-1]

    yield make
    for panel in panels:
        panel.dispose()
        panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def panel(make_panel):
    return make_panel()


def button(panel, start) -> QPushButton:
    buttons = panel.findChildren(QPushButton)
    (found,) = [b for b in buttons if b.text().startswith(start) and b.isVisibleTo(panel)]
    return found


def states(panel) -> list[str]:
    table = panel.findChild(QTableWidget)
    return [table.item(i, 3).text() for i in range(table.rowCount())]


def words(panel) -> str:
    return panel.run_section.status


def drop(panel, folder) -> None:
    """Drop a folder on the panel, as from a file manager."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    event = QDropEvent(QPointF(5, 5), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier)
    panel.findChild(BatchFolderSection).dropEvent(event)


def look(panel, qtbot, folder) -> None:
    drop(panel, folder)
    qtbot.waitUntil(lambda: panel.runner.plan is not None and not panel.runner.planning, timeout=PATIENCE)


def finish(panel, qtbot) -> None:
    qtbot.waitUntil(lambda: not panel.runner.running, timeout=PATIENCE)


def test_an_empty_panel_asks_for_a_folder(panel):
    assert "No folder is chosen yet" in words(panel)
    assert not button(panel, "Predict").isEnabled()


def test_problems_are_told_before_anything_is_done(panel, qtbot, folder):
    look(panel, qtbot, folder)
    assert states(panel) == ["⚠ problem", "to do", "to do"]
    assert button(panel, "Predict").text() == "Predict 2 of 3 images"
    assert "3 images: 2 to do, 1 with a problem" in words(panel)
    assert not (folder / "cellforce-results").exists()


def test_results_of_two_folders_are_not_mixed(panel, tmp_path):
    section = panel.findChild(BatchFolderSection)
    here, there = tmp_path / "day 1", tmp_path / "day 2"
    base = BatchConfig("", "", (DEFAULT_MODEL,))
    section.show_config(dataclasses.replace(base, folder=str(here), out=str(tmp_path / "results of day 1")))
    assert section.config(base).out == str(tmp_path / "results of day 1")
    line = next(line for line in section.findChildren(QLineEdit) if line.text() == str(here))
    line.setText(str(there))
    line.editingFinished.emit()
    assert section.config(base).out == str(there / "cellforce-results")
    drop(panel, tmp_path)
    assert section.config(base).out == str(tmp_path / "cellforce-results")


def test_the_folder_is_worked_through_and_a_result_opened(panel, qtbot, folder, viewer):
    look(panel, qtbot, folder)
    button(panel, "Predict").click()
    assert not button(panel, "Predict").isEnabled()
    finish(panel, qtbot)
    assert states(panel) == ["⚠ problem", "✓ finished", "✓ finished"]
    assert "2 done, 1 failed" in words(panel)
    assert button(panel, "Open report").isEnabled()
    assert not button(panel, "Open result").isEnabled(), "none is selected"
    panel.findChild(QTableWidget).selectRow(1)
    button(panel, "Open result").click()
    assert {layer.name for layer in viewer.layers} >= {
        "cell 1 zyxin",
        f"|F| [normalised] cell 1 ({DEFAULT_MODEL})",
    }


def test_what_was_finished_before_napari_was_closed_is_not_done_again(make_panel, qtbot, folder):
    first = make_panel()
    look(first, qtbot, folder)
    button(first, "Predict").click()
    finish(first, qtbot)
    first.dispose()
    second = make_panel()
    qtbot.waitUntil(lambda: "already finished" in words(second), timeout=PATIENCE)
    assert states(second) == ["⚠ problem", "✓ finished", "✓ finished"]
    assert not button(second, "All images are finished").isEnabled()


@pytest.fixture
def slow(monkeypatch):
    """Every prediction waits until it is let go."""
    gate = threading.Semaphore(0)
    ours = execute.TaskRunner.run_step

    def waiting(*arguments):
        for record in ours(*arguments):
            assert gate.acquire(timeout=PATIENCE / 1000)
            yield record

    monkeypatch.setattr(execute.TaskRunner, "run_step", waiting)
    yield gate
    gate.release(1000)


def test_stop_finishes_the_image_and_keeps_the_rest_for_later(panel, qtbot, folder, slow):
    look(panel, qtbot, folder)
    button(panel, "Predict").click()
    slow.release()
    qtbot.waitUntil(lambda: "/" in states(panel)[1], timeout=PATIENCE)
    button(panel, "Stop").click()
    assert "Stopping after this image" in words(panel)
    slow.release(1000)
    finish(panel, qtbot)
    assert states(panel)[1:] == ["✓ finished", "to do"]
    assert button(panel, "Predict").text() == "Predict 1 of 3 images"


def test_cancel_ends_at_once_and_what_was_begun_can_be_done_again(panel, qtbot, folder, slow):
    look(panel, qtbot, folder)
    button(panel, "Predict").click()
    slow.release()
    qtbot.waitUntil(lambda: "/" in states(panel)[1], timeout=PATIENCE)
    button(panel, "Cancel now").click()
    slow.release(1)
    finish(panel, qtbot)
    assert "2 remaining" in words(panel)
    slow.release(1000)
    button(panel, "Predict").click()
    finish(panel, qtbot)
    assert states(panel)[1:] == ["✓ finished", "✓ finished"]


def test_a_folder_that_another_run_writes_to_is_refused(panel, qtbot, folder, notifications):
    from napari_cellforce.resume import locked

    look(panel, qtbot, folder)
    with locked(folder / "cellforce-results"):
        button(panel, "Predict").click()
        finish(panel, qtbot)
    assert any("another batch" in told for told in notifications)


def test_the_command_and_the_script_are_copied(panel, qtbot, folder):
    look(panel, qtbot, folder)
    button(panel, "Copy as command").click()
    copied = QApplication.clipboard().text()
    assert shlex.split(copied)[:3] == ["cellforce", "batch", str(folder)]
    button(panel, "Copy as Python").click()
    names: dict = {}
    exec(QApplication.clipboard().text().replace("__main__", "never"), names)
    assert names["config"] == panel.config()


def test_settings_survive_a_file(panel, qtbot, folder, tmp_path, monkeypatch):
    drop(panel, folder)
    given = dataclasses.replace(
        panel.config(),
        pattern="cell*",
        recursive=True,
        mask_pattern="*_m.tif",
        workers=2,
        models=("adhesion-filter", "sheet-filter"),
        predict=PredictConfig(
            run=RunConfig("adhesion-filter", backend="eager", pixel_size=0.25, z="max", threads=2)
        ),
        explain=("fields", "probes"),
        compare="../tfm/*.csv",
        measured=MeasuredLayout("kPa", "µm", 0.2, 1.5, 2.0, True, True, True, 0.5),
    )
    panel.show_config(given)
    assert panel.config() == given
    path = str(tmp_path / "settings.json")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (path, ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (path, ""))
    button(panel, "Save settings").click()
    button(panel, "Reset").click()
    assert "No folder" in words(panel)
    button(panel, "Load settings").click()
    assert panel.config() == given
    assert BatchConfig.from_json((tmp_path / "settings.json").read_text()) == given


def test_a_changed_setting_is_a_new_plan(panel, qtbot, folder):
    look(panel, qtbot, folder)
    panel.show_config(dataclasses.replace(panel.config(), pattern="cell 2*"))
    assert panel.runner.plan is None
    qtbot.waitUntil(lambda: states(panel) == ["to do"], timeout=PATIENCE)


def test_closing_the_panel_ends_the_work(make_panel, qtbot, folder, slow):
    panel = make_panel()
    look(panel, qtbot, folder)
    button(panel, "Predict").click()
    slow.release()
    qtbot.waitUntil(lambda: "/" in states(panel)[1], timeout=PATIENCE)
    panel.dispose()
    slow.release(1000)
    holder = folder / "cellforce-results" / ".cellforce" / "lock.json"
    qtbot.waitUntil(lambda: not holder.exists(), timeout=PATIENCE)


def test_the_panel_is_as_narrow_as_the_others_and_nothing_in_it_is_cut_off(panel):
    assert panel.minimumSizeHint().width() <= 350
    content = panel.findChild(QScrollArea).widget()
    assert content.minimumSizeHint().width() <= 350 - 14, "a bar to scroll needs room too"
