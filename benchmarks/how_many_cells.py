"""Error against the number of cells that a predictor is fine-tuned on, on cells of another microscope.

usage: python benchmarks/how_many_cells.py [MODEL]

The other microscope is that of `examples/other_microscope.py`; all errors are on cells that no run has seen.
Each error is that of the vectors in the mask, relative to the measured ones (root of the ratio of the sums of
squares). Of a model in normalised units, one unit is taken for the Pa that fit best on the usual cells.
"""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import _report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from napari_cellforce.evaluate.scores import FrameScore, score_frame
from napari_cellforce.evaluate.tables import figures, scale
from napari_cellforce.fields import FrameResult
from napari_cellforce.io.dataset import list_cells, read_cell
from napari_cellforce.predict import prepare
from napari_cellforce.simulate import SimulateConfig, simulate_cells
from napari_cellforce.train import DataConfig, calibrate_file, finetune_config, train
from napari_cellforce.zoo import load_predictor
from other_microscope import OtherMicroscope

NUMBERS = (1, 2, 4, 8)
FRAMES = 3
WAYS = ("scale", "head", "all")
"""What may change; the runs that need cells to validate with start at two cells."""


def main(model: str) -> None:
    """Fine-tune, and write what came of it."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        made(OtherMicroscope(cells=max(NUMBERS), frames=FRAMES, seed=5), Path("learn"))
        made(OtherMicroscope(cells=16, seed=6), Path("other"))
        made(SimulateConfig(cells=16, seed=77, measured=True), Path("usual"))
        start = {place: scores(model, Path(place)) for place in ("usual", "other")}
        pascal = scale(start["usual"])
        rows = [judged(start, pascal) | {"cells": 0, "what changed": "nothing", "seconds": 0.0}]
        for cells in NUMBERS:
            for way in WAYS if cells > 1 else WAYS[:1]:
                rows.append(run(model, cells, way))
                print(rows[-1], file=sys.stderr, flush=True)
    _report.write(
        "how_many_cells",
        {"model": Path(model).stem, "frames a cell": FRAMES, "Pa of a normalised unit": pascal, "runs": rows},
    )


def made(config: SimulateConfig, folder: Path) -> None:
    """Simulate a data set."""
    for _ in simulate_cells(config, folder, workers=1):
        pass


def run(model: str, cells: int, way: str) -> dict[str, object]:
    """Fine-tune on so many cells, and judge the result on cells that it has not seen."""
    folder = Path(f"{way}-{cells}")
    data = DataConfig(tuple(str(cell) for cell in list_cells("learn")[:cells]))
    begin = time.perf_counter()
    if way == "scale":
        path, _ = calibrate_file(model, data, folder / "scaled.safetensors")
        epochs = 0
    else:
        result = train(replace(finetune_config(model, way), data=data), folder)  # type: ignore[arg-type]
        path, epochs = result.model, len(result.history)
    seconds = time.perf_counter() - begin
    after = {place: scores(str(path.absolute()), Path(place)) for place in ("usual", "other")}
    return judged(after, 1.0) | {"cells": cells, "what changed": way, "epochs": epochs, "seconds": seconds}


def judged(found: dict[str, list[FrameScore]], pascal: float) -> dict[str, float]:
    """Return the errors on the other microscope, in Pa and at the best scale, and on the usual cells."""
    usual, other = found["usual"], found["other"]
    return {
        "error": error(other, pascal),
        "error at the best scale": error(other, scale(other)),
        "vector R2": figures(other, pascal)["vector R2"],
        "angle error [deg]": figures(other, pascal)["angle error [°]"],
        "error on the usual cells at the best scale": error(usual, scale(usual)),
        "angle error on the usual cells [deg]": figures(usual, pascal)["angle error [°]"],
    }


def error(of: Sequence[FrameScore], s: float) -> float:
    """Return the relative error of predictions that are multiplied by `s`."""
    power, overlap, measured = (
        sum(getattr(score, name) for score in of) for name in ("predicted_power", "overlap", "measured_power")
    )
    return math.sqrt((s**2 * power - 2 * s * overlap + measured) / measured)


def scores(model: str, folder: Path) -> list[FrameScore]:
    """Predict all cells of a data set and compare."""
    predictor = load_predictor(model, device="cpu")
    return [score for cell in list_cells(folder) for score in of_cell(predictor, cell)]


def of_cell(predictor: object, path: Path) -> Iterator[FrameScore]:
    """Predict and compare the frames of a cell."""
    cell = read_cell(path)
    job = prepare(cell.image, predictor, cell.mask)  # type: ignore[arg-type]
    for result in job.run():
        if isinstance(result, FrameResult):
            t = result.frame
            measured, mask = np.asarray(cell.traction.data[t]), cell.mask.frame(t)
            yield score_frame("", path.name, t, result.traction, measured, mask, job.pixel_size)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "unet-sim")
