"""``cellforce compare``: two fields in; numbers, profiles and figures out."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from napari_cellforce.cli.console import frame_progress, output
from napari_cellforce.cli.options import Given, with_settings
from napari_cellforce.errors import CellForceWarning
from napari_cellforce.fields import to_numpy

if TYPE_CHECKING:
    from napari_cellforce.fields import VectorField
    from napari_cellforce.io.measured import MeasuredLayout


@with_settings("napari_cellforce.compare:CompareConfig")
@with_settings("napari_cellforce.io.measured:MeasuredLayout", name="measured")
def compare(
    first: Annotated[Path, typer.Argument(help="Field A, usually predicted.")],
    second: Annotated[Path, typer.Argument(help="Field B, usually measured (any supported format).")],
    given: Given,
    measured: Given,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("cellforce-compare"),
    mask: Annotated[
        Path | None, typer.Option(help="Mask of the cell, or labels of several cells, on the grid of A.")
    ] = None,
) -> None:
    """Compare two traction or displacement fields: writes tables and figures."""
    from napari_cellforce.compare import (
        CompareConfig,
        ComparePaths,
        Comparison,
        compare_to_files,
        estimate_table,
    )
    from napari_cellforce.fields import Progress
    from napari_cellforce.io.measured import MeasuredLayout

    config: CompareConfig = given.build()
    layout: MeasuredLayout = measured.build()
    a, b = _field(first, MeasuredLayout()), _field(second, layout)
    cell = None if mask is None else _mask(mask, a)
    with frame_progress(f"{first.name} and {second.name}") as update:
        for record in compare_to_files(a, b, ComparePaths.of(out), cell, config):
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
