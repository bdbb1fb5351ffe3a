"""Cells are dropped, a model learns from them in a process of its own, and is used."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication, QEvent, QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDesktopServices, QDropEvent
from qtpy.QtWidgets import QDialogButtonBox, QFileDialog, QPushButton, QTableWidget

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.unet import UNet, UNetConfig
from napari_cellforce.train import Calibration, Epoch, Step, TrainResult
from napari_cellforce.train.preview import Preview
from napari_cellforce.train.subprocess_run import Preparing, ScaledModel, WarningRecord
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.train.data_section import TrainDataSection
from napari_cellforce.widgets.train.file_picker import FilePickerDialog, PatternDialog
from napari_cellforce.widgets.train.panel import TrainPanel

PATIENCE = 120_000
SIDE = 48


def a_cell(seed: int) -> np.ndarray:
    """A frame in the authors' layout: a round cell whose bright spots pull to its middle."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((SIDE, SIDE), dtype=float) - (SIDE - 1) / 2
    mask = np.hypot(y, x) < 16
    spots = sum(
        np.exp(-((y - 12 * np.sin(a)) ** 2 + (x - 12 * np.cos(a)) ** 2) / 6)
        for a in rng.uniform(0, 2 * np.pi, 9)
    )
    zyxin = 100 + mask * (50 + 300 * spots) + rng.normal(0, 2, (SIDE, SIDE))
    fx, fy = (-1000 * mask * spots * towards / 16 for towards in (x, y))
    return np.stack([0 * x, 0 * x, fx, fy, mask, mask, zyxin]).astype(np.float32)


@pytest.fixture
def cells(tmp_path) -> Path:
    """Four cells of two frames."""
    return write_cells(tmp_path / "my cells", 4)


def write_cells(root: Path, number: int) -> Path:
    for cell in range(number):
        folder = root / f"cell_{cell}"
        folder.mkdir(parents=True)
        for frame in range(2):
            np.save(folder / f"frame_{frame}.npy", a_cell(10 * cell + frame))
    return root


class Tutor:
    """Stands for the process that trains: tells what it is asked to, and hears orders."""

    def __init__(self, task, config, folder, model_folder) -> None:
        self.task, self.config, self.folder = task, config, folder
        self.orders: list[str] = []
        self.may_end = threading.Event()
        self.error: Exception | None = None
        del model_folder

    def records(self):
        yield Preparing("Preparing frames", 1, 2)
        if self.task.startswith("scale"):
            offset = -12 if "offset" in self.task else 0
            yield ScaledModel(
                a_model(self.folder / "my-model.safetensors"), Calibration(321, offset, 0.5, 4, 8)
            )
            return
        rows = []
        for epoch, loss in enumerate((1.0, 0.5)):
            yield Step(epoch, epoch + 1, 4, loss)
            rows.append({"epoch": epoch, **values(loss)})
            yield Epoch(epoch, values(loss), True, 1.0)
            yield preview(1000.0 * epoch)
        yield WarningRecord("the validation loss rises")
        self.may_end.wait(PATIENCE / 1000)
        if self.error:
            raise self.error
        finished = "stop" not in self.orders
        yield TrainResult(a_model(self.folder / "my-model.safetensors"), self.folder, tuple(rows), finished)

    def pause(self) -> None:
        self.orders.append("pause")

    def resume(self) -> None:
        self.orders.append("go on")

    def stop(self) -> None:
        self.orders.append("stop")
        self.may_end.set()

    def kill(self) -> None:
        self.orders.append("abandon")
        self.may_end.set()


def values(loss: float) -> dict[str, float]:
    measured = {"vector R2": 1 - loss, "vector R2 scaled": 0.8, "r of |F|": 0.9, "angle error [deg]": 12.0}
    return {"loss": loss, "validation loss": 2 * loss, **measured}


def preview(strength: float) -> Preview:
    frame = a_cell(0)
    measured = frame[[3, 2]]
    mask = frame[4] > 0
    predicted = strength * np.stack([mask, mask]).astype(np.float32)
    return Preview("cell_2", frame[6], mask, measured, predicted, "Pa", 0.68)


def a_model(path: Path) -> Path:
    from napari_cellforce.models import checkpoint

    path.parent.mkdir(parents=True, exist_ok=True)
    module = UNet(UNetConfig(in_channels=1, width=4, levels=1, scale=2))
    record = ModelRecord("my-model", "unet", output_unit="Pa", training_data="8 frames of 4 cells.")
    return checkpoint.save(path, module, record)


@pytest.fixture
def tutors():
    return []


@pytest.fixture
def make_panel(viewer, tmp_path, qtbot, tutors):
    panels = []

    def make(**settings) -> TrainPanel:
        def start(*order):
            tutors.append(Tutor(*order))
            return tutors[-1]

        settings = {"start_run": start, **settings}
        memory = Memory(tmp_path / "panels.json")
        panel = TrainPanel(viewer, memory=memory, preferences=Preferences(), **settings)
        panels.append(panel)
        qtbot.waitUntil(lambda: panel.ready, timeout=PATIENCE)
        return panel

    yield make
    for panel in panels:
        panel.dispose()
        panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def panel(make_panel) -> TrainPanel:
    return make_panel()


def button(panel, start) -> QPushButton:
    (found,) = [
        b for b in panel.findChildren(QPushButton) if b.text().startswith(start) and b.isVisibleTo(panel)
    ]
    return found


def column(panel, number) -> list[str]:
    table = panel.findChild(QTableWidget)
    return [table.item(i, number).text() for i in range(table.rowCount())]


def words(panel) -> str:
    return panel.run_section.status


def drop(panel, qtbot, *paths) -> None:
    """Drop folders on the panel, and wait until they are read; their pixel size is typed in."""
    panel.data.pixel_box.setValue(0.68)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(QPointF(5, 5), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier)
    panel.findChild(TrainDataSection).dropEvent(event)
    read(panel, qtbot)


def read(panel, qtbot) -> None:
    data = panel.data
    qtbot.waitUntil(lambda: data.has_read, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not data.reading.running, timeout=PATIENCE)


def train(panel, qtbot, tutors, passes: int = 2) -> Tutor:
    button(panel, "Fine-tune").click()
    qtbot.waitUntil(lambda: len(panel.learning.curves.rows) == passes, timeout=PATIENCE)
    return tutors[-1]


def ended(panel, qtbot) -> None:
    qtbot.waitUntil(lambda: not panel.run.running, timeout=PATIENCE)


def test_an_empty_panel_says_what_it_is_for_and_offers_cells_to_try(panel):
    assert "Drop their folder here" in words(panel)
    assert not panel.run_section.ready
    assert button(panel, "Try it on simulated cells").isEnabled()


def test_dropped_cells_are_listed_with_what_they_are_used_for(panel, qtbot, cells):
    drop(panel, qtbot, cells)
    assert column(panel, 0) == [f"cell_{i}" for i in range(4)]
    assert sorted(column(panel, 3)) == ["check", "learn", "learn", "learn"]
    assert panel.run_section.button_label == "Fine-tune unet-sim on 4 cells"
    assert panel.run_section.ready


def test_problems_stand_beside_their_cells_and_the_others_are_used(panel, qtbot, cells):
    frame = a_cell(1)
    frame[2] = np.nan
    for number in range(2):
        np.save(cells / "cell_1" / f"frame_{number}.npy", frame)
    drop(panel, qtbot, cells)
    assert column(panel, 3)[1] == "⚠ the traction has NaN or infinite values"
    assert "cell_1: the traction has NaN" in panel.data.message.text()
    assert panel.run_section.button_label == "Fine-tune unet-sim on 3 cells"


def test_a_cell_is_left_out_by_its_box(panel, qtbot, cells, tutors):
    drop(panel, qtbot, cells)
    tick(panel, 2, Qt.Unchecked)
    assert column(panel, 3)[2] == "left out"
    assert panel.run_section.button_label == "Fine-tune unet-sim on 3 cells"
    tutor = train(panel, qtbot, tutors)
    assert tutor.config.data.exclude == ("cell_2",)
    tutor.may_end.set()
    ended(panel, qtbot)
    for row in range(4):
        tick(panel, row, Qt.Unchecked)
    assert "No cell is ticked" in words(panel)


def tick(panel, row, state) -> None:
    panel.findChild(QTableWidget).item(row, 0).setCheckState(state)


def test_cells_are_kept_aside_in_turn_or_by_a_stretch_of_time(panel, qtbot, cells):
    drop(panel, qtbot, cells)
    split = panel.settings.split
    asides = []
    for part in range(4):
        split.cells_list.setCurrentText(f"part {part + 1} of 4")
        uses = zip(column(panel, 0), column(panel, 3), strict=True)
        asides += [name for name, use in uses if use == "check"]
    assert sorted(asides) == [f"cell_{i}" for i in range(4)]
    for text, said in (("1-1", ""), ("5-9", "no frame to validate with"), ("soon", "two numbers")):
        split.frames_line.setText(text)
        split.frames_line.editingFinished.emit()
        assert said in words(panel)
        assert panel.run_section.ready == (not said)


def test_files_named_by_a_pattern(panel, qtbot, tmp_path, cells, monkeypatch):
    folder = write_files(tmp_path / "ours", cells)
    dialog = PatternDialog(str(folder))
    qtbot.addWidget(dialog)
    accept = dialog.buttons.button(QDialogButtonBox.Ok)
    assert "no file" in dialog.message.text()
    assert not accept.isEnabled()
    for name, line in dialog.lines.items():
        line.setText("" if name == "displacement" else f"{{cell}}_{name}.ome.tif")
    assert "4 cells: cell_0" in dialog.message.text()
    assert accept.isEnabled()
    panel.data.places.choose([dialog.folder], dialog.patterns)
    read(panel, qtbot)
    assert column(panel, 0) == [f"cell_{i}" for i in range(4)]
    assert panel.whole_config().data.patterns == dialog.patterns


def test_files_picked_one_by_one_become_a_table(panel, qtbot, tmp_path, cells):
    folder = write_files(tmp_path / "ours", cells)
    dialog = FilePickerDialog()
    qtbot.addWidget(dialog)
    save = dialog.buttons.button(QDialogButtonBox.Save)
    for kind in ("image", "mask", "traction"):
        assert not save.isEnabled()
        dialog.pick(kind, sorted(map(str, folder.glob(f"*_{kind}.ome.tif")), reverse=kind == "mask"))
    assert save.isEnabled()
    dialog.save(str(folder / "cells.csv"))
    panel.data.add_sources([dialog.table])
    read(panel, qtbot)
    assert column(panel, 0) == [f"cell_{i}_image" for i in range(4)]
    assert panel.run_section.ready


def write_files(folder: Path, cells: Path) -> Path:
    """Write the same cells as image, mask and traction files."""
    from napari_cellforce import io
    from napari_cellforce.io.cell_index import find_cells, open_cell

    folder.mkdir()
    for source in find_cells(cells, 0.68):
        cell = open_cell(source)
        io.write_stack(folder / f"{source.cell}_image.ome.tif", cell.image)
        io.write_mask(folder / f"{source.cell}_mask.ome.tif", cell.mask)
        io.write_field(folder / f"{source.cell}_traction.ome.tif", cell.traction)
    return folder


def test_all_cells_can_be_looked_at_on_a_page(panel, qtbot, cells, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    drop(panel, qtbot, cells)
    button(panel, "Look at them").click()
    qtbot.waitUntil(lambda: bool(opened), timeout=PATIENCE)
    assert "4 of 4 cells" in opened[0].read_text(encoding="utf-8")


def test_one_cell_cannot_be_split_but_gives_the_scale(panel, qtbot, tmp_path, tutors):
    drop(panel, qtbot, write_cells(tmp_path / "lonely", 1))
    assert not panel.run_section.ready
    assert "calibrate only the scale" in words(panel)
    panel.settings.start.parts.setCurrentText("the scale in Pa only")
    button(panel, "Find the scale of unet-sim on 1 cell").click()
    ended(panel, qtbot)
    assert tutors[0].task == "scale"
    assert "One unit of the model is 321 Pa" in words(panel)


def test_the_scale_may_be_found_with_an_offset(panel, qtbot, cells, tutors):
    drop(panel, qtbot, cells)
    panel.settings.start.parts.setCurrentText("the scale in Pa and an offset")
    button(panel, "Find the scale of unet-sim on 4 cells").click()
    ended(panel, qtbot)
    assert tutors[0].task == "scale and offset"
    assert "321 Pa in your cells, less 12 Pa" in words(panel)


def test_cells_without_pixel_size_are_refused_until_it_is_typed_in(panel, qtbot, cells):
    panel.data.add_sources([str(cells)])
    read(panel, qtbot)
    assert not panel.run_section.ready
    assert "pixel size" in panel.data.message.text()
    panel.data.pixel_box.setValue(0.68)
    read(panel, qtbot)
    assert panel.run_section.ready


def test_what_is_no_data_set_is_refused_in_words(panel, qtbot, tmp_path):
    (tmp_path / "holiday").mkdir()
    drop(panel, qtbot, tmp_path / "holiday")
    assert not panel.run_section.ready
    assert "contains no cells" in words(panel)


def test_the_form_makes_the_config(panel, qtbot, cells, tutors):
    drop(panel, qtbot, cells)
    panel.settings.start.parts.setCurrentText("the last layer")
    panel.settings.epochs.setValue(7)
    panel.settings.start.name_line.setText("ours")
    panel.settings.start.name_line.editingFinished.emit()
    tutor = train(panel, qtbot, tutors)
    config = tutor.config
    assert (config.start_from, config.trainable, config.name) == ("unet-sim", "head", "ours")
    assert (config.optimise.epochs, config.data.pixel_size) == (7, 0.68)
    assert config.data.sources == (str(cells),)
    tutor.may_end.set()
    ended(panel, qtbot)


def test_a_name_that_is_taken_is_refused(panel, qtbot, cells):
    drop(panel, qtbot, cells)
    panel.settings.start.name_line.setText("unet-sim")
    panel.settings.start.name_line.editingFinished.emit()
    assert not panel.run_section.ready
    assert "There is a model called unet-sim" in words(panel)


def test_curves_and_a_cell_kept_aside_are_shown_while_it_trains(panel, qtbot, cells, tutors, viewer):
    drop(panel, qtbot, cells)
    tutor = train(panel, qtbot, tutors)
    qtbot.waitUntil(lambda: bool(panel.learning.caution.text()), timeout=PATIENCE)
    assert "The validation loss rises" in panel.learning.caution.text()
    assert [row["loss"] for row in panel.learning.curves.rows] == [1.0, 0.5]
    (shown,) = [layer for layer in viewer.layers if layer.name == "|F| [Pa] cell_2 (predicted)"]
    assert shown.data.max() == pytest.approx(1000 * np.sqrt(2)), "the second pass replaced the first"
    assert sum("captions" in layer.name for layer in viewer.layers) == 1
    tutor.may_end.set()
    ended(panel, qtbot)


def test_pause_stop_and_go_on(panel, qtbot, cells, tutors):
    drop(panel, qtbot, cells)
    tutor = train(panel, qtbot, tutors)
    button(panel, "Pause").click()
    button(panel, "Go on").click()
    button(panel, "Stop").click()
    ended(panel, qtbot)
    assert tutor.orders == ["pause", "go on", "stop"]
    assert "the best state is kept" in words(panel)
    button(panel, "Go on with pass 3 of 40").click()
    qtbot.waitUntil(lambda: len(tutors) == 2, timeout=PATIENCE)
    assert (tutors[1].task, tutors[1].folder) == ("resume", tutor.folder)
    tutors[1].may_end.set()
    ended(panel, qtbot)
    assert "Done after 2 passes" in words(panel)


def test_an_error_of_the_run_is_told_where_the_eye_is(panel, qtbot, cells, tutors):
    drop(panel, qtbot, cells)
    tutor = train(panel, qtbot, tutors)
    tutor.error = CellForceError("memory ran out", "the network needs more", "Take fewer frames in a step.")
    tutor.may_end.set()
    ended(panel, qtbot)
    assert "Take fewer frames in a step" in words(panel)
    assert panel.run_section.ready


def test_what_was_trained_is_used_and_exported(panel, qtbot, cells, tutors, tmp_path, monkeypatch):
    drop(panel, qtbot, cells)
    train(panel, qtbot, tutors).may_end.set()
    ended(panel, qtbot)
    assert "8 frames of 4 cells" in panel.learning.outcome.card.text()
    target = tmp_path / "for a colleague.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    button(panel, "Export").click()
    assert target.read_bytes() == panel.learning.outcome.model.read_bytes()
    with qtbot.waitSignal(panel.learning.outcome.used, timeout=PATIENCE):
        button(panel, "Use it now").click()
    assert zoo.entry("my-model").output == "Pa"
    assert panel.settings.start.start_list.findText("my-model") >= 0, "it can be trained further"


def test_closing_the_panel_ends_the_run_and_remembers_the_data(make_panel, qtbot, cells, tutors):
    panel = make_panel()
    drop(panel, qtbot, cells)
    tutor = train(panel, qtbot, tutors)
    panel.dispose()
    assert tutor.orders == ["abandon"]
    again = make_panel()
    assert again.data.sources == (str(cells),)
    read(again, qtbot)


@pytest.mark.slow
def test_a_real_training_in_its_own_process(make_panel, qtbot, cells):
    from napari_cellforce.widgets.train.run import start_run

    panel = make_panel(start_run=start_run)
    drop(panel, qtbot, cells)
    panel.settings.epochs.setValue(2)
    panel.settings.start.parts.setCurrentText("the last layer")
    button(panel, "Fine-tune unet-sim on 4 cells").click()
    qtbot.waitUntil(lambda: panel.learning.outcome.model is not None, timeout=3 * PATIENCE)
    ended(panel, qtbot)
    assert "Done after 2 passes" in words(panel)
    assert panel.learning.outcome.model.is_file()
