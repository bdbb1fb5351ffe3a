"""Forward and inverse transforms between traction and displacement, with validation and padding."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.physics._grid import RealArray, vector_field
from napari_cellforce.physics.halfspace._kernel import halfspace_kernel


def displacement(
    traction: npt.ArrayLike,
    spacing: float,
    young: float,
    poisson: float,
    thickness: float | None = None,
    *,
    padding: float = 0.0,
    workers: int = 1,
) -> RealArray:
    """Return the displacement of the surface of a gel by tangential tractions.

    Parameters
    ----------
    traction : (..., 2, Y, X) array
        Components (y, x), in Pa.
    spacing : float
        Side of the square pixels in µm.
    young : float
        Young's modulus in Pa.
    poisson : float
        Poisson's ratio, in (-1, 0.5].
    thickness : float or None
        Thickness of the gel in µm; None for a half-space.
    padding : float
        Width of the zero padding, as a multiple of the sides of the image; 1 doubles them. With 0 the
        field is periodic.
    workers : int
        Threads of the Fourier transform.

    Returns
    -------
    (..., 2, Y, X) float64 array
        In µm. Its mean over the (padded) grid is 0 for a half-space.

    Raises
    ------
    CellForceError
        If the field has gaps, or a parameter is out of its range.
    """
    field = vector_field(traction, "traction")
    padded = _Padding.of(field, padding)
    kernel = halfspace_kernel(padded.shape, spacing, young, poisson, thickness)
    return padded.crop(kernel.displacement(padded.pad(field), workers=workers))


def fttc(
    displacement: npt.ArrayLike,
    spacing: float,
    young: float,
    poisson: float,
    regularisation: float = 0.0,
    thickness: float | None = None,
    *,
    padding: float = 0.0,
    workers: int = 1,
) -> RealArray:
    """Return the tractions for a displacement of the gel: Fourier transform traction cytometry.

    Minimises ``sum |G t - u|² + regularisation² sum |t|²`` (zeroth-order Tikhonov): the larger
    `regularisation`, the smoother and weaker the tractions.

    Parameters
    ----------
    displacement : (..., 2, Y, X) array
        Components (y, x), in µm.
    spacing : float
        Side of the square pixels in µm.
    young : float
        Young's modulus in Pa.
    poisson : float
        Poisson's ratio, in (-1, 0.5].
    regularisation : float
        Tikhonov parameter lambda in µm/Pa, the unit of G. Waves with G well below it are suppressed.
    thickness : float or None
        Thickness of the gel in µm; None for a half-space.
    padding : float
        Width of the zero padding, as a multiple of the sides of the image; with 0 the field is periodic.
    workers : int
        Threads of the Fourier transform.

    Returns
    -------
    (..., 2, Y, X) float64 array
        In Pa. Its mean over the (padded) grid is 0 for a half-space.

    Raises
    ------
    CellForceError
        If the field has gaps, or a parameter is out of its range.

    References
    ----------
    Butler et al. (2002), Am J Physiol Cell Physiol 282:C595, doi:10.1152/ajpcell.00270.2001.
    Sabass et al. (2008), Biophys J 94:207, doi:10.1529/biophysj.107.113670.
    Huang et al. (2019), Sci Rep 9:539, doi:10.1038/s41598-018-36896-x.
    """
    field = vector_field(displacement, "displacement")
    padded = _Padding.of(field, padding)
    kernel = halfspace_kernel(padded.shape, spacing, young, poisson, thickness)
    return padded.crop(kernel.traction(padded.pad(field), regularisation, workers=workers))


@dataclass(frozen=True)
class _Padding:
    """Zero padding after the last row and column, which separates the periodic images."""

    inner: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def of(cls, field: RealArray, padding: float) -> _Padding:
        if not (math.isfinite(padding) and padding >= 0):
            raise CellForceError(
                f"the padding is {padding:g}",
                "it must be 0 or a positive number",
                "1 doubles the sides of the field.",
                topic=Topic.SETTINGS,
            )
        rows, columns = field.shape[-2:]
        if padding == 0:
            return cls((rows, columns), (rows, columns))
        wider = [scipy.fft.next_fast_len(math.ceil(n * (1 + padding)), real=True) for n in (rows, columns)]
        return cls((rows, columns), (wider[0], wider[1]))

    def pad(self, field: RealArray) -> RealArray:
        if self.shape == self.inner:
            return field
        padded = np.zeros((*field.shape[:-2], *self.shape))
        padded[..., : self.inner[0], : self.inner[1]] = field
        return padded

    def crop(self, field: RealArray) -> RealArray:
        return field[..., : self.inner[0], : self.inner[1]]


def periodic_part(displacement: npt.ArrayLike) -> RealArray:
    """Return the periodic component of a displacement, without the jump between opposite borders.

    A Fourier transform assumes a periodic image. If the gel is displaced at the border, opposite borders do
    not match, and the jump causes spurious tractions along the border. The smoothest field with the same
    jump is subtracted: the solution of Poisson's equation with the jump as its source.

    Parameters
    ----------
    displacement : (..., 2, Y, X) array

    Returns
    -------
    (..., 2, Y, X) float64 array
        With the mean of `displacement`.

    Raises
    ------
    CellForceError
        If the field has gaps.

    References
    ----------
    Moisan (2011), J. Math. Imaging Vis. 39:161, doi:10.1007/s10851-010-0227-1.
    """
    field = vector_field(displacement, "displacement")
    rows, columns = field.shape[-2:]
    down, right, inverse = _waves(rows, columns)
    jump_down = scipy.fft.rfft(field[..., -1, :] - field[..., 0, :])
    jump_right = scipy.fft.fft(field[..., :, -1] - field[..., :, 0])
    source = jump_down[..., None, :] * down + jump_right[..., :, None] * right
    result: RealArray = field - scipy.fft.irfft2(source * inverse, s=(rows, columns))
    return result


@functools.lru_cache(maxsize=4)
def _waves(
    rows: int, columns: int
) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.complex128], RealArray]:
    """Return the transforms of a jump at the first and the last row, of one at those columns, and 1 / k²."""
    y = 2 * np.pi * scipy.fft.fftfreq(rows)[:, None]
    x = 2 * np.pi * scipy.fft.rfftfreq(columns)[None, :]
    laplacian = 2 * np.cos(y) + 2 * np.cos(x) - 4
    laplacian[0, 0] = np.inf  # the mean stays
    return 1 - np.exp(1j * y), 1 - np.exp(1j * x), 1 / laplacian
