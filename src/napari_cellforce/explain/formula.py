"""One formula for what a model says of a movie, as text, LaTeX, tables, a figure and a predictor."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_cellforce.explain.config import WrittenFile, first_protein
from napari_cellforce.explain.figures import COLOURS, save
from napari_cellforce.fields import Progress
from napari_cellforce.files import write_text
from napari_cellforce.io.write import write_table
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic import (
    FORMULA_KIND,
    FitConfig,
    FormulaPredictor,
    RegressionFrame,
    Samples,
    SymbolicFit,
    Term,
    draw_samples,
    fit,
    save_formula,
)
from napari_cellforce.predict import Prediction
from napari_cellforce.preprocess.normalise import Baselines
from napari_cellforce.text import pluralise

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def fit_prediction(
    job: Prediction, baselines: Baselines | None, config: FitConfig
) -> Generator[Progress, None, tuple[SymbolicFit, ModelRecord]]:
    """Find formulas for the tractions that a model predicts, frame by frame.

    Returns
    -------
    SymbolicFit
    ModelRecord
        Metadata of the formulas as predictors.
    """
    record = formula_record(job, config)
    samples: list[Samples] = []
    n_frames = job.stack.n_frames
    for t in range(n_frames):
        yield Progress("Collecting terms", t, n_frames)
        image, mask = job.inputs(t, baselines), job.mask.frame(t)
        traction = job.predictor.predict_frame(image, mask, job.pixel_size).traction
        frame = RegressionFrame(image[_protein(job)], traction, mask, job.pixel_size, job.stack.name)
        samples += draw_samples([frame], config.library, record, config.pixels_per_frame, config.seed + t)
    yield Progress("Choosing terms", n_frames, n_frames)
    return fit(samples, config, record.output_unit), record


def formula_record(job: Prediction, config: FitConfig) -> ModelRecord:
    """Return the record of a formula that imitates the model of a job."""
    model = job.predictor.record
    return ModelRecord(
        name=f"formula-of-{model.name}",
        kind=FORMULA_KIND,
        inputs=(first_protein(job),),
        pixel_size=config.library.pixel_size,
        normalisation=model.normalisation,
        mask_margin=model.mask_margin,
        output_unit=model.output_unit,
        output_scale=model.output_scale,
        relative_to=model.relative_to,
        training_data=f"what {model.name} says of {job.stack.name}, {pluralise(job.stack.n_frames, 'frame')}",
        limits="A few terms fitted to a model's predictions: no better than the model, on cells like these.",
        source="napari-cellforce, sparse regression",
    )


def write_formula(
    job: Prediction, baselines: Baselines | None, config: FitConfig, folder: Path
) -> Iterator[Progress | WrittenFile]:
    """Fit a formula and write all that is known of it.

    Raises
    ------
    CellForceError
        If there are too few frames, or nothing to explain.
    """
    result, record = yield from fit_prediction(job, baselines, config)
    for path in save_fit(result, record, folder / f"{job.stack.name}_formula"):
        yield WrittenFile("formula", path)


def save_fit(result: SymbolicFit, record: ModelRecord, stem: Path) -> Iterator[Path]:
    """Write a fit: predictor (JSON), LaTeX, text, curve and terms (CSV), figure."""

    def beside(ending: str) -> Path:
        return stem.with_name(stem.name + ending)

    name = stem.name.replace(" ", "-")
    predictor = FormulaPredictor(result.best, dataclasses.replace(record, name=name))
    yield save_formula(beside(".json"), predictor)
    yield write_text(beside(".tex"), result.best.latex + "\n")
    yield write_text(beside(".txt"), formula_report(result))
    yield write_table(beside("_curve.csv"), curve_table(result))
    yield write_table(beside("_terms.csv"), terms_table(result))
    yield from save(formula_figure(result), stem)


def formula_report(result: SymbolicFit) -> str:
    """Return the formula at the knee and how far it may be trusted, for people."""
    lines = [
        result.best.text,
        "",
        f"R² {1 - result.error[result.knee]:.3f} on unseen data, by {result.knee} of {result.n_terms} terms; "
        f"{result.n_kept} are left when near copies are pruned.",
        *result.notes,
    ]
    for term in result.best.terms:
        copies = result.equivalents.get(term, ())
        seen = (
            f"chosen in {100 * result.stability.get(term, 0):.0f} % of resamples" if result.stability else ""
        )
        others = f"could as well be {copies[0][0].text} ({len(copies)} near copies)" if copies else ""
        lines.append(f"{term.text}: {'; '.join(part for part in (seen, others) if part) or 'no near copy'}")
    return "\n".join(lines) + "\n"


def curve_table(result: SymbolicFit) -> pd.DataFrame:
    """Return error and formula for every number of terms."""
    return pd.DataFrame(
        {
            "terms": list(result.error),
            "error": list(result.error.values()),
            "error spread": list(result.error_spread.values()),
            "R2": [1 - error for error in result.error.values()],
            "knee": [count == result.knee for count in result.error],
            "formula": [" ".join(result.formulas[count].text.split()) for count in result.error],
        }
    )


def terms_table(result: SymbolicFit) -> pd.DataFrame:
    """Return the terms of the formula at the knee with coefficient, unit, stability and near copies."""
    best = result.best

    def row(coefficient: float, term: Term) -> dict[str, object]:
        copies = result.equivalents.get(term, ())
        return {
            "term": term.text,
            "coefficient": coefficient,
            "unit": best.unit_of(term),
            "stability": result.stability.get(term, np.nan),
            "near copies": "; ".join(f"{other.text} (r {r:+.3f})" for other, r in copies),
        }

    return pd.DataFrame([row(c, t) for c, t in zip(best.coefficients, best.terms, strict=True)])


def _protein(job: Prediction) -> slice:
    """Return where the first protein is among the model's inputs."""
    place = job.predictor.record.inputs.index(first_protein(job))
    return slice(place, place + 1)


def formula_figure(fit: SymbolicFit) -> Figure:
    """Draw the error on unseen cells against the number of terms, with the knee."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.subplots()
    counts = list(fit.error)
    axes.errorbar(
        counts, list(fit.error.values()), list(fit.error_spread.values()), color=COLOURS[0], marker="o",
        markersize=3, capsize=2,
    )  # fmt: skip
    axes.axvline(fit.knee, color="k", linestyle="--", linewidth=1, label=f"knee: {fit.knee} terms")
    axes.set(xlabel="terms", ylabel="unexplained on unseen cells, 1 - R²", ylim=(0, None))
    axes.legend(frameon=False)
    return figure
