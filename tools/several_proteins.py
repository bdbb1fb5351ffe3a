"""What a second protein adds: U-Net, physical bottleneck and Green's functions on the same cells.

usage: python tools/several_proteins.py [NAME ...] [--runs FOLDER] [--cells 160] [--epochs 5]

Every network learns in as many steps from the same simulated cells: half of them sheets, half pulling by
stress fibres, which actin shows better than zyxin. Then it is measured on unseen cells of either kind, and on
the real images that have actin. Results are kept in ``docs/training/runs/several-proteins.json``; networks
that stand there are not trained again unless they are named.
"""

from __future__ import annotations

import argparse
import json
import runpy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from default_models import ROOT, say
from known_cells import PIXEL, PROTEINS, Known, examples, kept, known_cells
from measure_models import SHARED, means, real_images, scores

from napari_cellforce import files
from napari_cellforce.config_io import from_mapping
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.models.record import Predictor
from napari_cellforce.models.sheet_filter import SheetFilter
from napari_cellforce.preprocess.normalise import measure_baselines, normalise
from napari_cellforce.train import Examples, TrainConfig, train
from napari_cellforce.zoo import load_predictor

OUT = ROOT / "docs" / "training" / "runs" / "several-proteins.json"
GRID = 1.02
"""Pixels of the networks, in µm: what is seen through a coarser grid is learned faster."""
TARGET = "measured"
UNSEEN, VALIDATION = 30, 12
"""Of either kind."""
ONE, TWO = ("zyxin", "mask"), ("zyxin", "actin", "mask")

UNET: dict[str, Any] = {
    "adhesion_scale": 2.7,
    "spreads": (1.35, 2.7),
    "distance_scale": 27.0,
    "halvings": 1,
}
PBNN: dict[str, Any] = {
    "width": 12,
    "blocks": 1,
    "latent_blocks": 2,
    "haze": (1.35, 2.7),
    "edges": (2.7, 8.0),
    "cell": {"kernel": 7, "expansion": 2, "padding": "reflect"},
    "blur": 0.7,
    "active_blur": 1.5,
    "held_by_adhesions": True,
    "pixel_size": GRID,
    "edge_length": 3.0,
    "penetration": 18.0,
}
GFNN: dict[str, Any] = {"width": 24, "padding": 48, "lengths": (22.7, 4.9, 22.7)}


@dataclass(frozen=True)
class Contender:
    """A network to train.

    Attributes
    ----------
    kind : str
        Key of `napari_cellforce.models.registry`.
    inputs : tuple of str
    architecture, loss : mapping
    """

    kind: str
    inputs: tuple[str, ...]
    architecture: dict[str, Any]
    loss: dict[str, Any] = field(default_factory=lambda: {"relative": 1.0})


def bottleneck(inputs: tuple[str, ...], **changes: Any) -> Contender:
    """Return a physical bottleneck."""
    return Contender("physical-bottleneck", inputs, PBNN | changes, {"residual": 1.0, "springs_first": 0.2})


def green(inputs: tuple[str, ...], **changes: Any) -> Contender:
    """Return a Green's-function network."""
    return Contender("gfnn", inputs, GFNN | changes, {"relative": 1.0, "green": 0.1})


CONTENDERS = {
    "U-Net, zyxin": Contender("adhesion-unet", ONE, UNET),
    "PBNN, zyxin": bottleneck(ONE),
    "PBNN, zyxin + actin": bottleneck(TWO),
    "PBNN, zyxin + actin, directed stress": bottleneck(TWO, active="directed"),
    "GFNN, zyxin": green(ONE[:1]),
    "GFNN, zyxin + actin": green(TWO[:2]),
    "U-Net, zyxin + actin": Contender("adhesion-unet", TWO, UNET),
    "PBNN, zyxin + actin, directed stress + residual": bottleneck(TWO, active="directed", residual=8),
    "PBNN, zyxin, directed stress": bottleneck(ONE, active="directed"),
    "PBNN, zyxin + actin, residual": bottleneck(TWO, residual=8),
    "GFNN, zyxin + actin, shared source": green(TWO[:2], balance="shared"),
    "GFNN, zyxin + actin, projected balance": green(TWO, balance="projected"),
    "PBNN, zyxin + actin, sigma_a field": bottleneck(TWO, active="field"),
    "GFNN, zyxin, adhesions": green(ONE[:1], haze=(1.35, 2.7)),
    "GFNN, zyxin + actin, adhesions": green(TWO[:2], haze=(1.35, 2.7)),
    "GFNN, zyxin + actin, adhesions, projected balance": green(TWO, haze=(1.35, 2.7), balance="projected"),
    "GFNN, zyxin + actin, free kernels": green(TWO[:2], form="published", size=160),
}


def main() -> None:
    """Train and measure those that are named, or that have not been yet."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*")
    arguments.add_argument("--runs", type=Path, default=ROOT / "runs")
    arguments.add_argument("--cells", type=int, default=160, help="of either kind")
    arguments.add_argument("--epochs", type=int, default=5)
    arguments.add_argument("--out", type=Path, default=OUT)
    chosen = arguments.parse_args()
    runs, found = chosen.runs / "several", _known_results(chosen.out)
    training, unseen = populations(runs, chosen.cells)
    for name in chosen.names or [name for name in CONTENDERS if name not in found]:
        learned = learn(name, training, runs, chosen.epochs)
        found[name] = learned | compared(
            load_predictor(runs / slug(name) / f"{slug(name)}.safetensors"), unseen
        )
        print(name, json.dumps(found[name], indent=1), flush=True)
        files.write_text(chosen.out, json.dumps(found, indent=1) + "\n")
    for name, formula in {"adhesion filter": AdhesionFilter(), "sheet filter": SheetFilter()}.items():
        found.setdefault(name, compared(formula, unseen))
    files.write_text(chosen.out, json.dumps(found, indent=1) + "\n")


def _known_results(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def populations(runs: Path, cells: int) -> tuple[tuple[list[Known], list[Known]], dict[str, list[Known]]]:
    """Return cells to learn from and to validate with, and unseen ones of either kind."""

    def made(name: str, wanted: int, seed: int, kind: str) -> list[Known]:
        return kept(runs / f"{name}.pkl", lambda: known_cells(wanted, seed, kind, directed=True))

    sheets, fibres = (made(f"learn_{k}", cells + VALIDATION, 31, k) for k in ("sheet", "fibres"))
    unseen = {kind: made(f"unseen_{kind}", UNSEEN, 32, kind) for kind in ("sheet", "fibres")}
    return (sheets[:cells] + fibres[:cells], sheets[cells:] + fibres[cells:]), unseen


def learn(name: str, cells: tuple[list[Known], list[Known]], runs: Path, epochs: int) -> dict[str, Any]:
    """Train a network; return how long it took and what it was."""
    contender, training = CONTENDERS[name], of_inputs(CONTENDERS[name].inputs, cells)
    config = from_mapping(
        TrainConfig,
        {
            "name": slug(name),
            "kind": contender.kind,
            "architecture": contender.architecture,
            "inputs": contender.inputs,
            "pixel_size": GRID,
            "loss": contender.loss,
            "augment": {"rotate": False, "mirror": False, "margin": 0, "blur": 0.3, "noise": 0.05},
            "optimise": {"epochs": epochs, "batch": 4, "learning_rate": 4e-3, "threads": 1},
        },
    )
    start, cpu = time.time(), time.process_time()
    result = train(config, runs / slug(name), listener=say, examples=training)
    return {
        "cells": len(training.train),
        "steps": epochs * -(-len(training.train) // 4),
        "CPU seconds": round(time.process_time() - cpu),
        "seconds": round(time.time() - start),
        "validation": {key: round(value, 4) for key, value in result.best.items()},
    }


def slug(name: str) -> str:
    """Return a contender's name fit for a file."""
    return name.lower().replace(", ", "-").replace(" + ", "-").replace(" ", "-").replace("_", "-")


def of_inputs(inputs: Sequence[str], cells: tuple[list[Known], list[Known]]) -> Examples:
    """Return the cells with the proteins that a network sees."""
    proteins = tuple(name for name in inputs if name in PROTEINS)
    return examples(*cells, proteins, TARGET, "simulated sheets and fibres", GRID)


def compared(predictor: Predictor, unseen: dict[str, list[Known]]) -> dict[str, Any]:
    """Return means over the unseen cells of either kind, and the scores on real images."""
    found: dict[str, Any] = {kind: on_cells(predictor, cells) for kind, cells in unseen.items()}
    return found | {"real": on_real(predictor)} if (SHARED / "data" / "real").is_dir() else found


def on_cells(predictor: Predictor, cells: Sequence[Known]) -> dict[str, float]:
    """Return means over cells, and what share of the force a sheet does not explain, if that is known."""
    rows, shares = [], []
    size = PixelSize.square(PIXEL)
    for cell in cells:
        result = predictor.predict_frame(shown(predictor, cell.proteins, cell.mask), cell.mask, size)
        true, force = np.float64(getattr(cell, TARGET)), result.traction.astype(np.float64)
        rows.append(scores(force, true, cell.mask, True))
        if "residual_y" in result.scalars:
            added = np.stack([result.scalars["residual_y"], result.scalars["residual_x"]])[:, cell.mask]
            shares.append(float((added**2).sum() / (force[:, cell.mask] ** 2).sum()))
    return means(rows) | ({"share of the residual": round(float(np.mean(shares)), 4)} if shares else {})


def shown(predictor: Predictor, proteins: FloatArray, mask: BoolArray) -> FloatArray:
    """Return the channels that a predictor asks for, of zyxin and actin."""
    channels = [
        mask if name == "mask" else proteins[PROTEINS.index(name)] for name in predictor.record.inputs
    ]
    return np.stack(channels).astype(np.float32)


def on_real(predictor: Predictor) -> dict[str, float]:
    """Return the scores on the two real images that have actin."""
    score: Callable[..., dict[str, float]] = runpy.run_path(str(SHARED / "tools" / "score_real.py"))["score"]
    frame = np.load(SHARED / "data" / "real" / "paper_format" / "cell_1" / "frame_5.npy")
    inside = frame[4] > 0
    both = normalise(frame[6:8], measure_baselines([frame[6:8]], [inside]), "outside_inside")
    (counts,), (mask,), micron = real_images()["cell_0"]
    found = {}
    for name, proteins, cell, pixel in (("cell_0", counts, mask, micron), ("cell_1", both, inside, 0.44)):
        traction = predictor.predict_frame(
            shown(predictor, proteins, cell), cell, PixelSize.square(pixel)
        ).traction.astype(np.float64)
        found |= {f"{name}, {key}": round(value, 4) for key, value in score(name, traction).items()}
        if name == "cell_1":
            true = np.stack([frame[3], frame[2]]).astype(np.float64)
            row = scores(traction, true, cell, True)
            found["cell_1, R2 after one scale"] = round(row["R2 after one scale a cell"], 4)
    return found


if __name__ == "__main__":
    main()
