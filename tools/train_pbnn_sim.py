"""Train the bundled physical bottleneck on simulated sheets, ship it, and compare what it found with truth.

usage: python tools/train_pbnn_sim.py [--runs FOLDER] [--cells 400]

The cells pull as sheets whose tension differs by up to nine times, and whose adhesions have grown with it
(`known_cells.more_contractile`): contractility leaves its trace in the image. Weights and zoo as in
``default_models.py``; ``docs/training/runs/pbnn-sim/physics.json`` says how springs, contractility and
traction of cells it has not seen are recovered, beside the U-Net and the formulas that learn nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from default_models import ROOT, say, ship
from known_cells import PIXEL, Known, examples, kept, known_cells
from measure_models import BASELINES, means, scores

from napari_cellforce import files, metrics
from napari_cellforce.config_io import read_settings
from napari_cellforce.fields import FrameResult, PixelSize
from napari_cellforce.models.record import Predictor
from napari_cellforce.train import TrainConfig, TrainResult, recipe, train
from napari_cellforce.zoo import load_predictor

NAME = "pbnn-sim"
VALIDATION = 24
UNSEEN = 60
BESIDE = ("unet-sim", *BASELINES)


def main() -> None:
    """Train, ship, and compare."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=Path, default=ROOT / "runs")
    arguments.add_argument("--cells", type=int, default=400)
    arguments.add_argument("--only-compare", action="store_true", help="the run is there and shipped")
    chosen = arguments.parse_args()
    if not chosen.only_compare:
        ship(NAME, trained(chosen.runs, chosen.cells))
    found = compared({name: load_predictor(name) for name in (NAME, *BESIDE)}, chosen.runs)
    text = json.dumps(found, indent=1)
    files.write_text(ROOT / "docs" / "training" / "runs" / NAME / "physics.json", text + "\n")
    print(text)


def trained(runs: Path, count: int) -> TrainResult:
    """Train, or go on with, the run of the recipe."""
    cells = kept(runs / "contractile.pkl", lambda: known_cells(count, 21, contractile=True))
    description = (
        f"{count - VALIDATION} sheet cells simulated by napari-cellforce, tension from 3.3 to 30 nN/µm with"
        f" adhesions that grow with it, {VALIDATION} more to validate with; exact tractions."
    )
    found = examples(cells[:-VALIDATION], cells[-VALIDATION:], ("zyxin",), "traction", description)
    folder = runs / NAME
    resume = (folder / "last.ckpt").is_file()
    return train(
        read_settings(recipe(NAME), TrainConfig), folder, resume=resume, listener=say, examples=found
    )


def compared(predictors: dict[str, Predictor], runs: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return means over unseen cells of every kind, by predictor."""
    kinds = {
        "sheets of one tension, seed 12": ("sheets", 12, "sheet", False),
        "sheets whose tension differs, seed 22": ("contractile_unseen", 22, "sheet", True),
        "cells that pull by fibres, seed 13": ("fibres", 13, "fibres", False),
    }
    found = {}
    for title, (name, seed, kind, contractile) in kinds.items():
        cells = kept(
            runs / f"{name}.pkl",
            lambda seed=seed, kind=kind, contractile=contractile: known_cells(
                UNSEEN, seed, kind, contractile=contractile
            ),
        )
        found[f"{title}, {len(cells)} cells"] = {
            name: of_model(predictor, cells) for name, predictor in predictors.items()
        }
    return found


def of_model(predictor: Predictor, cells: Sequence[Known]) -> dict[str, float]:
    """Return what is recovered of traction, springs and tension."""
    results = [predicted(predictor, cell) for cell in cells]
    found: dict[str, float] = {}
    for target in ("traction", "measured"):
        rows = [
            scores(result.traction.astype(np.float64), np.float64(getattr(cell, target)), cell.mask, True)
            for result, cell in zip(results, cells, strict=True)
        ]
        title = {"traction": "exact", "measured": "as measured"}[target]
        found |= {f"{key}, {title}": value for key, value in means(rows).items()}
    if "Y" in results[0].scalars and cells[0].tension:
        found |= springs_found(results, cells)
    if "sigma_a" in results[0].scalars and len({cell.tension for cell in cells}) > 1:
        found |= tension_found(results, cells)
    return {key: value for key, value in found.items() if "net over" not in key or "exact" in key}


def predicted(predictor: Predictor, cell: Known) -> FrameResult:
    """Return what a predictor that needs zyxin, and perhaps the mask, says of a cell."""
    image = np.stack([cell.proteins[0], cell.mask])[: len(predictor.record.inputs)].astype(np.float32)
    return predictor.predict_frame(image, cell.mask, PixelSize.square(PIXEL))


def springs_found(results: Sequence[FrameResult], cells: Sequence[Known]) -> dict[str, float]:
    """Return the correlation of Y with the true one on the pixels of the mask, mean and worst over cells."""
    linear, logarithmic = [], []
    for result, cell in zip(results, cells, strict=True):
        Y = result.scalars["Y"]
        where = cell.mask & (Y > 0) & (cell.springs > 0)
        linear.append(np.corrcoef(Y[where], cell.springs[where])[0, 1])
        logarithmic.append(np.corrcoef(np.log(Y[where]), np.log(cell.springs[where]))[0, 1])
    return {
        "r of Y in the mask": round(float(np.mean(linear)), 4),
        "r of Y in the mask, worst cell": round(float(np.min(linear)), 4),
        "r of log Y in the mask": round(float(np.mean(logarithmic)), 4),
    }


def tension_found(results: Sequence[FrameResult], cells: Sequence[Known]) -> dict[str, float]:
    """Return how active stress, and total force, follow the true ones from cell to cell."""
    size = PixelSize.square(PIXEL)
    tension = np.log([cell.tension for cell in cells])
    stress = np.log([np.median(result.scalars["sigma_a"][cell.mask]) for result, cell in zip(results, cells)])  # noqa: B905
    total, true = (
        np.log([metrics.total_force(field, cell.mask, size) for field, cell in zip(of, cells, strict=True)])
        for of in ([r.traction for r in results], [c.traction for c in cells])
    )
    slope = np.polyfit(tension, stress, 1)[0]
    return {
        "r of log sigma_a with log tension": round(float(np.corrcoef(stress, tension)[0, 1]), 4),
        "slope of log sigma_a on log tension": round(float(slope), 4),
        "r of log total force": round(float(np.corrcoef(total, true)[0, 1]), 4),
        "spread of log total force ratio": round(float(np.std(total - true)), 4),
        "the same if all were given the mean": round(float(np.std(true)), 4),
    }


if __name__ == "__main__":
    main()
