"""Pictures of the panel "Predict forces"."""

from __future__ import annotations

import numpy as np

from screenshots.stage import Stage


def predict_forces() -> None:
    """Take the pictures of the tutorial "Five minutes"."""
    stage = Stage("Predict forces")
    stage.wait_for(lambda: stage.button("Predict").text() == "Predict on CPU")
    stage.shoot("predict-1-start")
    stage.press("Try it on a sample cell")
    stage.wait_for(lambda: "outline synthetic cell" in stage.viewer.layers)
    stage.wait(2)
    stage.shoot("predict-2-outline")
    stage.shoot_panel("predict-panel", last=stage.button("Predict 5 frames"))
    stage.press("Predict 5 frames")
    stage.wait_for(lambda: stage.button("Predict 5 frames").isEnabled())
    stage.zoom(0.6)
    stage.scroll_to(stage.button("Compare"))
    stage.shoot("predict-3-result")
    stage.zoom(0.25)
    stage.viewer.scene.camera.center = (0, 113, 57)
    stage.shoot("predict-4-arrows", stage.canvas())
    stage.close()


def pixel_size() -> None:
    """Take the picture of an image whose file does not say its pixel size."""
    stage = Stage("Predict forces")
    stage.press("Try it on a sample cell")
    stage.wait_for(lambda: bool(stage.viewer.layers))
    sample = stage.viewer.layers[0].data
    stage.viewer.layers.clear()
    stage.viewer.add_image(np.asarray(sample), name="no_pixel_size")
    stage.wait(2)
    stage.shoot_panel("predict-pixel-size", last=stage.button("Predict 5 frames"))
    stage.close()
