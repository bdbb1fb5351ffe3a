"""Particle image velocimetry in several passes, each on the image deformed by the previous result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import convolve

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, ShortRepr
from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.displacement._config import DisplacementConfig, Drift
from napari_cellforce.physics.displacement._correlation import (
    Float32,
    Peaks,
    coherence_weights,
    correlate,
    tiles,
)
from napari_cellforce.physics.displacement._sampling import DeformedImage, from_pixels, to_pixels

_HIDDEN = 0.25
"""Maximum fraction of a window outside the other image."""


@dataclass(frozen=True, eq=False, repr=False)
class Vectors(ShortRepr):
    """Result of one pass.

    Attributes
    ----------
    displacement : (2, Yw, Xw) array
        Displacement in pixels, without the drift.
    rejected : (Yw, Xw) bool array
        True for vectors replaced by their neighbours.
    peaks : Peaks
        Peaks of the correlation with the image deformed by the previous pass.
    """

    displacement: RealArray
    rejected: BoolArray
    peaks: Peaks


def piv(reference: Float32, deformed: Float32, config: DisplacementConfig, drift: Drift) -> Vectors:
    """Measure the displacement from `reference` to `deformed`, (Y, X) float32 images, beyond the drift."""
    image = DeformedImage(deformed, config.threads)
    stage = drift_on_pixels(drift, (reference.shape[0], reference.shape[1]))
    vectors: Vectors | None = None
    for window in config.windows[:-1]:
        vectors = _pass(reference, image, window, max(config.step, window // 4), config, stage, vectors)
    return _pass(reference, image, config.windows[-1], config.step, config, stage, vectors)


def similarity(
    reference: Float32, deformed: Float32, vectors: Vectors, config: DisplacementConfig, drift: Drift
) -> tuple[RealArray, float]:
    """Return the correlation coefficients of both images after alignment: per window, and of all windows."""
    window = config.windows[-1]
    shape = (reference.shape[0], reference.shape[1])
    moved = to_pixels(vectors.displacement, vectors.peaks.y, vectors.peaks.x, shape)
    moved += drift_on_pixels(drift, shape)
    aligned = DeformedImage(deformed, config.threads).at(moved.astype(np.float32))
    a, b = (tiles(image, window, window).reshape(-1, window**2) for image in (reference, aligned))
    seen = np.isfinite(b).all(axis=1)
    a, b = (part[seen] - part[seen].mean(axis=1, keepdims=True) for part in (a, b))
    products, powers = (a * b).sum(axis=1), ((a**2).sum(axis=1), (b**2).sum(axis=1))
    each = products / np.maximum(np.sqrt(powers[0] * powers[1]), 1e-30)
    whole = products.sum() / max(np.sqrt(powers[0].sum() * powers[1].sum()), 1e-30)
    return each.astype(np.float64), float(whole)


def filled(aligned: Float32, reference: Float32) -> tuple[Float32, BoolArray]:
    """Return an image with NaN replaced by the pixels of the reference, and the mask of these pixels."""
    unseen: BoolArray = np.isnan(aligned)
    return np.where(unseen, reference, aligned), unseen


def drift_on_pixels(drift: Drift, shape: tuple[int, int]) -> Float32:
    """Return a drift as a displacement of every pixel, ``(2, Y, X)``."""
    y, x = np.broadcast_arrays(np.arange(shape[0])[:, None], np.arange(shape[1]))
    return drift.at(y, x, shape).astype(np.float32)


def _pass(
    reference: Float32,
    image: DeformedImage,
    window: int,
    step: int,
    config: DisplacementConfig,
    stage: Float32,
    known: Vectors | None,
) -> Vectors:
    """Correlate with the image deformed by the drift, `stage`, and by the previous result."""
    threads = config.threads
    predicted = np.zeros_like(stage)
    if known is not None:
        places = known.peaks.y, known.peaks.x
        predicted = to_pixels(known.displacement, *places, reference.shape).astype(np.float32)
    aligned, unseen = filled(image.at(stage + predicted), reference)
    weights = None if known is None else coherence_weights(reference, aligned, window, threads)
    peaks = correlate(reference, aligned, window, step, threads, weights)
    before = from_pixels(predicted, peaks.y, peaks.x)
    hidden = tiles(unseen, window, step).mean(axis=(2, 3)) > _HIDDEN
    rejected = _rejected(peaks, before + peaks.shift, hidden, config)
    # A gap is filled with the changes of its neighbours in the last pass, in the first with their vectors.
    return Vectors(before + replace(peaks.shift, rejected), rejected, peaks)


def _rejected(peaks: Peaks, total: RealArray, hidden: BoolArray, config: DisplacementConfig) -> BoolArray:
    """Return the vectors to be rejected.

    These are vectors of windows that leave the image, vectors without a clear peak, and vectors that are
    inconsistent with their neighbours both in total and in the change by this pass. The change
    distinguishes errors from the sharp displacement peak under an adhesion, already found by an earlier
    pass; the total distinguishes them from the correction of an earlier error.
    """
    unclear: BoolArray = hidden | (peaks.signal_to_noise < config.signal_to_noise)
    residuals = [
        normalised_median_residual(np.where(unclear, np.nan, vectors), config.median_noise)
        for vectors in (peaks.shift, total)
    ]
    rejected: BoolArray = unclear | (np.minimum(*residuals) > config.median_threshold)
    return rejected


_RING = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
_KERNEL = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]], dtype=float)


def normalised_median_residual(vectors: RealArray, noise: float) -> RealArray:
    """Return the deviation of each vector from its eight neighbours, in units of their scatter.

    r = |u - median(u_i)| / (median |u_i - median(u_i)| + noise), the larger of both components;
    2 is the usual threshold. Neighbours outside the field or NaN do not count.

    Parameters
    ----------
    vectors : (2, Y, X) array
        May contain NaN.
    noise : float
        Minimum scatter, in the unit of the vectors (usually 0.1 pixels).

    Returns
    -------
    (Y, X) array
        0 for a vector without neighbours, NaN where there is no vector.

    References
    ----------
    Westerweel & Scarano (2005), Exp. Fluids 39:1096, doi:10.1007/s00348-005-0016-6.
    """
    around = _neighbours(vectors)
    median = _median(around)
    scatter = _median(np.abs(around - median))
    residual = np.abs(vectors - median) / (scatter + noise)
    residual[np.isnan(median) & ~np.isnan(vectors)] = 0
    worst: RealArray = residual.max(axis=0)
    return worst


def replace(vectors: RealArray, rejected: BoolArray) -> RealArray:
    """Replace rejected vectors by the weighted mean of their neighbours, from the rim of a gap inwards.

    Raises
    ------
    CellForceError
        If all vectors are rejected.
    """
    if rejected.all():
        raise CellForceError(
            "no displacement could be measured: every vector was rejected",
            "both images must show the same beads in most windows",
            "Check that both images show the same region, in focus, or choose larger windows.",
            topic=Topic.DISPLACEMENT,
        )
    filled = np.where(rejected, 0, vectors)
    known = (~rejected).astype(float)
    while not known.all():
        weight = convolve(known, _KERNEL, mode="constant")
        rim = (known == 0) & (weight > 0)
        for part in filled:
            part[rim] = convolve(part, _KERNEL, mode="constant")[rim] / weight[rim]
        known[rim] = 1
    return filled


def _neighbours(vectors: RealArray) -> RealArray:
    """Return the eight neighbours of every vector, (8, 2, Y, X), NaN outside the field."""
    height, width = vectors.shape[1:]
    padded = np.pad(vectors, ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    return np.stack([padded[:, 1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in _RING])


def _median(values: RealArray) -> RealArray:
    """Return the median over the first axis, ignoring NaN; faster than numpy for many short lists."""
    ordered = np.sort(values, axis=0)  # NaN last
    count = np.count_nonzero(~np.isnan(values), axis=0)[None]
    middle = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, len(values) - 1)
    low, high = (np.take_along_axis(ordered, index, axis=0)[0] for index in middle)
    median: RealArray = (low + high) / 2
    return median
