"""Pictures of the panel "Train a predictor"."""

from __future__ import annotations

import sys
from pathlib import Path

from napari_cellforce.simulate import simulate_cells
from napari_cellforce.widgets.train.data_section import TrainDataSection
from napari_cellforce.widgets.train.run_section import TrainCurves
from screenshots import HOME
from screenshots.stage import LONG, Stage


def fine_tune() -> None:
    """Take the pictures of the tutorial "Fine-tune on your cells": cells of another microscope."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    from other_microscope import OtherMicroscope

    cells = Path(HOME) / "my_cells"
    for _ in simulate_cells(OtherMicroscope(cells=4, frames=2, seed=5), cells, workers=1):
        pass
    stage = Stage("Train a predictor")
    stage.panel.findChild(TrainDataSection).add_sources([str(cells)])
    stage.wait_for(lambda: stage.button("Fine-tune").text() == "Fine-tune unet-sim on 4 cells", LONG)
    stage.shoot("finetune-1-data")
    stage.set("Passes", 12)
    curves = stage.panel.findChild(TrainCurves)
    stage.press("Fine-tune")
    stage.wait_for(lambda: len(curves.rows) >= 8, LONG)
    stage.scroll_to(curves)
    stage.shoot("finetune-2-training")
    stage.wait_for(lambda: stage.button("Fine-tune").isEnabled(), LONG)
    stage.scroll_to(stage.button("Export"))
    stage.shoot("finetune-3-end")
    stage.close()
