"""Formulas of more and more terms, found on simulated sheets, on the cells that the networks are judged by.

usage: python tools/formula_on_known_cells.py [--runs FOLDER] [--cells 30]

Writes ``docs/training/runs/formula/physics.json``, populations and figures as in ``train_pbnn_sim.py``: so R²
against the number of terms stands beside the networks. A formula is fitted to the exact traction over its
mean in each cell; the cells are of those that the bottleneck was trained on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from default_models import ROOT
from known_cells import PIXEL, Known, kept, known_cells
from measure_models import Sums, means, scores

from napari_cellforce import files
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic import (
    FitConfig,
    Formula,
    FormulaFrame,
    RegressionFrame,
    SymbolicFit,
    draw_samples,
    fit,
)

TERMS = (1, 2, 4, 10, 20, 30)
UNSEEN = 60
SIZE = PixelSize.square(PIXEL)
RECORD = ModelRecord("formula", "formula", pixel_size=PIXEL)
KINDS = {
    "sheets of one tension, seed 12": ("sheets", 12, "sheet", False),
    "sheets whose tension differs, seed 22": ("contractile_unseen", 22, "sheet", True),
    "cells that pull by fibres, seed 13": ("fibres", 13, "fibres", False),
}
"""As in ``train_pbnn_sim.py``."""


def main() -> None:
    """Fit, measure, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=Path, default=ROOT / "runs")
    arguments.add_argument("--cells", type=int, default=30)
    chosen = arguments.parse_args()
    result = fitted(kept_cells(chosen.runs, "learn_formula", 21, "sheet", True)[: chosen.cells])
    print(result.best.text)
    found = {}
    for title, (name, seed, kind, contractile) in KINDS.items():
        cells = kept_cells(chosen.runs, name, seed, kind, contractile)
        found[f"{title}, {len(cells)} cells"] = measured(result, cells)
    text = json.dumps(found, indent=1)
    files.write_text(ROOT / "docs" / "training" / "runs" / "formula" / "physics.json", text + "\n")
    print(text)


def kept_cells(runs: Path, name: str, seed: int, kind: str, contractile: bool) -> list[Known]:
    """Return a population, made anew if it was not kept."""
    return kept(runs / f"{name}.pkl", lambda: known_cells(UNSEEN, seed, kind, contractile=contractile))


def fitted(cells: Sequence[Known]) -> SymbolicFit:
    """Find formulas for the pattern of the exact traction."""
    config = FitConfig(bootstraps=0, most_terms=max(TERMS), pixels_per_frame=1500)

    def frames() -> Iterator[RegressionFrame]:
        for number, cell in enumerate(cells):
            mean = np.hypot(*cell.traction)[cell.mask].mean()
            yield RegressionFrame(cell.proteins[:1], cell.traction / mean, cell.mask, SIZE, f"cell {number}")

    return fit(draw_samples(frames(), config.library, RECORD, config.pixels_per_frame), config)


def measured(result: SymbolicFit, cells: Sequence[Known]) -> dict[str, Sums]:
    """Return the figures of the formulas on cells that they have not seen."""
    formulas = {
        f"formula of {n} term{'s' * (n > 1)}": result.formulas[n] for n in TERMS if n in result.formulas
    }
    used = tuple(dict.fromkeys(p for formula in formulas.values() for p in formula.potentials))
    rows: dict[tuple[str, str], list[Sums]] = {}
    for cell in cells:
        frame = FormulaFrame.of(cell.proteins[:1], cell.mask, SIZE, RECORD, result.best.library, used)
        for name, formula in formulas.items():
            for target, row in _scored(frame, formula, cell).items():
                rows.setdefault((name, target), []).append(row)
    found: dict[str, Sums] = {name: {} for name in formulas}
    for (name, target), of in rows.items():
        found[name] |= {f"{key}, {target}": value for key, value in means(of).items()}
    return found


def _scored(frame: FormulaFrame, formula: Formula, cell: Known) -> dict[str, Sums]:
    traction = frame.traction(formula).astype(np.float64)
    fields = {"exact": cell.traction, "as measured": cell.measured}
    return {target: scores(traction, np.float64(field), cell.mask, True) for target, field in fields.items()}


if __name__ == "__main__":
    main()
