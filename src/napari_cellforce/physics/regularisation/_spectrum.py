"""The power of a displacement by how far the gel yields to each wave."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.linalg
from numpy.polynomial.legendre import legvander

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, X, Y
from napari_cellforce.physics._grid import RealArray, vector_field
from napari_cellforce.physics.halfspace import HalfspaceKernel

_BINS = 256
"""Of the logarithm of g, over its range: 2 % wide as a rule."""
_ISOTROPIC = 1e-9
"""Relative difference of both eigenvalues below which any direction is an eigenvector."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The power of displacements, sorted by the eigenvalues of the gel's Green's function.

    Spectra add up, for one lambda over many frames, also of other grids.

    Attributes
    ----------
    eigenvalue : (M,) array
        In µm/Pa, increasing.
    power : (M,) array
        Sum of |u(k)|² in µm²; all together they are the sum over the vectors of the field.
    count : (M,) array
        Number of real numbers it is the sum of.
    noise : (M,) array
        What of `power` is expected to be noise; up to a factor, unless measured.
    measured : bool
        Whether that factor was measured, outside the cell.
    """

    eigenvalue: RealArray
    power: RealArray
    count: RealArray
    noise: RealArray
    measured: bool = False

    def __add__(self, other: Spectrum) -> Spectrum:
        if np.array_equal(self.eigenvalue, other.eigenvalue):
            eigenvalue, places = self.eigenvalue, [np.arange(len(self.eigenvalue))] * 2
        else:
            eigenvalue, back = np.unique(
                np.concatenate([self.eigenvalue, other.eigenvalue]), return_inverse=True
            )
            places = np.split(back, [len(self.eigenvalue)])
        sums = [np.zeros(len(eigenvalue)) for _ in range(3)]
        for part, at in zip((self, other), places, strict=True):
            for total, values in zip(sums, (part.power, part.count, part.noise), strict=True):
                total[at] += values
        return Spectrum(eigenvalue, sums[0], sums[1], sums[2], self.measured and other.measured)


def displacement_spectrum(
    displacement: npt.ArrayLike,
    kernel: HalfspaceKernel,
    outside: BoolArray | None = None,
    *,
    window: float = 0.0,
) -> Spectrum:
    """Sort the power of a displacement by the eigenvalues of the gel's Green's function.

    Parameters
    ----------
    displacement : (2, Y, X) array
        In µm.
    kernel : HalfspaceKernel
        Of the same grid.
    outside : (Y, X) bool array, optional
        True far from the cell, where the strength of the noise is measured.
    window : float
        Side of the windows that gave the displacement, as a multiple of the distance of vectors. Windows
        average away short waves of displacement and noise alike; taken for precision, that would make
        lambda far too small. Their noise has the power exp(-(0.18 w k)²), and waves shorter than 0.7 w are
        left out. 0 for noise that is independent from vector to vector.

    Raises
    ------
    CellForceError
        If the field has gaps, is too small for its windows, or there is too little outside.
    """
    field = vector_field(displacement, "displacement")
    if field.shape != (2, *kernel.shape):
        raise ValueError(f"expected {(2, *kernel.shape)}, got {field.shape}")
    modes = _modes(kernel, float(window))
    noise = modes.noise
    if outside is not None:
        noise = noise * noise_strength(field, outside, window)
    power = modes.power(scipy.fft.rfft2(field)) / math.prod(kernel.shape)
    return Spectrum(modes.eigenvalue, modes.binned(power), modes.count, noise, outside is not None)


@dataclass(frozen=True, eq=False)
class _Modes:
    """The eigenbasis of a kernel: its two polarisations have the eigenvalues mean -+ radius.

    Attributes
    ----------
    half_difference, cross : (Y, X // 2 + 1) arrays
        Half of yy - xx, and yx, both over the radius; 0 where that is 0.
    weight : (X // 2 + 1,) array
        2 for wave vectors that stand for themselves and their opposites, 1 for the others.
    bins : (2, Y, X // 2 + 1) array of int
        Where each mode belongs; the last for those that tell nothing.
    shape : (Y, X // 2 + 1) array
        Of the power of the noise, 1 for the longest waves; 0 for waves that tell nothing.
    eigenvalue, count, noise : (M,) arrays
        Of the bins: mean, number of modes, sum of the noise's shape.
    kept : (M,) array of int
        Bins that are not empty.
    """

    half_difference: RealArray
    cross: RealArray
    weight: RealArray
    bins: npt.NDArray[np.intp]
    shape: RealArray
    eigenvalue: RealArray
    count: RealArray
    noise: RealArray
    occupied: npt.NDArray[np.intp]

    def power(self, spectrum: npt.NDArray[np.complex128]) -> RealArray:
        """Return the power in both polarisations, (2, Y, X // 2 + 1), of a (2, Y, X // 2 + 1) transform."""
        y, x = spectrum[Y], spectrum[X]
        yy, xx = y.real**2 + y.imag**2, x.real**2 + x.imag**2
        tilt = self.half_difference * (yy - xx)
        tilt += 2 * self.cross * (y.real * x.real + y.imag * x.imag)
        total = yy + xx
        return np.stack([total - tilt, total + tilt]) * (self.weight / 2)

    def binned(self, values: RealArray) -> RealArray:
        """Return the sums over the bins, (M,), of a value for each mode."""
        sums = np.bincount(self.bins.ravel(), values.ravel(), _BINS + 1)[self.occupied]
        return sums.astype(np.float64)


@functools.lru_cache(maxsize=4)
def _modes(kernel: HalfspaceKernel, window: float) -> _Modes:
    half, mean = (kernel.yy - kernel.xx) / 2, (kernel.yy + kernel.xx) / 2
    radius = np.hypot(half, kernel.yx)
    turned = radius > _ISOTROPIC * mean
    scale = np.divide(1.0, radius, out=np.zeros_like(radius), where=turned)
    eigenvalues = np.stack([mean - radius, mean + radius])
    weight = np.full(mean.shape[1], 2.0)
    weight[0] = 1
    if kernel.shape[1] % 2 == 0:
        weight[-1] = 1
    shape = noise_shape(kernel.shape, window)
    informative = (eigenvalues > 0) & (shape > 0)
    known = eigenvalues[informative]
    if not known.size:
        raise CellForceError(
            f"a displacement field of {kernel.shape[0]} x {kernel.shape[1]} vectors"
            + (f" from windows {window:g} vectors wide" if window else ""),
            "a regularisation is chosen from waves longer than 0.7 windows, and none has room in it",
            "Check the windows' side, measure a larger field, or set the regularisation yourself.",
            topic=Topic.REGULARISATION,
        )
    edges = np.geomspace(known.min(), known.max() * (1 + 1e-9), _BINS + 1)
    bins = np.where(informative, np.searchsorted(edges, eigenvalues, "right") - 1, _BINS)
    weights = np.broadcast_to(weight, bins.shape).ravel()
    count = np.bincount(bins.ravel(), weights, _BINS + 1).astype(np.float64)
    occupied = np.flatnonzero(count[:_BINS])
    centre = np.bincount(bins.ravel(), weights * eigenvalues.ravel(), _BINS + 1)[occupied] / count[occupied]
    noises = weights * np.broadcast_to(shape, bins.shape).ravel()
    noise = np.bincount(bins.ravel(), noises, _BINS + 1)[occupied].astype(np.float64)
    return _Modes(
        half * scale, kernel.yx * scale, weight, bins, shape, centre, count[occupied], noise, occupied
    )


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
            topic=Topic.REGULARISATION,
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
