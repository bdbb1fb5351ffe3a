"""Explanation of forces off the GUI thread, and the events that it yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from napari_cellforce.explain import ExplainConfig
from napari_cellforce.explain.fields import frame_reader, require_fields, stiffness_curves
from napari_cellforce.explain.formula import fit_prediction
from napari_cellforce.explain.greens import GreensFunction, read_greens, require_greens_functions
from napari_cellforce.fields import FrameResult, Mask, Progress, ShortRepr
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic import FormulaFrame, SymbolicFit
from napari_cellforce.predict import Prediction, prepare
from napari_cellforce.preprocess.normalise import Baselines
from napari_cellforce.viewer.images import ChosenImage
from napari_cellforce.widgets.explain.formula_rendering import prerender_potentials
from napari_cellforce.widgets.explain.result_layers import ExplanationLayers
from napari_cellforce.zoo import load_weights


@dataclass(frozen=True)
class ExplainRequest:
    """Settings of an explanation.

    Attributes
    ----------
    chosen : ChosenImage
    mask : callable
        Returns the mask of the cell.
    config : ExplainConfig
    ratio : float
        Device pixels per pixel of the screen, for the formula's picture.
    """

    chosen: ChosenImage
    mask: Callable[[], Mask]
    config: ExplainConfig
    ratio: float


@dataclass(frozen=True)
class Started:
    """The prediction job, and the intensity baselines measured for it."""

    job: Prediction
    baselines: Baselines | None


@dataclass(frozen=True)
class GreensResult:
    """Green's functions of the model."""

    functions: tuple[GreensFunction, ...]


@dataclass(frozen=True, eq=False, repr=False)
class FrameFields(ShortRepr):
    """A frame's inner fields; what Y goes with, where there is a Y."""

    t: int
    result: FrameResult
    curves: pd.DataFrame | None


@dataclass(frozen=True)
class FormulaResult:
    """Fitted formulas, and their record as predictors."""

    fit: SymbolicFit
    record: ModelRecord


ExplainEvent = Progress | Started | GreensResult | FrameFields | FormulaResult


def explain_events(request: ExplainRequest) -> Iterator[ExplainEvent]:
    """Explain part by part; events yielded before an error or a stop remain valid.

    Raises
    ------
    CellForceError
    """
    yield Progress("Loading the model", 0, 0)
    config, run = request.config, request.config.predict.run
    predictor, chosen = run.load(), request.chosen
    job = prepare(chosen.stack, predictor, request.mask(), chosen.pixel_size, config.predict)
    baselines = yield from job.measure_baselines()
    yield Started(job, baselines)
    if "greens" in config.parts:
        loaded = load_weights(run.model, folder=run.model_folder or None)
        module = require_greens_functions(loaded.module, run.model)
        yield GreensResult(read_greens(module, job.predictor.record.pixel_size))
    if "fields" in config.parts:
        yield from _inner_fields(job, baselines)
    if "formula" in config.parts:
        fit, record = yield from fit_prediction(job, baselines, config.fit)
        prerender_potentials(config.fit.library.potentials, request.ratio)
        yield FormulaResult(fit, record)


@dataclass(frozen=True)
class FormulaPreview:
    """Potentials of one frame for fast evaluation of formulas, and the prediction of the model."""

    t: int
    frame: FormulaFrame
    result: FrameResult


def preview_formula(shown: ExplanationLayers, result: FormulaResult, t: int) -> FormulaPreview:
    """Compute the potentials of all formulas of a fit in one frame."""
    job, mask = shown.job, shown.job.mask.frame(t)
    image = job.inputs(t, shown.baselines)
    formulas = result.fit.formulas.values()
    used = tuple(dict.fromkeys(p for formula in formulas for p in formula.potentials))
    library = result.fit.best.library
    protein = image[shown.protein : shown.protein + 1]
    frame = FormulaFrame.of(protein, mask, job.pixel_size, result.record, library, used)
    return FormulaPreview(t, frame, job.predictor.predict_frame(image, mask, job.pixel_size))


def _inner_fields(job: Prediction, baselines: Baselines | None) -> Iterator[Progress | FrameFields]:
    """Yield progress and the inner fields of the model, frame by frame."""
    read, n_frames = frame_reader(job), job.stack.n_frames
    for t in range(n_frames):
        yield Progress("Reading the model's fields", t, n_frames)
        image, mask = job.inputs(t, baselines), job.mask.frame(t)
        result = read(image, mask, job.pixel_size)
        require_fields(result, job)
        curves = None
        if "Y" in result.scalars:
            curves = stiffness_curves(result.scalars["Y"], image[0], mask, job.pixel_size, t)
        yield FrameFields(t, result, curves)
