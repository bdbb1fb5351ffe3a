"""One predicted frame against the measured one: the sums from which every figure follows.

A prediction in normalised units needs a scale before it can be compared. It is found for all cells of a
model together, once all frames are known; so what is kept of a frame are sums from which errors at any
scale s follow: sum |s P - M|² = s² sum P² - 2 s sum P.M + sum M².
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellforce import metrics
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize, ShortRepr

STRONG = 0.2
"""Default fraction of the maximum measured traction above which directions are compared."""

_PIXELS_KEPT = 2000
"""Pixels a frame kept for the calibration of an uncertainty."""


@dataclass(frozen=True, eq=False, repr=False)
class FrameScore(ShortRepr):
    """What a frame says of a model.

    Attributes
    ----------
    model, cell : str
    frame : int
    pixels : int
        In the mask.
    predicted_power, overlap, measured_power : float
        Sums over the mask of P², P.M and M².
    measured_sum : (float, float)
        Sum of the measured vectors over the mask, (y, x).
    pearson : float
        Correlation of |P| with |M|.
    angle_error : float
        Mean, in degrees, where |M| is strong; NaN for a model without directions.
    predicted_force, measured_force : float
        Total force in the model's unit times µm² / 1000, and in nN.
    net_ratio : float
        Net over total predicted force; NaN for a model without directions.
    predicted_energy, measured_energy : float
        Half the sum of P.u and M.u with the measured displacement u; NaN where none was measured.
    spread : (5, N) array
        P (y, x), M (y, x) and the uncertainty of P at some pixels; N is 0 without an uncertainty.
    """

    model: str
    cell: str
    frame: int
    pixels: int
    predicted_power: float
    overlap: float
    measured_power: float
    measured_sum: tuple[float, float]
    pearson: float
    angle_error: float
    predicted_force: float
    measured_force: float
    net_ratio: float
    predicted_energy: float = float("nan")
    measured_energy: float = float("nan")
    spread: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((5, 0)), compare=False)


def score_frame(
    model: str,
    cell: str,
    frame: int,
    predicted: FloatArray,
    measured: FloatArray,
    mask: BoolArray,
    pixel_size: PixelSize,
    *,
    uncertainty: FloatArray | None = None,
    displacement: FloatArray | None = None,
    threshold: float | None = None,
    directed: bool = True,
) -> FrameScore:
    """Compare one frame.

    Parameters
    ----------
    model, cell : str
    frame : int
    predicted : (2, Y, X) array
        (y, x), in any unit.
    measured : (2, Y, X) array
        (y, x), in Pa.
    mask : (Y, X) bool array
    pixel_size : PixelSize
    uncertainty : (Y, X) array, optional
        Standard deviation of the predicted vector, in the unit of `predicted`.
    displacement : (2, Y, X) array, optional
        Measured, in µm.
    threshold : float, optional
        In Pa; directions count where |measured| is above it. By default a fifth of the frame's maximum.
    directed : bool
        False for a "prediction" of magnitudes only: then nothing is said of directions.
    """
    p, m = (np.where(mask, np.asarray(v, dtype=np.float64), 0) for v in (predicted, measured))
    limit = STRONG * float(np.hypot(*m).max()) if threshold is None else threshold
    total = float(metrics.total_force(p, mask, pixel_size))
    net = float(np.linalg.norm(metrics.net_force(p, mask, pixel_size)))
    energies = [float("nan")] * 2
    if displacement is not None and directed:
        energies = [float(metrics.strain_energy(v, displacement, mask, pixel_size)) for v in (p, m)]
    return FrameScore(
        model=model,
        cell=cell,
        frame=frame,
        pixels=int(mask.sum()),
        predicted_power=float((p * p).sum()),
        overlap=float((p * m).sum()) if directed else float("nan"),
        measured_power=float((m * m).sum()),
        measured_sum=(float(m[0].sum()), float(m[1].sum())),
        pearson=float(metrics.pearson(p, m, mask)),
        angle_error=float(metrics.angle_error(p, m, mask, limit)) if directed else float("nan"),
        predicted_force=total,
        measured_force=float(metrics.total_force(m, mask, pixel_size)),
        net_ratio=net / total if directed and total > 0 else float("nan"),
        predicted_energy=energies[0],
        measured_energy=energies[1],
        spread=_spread(p, m, mask, uncertainty, frame),
    )


def _spread(
    p: npt.NDArray[np.float64],
    m: npt.NDArray[np.float64],
    mask: BoolArray,
    uncertainty: FloatArray | None,
    frame: int,
) -> npt.NDArray[np.float64]:
    if uncertainty is None:
        return np.zeros((5, 0))
    inside = np.flatnonzero(mask)
    chosen = np.random.default_rng(frame).permutation(inside)[:_PIXELS_KEPT]
    values = np.concatenate([p, m, np.asarray(uncertainty, dtype=np.float64)[None]])
    return np.asarray(values.reshape(5, -1)[:, chosen])


_Z_95 = 1.96
"""Standard deviations within which 95 % of normal errors lie."""


def model_table(scores: Sequence[FrameScore]) -> pd.DataFrame:
    """Return one row a model, over all its cells; columns as `cell_metrics`, with the number of cells."""
    rows = []
    for model, own in _by(scores, "model").items():
        cells = [cell_metrics(of_cell, scale(own)) for of_cell in _by(own, "cell").values()]
        rows.append({"model": model, "cells": len(cells), **pd.DataFrame(cells).mean().to_dict()})
    return pd.DataFrame(rows)


def cell_table(scores: Sequence[FrameScore]) -> pd.DataFrame:
    """Return one row a model and cell; columns as `cell_metrics`."""
    rows = []
    for model, own in _by(scores, "model").items():
        s = scale(own)
        rows += [
            {"model": model, "cell": cell, **cell_metrics(of_cell, s)}
            for cell, of_cell in _by(own, "cell").items()
        ]
    return pd.DataFrame(rows)


def model_scales(scores: Sequence[FrameScore]) -> dict[str, float]:
    """Return the Pa of one unit of each model."""
    return {model: scale(own) for model, own in _by(scores, "model").items()}


def scores_by_cell(scores: Sequence[FrameScore]) -> dict[str, list[FrameScore]]:
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


def cell_metrics(scores: Sequence[FrameScore], pascal: float) -> dict[str, float]:
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
    return float((error <= _Z_95 * pascal * deviation).mean())
