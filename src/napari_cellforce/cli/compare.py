"""``cellforce compare``: two fields in; numbers, profiles and figures out."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from napari_cellforce.cli.console import frame_progress, output
from napari_cellforce.errors import CellForceWarning
from napari_cellforce.fields import to_numpy

if TYPE_CHECKING:
    from napari_cellforce.fields import VectorField
    from napari_cellforce.io.measured import MeasuredLayout


def compare(
    first: Annotated[Path, typer.Argument(help="A: a field, as a rule the predicted one.")],
    second: Annotated[Path, typer.Argument(help="B: another one, as a rule measured; any format.")],
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("cellforce-compare"),
    mask: Annotated[
        Path | None, typer.Option(help="Where the cell is, or the labels of several, on A's grid.")
    ] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Scale A to B first; always done if A is normalised.")
    ] = False,
    unit: Annotated[str | None, typer.Option(help="Of B's file: Pa, kPa, px, µm ...")] = None,
    pixel_size: Annotated[float | None, typer.Option(help="µm a pixel, for a B in pixels.")] = None,
    positions: Annotated[str, typer.Option(help="Unit of x and y in B's file: px or µm.")] = "px",
    spacing: Annotated[
        float | None, typer.Option(help="Distance of B's vectors in µm, for files without positions.")
    ] = None,
    swap: Annotated[bool, typer.Option("--swap", help="B's first component is along y.")] = False,
    flip_y: Annotated[bool, typer.Option("--flip-y", help="B's y component points up.")] = False,
    flip_x: Annotated[bool, typer.Option("--flip-x", help="B's x component points left.")] = False,
    scale: Annotated[float, typer.Option(help="B is multiplied by it.")] = 1.0,
) -> None:
    """Compare two traction or displacement fields: writes tables and figures."""
    from napari_cellforce.compare import (
        CompareConfig,
        ComparePaths,
        Comparison,
        compare_to_files,
        estimate_table,
    )
    from napari_cellforce.io.measured import MeasuredLayout
    from napari_cellforce.predict.config import Progress

    layout = MeasuredLayout(
        unit=unit,
        position_unit=positions,
        pixel_size=pixel_size,
        spacing=spacing,
        swap=swap,
        flip_y=flip_y,
        flip_x=flip_x,
        scale=scale,
    )
    a, b = _field(first, MeasuredLayout()), _field(second, layout)
    cell = None if mask is None else _mask(mask, a)
    with frame_progress(f"{first.name} and {second.name}") as update:
        for record in compare_to_files(a, b, ComparePaths.of(out), cell, CompareConfig(calibrate=calibrate)):
            if isinstance(record, Progress):
                update(record.what, record.done, record.total)
            if isinstance(record, Comparison):
                table = estimate_table(record)
    output.print(table.to_string(index=False, float_format="{:.4g}".format))
    output.print(str(out))


def _field(path: Path, layout: MeasuredLayout) -> VectorField:
    from napari_cellforce.io.measured import read_measured
    from napari_cellforce.tfm import check_direction

    field = read_measured(path, layout)
    first = np.nan_to_num(to_numpy(field.data[0]))
    known = np.ones(first.shape[1:], bool) if field.mask is None else to_numpy(field.mask[0])
    if known.any() and (warning := check_direction(first, known, field.pixel_size)):
        warnings.warn(f"{path.name}: {warning} (--swap, --flip-y, --flip-x)", CellForceWarning, stacklevel=2)
    return field


def _mask(path: Path, field: VectorField) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the labels of the cells in a mask, which must fit the field."""
    from napari_cellforce.io import read, read_mask

    height, width = field.data.shape[2:]
    mask = read_mask(path, shape=(int(height), int(width)), frames=len(field.frames))
    if path.suffix.lower() == ".npy":
        return np.asarray(mask.data).astype(np.int64)
    labels = read(path)
    return np.stack([labels.frame(t, (0,))[0] for t in range(labels.n_frames)]).astype(np.int64)
