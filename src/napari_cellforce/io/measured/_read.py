"""Reading of fields measured with other programs."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import PixelSize, Provenance, VectorField
from napari_cellforce.io.field import is_field, read_field
from napari_cellforce.io.measured._array_files import (
    PAIRS,
    SAENOPY,
    is_authors,
    is_traction,
    other_component,
    read_authors,
    read_pair,
    read_saenopy,
)
from napari_cellforce.io.measured._gridding import ORIGIN, GriddedVectors, to_grid, unit_warning
from napari_cellforce.io.measured._layout import MeasuredLayout, RealArray, require_unit
from napari_cellforce.io.measured._matlab import read_mat
from napari_cellforce.io.measured._tables import SUFFIXES, Table, read_table
from napari_cellforce.io.paths import existing_path, stem

PathLike = str | os.PathLike[str]


def read_measured(path: PathLike | Sequence[PathLike], layout: MeasuredLayout | None = None) -> VectorField:
    """Open displacements or tractions measured with another program or this package.

    Parameters
    ----------
    path : path, or sequence of paths
        A text table or Matlab file; several tables for several frames; two files (``.npy`` or TIFF) for the
        x and y component; a file of pyTFM, or its folder; a 2-D result of saenopy; a frame or cell in the
        authors' layout; a field written by this package.
    layout : MeasuredLayout, optional
        Units and conventions that the file does not state.

    Returns
    -------
    VectorField
        In Pa or µm, components (y, x). ``mask`` is True at measured vectors. ``provenance.settings["origin
        [µm]"]`` is the position of the field in the image, as the first vector is rarely at its corner.

    Raises
    ------
    CellForceError
        If a file cannot be read, or a unit, pixel size or spacing is unknown (topics "unit", "pixel size",
        "spacing").

    Warns
    -----
    CellForceWarning
        If irregular positions were interpolated, or the values are implausible for cells.
    """
    layout = layout or MeasuredLayout()
    paths = [existing_path(p) for p in ([path] if isinstance(path, (str, os.PathLike)) else path)]
    if len(paths) == 1 and is_field(paths[0]):
        return read_field(paths[0])
    if len(paths) == 1 and is_authors(paths[0]):
        return read_authors(paths[0], layout)
    if len(paths) == 1 and paths[0].is_dir():
        paths = [_in_folder(paths[0])]
    if paths[0].suffix.lower() in (*SUFFIXES, ".mat"):
        field = _from_positions(paths, layout)
    else:
        field = _from_arrays(paths, layout)
    message = unit_warning(field)
    if message:
        warnings.warn(message, CellForceWarning, stacklevel=2)
    return field


def _in_folder(folder: Path) -> Path:
    for first, _ in PAIRS:
        found = sorted(folder.glob(f"*{first}"))
        if found:
            return found[0]
    raise CellForceError(
        f"{folder} has neither tx.npy and ty.npy nor u.npy and v.npy",
        "a folder must be the output of pyTFM",
        "Choose the file with the vectors.",
        topic=Topic.INPUT,
    )


def _from_positions(paths: list[Path], layout: MeasuredLayout) -> VectorField:
    tables: list[Table] = []
    for path in paths:
        tables += read_mat(path) if path.suffix.lower() == ".mat" else [read_table(path)]
    unit = require_unit(layout.unit or tables[0].unit, paths[0].name)
    quantity, our_unit, factor = layout.quantity(unit)
    grids = [to_grid(t.y, t.x, factor * layout.turned(t.vectors), paths[0].name) for t in tables]
    if any(g.vectors.shape != grids[0].vectors.shape or g.first != grids[0].first for g in grids):
        raise CellForceError(
            f"the {len(grids)} frames of {paths[0].name} have vectors at different positions",
            "a movie needs one grid",
            "Open the frames one by one.",
            topic=Topic.INPUT,
        )
    micron = layout.micron_per_position()
    spacing = grids[0].spacing * micron
    return VectorField(
        np.stack([grid.vectors for grid in grids]).astype(np.float32),
        quantity,
        our_unit,
        PixelSize.square(spacing, "file"),
        layout.frame_interval,
        mask=np.stack([grid.known for grid in grids]),
        name=stem(paths[0]),
        provenance=_provenance(paths, unit, _origin(grids[0], layout, micron)),
    )


def _origin(grid: GriddedVectors, layout: MeasuredLayout, micron: float) -> tuple[float, float]:
    """Return the corner of the field in µm from the corner of the image."""
    half_pixel = 0.5 if layout.positions_in_pixels else 0.0
    y, x = ((place + half_pixel - grid.spacing / 2) * micron for place in grid.first)
    return y, x


def _from_arrays(paths: list[Path], layout: MeasuredLayout) -> VectorField:
    if paths[0].suffix.lower() == SAENOPY:
        vectors, unit, spacing, size = read_saenopy(paths[0], layout)
        complete_layout = dataclasses.replace(layout, spacing=spacing, pixel_size=size)
        return _on_grid(vectors[None], paths[:1], layout.unit or unit, complete_layout)
    other = other_component(paths[0]) if len(paths) == 1 else paths[1] if len(paths) == 2 else None
    if other is None:
        raise CellForceError(
            f"{len(paths)} file{'s' if len(paths) > 1 else ''} beginning with {paths[0].name}",
            "a field on a grid has two files, for its x and its y component",
            "Choose both, x first.",
            topic=Topic.INPUT,
        )
    pair = sorted([paths[0], other], key=lambda p: p.name) if len(paths) == 1 else [paths[0], other]
    known = {True: "Pa", False: "px", None: None}[is_traction(pair[0])]
    unit = require_unit(layout.unit or known, pair[0].name)
    return _on_grid(read_pair(pair[0], pair[1]), pair, unit, layout)


def _on_grid(vectors: RealArray, paths: list[Path], unit: str, layout: MeasuredLayout) -> VectorField:
    """Return ``(T, 2, Y, X)`` vectors in the order of the file as a field."""
    quantity, our_unit, factor = layout.quantity(unit)
    turned: RealArray = np.moveaxis(layout.turned(np.moveaxis(vectors, 1, 0)), 0, 1) * factor
    finite: npt.NDArray[np.bool_] = np.asarray(np.isfinite(turned).all(axis=1))
    return VectorField(
        np.where(finite[:, None], turned, 0).astype(np.float32),
        quantity,
        our_unit,
        PixelSize.square(_spacing(layout, paths[0].name), "typed"),
        layout.frame_interval,
        mask=finite,
        name=stem(paths[0]),
        provenance=_provenance(paths, unit, (0.0, 0.0)),
    )


def _spacing(layout: MeasuredLayout, name: str) -> float:
    if layout.spacing is None:
        raise CellForceError(
            f"{name} does not state the spacing of its vectors",
            "the spacing on the sample must be known",
            "Specify it in µm: side of the image divided by the number of vectors along it.",
            topic=Topic.SPACING,
        )
    return layout.spacing


def _provenance(paths: list[Path], unit: str, origin: tuple[float, float]) -> Provenance:
    settings = {"unit in file": unit, "files": [str(p) for p in paths], ORIGIN: list(origin)}
    return Provenance(settings=settings, input_file=str(paths[0]))
