"""The tables of "which model when", from what the trainings measured: ``python docs/explain/which_model.py``.

Reads ``docs/training/runs/*/{physics,metrics}.json`` and ``benchmarks/results/explainable_models.json``, and
writes ``which_model.txt`` beside this file, which the page includes. No number is typed by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNS = HERE.parent / "training" / "runs"
SPEEDS = HERE.parents[1] / "benchmarks" / "results" / "explainable_models.json"

COLUMNS = {
    "vector R²": "R2 after one scale a cell",
    "r of \\|F\\|": "r of |F|",
    "angle error": "angle error [deg]",
    "net / summed force": "net over summed force",
    "r of *Y*": "r of Y in the mask",
}
"""Heading -> how the measurements call it."""
_KINDS = {"sheet": "that pull as sheets", "fibre": "that pull by stress fibres"}
_PEOPLE = {"fibroblasts": "fibroblasts", "directed_fibroblasts": "fibroblasts whose fibres lead their forces"}
_IMAGES = ("mean r", "cell_0, r", "11_cell_1, r", "cell_1, r", "cell_1, angle error [deg]")

Table = dict[str, dict[str, float]]
"""Model -> measurement -> value; a measurement's name ends in ", exact" or ", as measured"."""


def populations() -> dict[str, Table]:
    """Return every population of unseen cells that models were compared on, and the real images."""
    found: dict[str, Table] = {}
    for path in sorted(RUNS.glob("*/physics.json")) + sorted(RUNS.glob("*/metrics.json")):
        for population, entries in json.loads(path.read_text(encoding="utf-8")).items():
            for name, model, values in _read(population, entries):
                found.setdefault(name, {}).setdefault(model, {}).update(values)
    return found


def _read(population: str, entries: object) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Yield population, model and values, from either way in which the trainings write them."""
    models = {k: v for k, v in entries.items() if isinstance(v, dict)} if isinstance(entries, dict) else {}
    for key, values in models.items():
        grouped = re.fullmatch(r"(\w+), (exact|measured), (\d+ cells)", key)
        if grouped is None:
            yield population, key, values
            continue
        kind, truth, count = grouped.groups()
        people, _, seed = population.partition(", ")
        title = f"{_PEOPLE.get(people, people)} {_KINDS.get(kind, kind)}, {seed}, {count}"
        called = "exact" if truth == "exact" else "as measured"
        for model, figures in values.items():
            yield title, model, {f"{name}, {called}": figure for name, figure in figures.items()}


def table(models: Table, truth: str) -> list[str]:
    """Return the rows of one population, the best model first."""

    def value(model: str, measurement: str) -> float | None:
        values = models[model]
        return values.get(f"{measurement}, {truth}", values.get(measurement))

    shown = {
        heading: name for heading, name in COLUMNS.items() if any(value(m, name) is not None for m in models)
    }
    order = sorted(models, key=lambda m: -(value(m, COLUMNS["vector R²"]) or -1.0))
    rows = [f"| model | {' | '.join(shown)} |", "| --- " * (len(shown) + 1) + "|"]
    for model in order:
        cells = [_cell(name, value(model, name)) for name in shown.values()]
        rows.append(f"| `{model}` | {' | '.join(cells)} |")
    return rows


def real_images(models: Table) -> list[str]:
    """Return correlations of |F| on the real images, read off published figures, the best model first."""
    rows = ["| model | mean r | cell_0 | 11_cell_1 | cell_1 | angle error, cell_1 |", "| --- " * 6 + "|"]
    for model, values in sorted(models.items(), key=lambda entry: -entry[1].get("mean r", -1.0)):
        cells = [_cell(name.removeprefix("cell_1, "), values.get(name)) for name in _IMAGES]
        rows.append(f"| `{model}` | {' | '.join(cells)} |")
    return rows


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name.startswith("angle"):
        return f"{value:.1f}°"
    return f"{value:.4f}" if name.startswith("net") else f"{value:.2f}"


def speeds() -> list[str]:
    """Return the rows of the speeds, as multiples of the quickest model."""
    found = json.loads(SPEEDS.read_text(encoding="utf-8"))["results"]["milliseconds a frame"]
    quickest = min(found.values())
    rows = ["| model | ms a frame | times the quickest |", "| --- | --- | --- |"]
    ordered = sorted(found.items(), key=lambda entry: entry[1])
    return rows + [f"| {name} | {ms:.0f} | {ms / quickest:.1f} |" for name, ms in ordered]


def main() -> None:
    """Write the tables."""
    parts = []
    found = populations()
    real = found.pop("real images", {})
    parts += ["**Real images** (r of \\|F\\|, rough: read off figures)", "", *real_images(real), ""]
    for name, models in found.items():
        if len(models) > 1:
            parts += [f"**{name[:1].upper()}{name[1:]}**", "", *table(models, "exact"), ""]
    parts += ["**Speed**", "", *speeds(), ""]
    (HERE / "which_model.txt").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
