"""Error against the number of cells that a predictor is fine-tuned on, on cells of another microscope.

usage: python benchmarks/how_many_cells.py [MODEL] [--many]

The other microscope is that of `examples/other_microscope.py`, once with the usual label and once with
another; all errors are on cells that no run has seen. An error is the sum of |F - M|^2 over the masks,
relative to that of |M|^2: 0 is perfect, no forces at all is 1. Of a model in normalised units, one unit is
taken for the Pa that fit best on the usual cells.

Part of the error stays with any model, for the image does not tell how hard a cell pulls, and measured
tractions are noisy. What the microscope adds is the error there above that on the usual cells. With --many
(half an hour more), a hundred cells of the other microscope tell what can be had.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import _report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from napari_cellforce.evaluate.scores import FrameScore, by_cell, figures, scale, score_frame
from napari_cellforce.fields import FrameResult
from napari_cellforce.io.dataset import list_cells, read_cell
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import prepare
from napari_cellforce.simulate import SimulateConfig, simulate_cells
from napari_cellforce.train import DataConfig, OptimiseConfig, calibrate_file, finetune_config, train
from napari_cellforce.zoo import load_predictor
from other_microscope import OtherMicroscope

FRAMES, MANY, JUDGED, USUAL = 3, 100, 32, 16
HOME = "error on the usual cells at the best scale"
PLANS = {
    "other microscope": ((1, "scale"), (4, "scale"), (4, "all")),
    "other microscope and label": (
        (1, "scale"), (2, "scale"), (2, "all"), (4, "scale"), (4, "head"), (4, "all"),
        (8, "scale"), (8, "all"),
    ),
}  # fmt: skip
"""How many cells, and what may change: runs need cells to validate with and start at two."""


def main(model: str, *, many: bool) -> None:
    """Fine-tune, and write what came of it."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        made(SimulateConfig(cells=USUAL, seed=77, measured=True), "usual")
        usual = scores(model, "usual")
        pascal = scale(usual)
        found = {}
        for microscope, plan in PLANS.items():
            world = World(model, microscope, usual)
            world.simulate()
            rows = [judged(world.scores(model), usual, pascal) | {"cells": 0, "what changed": "nothing"}]
            for cells, way in (*plan, *(((MANY, "all"),) if many else ())):
                print(microscope, rows[-1], file=sys.stderr, flush=True)
                rows.append(world.run(cells, way))
            found[microscope] = with_shares(rows)
    print("\n".join(line for microscope, rows in found.items() for line in table(microscope, rows)))
    results = {"model": Path(model).stem, "frames a cell": FRAMES, "Pa of a normalised unit": pascal}
    _report.write("how_many_cells", {**results, "microscopes": found})


@dataclass(frozen=True)
class World:
    """Another microscope, and a model from elsewhere.

    Attributes
    ----------
    model : str
    microscope : str
    usual : list of FrameScore
        Of the model as it is, on the usual cells.
    """

    model: str
    microscope: str
    usual: list[FrameScore]

    def simulate(self) -> None:
        """Make the cells to learn from, and those to judge on."""
        look = OtherMicroscope(other_label="label" in self.microscope)
        made(replace(look, cells=8, frames=FRAMES, seed=5), self.place("learn"))
        made(replace(look, cells=JUDGED, seed=6), self.place("judge"))

    def place(self, what: str) -> str:
        """Return a folder of this microscope."""
        return f"{self.microscope}/{what}"

    def many(self) -> str:
        """Make many cells of this microscope."""
        look = OtherMicroscope(other_label="label" in self.microscope)
        made(replace(look, cells=MANY, seed=30), self.place("many"))
        return self.place("many")

    def scores(self, model: str) -> list[FrameScore]:
        """Judge a model on cells of this microscope."""
        return scores(model, self.place("judge"))

    def run(self, cells: int, way: str) -> dict[str, object]:
        """Fine-tune on so many cells, and judge the result on cells that it has not seen."""
        folder = Path(self.place(f"{way}-{cells}"))
        source = list_cells(self.many() if cells == MANY else self.place("learn"))[:cells]
        data = DataConfig(tuple(str(cell) for cell in source))
        begin = time.perf_counter()
        if way == "scale":
            path, _ = calibrate_file(self.model, data, folder / "scaled.safetensors")
            told: dict[str, object] = {}
        else:
            config = replace(finetune_config(self.model, way), data=data)  # type: ignore[arg-type]
            if cells == MANY:
                config = replace(config, optimise=OptimiseConfig(epochs=30, learning_rate=1e-3))
            result = train(config, folder)
            path, told = result.model, {"epochs": len(result.history), "share kept": result.share}
        seconds = round(time.perf_counter() - begin, 1)
        # Another scale alone changes nothing where every model is judged at its best one.
        usual = self.usual if way == "scale" else scores(str(path.absolute()), "usual")
        after = judged(self.scores(str(path.absolute())), usual, 1.0)
        return after | {"cells": cells, "what changed": way, "seconds": seconds} | told


def made(config: SimulateConfig, folder: str) -> None:
    """Simulate a data set."""
    for _ in simulate_cells(config, Path(folder), workers=2):
        pass


def judged(other: Sequence[FrameScore], usual: Sequence[FrameScore], pascal: float) -> dict[str, object]:
    """Return the errors on the other microscope, in Pa and at the best scale, and on the usual cells."""
    totals = [figures(cell, pascal)["total force error"] for cell in by_cell(other).values()]
    own = sum(s.overlap**2 / s.predicted_power for s in other)
    return {
        "error": error(other, pascal),
        "error at the best scale": error(other, scale(other)),
        "error, own scale": 1 - own / sum(s.measured_power for s in other),
        "total force error": float(np.mean(np.abs(totals))),
        "angle error [deg]": float(np.nanmean([s.angle_error for s in other])),
        HOME: error(usual, scale(usual)),
    }


def with_shares(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Add which share of the first error is removed, of all and of what the microscope adds."""
    first, home = (float(rows[0][name]) for name in ("error", HOME))  # type: ignore[arg-type]

    def shares(value: float) -> dict[str, float]:
        return {"removed": 1 - value / first, "of what it adds": (first - value) / (first - home)}

    return [row | shares(float(row["error"])) for row in rows]  # type: ignore[arg-type]


def table(microscope: str, rows: Sequence[dict[str, object]]) -> Iterator[str]:
    """Yield the table of the documentation."""
    names = ("error", "removed", "of what it adds", "total force error", "angle error [deg]", HOME, "seconds")
    yield f"\n{microscope}\n| cells | may change | " + " | ".join(names) + " |"
    yield "| --- " * (2 + len(names)) + "|"
    for row in rows:
        numbers = (f"{row[name]:.3g}" if row.get(name) is not None else "" for name in names)
        yield f"| {row['cells']} | {row['what changed']} | " + " | ".join(numbers) + " |"


def error(of: Sequence[FrameScore], s: float) -> float:
    """Return the relative squared error of predictions that are multiplied by `s`."""
    power, overlap, measured = (
        sum(getattr(score, name) for score in of) for name in ("predicted_power", "overlap", "measured_power")
    )
    return (s**2 * power - 2 * s * overlap + measured) / measured


def scores(model: str, folder: str) -> list[FrameScore]:
    """Predict all cells of a data set and compare."""
    predictor = load_predictor(model, device="cpu")
    return [score for cell in list_cells(folder) for score in of_cell(predictor, cell)]


def of_cell(predictor: Predictor, path: Path) -> Iterator[FrameScore]:
    """Predict and compare the frames of a cell."""
    cell = read_cell(path)
    job = prepare(cell.image, predictor, cell.mask)
    for result in job.run():
        if isinstance(result, FrameResult):
            t = result.frame
            measured, mask = np.asarray(cell.traction.data[t]), cell.mask.frame(t)
            yield score_frame("", path.name, t, result.traction, measured, mask, job.pixel_size)


if __name__ == "__main__":
    models = [argument for argument in sys.argv[1:] if argument != "--many"]
    main(models[0] if models else "unet-sim", many="--many" in sys.argv)
