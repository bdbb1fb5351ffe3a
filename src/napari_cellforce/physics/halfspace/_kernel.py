"""The Green's function of a gel on a grid, as one 2 x 2 matrix per wave vector."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ShortRepr, X, Y
from napari_cellforce.physics._grid import RealArray, WaveVectors, pixel_side, positive


def green_eigenvalues(
    wavenumber: npt.ArrayLike, young: float, poisson: float, thickness: float | None = None
) -> tuple[RealArray, RealArray]:
    """Return the displacement per traction of plane waves along and across their wave vector.

    Parameters
    ----------
    wavenumber : array
        Length of the wave vector in radians per µm, not negative.
    young : float
        Young's modulus in Pa.
    poisson : float
        Poisson's ratio.
    thickness : float or None
        Thickness of the gel in µm; None for a half-space.

    Returns
    -------
    longitudinal, transverse : arrays like `wavenumber`
        In µm/Pa. At wave number 0: 0 for a half-space (where it is undefined), h/mu for a layer.

    References
    ----------
    Half-space: Butler et al. (2002). Layer: derived in ``docs/physics/halfspace.md``; finite thickness
    in traction force microscopy: del Alamo et al. (2007), doi:10.1073/pnas.0705815104.
    """
    k = np.asarray(wavenumber, dtype=np.float64)
    shear = young / (2 * (1 + poisson))
    static = 0.0 if thickness is None else thickness / shear
    moving = k > 0
    inverse = np.divide(1 / shear, k, out=np.full_like(k, static), where=moving)
    if thickness is None:
        return inverse * (1 - poisson), inverse
    depth = np.where(moving, k * thickness, np.inf)
    along = np.where(moving, (1 - poisson) * _layer_factor(depth, poisson), 1.0)
    return inverse * along, inverse * np.tanh(depth)


def _layer_factor(depth: RealArray, poisson: float) -> RealArray:
    """Return the ratio of the responses of layer and half-space to a longitudinal wave; depth = k h."""
    twice = 2 * np.minimum(depth, 350.0)  # exp(-700) is representable and effectively 0
    decay = np.exp(-twice)
    stiff = (3 - 4 * poisson) / 2
    numerator = stiff * (1 - decay**2) + twice * decay
    offset = twice**2 / 2 + 5 - 12 * poisson + 8 * poisson**2
    factor: RealArray = numerator / (stiff * (1 + decay**2) + offset * decay)
    return factor


@dataclass(frozen=True, eq=False, repr=False)
class HalfspaceKernel(ShortRepr):
    """A symmetric 2 x 2 matrix for each wave vector of a grid: the gel's Green's function.

    Created by `halfspace_kernel`, which caches the latest.

    Attributes
    ----------
    shape : tuple of int
        Height and width of the grid in pixels.
    yy, xx, yx : (Y, X // 2 + 1) float64 array
        Matrix elements in µm/Pa, on the wave vectors of `scipy.fft.rfft2`.
    """

    shape: tuple[int, int]
    yy: RealArray
    xx: RealArray
    yx: RealArray

    def displacement(self, traction: npt.ArrayLike, *, workers: int = 1) -> RealArray:
        """Return the periodic displacement, ``(..., 2, Y, X)`` in µm, of a traction in Pa."""
        return self._apply(traction, workers)

    def traction(
        self, displacement: npt.ArrayLike, regularisation: float = 0.0, *, workers: int = 1
    ) -> RealArray:
        """Return the periodic traction, ``(..., 2, Y, X)`` in Pa, of a displacement in µm.

        `regularisation` is the Tikhonov parameter lambda in µm/Pa, see `fttc`.
        """
        return self.inverse(regularisation)._apply(displacement, workers)

    def inverse(self, regularisation: float = 0.0) -> HalfspaceKernel:
        """Return (G² + lambda²)⁻¹ G, in Pa/µm; the latest are cached."""
        if not (math.isfinite(regularisation) and regularisation >= 0):
            raise CellForceError(
                f"the regularisation is {regularisation:g} µm/Pa",
                "it must be 0 or a positive number",
                "Start from 0 and increase it until the noise outside the cell vanishes.",
                topic=Topic.REGULARISATION,
            )
        return _regularised_inverse(self, float(regularisation))

    @functools.cached_property
    def _doubled(self) -> tuple[RealArray, RealArray, RealArray]:
        """Every entry twice in a row, for the real and the imaginary part of a spectrum.

        The multiplication of real numbers is several times faster in numpy than real times complex.
        """
        return np.repeat(self.yy, 2, axis=-1), np.repeat(self.xx, 2, axis=-1), np.repeat(self.yx, 2, axis=-1)

    def _apply(self, field: npt.ArrayLike, workers: int) -> RealArray:
        values = np.asarray(field, dtype=np.float64)
        if values.shape[-3:] != (2, *self.shape):
            raise ValueError(f"expected axes (..., 2, {self.shape[0]}, {self.shape[1]}), got {values.shape}")
        spectrum = scipy.fft.rfft2(values, workers=workers)
        parts = spectrum.view(np.float64)
        y, x = parts[..., Y, :, :], parts[..., X, :, :]
        yy, xx, yx = self._doubled
        from_y, from_x = yx * y, yx * x
        y *= yy
        y += from_x
        x *= xx
        x += from_y
        result: RealArray = scipy.fft.irfft2(spectrum, s=self.shape, workers=workers, overwrite_x=True)
        return result


def halfspace_kernel(
    shape: tuple[int, int],
    spacing: float,
    young: float,
    poisson: float,
    thickness: float | None = None,
) -> HalfspaceKernel:
    """Return the Green's function of a gel on a grid; the latest are cached.

    Parameters
    ----------
    shape : tuple of int
        Height and width in pixels.
    spacing, young, poisson, thickness
        See `displacement`.

    Raises
    ------
    CellForceError
        If a parameter is out of its range.
    """
    stiffness = "Type in the gel's stiffness in Pa (1 kPa = 1000 Pa)."
    if not -1 < poisson <= 0.5:
        raise CellForceError(
            f"Poisson's ratio is {poisson:g}",
            "it must be greater than -1 and at most 0.5",
            "Polyacrylamide gels have 0.45 to 0.5.",
            topic=Topic.GEL,
        )
    if thickness is not None:
        thickness = positive(thickness, "gel's thickness", "µm", "Leave it empty for a thick gel.", Topic.GEL)
    return _kernel(
        (int(shape[0]), int(shape[1])),
        pixel_side(spacing),
        positive(young, "gel's Young's modulus", "Pa", stiffness, Topic.GEL),
        float(poisson),
        thickness,
    )


@functools.lru_cache(maxsize=4)
def _kernel(
    shape: tuple[int, int], spacing: float, young: float, poisson: float, thickness: float | None
) -> HalfspaceKernel:
    """Assemble G = along k k^T / k² + across (1 - k k^T / k²)."""
    waves = WaveVectors.of(shape, spacing)
    squared = waves.y**2 + waves.x**2
    along, across = green_eigenvalues(np.sqrt(squared), young, poisson, thickness)
    squared[0, 0] = 1.0  # along = across here: the direction is arbitrary
    anisotropy = (along - across) / squared
    cross = np.where(waves.nyquist_y | waves.nyquist_x, 0.0, anisotropy * waves.y * waves.x)
    return HalfspaceKernel(shape, across + anisotropy * waves.y**2, across + anisotropy * waves.x**2, cross)


@functools.lru_cache(maxsize=4)
def _regularised_inverse(kernel: HalfspaceKernel, regularisation: float) -> HalfspaceKernel:
    """Solve (G² + lambda²) A = G for each wave vector by Cramer's rule; modes with G = 0 stay 0."""
    yy, xx, yx = kernel.yy, kernel.xx, kernel.yx
    square_yy = yy**2 + yx**2 + regularisation**2
    square_xx = xx**2 + yx**2 + regularisation**2
    square_yx = yx * (yy + xx)
    determinant = square_yy * square_xx - square_yx**2
    scale = np.divide(1.0, determinant, out=np.zeros_like(determinant), where=determinant > 0)
    return HalfspaceKernel(
        kernel.shape,
        scale * (square_xx * yy - square_yx * yx),
        scale * (square_yy * xx - square_yx * yx),
        scale * (square_xx * yx - square_yx * xx),
    )
