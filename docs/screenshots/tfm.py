"""Pictures of the panel "Measured traction (TFM)"."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io import write_stack
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair
from screenshots.stage import LONG, Stage


def measured() -> None:
    """Take the pictures of the tutorial "Measuring tractions in napari"."""
    stage = Stage("Measured traction (TFM)")
    stage.press("Try it on sample beads")
    stage.wait_for(lambda: stage.button("Measure the traction").isEnabled())
    stage.press("Measure the traction")
    stage.wait_for(lambda: stage.button("Measure the traction").isEnabled())
    for name in ("reference beads", "loaded beads"):
        stage.viewer.layers[name].visible = False
    stage.scroll_to(stage.one_called("Criterion over lambda"))
    stage.shoot("measure-2-traction")
    stage.set("Poisson's ratio", 0.4)
    stage.shoot_panel("measure-3-stale")
    stage.set("Poisson's ratio", 0.48)
    stage.scroll_to(stage.button("Write as training data"))
    stage.shoot_panel("measure-4-numbers")
    _measure_a_folder(stage)
    stage.close()


def _measure_a_folder(stage: Stage) -> None:
    """Measure a folder of three bead images, one without its reference, with the settings of the panel."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "2026-11-22 fibroblasts"
        _write_beads(folder)
        stage.button("▸ A whole folder").click()
        stage.panel.folder.set_folder(str(folder))
        run = stage.panel.folder.run
        stage.wait_for(lambda: run.ready)
        stage.press("Measure 2 images")
        stage.wait_for(lambda: not stage.panel.folder.running, LONG)
        stage.scroll_to(stage.button("Measure 2 images"))
        stage.shoot_panel("measure-5-folder")


def _write_beads(folder: Path) -> None:
    y, x = (np.indices((160, 160)) - 80) * 0.25
    spots = [np.exp(-(y**2 + (x - at) ** 2) / 8) for at in (-8, 8)]
    moved = displacement(400 * np.stack([0 * x, spots[0] - spots[1]]), 0.25, 8000.0, 0.48, padding=1)
    size = PixelSize.square(0.25)
    for cell in (1, 2, 3):
        beads = bead_pair(5 * moved, BeadConfig(pixel_size=0.25), seed=cell)
        for word, image in (("reference", beads.reference), ("loaded", beads.loaded)):
            if (cell, word) != (3, "reference"):
                stack = ImageStack(image[None, None], ("beads",), size, name=word)
                write_stack(folder / f"cell {cell} {word}.ome.tif", stack)
