"""The spectrum of a displacement by the response of the gel, and its noise measured far from the cell."""

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
from napari_cellforce.fields import BoolArray, ShortRepr, X, Y
from napari_cellforce.physics._grid import RealArray, vector_field
from napari_cellforce.physics.halfspace import HalfspaceKernel

_BINS = 256
"""Number of bins of log g over its range, typically 2 % wide."""
_ISOTROPIC = 1e-9
"""Relative difference of the eigenvalues below which every direction is an eigenvector."""


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum(ShortRepr):
    """The power of displacements, sorted by the eigenvalues of the gel's Green's function.

    Spectra can be added, for a common lambda over many frames, also on different grids.

    Attributes
    ----------
    eigenvalue : (M,) array
        Eigenvalues in µm/Pa, increasing.
    power : (M,) array
        Sum of |u(k)|² in µm²; the total is the sum over the vectors of the field.
    count : (M,) array
        Number of real degrees of freedom in the sum.
    noise : (M,) array
        Expected noise power; up to a factor, unless measured.
    measured : bool
        True if that factor was measured outside the cell.
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
        Displacement in µm.
    kernel : HalfspaceKernel
        Kernel on the same grid.
    outside : (Y, X) bool array, optional
        True far from the cell, where the noise is measured.
    window : float
        Size of the interrogation windows as a multiple of the distance of vectors. Windows average short
        waves of both displacement and noise; ignoring this would make lambda far too small. Their noise has
        the power exp(-(0.18 w k)²), and waves shorter than 0.7 w are excluded. 0 for independent noise of
        each vector.

    Raises
    ------
    CellForceError
        If the field has gaps, is too small for its windows, or has too few vectors outside the cell.
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


@dataclass(frozen=True, eq=False, repr=False)
class _Modes(ShortRepr):
    """The eigenbasis of a kernel: its two polarisations have the eigenvalues mean -+ radius.

    Attributes
    ----------
    half_difference, cross : (Y, X // 2 + 1) arrays
        (yy - xx) / 2 and yx, divided by the radius; 0 if the radius is 0.
    weight : (X // 2 + 1,) array
        2 for wave vectors that represent themselves and their opposites, 1 for the others.
    bins : (2, Y, X // 2 + 1) array of int
        Bin of each mode; the last bin for uninformative modes.
    shape : (Y, X // 2 + 1) array
        Shape of the noise power, 1 for the longest waves; 0 for uninformative waves.
    eigenvalue, count, noise : (M,) arrays
        Mean eigenvalue, number of modes and sum of the noise shape in each bin.
    kept : (M,) array of int
        Indices of the non-empty bins.
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
            "the regularisation is chosen from waves longer than 0.7 windows, and the field has none",
            "Check the window size, measure a larger field, or set the regularisation.",
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
"""Degree of the polynomial that models the smooth far field of the cell."""
_POINTS = 600
"""Approximate number of points of the polynomial fit."""
_RIDGE = 1e-9
"""Ridge parameter, which keeps the fit well-posed if the outside is a strip."""
_REACH = 16
"""Maximum correlation distance of the noise, in vectors."""
_FEWEST = 200
"""Minimum number of vectors outside the cell."""
_NOISE_LENGTH, _SHORTEST = 0.18, 0.7
"""Correlation length of the noise of overlapping PIV windows, and the shortest wave used, in windows.
Determined on simulated beads; see docs/regularisation.md."""


def noise_shape(shape: tuple[int, int], window: float) -> RealArray:
    """Return the power of the noise on the wave vectors of `scipy.fft.rfft2`, 1 for the longest waves.

    Parameters
    ----------
    shape : tuple of int
        Shape of the grid.
    window : float
        Size of the interrogation windows as a multiple of the distance of vectors; 0 for independent noise
        of each vector.

    Returns
    -------
    (Y, X // 2 + 1) array
        0 for waves that are too short.
    """
    y, x = scipy.fft.fftfreq(shape[0])[:, None], scipy.fft.rfftfreq(shape[1])
    waves = window * np.hypot(y, x)
    return np.where(waves * _SHORTEST <= 1, np.exp(-((2 * np.pi * _NOISE_LENGTH * waves) ** 2)), 0)


def noise_strength(displacement: RealArray, outside: BoolArray, window: float) -> float:
    """Return the strength of the noise outside the cell, relative to the power `noise_shape`, in µm².

    A polynomial model of the far field of the cell is subtracted. The autocorrelation of the remainder, up
    to a distance of 16 vectors, is transformed to a power spectrum. The strength is the median over the
    waves of its ratio to the shape: the remainder of the far field affects only a few long waves.

    Parameters
    ----------
    displacement : (2, Y, X) array
        Displacement in µm.
    outside : (Y, X) bool array
        True far from the cell.
    window : float
        See `noise_shape`.

    Raises
    ------
    CellForceError
        If there are too few vectors outside.
    """
    if outside.sum() < _FEWEST:
        raise CellForceError(
            f"only {int(outside.sum())} displacement vectors lie outside the cell",
            f"at least {_FEWEST} are needed to measure the noise",
            "Image a larger region around the cell, use a smaller margin, or choose GCV.",
            topic=Topic.REGULARISATION,
        )
    correlation = _autocorrelation(displacement, outside)
    shape = noise_shape((correlation.shape[0], correlation.shape[1]), window)
    counts = shape > 0
    return max(float(np.median(scipy.fft.rfft2(correlation).real[counts] / shape[counts])), 1e-30)


def _autocorrelation(displacement: RealArray, outside: BoolArray) -> RealArray:
    """Return the autocorrelation of the noise outside, averaged over components.

    Distances are ordered as in a Fourier transform, 0 first and negative ones last, on the smallest grid for
    all of them; large distances are tapered.
    """
    y, x = (np.arange(-reach, reach + 1) for reach in (min(_REACH, side // 4) for side in outside.shape))
    inner = np.zeros(outside.shape, np.float32)
    inner[: -y[-1], : -x[-1]] = outside[: -y[-1], : -x[-1]]  # prevents wrap-around up to that distance
    near = np.ix_(y, x)
    far = _far_field(displacement, outside)
    power = _power((displacement[0] - far[0]) * inner)
    power += _power((displacement[1] - far[1]) * inner)
    products, pairs = (scipy.fft.irfft2(p, s=outside.shape)[near] for p in (power, _power(inner)))
    correlation = np.zeros((len(y), len(x)))
    correlation[near] = products / (2 * np.maximum(pairs, 1)) * np.outer(_parzen(y), _parzen(x))
    return correlation


def _far_field(displacement: RealArray, outside: BoolArray) -> npt.NDArray[np.float32]:
    """Return polynomials in y and x, (2, Y, X), fitted to a sample of the points outside."""
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
    """Return the power spectrum in single precision, as complex numbers for the inverse transform."""
    spectrum = scipy.fft.rfft2(field.astype(np.float32))
    return np.asarray(spectrum * np.conj(spectrum))


def _parzen(lag: RealArray) -> RealArray:
    """Return Parzen's window over lags -n ... n, whose transform has no negative lobes."""
    z = np.abs(lag) / (len(lag) // 2 + 1)
    return np.where(z < 0.5, 1 - 6 * z**2 + 6 * z**3, 2 * (1 - z) ** 3)
