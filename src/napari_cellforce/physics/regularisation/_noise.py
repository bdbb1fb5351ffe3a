"""The noise of a displacement, as seen far from the cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.linalg
from numpy.polynomial.legendre import legvander

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray
from napari_cellforce.physics._grid import RealArray

_DEGREE = 6
"""Of the polynomial that stands for the cell's smooth far field."""
_POINTS = 600
"""About how many places that polynomial is fitted to."""
_RIDGE = 1e-9
"""Keeps the fit defined where the outside is a strip."""
_REACH = 16
"""Largest distance, in vectors, over which noise is taken to be correlated."""
_FEWEST = 200
"""Vectors outside the cell that are needed to tell anything."""
_NOISE_LENGTH, _SHORTEST = 0.18, 0.7
"""In windows: how far the noise of overlapping windows of our PIV is alike, and the shortest wave used. Found
on simulated beads; see docs/regularisation.md."""


def noise_shape(shape: tuple[int, int], window: float) -> RealArray:
    """Return the power of the noise on the wave vectors of `scipy.fft.rfft2`, 1 for the longest waves.

    Parameters
    ----------
    shape : tuple of int
        Of the grid.
    window : float
        Side of the windows that gave the displacement, as a multiple of the distance of vectors; 0 for noise
        that is independent from vector to vector.

    Returns
    -------
    (Y, X // 2 + 1) array
        0 for waves too short to tell anything.
    """
    y, x = scipy.fft.fftfreq(shape[0])[:, None], scipy.fft.rfftfreq(shape[1])
    waves = window * np.hypot(y, x)
    return np.where(waves * _SHORTEST <= 1, np.exp(-((2 * np.pi * _NOISE_LENGTH * waves) ** 2)), 0)


def noise_strength(displacement: RealArray, outside: BoolArray, window: float) -> float:
    """Return by how much the noise outside the cell exceeds noise of the power `noise_shape`, in µm².

    A polynomial is taken off for the far field of the cell. The autocorrelation of what remains, up to a
    distance of 16 vectors, is transformed to a power spectrum. The median over the waves of its ratio to
    the shape is the strength: what the polynomial has left of the far field is in few long waves.

    Parameters
    ----------
    displacement : (2, Y, X) array
        In µm.
    outside : (Y, X) bool array
        True far from the cell.
    window : float
        See `noise_shape`.

    Raises
    ------
    CellForceError
        If there is too little outside.
    """
    if outside.sum() < _FEWEST:
        raise CellForceError(
            f"only {int(outside.sum())} displacement vectors lie outside the cell",
            f"at least {_FEWEST} are needed to see the noise",
            "Image more of the gel around the cell, take a smaller margin, or choose GCV.",
            topic="regularisation",
        )
    correlation = _autocorrelation(displacement, outside)
    shape = noise_shape((correlation.shape[0], correlation.shape[1]), window)
    counts = shape > 0
    return max(float(np.median(scipy.fft.rfft2(correlation).real[counts] / shape[counts])), 1e-30)


def _autocorrelation(displacement: RealArray, outside: BoolArray) -> RealArray:
    """Return the mean product of the noise at two places outside, by their distance; the components' mean.

    Distances are those of a Fourier transform, 0 first and the negative ones last, on the smallest grid that
    holds them all; the larger ones are weighed down.
    """
    y, x = (np.arange(-reach, reach + 1) for reach in (min(_REACH, side // 4) for side in outside.shape))
    inner = np.zeros(outside.shape, np.float32)
    inner[: -y[-1], : -x[-1]] = outside[: -y[-1], : -x[-1]]  # no wrap-around then, up to that distance
    near = np.ix_(y, x)
    far = _far_field(displacement, outside)
    power = _power((displacement[0] - far[0]) * inner)
    power += _power((displacement[1] - far[1]) * inner)
    products, pairs = (scipy.fft.irfft2(p, s=outside.shape)[near] for p in (power, _power(inner)))
    correlation = np.zeros((len(y), len(x)))
    correlation[near] = products / (2 * np.maximum(pairs, 1)) * np.outer(_parzen(y), _parzen(x))
    return correlation


def _far_field(displacement: RealArray, outside: BoolArray) -> npt.NDArray[np.float32]:
    """Fit polynomials in y and x, (2, Y, X), to a sample of the places outside."""
    along = [legvander(np.linspace(-1, 1, side), _DEGREE) for side in outside.shape]
    powers = [(i, j) for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)]
    y, x = np.nonzero(outside)
    some = slice(None, None, max(1, len(y) // _POINTS))
    y, x = y[some], x[some]
    basis = np.stack([along[0][y, i] * along[1][x, j] for i, j in powers], axis=1)
    values = displacement[:, y, x].T
    found = scipy.linalg.solve(
        basis.T @ basis + _RIDGE * np.eye(len(powers)), basis.T @ values, assume_a="pos"
    )
    coefficients = np.zeros((2, _DEGREE + 1, _DEGREE + 1))
    for (i, j), pair in zip(powers, found, strict=True):
        coefficients[:, i, j] = pair
    single = [part.astype(np.float32) for part in (along[0], coefficients, along[1])]
    return np.asarray(single[0] @ single[1] @ single[2].T, dtype=np.float32)


def _power(field: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.complex64]:
    """Return the squares of the Fourier transform, in single precision, complex for the way back."""
    spectrum = scipy.fft.rfft2(field.astype(np.float32))
    return np.asarray(spectrum * np.conj(spectrum))


def _parzen(lag: RealArray) -> RealArray:
    """Return Parzen's window over lags -n ... n, whose transform has no negative lobes."""
    z = np.abs(lag) / (len(lag) // 2 + 1)
    return np.where(z < 0.5, 1 - 6 * z**2 + 6 * z**3, 2 * (1 - z) ** 3)
