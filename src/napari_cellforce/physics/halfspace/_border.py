"""Fields that do not come to rest at the border of the image."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import scipy.fft

from napari_cellforce.physics._grid import RealArray, vector_field


def periodic_part(displacement: npt.ArrayLike) -> RealArray:
    """Return a displacement without the jump that its repetition makes from one border to the other.

    A Fourier transform takes the image for one tile of many. Where the gel is still displaced at the border,
    opposite borders do not fit, and the tractions of that jump are a bright frame. The smoothest field with
    the same jump is taken off: the solution of Poisson's equation with the jump as its source.

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
