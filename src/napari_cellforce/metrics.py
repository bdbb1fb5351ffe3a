"""Summary statistics of a traction field, and metrics that compare two fields.

All take fields of shape ``(2, Y, X)`` or ``(T, 2, Y, X)``, component 0 along y and 1 along x, and masks of
shape ``(Y, X)`` or ``(T, Y, X)``; only pixels in the mask count. They return one number per frame: a scalar,
or an array ``(T,)``. A frame with an empty mask has sums of 0 and means of NaN.

Units, for traction in Pa and lengths in µm::

    Pa µm²    = 1e-12 N   = 1e-3 nN       force
    Pa µm³    = 1e-18 N m = 1e-3 nN µm    moment
    Pa µm µm² = 1e-18 J   = 1e-3 fJ       energy

Traction in multiples of F0 gives forces, moments and energies that become nN, nN·µm and fJ when multiplied
by F0 in Pa.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_cellforce.fields import BoolArray, PixelSize, X, Y

FloatArray64 = npt.NDArray[np.float64]

_FROM_PASCAL = 1e-3
"""Pa µm² in nN, Pa µm³ in nN µm, and Pa µm µm² in fJ; derived above."""


def total_force(traction: npt.ArrayLike, mask: BoolArray, pixel_size: PixelSize) -> FloatArray64:
    """Return the sum of the magnitudes of all forces, int |F| dA, in nN."""
    return _sum(_length(traction), mask) * pixel_size.area * _FROM_PASCAL


def net_force(traction: npt.ArrayLike, mask: BoolArray, pixel_size: PixelSize) -> FloatArray64:
    """Return the vector sum of all forces, int F dA, as ``(2,)`` or ``(T, 2)`` in nN.

    It vanishes for a cell in mechanical equilibrium: the remainder measures the error of the field.
    """
    return _sum(_vectors(traction), mask[..., None, :, :]) * pixel_size.area * _FROM_PASCAL


def moment_matrix(traction: npt.ArrayLike, mask: BoolArray, pixel_size: PixelSize) -> FloatArray64:
    """Return the symmetric first moment of the forces about the mask's centroid c.

    M_ij = -1/2 int [(r - c)_i F_j + (r - c)_j F_i] dA, the definition of Butler et al. (2002) [1]_ with
    the opposite sign: positive for contractile cells. Independent of c if the forces balance.

    Returns
    -------
    (2, 2) or (T, 2, 2) array
        In nN·µm; indices 0 along y, 1 along x.

    References
    ----------
    .. [1] Butler, Tolic-Norrelykke, Fabry, Fredberg, Am. J. Physiol. Cell Physiol. 282:C595 (2002).
    """
    forces = np.where(mask[..., None, :, :], _vectors(traction), 0)
    y, x = _from_centroid(mask, pixel_size)
    # y varies along rows only and x along columns only: sum along the other axis first.
    along_y = (forces.sum(axis=-1) * y[..., None, :]).sum(axis=-1)
    along_x = (forces.sum(axis=-2) * x[..., None, :]).sum(axis=-1)
    matrix = -np.stack([along_y, along_x], axis=-2) * pixel_size.area * _FROM_PASCAL
    return np.asarray(matrix + np.swapaxes(matrix, -1, -2)) / 2


def contractile_moment(traction: npt.ArrayLike, mask: BoolArray, pixel_size: PixelSize) -> FloatArray64:
    """Return the trace of `moment_matrix`, -int (r - c) . F dA, in nN·µm; positive if the cell contracts."""
    matrix = moment_matrix(traction, mask, pixel_size)
    return np.asarray(matrix[..., Y, Y] + matrix[..., X, X])[()]


def principal_axes(matrix: FloatArray64) -> tuple[FloatArray64, FloatArray64]:
    """Return the principal moments and axes of a `moment_matrix`, strongest contraction first.

    Returns
    -------
    moments : (..., 2) array
        Principal moments in the unit of the matrix.
    axes : (..., 2, 2) array
        ``axes[..., k, :]`` is the unit vector (y, x) of ``moments[..., k]``, up to its sign.
    """
    moments, columns = np.linalg.eigh(matrix)
    return moments[..., ::-1], np.swapaxes(columns, -1, -2)[..., ::-1, :]


def strain_energy(
    traction: npt.ArrayLike, displacement: npt.ArrayLike, mask: BoolArray, pixel_size: PixelSize
) -> FloatArray64:
    """Return the energy that the cell stores in the gel, 1/2 int F . u dA, in fJ; displacement in µm."""
    work = (_vectors(traction) * _vectors(displacement)).sum(axis=-3)
    return _sum(work, mask) / 2 * pixel_size.area * _FROM_PASCAL


def mean_traction(traction: npt.ArrayLike, mask: BoolArray) -> FloatArray64:
    """Return the mean of |F| in the unit of `traction`."""
    return _mean(_length(traction), mask)


def percentile_traction(traction: npt.ArrayLike, mask: BoolArray, percent: float) -> FloatArray64:
    """Return a percentile of |F| over the mask; 100 gives the maximum."""
    length = _length(traction)
    where = np.broadcast_to(mask, length.shape)
    frames = zip(length.reshape(-1, *length.shape[-2:]), where.reshape(-1, *length.shape[-2:]), strict=True)
    values = [np.percentile(f[m], percent) if m.any() else np.nan for f, m in frames]
    return np.array(values).reshape(length.shape[:-2])[()]


def pearson(predicted: npt.ArrayLike, reference: npt.ArrayLike, mask: BoolArray) -> FloatArray64:
    """Return the correlation of |F| between two fields; NaN if one is zero."""
    a, b = _length(predicted), _length(reference)
    a, b = (v - _mean(v, mask)[..., None, None] for v in (a, b))
    with np.errstate(invalid="ignore"):
        return np.asarray(_sum(a * b, mask) / np.sqrt(_sum(a * a, mask) * _sum(b * b, mask)))[()]


def angle_error(
    predicted: npt.ArrayLike, reference: npt.ArrayLike, mask: BoolArray, threshold: float = 0.0
) -> FloatArray64:
    """Return the mean angle between two fields where the reference is longer than `threshold`, in degrees.

    A zero prediction has no direction and counts as 90 degrees, the expectation for a random direction.
    """
    a, b = _vectors(predicted), _vectors(reference)
    cross = a[..., Y, :, :] * b[..., X, :, :] - a[..., X, :, :] * b[..., Y, :, :]
    angle = np.degrees(np.abs(np.arctan2(cross, (a * b).sum(axis=-3))))
    angle = np.where(_length(a) > 0, angle, 90)
    return _mean(angle, mask & (_length(b) > threshold))


def mean_squared_error(predicted: npt.ArrayLike, reference: npt.ArrayLike, mask: BoolArray) -> FloatArray64:
    """Return the mean over both components of (F - F_reference)², in the square of their unit."""
    return _mean(((_vectors(predicted) - _vectors(reference)) ** 2).mean(axis=-3), mask)


def r_squared(predicted: npt.ArrayLike, reference: npt.ArrayLike, mask: BoolArray) -> FloatArray64:
    """Return the coefficient of determination R², both components together.

    R² = 1 - sum |F - F_reference|² / sum |F_reference - its mean|²; 1 at best, negative if worse than the
    mean vector.
    """
    vectors = _vectors(reference)
    mean = _mean(vectors, mask[..., None, :, :])[..., None, None]
    variance = _mean(((vectors - mean) ** 2).mean(axis=-3), mask)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - mean_squared_error(predicted, reference, mask) / variance


def best_scale(predicted: npt.ArrayLike, reference: npt.ArrayLike, mask: BoolArray) -> float:
    """Return the scale factor, common to all frames, that brings `predicted` closest to `reference`.

    Least squares over both components: sum F . F_reference / sum F . F; NaN if the prediction is zero.
    """
    a, b = _vectors(predicted), _vectors(reference)
    overlap, norm = (float(np.sum(_sum((a * v).sum(axis=-3), mask))) for v in (b, a))
    return overlap / norm if norm > 0 else float("nan")


def _vectors(field: npt.ArrayLike) -> FloatArray64:
    vectors = np.asarray(field, dtype=np.float64)
    if vectors.ndim < 3 or vectors.shape[-3] != 2:
        raise ValueError(f"expected (2, Y, X) or (T, 2, Y, X), got an array of shape {vectors.shape}")
    return vectors


def _length(field: npt.ArrayLike) -> FloatArray64:
    vectors = _vectors(field)
    y, x = vectors[..., Y, :, :], vectors[..., X, :, :]
    return np.asarray(np.sqrt(y * y + x * x))  # numpy's norm takes longer


def _sum(values: FloatArray64, mask: BoolArray) -> FloatArray64:
    """Sum over the mask; `where` instead of a product, so that NaNs outside are ignored."""
    return np.asarray(np.where(mask, values, 0).sum(axis=(-2, -1)))[()]


def _mean(values: FloatArray64, mask: BoolArray) -> FloatArray64:
    with np.errstate(invalid="ignore"):
        return np.asarray(_sum(values, mask) / mask.sum(axis=(-2, -1)))[()]


def _from_centroid(mask: BoolArray, pixel_size: PixelSize) -> tuple[FloatArray64, FloatArray64]:
    """Return y of the rows, ``(..., Y)``, and x of the columns, ``(..., X)``, in µm from the centroid."""
    area = np.maximum(mask.sum(axis=(-2, -1)), 1)
    offsets = []
    for axis, size in ((-1, pixel_size.y), (-2, pixel_size.x)):
        profile = mask.sum(axis=axis)
        position = np.arange(profile.shape[-1]) * size
        offsets.append(position - ((profile * position).sum(axis=-1) / area)[..., None])
    return offsets[0], offsets[1]
