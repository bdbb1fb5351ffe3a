"""Train the bundled predictors again from seed and settings, and put them where the package ships them.

usage: python tools/default_models.py [NAME ...] [--runs FOLDER]

For each recipe in ``src/napari_cellforce/train/recipes``: trains (or goes on with) the run, copies its
weights to ``models/weights``, writes hash and size into ``zoo.json`` where the model is listed, keeps
settings, split and history in ``docs/training/runs``, and measures the model beside the adhesion filter on
cells simulated from another seed.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from napari_cellforce import files, metrics
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FloatArray, PixelSize
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import predict
from napari_cellforce.synthetic import SyntheticCell, fibroblasts
from napari_cellforce.train import Event, Step, TrainResult, read_config, recipe, train
from napari_cellforce.zoo import load_predictor

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "napari_cellforce"
NAMES = ("unet-sim", "unet-sim-2", "gfnn-sim")
HELD_OUT_SEED, HELD_OUT = 77, 120
STRONG = 0.2


def main() -> None:
    """Train, ship and measure the models named on the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", default=NAMES)
    arguments.add_argument("--runs", type=Path, default=ROOT / "runs")
    chosen = arguments.parse_args()
    for name in chosen.names:
        folder = chosen.runs / name
        resume = (folder / "last.ckpt").is_file()
        result = train(read_config(recipe(name)), folder, resume=resume, listener=say, told=say_what)
        ship(name, result)


def ship(name: str, result: TrainResult) -> None:
    """Copy a run's model and records into the repository, and measure it."""
    weights = PACKAGE / "models" / "weights" / f"{name}.safetensors"
    weights.parent.mkdir(exist_ok=True)
    shutil.copyfile(result.model, weights)
    kept = ROOT / "docs" / "training" / "runs" / name
    kept.mkdir(parents=True, exist_ok=True)
    for part in ("config.json", "split.json", "history.csv"):
        shutil.copyfile(result.folder / part, kept / part)
    measured = {"validation, at the best epoch": dict(result.best), **held_out(load_predictor(weights))}
    files.write_text(kept / "metrics.json", json.dumps(measured, indent=2))
    list_in_zoo(name, weights)


def list_in_zoo(name: str, weights: Path) -> None:
    """Write hash and size of the weights into ``zoo.json``."""
    path = PACKAGE / "zoo" / "zoo.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    for entry in entries:
        if entry["name"] == name:
            entry |= {"sha256": files.sha256(weights), "size": weights.stat().st_size}
    files.write_text(path, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


def held_out(predictor: Predictor) -> dict[str, object]:
    """Return means over held-out simulated cells, by mechanics and target, of a model and of the filter."""
    people = fibroblasts(HELD_OUT, HELD_OUT_SEED, measured=True)
    rows: dict[str, list[dict[str, float]]] = {}
    for number in range(HELD_OUT):
        try:
            cell = people.cell(number)
        except CellForceError:
            continue
        for name, row in compared(cell, predictor).items():
            rows.setdefault(name, []).append(row)
    means = {
        name: {key: round(float(np.mean([row[key] for row in of])), 3) for key in of[0]} | {"cells": len(of)}
        for name, of in sorted(rows.items())
    }
    return {f"held-out simulated cells, seed {HELD_OUT_SEED}": means}


def compared(cell: SyntheticCell, predictor: Predictor) -> dict[str, dict[str, float]]:
    """Compare model and filter with the exact and with the measured traction of a cell."""
    kind = type(cell.config.mechanics).__name__
    mask = cell.mask.frame(0)
    assert cell.traction is not None
    assert cell.measured is not None
    rows = {}
    for model in (predictor, AdhesionFilter()):
        (result,) = predict(cell.image, model, cell.mask)
        for target, field in (("exact", cell.traction), ("measured", cell.measured)):
            reference = np.asarray(field.data[0], dtype=np.float64)
            rows[f"{model.record.name}, {kind}, {target}"] = scores(result.traction, reference, mask)
    return rows


def scores(predicted: FloatArray, reference: FloatArray, mask: np.ndarray) -> dict[str, float]:
    """Return the numbers that the issue asks for, of one cell."""
    strong = STRONG * float(metrics.percentile_traction(reference, mask, 100))
    scale = metrics.best_scale(predicted, reference, mask)
    size = PixelSize.square(0.68)
    force = np.linalg.norm(metrics.net_force(predicted, mask, size))
    return {
        "r of |F|": float(metrics.pearson(predicted, reference, mask)),
        "angle error [deg]": float(metrics.angle_error(predicted, reference, mask, strong)),
        "vector R2 after one scale a cell": float(metrics.r_squared(scale * predicted, reference, mask)),
        "net over summed force": float(force / metrics.total_force(predicted, mask, size)),
        "log of scale": float(np.log(scale)) if scale > 0 else float("nan"),
    }


def say(event: Event) -> None:
    """Print epochs."""
    if not isinstance(event, Step):
        print(event.epoch, {name: round(value, 4) for name, value in event.values.items()}, flush=True)


def say_what(what: str, done: int, total: int) -> None:
    """Print preparations now and then."""
    if done % 100 == 0:
        print(what, done, "of", total, flush=True)


if __name__ == "__main__":
    main()
