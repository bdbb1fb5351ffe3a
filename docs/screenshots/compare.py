"""Pictures of the panel "Compare with measured"."""

from __future__ import annotations

from screenshots.stage import Stage


def compared() -> None:
    """Take the pictures of the tutorial "Is the prediction right?"."""
    stage = Stage("Compare with measured")
    stage.press("Try it on a sample cell")
    stage.wait_for(lambda: stage.button("Compare A with B").isEnabled())
    stage.press("Compare A with B")
    stage.wait_for(lambda: stage.button("Compare A with B").isEnabled())
    stage.viewer.layers["simulated cell actin"].visible = False
    stage.zoom(0.7)
    stage.shoot("compare-1-result")
    stage.one_called("Show").setCurrentIndex(4)
    stage.shoot("compare-2-ratio", stage.canvas())
    stage.close()
