"""The microscope writes, the layers grow, the curve is drawn, and the user may look elsewhere meanwhile."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QApplication

from napari_cellforce import io
from napari_cellforce.batch import BatchConfig
from napari_cellforce.errors import CellForceError
from napari_cellforce.predict import PredictConfig, RunConfig
from napari_cellforce.watch import WatchConfig
from napari_cellforce.widgets.batch import watch_section
from napari_cellforce.widgets.batch.watch_section import WatchSection, watch_config


class Microscope:
    """Writes one file a frame."""

    def __init__(self, folder: Path, movie) -> None:
        self._folder, self.movie = folder, movie
        self.written = 0
        folder.mkdir()

    def write(self, frames: int = 1) -> None:
        for t in range(self.written, self.written + frames):
            one = dataclasses.replace(self.movie, data=self.movie.data[t : t + 1])
            io.write_stack(self._folder / f"t{t:03d}.tif", one)
        self.written += frames


@pytest.fixture
def scope(tmp_path, make_movie):
    return Microscope(tmp_path / "run", make_movie(frames=6))


@pytest.fixture
def hand(viewer, tmp_path, hand_for, monkeypatch):
    """The section, with a folder chosen and no patience for looks at it."""

    def config(settle: float) -> WatchConfig:
        return WatchConfig(
            str(tmp_path / "run"),
            str(tmp_path / "out"),
            predict=PredictConfig(run=RunConfig("adhesion-filter")),
            settle=min(settle, 0.1),
            every=0.1,
        )

    section = WatchSection(viewer, config)
    yield hand_for(section)
    section.dispose()
    section.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def magnitude(viewer):
    return next(layer for layer in viewer.layers if layer.name.startswith("|F|"))


def test_the_layers_grow_with_the_movie(hand, viewer, scope):
    hand.press("Follow")
    hand.wait_for("No frames yet")
    scope.write()
    hand.wait_for("1 of run")
    scope.write(2)
    hand.wait_for("3 of run. Waiting for the next frame")
    assert hand.reads("where the cell pulls, not how strongly"), "of this model"
    image, traction, _ = viewer.layers
    assert len(image.data) == len(traction.data) == 3
    assert viewer.dims.current_step[0] == 2, "the newest frame is looked at"
    assert image.units == traction.units
    assert not hand.panel.plot.isHidden()
    hand.press("Stop")
    hand.wait_for("All predicted frames are saved")
    assert hand.button("Follow").isEnabled()


def test_what_is_shown_is_what_is_saved(hand, viewer, scope, tmp_path):
    scope.write(2)
    hand.press("Follow")
    hand.wait_for("2 of run. Waiting")
    hand.press("Stop")
    hand.wait_for("saved")
    saved = io.read_field(tmp_path / "out" / "run_traction.ome.tif")
    shown = magnitude(viewer)
    np.testing.assert_allclose(np.asarray(shown.data), saved.magnitude(), rtol=1e-6)
    np.testing.assert_array_equal(shown.metadata["cellforce"]["field"].data, saved.data)


def test_who_looks_at_an_earlier_frame_is_left_there(hand, viewer, scope):
    scope.write(2)
    hand.press("Follow")
    hand.wait_for("2 of run. Waiting")
    viewer.dims.set_current_step(0, 0)
    scope.write()
    hand.wait_for("3 of run. Waiting")
    assert viewer.dims.current_step[0] == 0
    hand.press("Stop")
    hand.wait_for("saved")


def test_a_movie_that_is_gone_on_with_comes_with_what_was_made_before(hand, viewer, scope, tmp_path):
    scope.write(2)
    for words in ("2 of run. Waiting", "3 of run. Waiting"):
        hand.press("Follow")
        if scope.written == 2 and "3" in words:
            scope.write()
        hand.wait_for(words)
        hand.press("Stop")
        hand.wait_for("saved")
    shown = viewer.layers[-2]
    assert len(shown.data) == 3
    assert shown.data[0].max() > 0
    assert len(pd.read_csv(tmp_path / "out" / "run_summary.csv")) == 3


def test_what_cannot_be_used_is_told_and_the_rest_goes_on(hand, scope, tmp_path):
    scope.movie.data[1] = 100
    scope.write(3)
    hand.press("Follow")
    hand.wait_for("2 of run. Waiting")
    assert hand.reads("frame 1: ")
    assert hand.reads("everywhere")
    hand.press("Stop")
    hand.wait_for("saved")


def test_a_folder_that_is_not_there_is_told_on_the_panel(hand):
    hand.press("Follow")
    hand.wait_for("is no folder")
    assert hand.button("Follow").isEnabled()


def test_what_is_missing_is_said_before_anything_begins(hand):
    def nothing(_settle: float) -> WatchConfig:
        raise CellForceError("No folder is chosen yet", "your images are in it", "Drop it here.")

    hand.panel.make_config = nothing
    hand.press("Follow")
    assert hand.reads("No folder is chosen yet")
    assert not hand.panel.running


def test_the_command_is_what_the_section_does(hand, tmp_path):
    hand.press("Copy command")
    text = QApplication.clipboard().text()
    assert text.startswith("cellforce watch ")
    assert str(tmp_path / "run") in text


def test_closing_the_panel_ends_it_with_all_that_was_made(hand, scope, tmp_path, qtbot):
    scope.write(2)
    hand.press("Follow")
    hand.wait_for("2 of run. Waiting")
    hand.panel.dispose()
    field = tmp_path / "out" / "run_traction.ome.tif"
    qtbot.waitUntil(lambda: io.is_field(field) and io.read_field(field).frames == (0, 1), timeout=20_000)


def test_only_the_end_of_a_long_movie_is_brought_into_memory(hand, viewer, scope, monkeypatch):
    scope.write(3)
    hand.press("Follow")
    hand.wait_for("3 of run. Waiting")
    hand.press("Stop")
    hand.wait_for("saved")
    monkeypatch.setattr(watch_section, "_MEMORY_LIMIT", 4 * 2 * 64 * 64)
    scope.write()
    viewer.layers.clear()
    hand.press("Follow")
    hand.wait_for("Waiting")
    hand.wait_until(lambda: len(viewer.layers) == 3)
    shown = viewer.layers[-2]
    assert shown.data[0].max() == 0
    assert shown.data[2].max() > 0
    hand.press("Stop")
    hand.wait_for("saved")


def test_a_watch_takes_over_what_is_chosen_for_a_batch():
    predict = PredictConfig(run=RunConfig(pixel_size=0.2, z="max", samples=4))
    batch = BatchConfig("in", "out", ("gfnn", "other"), pattern="*_z.tif", predict=predict)
    watched = watch_config(batch, 5.0)
    assert (watched.folder, watched.out, watched.run.model, watched.settle) == ("in", "out", "gfnn", 5.0)
    assert (watched.pattern, watched.predict) == (batch.pattern, batch.predict)
