"""Green's functions of a model as tables and figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from napari_cellforce.explain.config import Written
from napari_cellforce.explain.figures import greens_figure, save
from napari_cellforce.explain.greens import RECIPE, GreensFunction, read_greens, require_gfnn
from napari_cellforce.io.write import write_table
from napari_cellforce.models.record import ModelRecord


def write_greens(module: object, record: ModelRecord, folder: Path) -> Iterator[Written]:
    """Write profiles, lengths and figures of a GFNN's Green's functions.

    Raises
    ------
    CellForceError
        If the model is no GFNN.
    """
    functions = read_greens(require_gfnn(module, record.name), record.pixel_size)
    stem = folder / f"{record.name}_greens"
    profiles = pd.concat([_profile(function) for function in functions])
    yield Written("greens", write_table(stem.with_name(f"{stem.name}_profiles.csv"), profiles))
    yield Written("greens", write_table(stem.with_name(f"{stem.name}.csv"), lengths_table(functions)))
    for path in save(greens_figure(functions), stem):
        yield Written("greens", path)


def lengths_table(functions: tuple[GreensFunction, ...]) -> pd.DataFrame:
    """Return reach and anisotropy of each function, with the recipe of the reach."""
    rows = [
        {"potential": f.name, "reach [µm]": f.reach, "anisotropy": f.anisotropy, "recipe": RECIPE}
        for f in functions
    ]
    return pd.DataFrame(rows)


def _profile(function: GreensFunction) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "potential": function.name,
            "radius [µm]": function.radius,
            "mean": function.mean,
            "spread": function.spread,
            "rescaled": function.rescaled,
        }
    )
