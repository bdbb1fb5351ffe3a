"""How fast the models are that can be read, in ratios of one run.

Run with ``python benchmarks/explainable_models.py``. Per frame of 256 x 256 pixels, one cell; a training
step of the physical bottleneck, of which at most 40 % may be spent outside network and factorisation; and
what a slider does that picks another number of terms: at most 200 ms.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from napari_cellforce.fields import PixelSize
from napari_cellforce.models.bottleneck.config import BottleneckConfig
from napari_cellforce.models.bottleneck.network import PhysicalBottleneck
from napari_cellforce.models.bottleneck.predictor import BottleneckPredictor
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.network import NetworkPredictor
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.sheet_filter import SheetFilter
from napari_cellforce.models.symbolic import Formula, FormulaPredictor, Library
from napari_cellforce.models.symbolic.library import potential_fields

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _report import interleaved, write

SIDE, RUNS, BATCH, TERMS = 256, 5, 4, 10


def a_cell() -> tuple[np.ndarray, np.ndarray]:
    """Draw a cell of 110 x 85 µm with adhesions along its edge."""
    y, x = np.indices((SIDE, SIDE)) - SIDE / 2
    mask = (y / 63) ** 2 + (x / 81) ** 2 < 1
    rng = np.random.default_rng(0)
    spots = np.zeros(mask.shape)
    for angle in rng.uniform(0, 2 * np.pi, 60):
        spots[int(128 + 56 * np.sin(angle)), int(128 + 74 * np.cos(angle))] += 1
    return np.float32(30 * ndimage.gaussian_filter(spots, 1.5) + 0.4 * mask), mask


def formula() -> Formula:
    """Return ten terms that share few potentials, as fitted formulas do not: the worst case."""
    library = Library()
    terms = library.terms[31 : 31 + 31 * TERMS : 31]
    return Formula(library, terms, (1e-4,) * TERMS)


def predictors() -> dict[str, Any]:
    """Return the models, with random weights where they have any: time does not depend on them."""
    gfnn = LoadedModel(GFNN(GFNNConfig(width=16, padding=64)).eval(), ModelRecord("gfnn", "gfnn"))
    record = ModelRecord("pbnn", "physical-bottleneck", inputs=("zyxin", "mask"))
    pbnn = LoadedModel(PhysicalBottleneck(BottleneckConfig()).eval(), record)
    return {
        "adhesion filter": AdhesionFilter(),
        "sheet filter": SheetFilter(),
        "gfnn of width 16": NetworkPredictor(gfnn, "cpu"),
        "formula of 10 terms": FormulaPredictor(formula(), ModelRecord("formula", "formula")),
        "physical bottleneck": BottleneckPredictor(pbnn, "cpu"),
    }


def frames() -> dict[str, float]:
    """Return milliseconds a frame."""
    z, mask = a_cell()
    image = np.stack([z, mask.astype(np.float32)])
    pixel = PixelSize.square(0.68)
    ways = {
        name: lambda p=p: p.predict_frame(image[: len(p.record.inputs)], mask, pixel)
        for name, p in predictors().items()
    }
    return {name: round(1e3 * seconds, 1) for name, seconds in interleaved(ways, RUNS).items()}


def step() -> dict[str, float]:
    """Return what a training step of the bottleneck is spent on."""
    z, mask = a_cell()
    module = PhysicalBottleneck(BottleneckConfig()).train()
    x = torch.from_numpy(np.stack([z, mask.astype(np.float32)]))[None].repeat(BATCH, 1, 1, 1)
    sheet = module.sheet(mask).cell.sheet
    springs = np.full(sheet.n_nodes, 0.01)
    seconds = interleaved(
        {
            "step": lambda: module(x).square().mean().backward(),
            "network": lambda: sum(
                said.sum() for said in module.sheet_inputs(x) if said is not None
            ).backward(),
            "factorisation": lambda: [sheet._factorise(springs, 0.5) for _ in range(BATCH)],
        },
        RUNS,
    )
    rest = 1 - (seconds["network"] + seconds["factorisation"]) / seconds["step"]
    return {
        "nodes": sheet.n_nodes,
        "batch": BATCH,
        **{f"{name} [ms]": round(1e3 * s, 1) for name, s in seconds.items()},
        "share outside network and factorisation": round(rest, 3),
    }


def slider() -> dict[str, float]:
    """Return milliseconds for another formula on a frame whose potentials are known."""
    z, _ = a_cell()
    fields, one = potential_fields(z, Library()), formula()
    seconds = interleaved({"another number of terms": lambda: one.traction_from(fields)}, RUNS)
    return {f"{name} [ms]": round(1e3 * s, 1) for name, s in seconds.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(
        "explainable_models", {"milliseconds a frame": frames(), "training step": step(), "slider": slider()}
    )
