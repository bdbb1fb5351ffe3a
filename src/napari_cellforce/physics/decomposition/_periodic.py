"""The periodic rectangle: derivatives by Fourier transform, exact for all resolved waves."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft

from napari_cellforce.physics._grid import RealArray, WaveVectors


@dataclass(frozen=True, eq=False)
class PeriodicGrid:
    """A periodic rectangle.

    The derivative of the highest frequency of an even side is 0 on the grid, as everywhere in this
    package (`WaveVectors`): like the mean, such a mode is neither a gradient nor a curl.

    Attributes
    ----------
    shape : tuple of int
        Height and width in pixels.
    spacing : float
        Side of a pixel in µm.
    """

    shape: tuple[int, int]
    spacing: float

    @property
    def node_shape(self) -> tuple[int, int]:
        return self.shape

    @functools.cached_property
    def _waves(self) -> tuple[RealArray, RealArray, RealArray]:
        """Wave vector, with 0 for Nyquist frequencies, and the inverse of its square, with 0 for 0."""
        waves = WaveVectors.of(self.shape, self.spacing)
        y, x = np.where(waves.nyquist_y, 0.0, waves.y), np.where(waves.nyquist_x, 0.0, waves.x)
        squared = y**2 + x**2
        return y, x, np.divide(1.0, squared, out=np.zeros_like(squared), where=squared > 0)

    def restrict(self, field: RealArray) -> RealArray:
        return field

    def whole(self, values: RealArray) -> RealArray:
        return values

    def gradient(self, potential: RealArray) -> RealArray:
        y, x, _ = self._waves
        spectrum = scipy.fft.rfft2(potential)
        return self._back(np.stack([1j * y * spectrum, 1j * x * spectrum], axis=-3))

    def gradient_adjoint(self, field: RealArray) -> RealArray:
        return self._back(self._minus_divergence(field))

    def at_pixels(self, potential: RealArray) -> RealArray:
        return potential

    def at_pixels_adjoint(self, values: RealArray) -> RealArray:
        return values

    def potential(self, field: RealArray, *, fixed_edge: bool) -> RealArray:  # noqa: ARG002 - no edge here
        return self._back(self._minus_divergence(field) * self._waves[2])

    def without_gradients(self, field: RealArray) -> RealArray:
        y, x, inverse = self._waves
        spectrum = scipy.fft.rfft2(field)
        along = (y * spectrum[..., 0, :, :] + x * spectrum[..., 1, :, :]) * inverse
        spectrum[..., 0, :, :] -= y * along
        spectrum[..., 1, :, :] -= x * along
        return self._back(spectrum)

    def centred(self, values: RealArray) -> RealArray:
        centred: RealArray = values - values.mean(axis=(-2, -1), keepdims=True)
        return centred

    def stiffness(self, potential: RealArray) -> RealArray:
        return self._back(scipy.fft.rfft2(potential) * self._laplacian)

    def smooth(self, values: RealArray) -> RealArray:
        return self._back(scipy.fft.rfft2(values) * self._root)

    @functools.cached_property
    def coarser(self) -> PeriodicGrid:
        """Odd sides are rounded up: the pixels are then slightly narrower than twice the spacing."""
        rows, columns = self.shape
        return PeriodicGrid((-(-rows // 2), -(-columns // 2)), 2 * self.spacing)

    def averaged(self, field: RealArray) -> RealArray:
        return _resampled(field, self.coarser.shape)

    def refined(self, potential: RealArray) -> RealArray:
        return _resampled(potential, self.shape)

    @functools.cached_property
    def _laplacian(self) -> RealArray:
        waves = WaveVectors.of(self.shape, self.spacing)
        return (waves.y**2 + waves.x**2) * self.spacing**2

    @functools.cached_property
    def _root(self) -> RealArray:
        lowest = (2 * np.pi / max(self.shape)) ** 2
        root: RealArray = 1 / np.sqrt(self._laplacian + lowest)
        return root

    def _minus_divergence(self, field: RealArray) -> npt.NDArray[np.complex128]:
        y, x, _ = self._waves
        spectrum = scipy.fft.rfft2(field)
        total: npt.NDArray[np.complex128] = -1j * (y * spectrum[..., 0, :, :] + x * spectrum[..., 1, :, :])
        return total

    def _back(self, spectrum: npt.NDArray[Any]) -> RealArray:
        values: RealArray = scipy.fft.irfft2(spectrum, s=self.shape)
        return values


def _resampled(values: RealArray, shape: tuple[int, int]) -> RealArray:
    """Return values on another number of pixels, with the waves that both grids resolve."""
    rows, columns = shape
    import scipy.signal  # takes .3 s to load

    across: RealArray = scipy.signal.resample(values, columns, axis=-1)
    return np.asarray(scipy.signal.resample(across, rows, axis=-2))
