"""The explanation of a prediction or a field: its parts, one after the other, each written as it is done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from napari_cellforce.errors import CellForceError
from napari_cellforce.explain.config import ExplainConfig, Written
from napari_cellforce.explain.decomposition_part import (
    source_of_field,
    source_of_prediction,
    write_decomposition,
)
from napari_cellforce.explain.fields_part import write_fields
from napari_cellforce.explain.formula_part import write_formula
from napari_cellforce.explain.greens_part import write_greens
from napari_cellforce.explain.probes_part import write_probes
from napari_cellforce.fields import VectorField
from napari_cellforce.predict import Prediction, Progress


def explain(
    job: Prediction, config: ExplainConfig, folder: Path, module: object = None
) -> Iterator[Progress | Written]:
    """Explain what a model says of a movie; what was written before an error or a stop stays.

    Parameters
    ----------
    job : Prediction
        From `napari_cellforce.predict.prepare`.
    config : ExplainConfig
    folder : Path
        Where everything goes.
    module : nn.Module, optional
        The network itself, for its Green's functions (`napari_cellforce.zoo.load_weights`).

    Raises
    ------
    CellForceError
        If the model has nothing of that kind, or a part cannot be done with these data.
    """
    baselines = None
    if set(config.parts) - {"greens"}:
        baselines = yield from job.measure()
    for part in config.parts:
        if part == "fields":
            yield from write_fields(job, baselines, folder)
        elif part == "greens":
            yield from write_greens(module, job.predictor.record, folder)
        elif part == "formula":
            yield from write_formula(job, baselines, config.fit, folder)
        elif part == "decomposition":
            source = source_of_prediction(job, baselines)
            yield from write_decomposition(source, folder, config.clebsch_iterations)
        elif part == "probes":
            yield from write_probes(job, baselines, config, folder)


def explain_field(field: VectorField, config: ExplainConfig, folder: Path) -> Iterator[Progress | Written]:
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
            topic="parts",
        )
    yield from write_decomposition(source_of_field(field), folder, config.clebsch_iterations)
