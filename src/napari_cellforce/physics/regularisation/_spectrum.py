"""The power of a displacement by how far the gel yields to each wave."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray, X, Y
from napari_cellforce.physics._grid import RealArray, vector_field
from napari_cellforce.physics.halfspace import HalfspaceKernel
from napari_cellforce.physics.regularisation._noise import noise_shape, noise_strength

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
    kept: npt.NDArray[np.intp]

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
        sums = np.bincount(self.bins.ravel(), values.ravel(), _BINS + 1)[self.kept]
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
    told = (eigenvalues > 0) & (shape > 0)
    known = eigenvalues[told]
    if not known.size:
        raise CellForceError(
            f"a displacement field of {kernel.shape[0]} x {kernel.shape[1]} vectors"
            + (f" from windows {window:g} vectors wide" if window else ""),
            "a regularisation is chosen from waves longer than 0.7 windows, and none has room in it",
            "Check the windows' side, measure a larger field, or set the regularisation yourself.",
            topic="regularisation",
        )
    edges = np.geomspace(known.min(), known.max() * (1 + 1e-9), _BINS + 1)
    bins = np.where(told, np.searchsorted(edges, eigenvalues, "right") - 1, _BINS)
    weights = np.broadcast_to(weight, bins.shape).ravel()
    count = np.bincount(bins.ravel(), weights, _BINS + 1).astype(np.float64)
    kept = np.flatnonzero(count[:_BINS])
    centre = np.bincount(bins.ravel(), weights * eigenvalues.ravel(), _BINS + 1)[kept] / count[kept]
    noises = weights * np.broadcast_to(shape, bins.shape).ravel()
    noise = np.bincount(bins.ravel(), noises, _BINS + 1)[kept].astype(np.float64)
    return _Modes(half * scale, kernel.yx * scale, weight, bins, shape, centre, count[kept], noise, kept)
