"""The explanation of a prediction or a field: its parts, one after the other, each written as it is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.explain.config import ExplainConfig, WrittenFile
from napari_cellforce.explain.decomposition import (
    source_from_field,
    source_from_prediction,
    write_decomposition,
)
from napari_cellforce.explain.fields import write_fields
from napari_cellforce.explain.formula import save_fit, write_formula
from napari_cellforce.explain.greens import write_greens
from napari_cellforce.explain.probes import write_probes
from napari_cellforce.fields import PixelSize, Progress, VectorField, to_numpy
from napari_cellforce.io import MeasuredCell, list_cells, read_cell
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic import FORMULA_KIND, RegressionFrame, Samples, draw_samples, fit
from napari_cellforce.predict import Prediction
from napari_cellforce.preprocess.normalise import measure_baselines, normalise
from napari_cellforce.text import pluralise

if TYPE_CHECKING:
    from napari_cellforce.models.base import Network


def explain(
    job: Prediction, config: ExplainConfig, folder: Path, module: Network | None = None
) -> Iterator[Progress | WrittenFile]:
    """Explain what a model says of a movie; what was written before an error or a stop stays.

    Parameters
    ----------
    job : Prediction
        From `napari_cellforce.predict.prepare`.
    config : ExplainConfig
    folder : Path
        Where everything goes.
    module : Network, optional
        The network itself, for its Green's functions (`napari_cellforce.zoo.load_weights`).

    Raises
    ------
    CellForceError
        If the model has nothing of that kind, or a part cannot be done with these data.
    """
    baselines = None
    if set(config.parts) - {"greens"}:
        baselines = yield from job.measure_baselines()
    for part in config.parts:
        if part == "fields":
            yield from write_fields(job, baselines, folder)
        elif part == "greens":
            yield from write_greens(module, job.predictor.record, folder)
        elif part == "formula":
            yield from write_formula(job, baselines, config.fit, folder)
        elif part == "decomposition":
            source = source_from_prediction(job, baselines)
            yield from write_decomposition(source, folder, config.clebsch_iterations)
        elif part == "probes":
            yield from write_probes(job, baselines, config, folder)


def explain_field(
    field: VectorField, config: ExplainConfig, folder: Path
) -> Iterator[Progress | WrittenFile]:
    """Take a measured or predicted field apart; nothing else can be said without image and model.

    Raises
    ------
    CellForceError
        If other parts are wanted.
    """
    others = [part for part in config.parts if part != "decomposition"]
    if others:
        raise CellForceError(
            f"{', '.join(others)} are asked of a field",
            "without an image and a model a field can be taken apart, and no more",
            "Give the image and a model, or ask for the decomposition only.",
            topic=Topic.PARTS,
        )
    yield from write_decomposition(source_from_field(field), folder, config.clebsch_iterations)


_MEASURED = ("formula", "decomposition")
"""Parts that need no model."""


def explain_cells(
    folder: str | os.PathLike[str],
    config: ExplainConfig,
    out: Path,
    *,
    pixel_size: PixelSize | None = None,
    channel: int | str = 0,
) -> Iterator[Progress | WrittenFile]:
    """Find a formula for the measured tractions of a data set, or take them apart.

    Parameters
    ----------
    folder : path-like
        In the authors' layout.
    config : ExplainConfig
        Its parts must be among ``formula`` and ``decomposition``.
    out : Path
    pixel_size : PixelSize, optional
        Where the data set does not say.
    channel : int or str
        The protein of the formula.

    Raises
    ------
    CellForceError
        If other parts are wanted, cells cannot be read, or there are too few.
    """
    others = [part for part in config.parts if part not in _MEASURED]
    if others:
        raise CellForceError(
            f"{', '.join(others)} are asked of measured cells",
            "without a model there can be a formula and a decomposition",
            "Leave the others out, or give an image and a model.",
            topic=Topic.PARTS,
        )
    cells = list_cells(folder)
    for part in config.parts:
        if part == "formula":
            yield from _formula(cells, config, out, pixel_size, channel, Path(folder).resolve().name)
        else:
            for path in cells:
                source = source_from_field(read_cell(path, pixel_size).traction)
                yield from write_decomposition(source, out, config.clebsch_iterations)


def measured_samples(
    cell: MeasuredCell, config: ExplainConfig, record: ModelRecord, channel: int | str
) -> Iterator[Samples]:
    """Yield the samples of each frame of a measured cell, its image normalised over all of them."""
    image, mask = cell.image, cell.mask
    chosen = (image.channel(channel),)
    frames = range(image.n_frames)
    baselines = measure_baselines((image.frame(t, chosen) for t in frames), (mask.frame(t) for t in frames))
    for t in frames:
        z = normalise(image.frame(t, chosen), baselines, "outside_inside")
        traction = to_numpy(cell.traction.data[t], dtype=np.float32)
        frame = RegressionFrame(z, traction, mask.frame(t), cell.traction.pixel_size, image.name)
        yield from draw_samples([frame], config.fit.library, record, config.fit.pixels_per_frame, t)


def _formula(
    paths: list[Path],
    config: ExplainConfig,
    out: Path,
    pixel_size: PixelSize | None,
    channel: int | str,
    name: str,
) -> Iterator[Progress | WrittenFile]:
    record = ModelRecord(
        f"formula-of-{name}",
        FORMULA_KIND,
        pixel_size=config.fit.library.pixel_size,
        output_unit="Pa",
        training_data=f"measured tractions of {pluralise(len(paths), 'cell')} in {name}",
        limits="A few terms fitted to these cells; validated on cells left out, see its report.",
        source="napari-cellforce, sparse regression",
    )
    samples: list[Samples] = []
    for done, path in enumerate(paths):
        yield Progress("Collecting terms", done, len(paths))
        samples += measured_samples(read_cell(path, pixel_size), config, record, channel)
    yield Progress("Choosing terms", len(paths), len(paths))
    result = fit(samples, config.fit, "Pa")
    for path in save_fit(result, record, out / f"{name}_formula"):
        yield WrittenFile("formula", path)
