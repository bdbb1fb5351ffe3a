"""Measure bundled predictors beside the baselines that learn nothing: simulated cells, and real ones.

usage: python tools/measure_models.py NAME_OR_FILE ... [--cells N] [--seed S] [--out FILE]

Simulated cells are drawn from a seed that served for no choice: `fibroblasts` and `directed_fibroblasts`, by
mechanics, against the exact and the measured traction. In `fibroblasts` the contractility of a kind of cell
is the same in all, so that "R2 without scale" (one scale for all cells of the kind) can be asked for.
Real images are those of ``../shared/data/real`` where that folder is there, scored by
``../shared/tools/score_real.py``. All means are over cells.
"""

from __future__ import annotations

import argparse
import json
import runpy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_cellforce import files, metrics
from napari_cellforce.errors import CellForceError
from napari_cellforce.explain.greens import read_greens
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.gfnn import GFNN
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import predict
from napari_cellforce.preprocess.normalise import measure_baselines, normalise
from napari_cellforce.synthetic import PopulationConfig, SyntheticCell, directed_fibroblasts, fibroblasts
from napari_cellforce.zoo import load_predictor, load_weights

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
SEED, CELLS = 20261122, 150
"""Of the final numbers; no choice was made on these cells."""
BASELINES = ("adhesion-filter", "sheet-filter")
BRIGHTNESS_BASELINE = "zyxin itself"
STRONG = 0.2
Array = npt.NDArray[np.float64]
Sums = dict[str, float]


def main() -> None:
    """Measure the models named on the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="+")
    arguments.add_argument("--cells", type=int, default=CELLS)
    arguments.add_argument("--seed", type=int, default=SEED)
    arguments.add_argument("--out", type=Path)
    chosen = arguments.parse_args()
    text = json.dumps(measured(chosen.names, chosen.cells, chosen.seed), indent=2)
    print(text)
    if chosen.out:
        files.write_text(chosen.out, text)


def measured(names: Sequence[str], cells: int = CELLS, seed: int = SEED) -> dict[str, Any]:
    """Return all that is measured of the models and of the baselines."""
    predictors = {Path(name).stem: load_predictor(name) for name in (*names, *BASELINES)}
    found: dict[str, Any] = {
        f"{title}, seed {seed}": simulated(predictors, population(cells, seed, measured=True))
        for title, population in (
            ("fibroblasts", fibroblasts),
            ("directed_fibroblasts", directed_fibroblasts),
        )
    }
    if (SHARED / "data" / "real").is_dir():
        found["real images"] = real(predictors)
    for name in names:
        loaded = load_weights(name)
        if isinstance(loaded.module, GFNN):
            greens = read_greens(loaded.module, loaded.record.pixel_size)
            found["radius in µm where a Green's function falls to a tenth"] = {
                g.name: g.reach for g in greens
            }
    return found


def simulated(predictors: dict[str, Predictor], people: PopulationConfig) -> dict[str, Any]:
    """Return means over simulated cells, by mechanics, target and model."""
    rows: dict[tuple[str, str, str], list[Sums]] = {}
    for number in range(people.cells):
        try:
            cell = people.cell(number)
        except CellForceError:
            continue
        kind = type(cell.config.mechanics).__name__.removesuffix("Mechanics").lower()
        for name, prediction in _predictions(cell, predictors):
            for target, field in (("measured", cell.measured), ("exact", cell.traction)):
                assert field is not None
                reference = np.asarray(field.data[0], dtype=np.float64)
                row = scores(prediction, reference, cell.mask.frame(0), name != BRIGHTNESS_BASELINE)
                rows.setdefault((kind, target, name), []).append(row)
    found: dict[str, Any] = {}
    for (kind, target, name), of in rows.items():
        found.setdefault(f"{kind}, {target}, {len(of)} cells", {})[name] = means(of)
    return found


def _predictions(cell: SyntheticCell, predictors: dict[str, Predictor]) -> Iterator[tuple[str, Array]]:
    zyxin = _normalised(cell.image.frame(0, (0,)), cell.mask.frame(0))[0]
    yield BRIGHTNESS_BASELINE, np.stack([np.zeros_like(zyxin), zyxin])
    for name, predictor in predictors.items():
        (result,) = predict(cell.image, predictor, cell.mask)
        yield name, result.traction.astype(np.float64)


def scores(predicted: Array, reference: Array, mask: npt.NDArray[np.bool_], directed: bool) -> Sums:
    """Return the figures of one cell, and the sums from which those without a scale follow."""
    p, m = (np.where(mask, field, 0.0) for field in (predicted, reference))
    strong = STRONG * float(metrics.percentile_traction(m, mask, 100))
    overlap, power, total = ((a * b).sum() for a, b in ((p, m), (p, p), (m, m)))
    centred = total - sum(m[c].sum() ** 2 for c in (0, 1)) / mask.sum()
    row = {"r of |F|": float(metrics.pearson(p, m, mask))}
    if directed:
        size = PixelSize.square(1.0)
        net = float(np.linalg.norm(metrics.net_force(p, mask, size)))
        row |= {
            "angle error [deg]": float(metrics.angle_error(p, m, mask, strong)),
            "R2 after one scale a cell": float(1 - (total - overlap**2 / power) / centred),
            "net over summed force": net / float(metrics.total_force(p, mask, size)),
            "_overlap": float(overlap),
            "_power": float(power),
            "_total": float(total),
            "_centred": float(centred),
        }
    return row


def means(rows: list[Sums]) -> Sums:
    """Return means over cells; R2 without a scale of its own for each, after one scale for all of them."""
    found = {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0] if key[0] != "_"}
    if "_power" in rows[0]:
        overlap, power, total, centred = (
            np.array([row[key] for row in rows]) for key in ("_overlap", "_power", "_total", "_centred")
        )
        scale = overlap.sum() / power.sum()
        each = 1 - (total - 2 * scale * overlap + scale**2 * power) / centred
        pooled = 1 - (total - 2 * scale * overlap + scale**2 * power).sum() / centred.sum()
        found |= {
            "R2 after one scale for all, mean over cells": round(float(each.mean()), 4),
            "R2 after one scale for all, pooled": round(float(pooled), 4),
            "spread of log scale": round(float(np.std(np.log(np.maximum(overlap / power, 1e-12)))), 4),
        }
    return found


def real(predictors: dict[str, Predictor]) -> dict[str, Any]:
    """Return the scores on the real images, by model, and their means."""
    score: Callable[[str, Array], dict[str, float]] = runpy.run_path(str(SHARED / "tools" / "score_real.py"))[
        "score"
    ]
    found: dict[str, Any] = {}
    for name, predictor in {BRIGHTNESS_BASELINE: None, **predictors}.items():
        row: dict[str, float] = {}
        for image, (frames, masks, micron) in real_images().items():
            if needed(predictor) > frames.shape[1]:
                continue
            field = np.stack(
                [_on_real(predictor, frame, mask, micron) for frame, mask in zip(frames, masks, strict=True)]
            )
            for key, value in score(image, field if len(field) > 1 else field[0]).items():
                if predictor is not None or key == "r":
                    row[f"{image}, {key}"] = round(value, 4)
        r = [value for key, value in row.items() if key.endswith(" r")]
        found[name] = row | {"mean r": round(float(np.mean(r)), 4)}
    return found


def needed(predictor: Predictor | None) -> int:
    """Return the number of proteins that a predictor wants to see."""
    return 1 if predictor is None else sum(name != "mask" for name in predictor.record.inputs)


def real_images() -> dict[str, tuple[Array, npt.NDArray[np.bool_], float]]:
    """Return normalised frames (T, C, Y, X), masks (T, Y, X) and pixel size in µm of each real image."""
    folder = SHARED / "data" / "real"
    with tifffile.TiffFile(folder / "cell_0.ome.tif") as file:
        counts = file.asarray()
        micron = float(str(file.ome_metadata).split('PhysicalSizeX="')[1].split('"')[0])
    mask = tifffile.imread(folder / "cell_0_mask.tif")[None] > 0
    movie = tifffile.imread(folder / "11_cell_1.ome.tif")[:, None]
    frame = np.load(folder / "paper_format" / "cell_1" / "frame_5.npy")
    inside = frame[4][None] > 0
    return {
        "cell_0": (_normalised(counts, mask[0])[None], mask, micron),
        "11_cell_1": (movie, tifffile.imread(folder / "11_cell_1_mask.tif") > 0, 0.68),
        "cell_1": (_normalised(frame[6:7], inside[0])[None], inside, 0.44),
    }


def _normalised(image: npt.NDArray[np.generic], mask: npt.NDArray[np.bool_]) -> Array:
    baselines = measure_baselines([image], [mask])
    return np.asarray(normalise(image, baselines, "outside_inside"), dtype=np.float64)


def _on_real(predictor: Predictor | None, frame: Array, mask: npt.NDArray[np.bool_], micron: float) -> Array:
    if predictor is None:
        return np.stack([np.zeros_like(frame[0]), np.where(mask, frame[0], 0)])
    inputs = predictor.record.inputs
    channels = iter(frame)
    image = np.stack([mask if name == "mask" else next(channels) for name in inputs]).astype(np.float32)
    return np.asarray(predictor.predict_frame(image, mask, PixelSize.square(micron)).traction, np.float64)


if __name__ == "__main__":
    main()
