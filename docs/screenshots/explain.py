"""Pictures of the panel "Explain forces"."""

from __future__ import annotations

from screenshots.stage import LONG, Stage


def explained() -> None:
    """Take the pictures of the tutorial "Why does the model say so?"."""
    stage = Stage("Explain forces")
    stage.press("Try it on a sample cell")
    stage.wait_for(lambda: "outline synthetic cell" in stage.viewer.layers)
    models = stage.one_called("Model")
    models.setCurrentIndex(models.findText("sheet-filter"))
    stage.press("one formula")
    stage.wait_for(lambda: stage.button("Explain forces").isEnabled())
    stage.press("Explain forces")
    stage.wait_for(lambda: stage.button("Explain forces").isEnabled(), LONG)
    stage.wait_for(lambda: any("by the formula" in layer.name for layer in stage.viewer.layers), LONG)
    stage.zoom(0.7)
    stage.look_only_at("Y [")
    stage.scroll_to(stage.one_called("Error against number of terms"))
    stage.shoot("explain-1-fields")
    stage.look_only_at("|F| by the formula")
    stage.scroll_to(stage.button("Copy LaTeX"))
    stage.shoot("explain-2-formula")
    what = stage.one_called("What if")
    what.setCurrentIndex(what.findText("fine structure were blurred"))
    stage.press("Ask the model")
    stage.wait_for(lambda: stage.button("Ask the model").isEnabled(), LONG)
    stage.scroll_to(stage.one_called("At"))
    stage.shoot("explain-3-probe")
    stage.close()


def taken_apart() -> None:
    """Take the last picture of that tutorial: a predicted field, stopped after its first frame."""
    stage = Stage("Explain forces")
    stage.press("Try it on a sample cell")
    stage.wait_for(lambda: "outline synthetic cell" in stage.viewer.layers)
    models = stage.one_called("Model")
    models.setCurrentIndex(models.findText("sheet-filter"))
    stage.wait_for(lambda: stage.button("Explain forces").isEnabled())
    stage.viewer.dims.set_current_step(0, 0)
    stage.press("Explain forces")
    stage.wait_for(lambda: stage.button("Explain forces").isEnabled(), LONG)
    stage.press("▸ Take a field apart")
    stage.wait()
    stage.press("Take it apart")
    apart = stage.one_called("Take the chosen field apart")
    stage.wait_for(lambda: apart.text().startswith("Stop (1"), LONG)
    apart.click()
    stage.wait_for(lambda: apart.text() == "Take it apart", LONG)
    stage.zoom(0.7)
    stage.look_only_at("Helmholtz φ")
    stage.scroll_to(stage.button("Reset"))
    stage.shoot("explain-4-apart")
    stage.close()
