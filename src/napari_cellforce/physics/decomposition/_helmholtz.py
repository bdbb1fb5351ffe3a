"""Helmholtz decomposition into a curl-free, a divergence-free and a harmonic part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.fields import ShortRepr
from napari_cellforce.physics._grid import RealArray, pixel_side, vector_field
from napari_cellforce.physics.decomposition._masked import MaskedGrid
from napari_cellforce.physics.decomposition._operators import Grid
from napari_cellforce.physics.decomposition._periodic import PeriodicGrid


@dataclass(frozen=True, eq=False, repr=False)
class Helmholtz(ShortRepr):
    """Helmholtz decomposition of a vector field F: three orthogonal parts with the sum F.

    ``F = curl_free + divergence_free + harmonic``, ``curl_free = grad(phi)`` and, in (y, x),
    ``divergence_free = (-d stream/dx, d stream/dy)``.

    Attributes
    ----------
    curl_free, divergence_free, harmonic : (..., 2, Y, X) float64 array
        Components (y, x), in the unit of F (Pa for a traction). 0 outside the mask.
    phi, stream : (..., Y, X) float64 array
        Potentials at the pixel centres, in the unit of F times µm. `phi` has mean 0, on every connected
        part of a mask; `stream` is 0 on the edge of a mask and has mean 0 without one.
    """

    curl_free: RealArray
    divergence_free: RealArray
    harmonic: RealArray
    phi: RealArray
    stream: RealArray

    @property
    def fractions(self) -> tuple[RealArray, RealArray, RealArray]:
        """Fractions of the sum of |F|² in the three parts, each of shape ``(...)``; their sum is 1.

        All are 0 for a zero field.
        """
        energies = [_energy(part) for part in (self.curl_free, self.divergence_free, self.harmonic)]
        total = np.asarray(sum(energies))
        total = np.where(total > 0, total, 1.0)
        return energies[0] / total, energies[1] / total, energies[2] / total


def helmholtz(
    field: npt.ArrayLike,
    spacing: float,
    mask: npt.ArrayLike | None = None,
    *,
    fixed_edge: bool = False,
) -> Helmholtz:
    """Decompose a vector field into a curl-free, a divergence-free and a harmonic part.

    Without a mask the field is periodic and its derivatives are exact (Fourier transform); the harmonic
    part is the mean and, on even sides, the highest frequency, whose derivative is not defined on the
    grid. With a mask, derivatives are second-order finite differences inside it; the stream function is 0
    on its edge, and the harmonic part is the circulation around holes.

    Parameters
    ----------
    field : (..., 2, Y, X) array
        Components (y, x).
    spacing : float
        Side of the square pixels in µm.
    mask : (Y, X) bool array or None
        True inside the cell; the field outside is ignored.
    fixed_edge : bool
        With a mask: False leaves phi free on the edge, so that the curl-free part is the complete gradient
        part. True sets phi to 0 on the edge: the harmonic part then includes all fields without divergence
        and curl inside, such as a uniform field.

    Returns
    -------
    Helmholtz

    Raises
    ------
    CellForceError
        If the field has gaps inside the mask, the mask is empty, or `spacing` is not one positive number.

    References
    ----------
    Bhatia et al. (2013), IEEE Trans Vis Comput Graph 19:1386, doi:10.1109/TVCG.2012.316.
    """
    grid, values = on_grid(field, spacing, mask)
    phi = grid.potential(values, fixed_edge=fixed_edge)
    stream = grid.potential(_turned_back(values), fixed_edge=True)
    curl_free, divergence_free = grid.gradient(phi), _turned(grid.gradient(stream))
    return Helmholtz(
        grid.whole(curl_free),
        grid.whole(divergence_free),
        grid.whole(values - curl_free - divergence_free),
        grid.whole(grid.centred(grid.at_pixels(phi))),
        grid.whole(grid.at_pixels(stream)),
    )


def on_grid(field: npt.ArrayLike, spacing: float, mask: npt.ArrayLike | None) -> tuple[Grid, RealArray]:
    """Return the grid of a field, and the validated field on it."""
    if mask is None:
        values = vector_field(field, "vector")
        shape = (values.shape[-2], values.shape[-1])
        return PeriodicGrid(shape, pixel_side(spacing)), values
    grid = MaskedGrid(mask, spacing)
    raw = np.asarray(field, dtype=np.float64)
    if raw.shape[-2:] != np.shape(mask):
        raise ValueError(f"the mask has shape {np.shape(mask)}, the field {raw.shape}")
    return grid, vector_field(grid.restrict(raw), "vector")


def _turned(field: RealArray) -> RealArray:
    """(y, x) -> (-x, y): a gradient becomes the rotation of a stream function."""
    return np.stack([-field[..., 1, :, :], field[..., 0, :, :]], axis=-3)


def _turned_back(field: RealArray) -> RealArray:
    return np.stack([field[..., 1, :, :], -field[..., 0, :, :]], axis=-3)


def _energy(field: RealArray) -> RealArray:
    return np.asarray(np.sum(field**2, axis=(-3, -2, -1)))
