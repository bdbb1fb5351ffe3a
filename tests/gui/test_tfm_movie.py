"""A movie of beads whose stage drifts: each frame against the one reference, one lambda for all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent

from napari_cellforce.fields import Substrate
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair
from napari_cellforce.tfm import TfmConfig
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.tfm.panel import TfmPanel

PIXEL, SIDE, YOUNG = 0.25, 128, 2000.0
PATIENCE = 30_000


def test_a_cell_that_pulls_twice_as_hard_in_the_second_frame(
    qtbot: QtBot, viewer: ViewerModel, tmp_path: Path
) -> None:
    y, x = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) * PIXEL
    left, right = (np.exp(-(y**2 + (x - at) ** 2) / (2 * 2.0**2)) for at in (-6, 6))
    pinch = displacement(200 * np.stack([0 * x, left - right]), PIXEL, YOUNG, 0.5, padding=1)
    config = BeadConfig(pixel_size=PIXEL, density=1.5)
    pairs = [bead_pair(pinch * n, config, drift=(0.5 * n, 0.0), seed=5) for n in (1, 2)]
    micron = ("micrometer", "micrometer")
    rest = Image(pairs[0].reference, name="rest", scale=(PIXEL, PIXEL), units=micron)
    movie = np.stack([pair.loaded for pair in pairs])
    pulled = Image(movie, name="pulled", scale=(2, PIXEL, PIXEL), units=("minute", *micron))
    viewer.layers.extend([rest, pulled])
    panel = TfmPanel(viewer, memory=Memory(tmp_path / "panels.json"), preferences=Preferences())
    panel.source.choose(rest, pulled)
    panel.settings.show_config(TfmConfig(Substrate(YOUNG, 0.5)))
    panel.settings.windows.setText("32, 24")
    panel.measure()
    qtbot.waitUntil(lambda: not panel.job.running, timeout=PATIENCE)
    assert "at most 4" in panel.progress.text_of("drift")
    assert "2 frames" in panel.progress.text_of("traction")
    weak, strong = np.linalg.norm(panel.traction.data, axis=1).sum(axis=(1, 2))
    assert 1.6 < strong / weak < 2.3, "one lambda for all frames lets magnitudes be compared"
    aligned = viewer.layers["pulled, drift corrected"]
    assert aligned.data.shape == movie.shape
    far = np.s_[10:110, 4:20]  # beads far from the cell are at rest again
    assert np.corrcoef(aligned.data[1][far].ravel(), rest.data[far].ravel())[0, 1] > 0.8
    panel.dispose()
    panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)
