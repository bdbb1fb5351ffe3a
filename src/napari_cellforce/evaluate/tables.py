"""From scores of frames to figures of cells and models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_cellforce.evaluate.scores import FrameScore

COVERAGE = 1.96
"""Standard deviations within which 95 % of normal errors lie."""


def model_table(scores: Sequence[FrameScore]) -> pd.DataFrame:
    """Return one row a model, over all its cells; columns as `figures`, with the number of cells."""
    rows = []
    for model, own in _by(scores, "model").items():
        cells = [figures(of_cell, scale(own)) for of_cell in _by(own, "cell").values()]
        rows.append({"model": model, "cells": len(cells), **pd.DataFrame(cells).mean().to_dict()})
    return pd.DataFrame(rows)


def cell_table(scores: Sequence[FrameScore]) -> pd.DataFrame:
    """Return one row a model and cell; columns as `figures`."""
    rows = []
    for model, own in _by(scores, "model").items():
        s = scale(own)
        rows += [
            {"model": model, "cell": cell, **figures(of_cell, s)}
            for cell, of_cell in _by(own, "cell").items()
        ]
    return pd.DataFrame(rows)


def scales(scores: Sequence[FrameScore]) -> dict[str, float]:
    """Return the Pa of one unit of each model."""
    return {model: scale(own) for model, own in _by(scores, "model").items()}


def by_cell(scores: Sequence[FrameScore]) -> dict[str, list[FrameScore]]:
    """Return the scores of each cell."""
    return _by(scores, "cell")


def scale(scores: Sequence[FrameScore]) -> float:
    """Return the Pa of one unit of prediction: least squares over the vectors of all frames.

    Of magnitudes without directions it is the ratio of the total forces.
    """
    overlap, power = (sum(getattr(s, name) for s in scores) for name in ("overlap", "predicted_power"))
    if np.isfinite(overlap):
        return float(overlap / power) if power > 0 else float("nan")
    predicted = sum(s.predicted_force for s in scores)
    return float(sum(s.measured_force for s in scores) / predicted) if predicted else float("nan")


def figures(scores: Sequence[FrameScore], pascal: float) -> dict[str, float]:
    """Return the figures of one cell.

    Parameters
    ----------
    scores : sequence of FrameScore
        Of one model and cell.
    pascal : float
        Pa of one unit of prediction, the same for all cells of the model.

    Returns
    -------
    dict
        ``vector R2`` at that scale, and ``R2, own scale`` at the cell's own; ``|F| correlation``;
        ``angle error [°]``; root of the ``mean squared error [Pa]`` a component; ``total force error``
        (relative, signed) and ``total force correlation`` over time; ``net / total force``;
        ``strain energy error`` (relative, signed); ``coverage`` of the 95 % interval.
        NaN where it has no meaning.
    """
    own = scale(scores)
    predicted, measured = (
        np.array([getattr(s, name) for s in scores]) for name in ("predicted_force", "measured_force")
    )
    return {
        "vector R2": _r2(scores, pascal),
        "R2, own scale": _r2(scores, own),
        "|F| correlation": _mean(scores, "pearson"),
        "angle error [°]": _mean(scores, "angle_error"),
        "error [Pa]": float(np.sqrt(_squares(scores, pascal) / (2 * sum(s.pixels for s in scores)))),
        "total force error": float(pascal * predicted.sum() / measured.sum() - 1),
        "total force correlation": _correlation(predicted, measured),
        "net / total force": _mean(scores, "net_ratio"),
        "strain energy error": _relative(scores, pascal),
        "coverage": _coverage(scores, pascal),
    }


def _by(scores: Sequence[FrameScore], name: str) -> dict[str, list[FrameScore]]:
    groups: dict[str, list[FrameScore]] = {}
    for score in scores:
        groups.setdefault(getattr(score, name), []).append(score)
    return groups


def _squares(scores: Sequence[FrameScore], s: float) -> float:
    """Return the sum of squared errors at scale `s`."""
    power, overlap, measured = (
        sum(getattr(score, name) for score in scores)
        for name in ("predicted_power", "overlap", "measured_power")
    )
    return float(s**2 * power - 2 * s * overlap + measured)


def _r2(scores: Sequence[FrameScore], s: float) -> float:
    """Return the explained share of the measured variance, about the mean vector of each frame."""
    variance = sum(
        score.measured_power - float(np.square(score.measured_sum).sum()) / score.pixels for score in scores
    )
    return 1 - _squares(scores, s) / variance if variance > 0 else float("nan")


def _mean(scores: Sequence[FrameScore], name: str) -> float:
    values = [getattr(score, name) for score in scores]
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return the correlation over time; NaN for fewer than 3 frames or without change."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _relative(scores: Sequence[FrameScore], pascal: float) -> float:
    measured = sum(score.measured_energy for score in scores)
    return float(pascal * sum(score.predicted_energy for score in scores) / measured - 1)


def _coverage(scores: Sequence[FrameScore], pascal: float) -> float:
    """Return how often |P - M| stays within 1.96 of the vector's standard deviation."""
    p_y, p_x, m_y, m_x, deviation = np.concatenate([score.spread for score in scores], axis=1)
    if not len(deviation):
        return float("nan")
    error = np.hypot(pascal * p_y - m_y, pascal * p_x - m_x)
    return float((error <= COVERAGE * pascal * deviation).mean())
