"""From images to the values of terms: convolutions by Fourier transform, products made when needed.

All 930 terms of a frame of 400 x 400 pixels take 1.2 GB; only the 30 potentials and their gradients are
kept, and terms are made of them a few at a time or at chosen pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy import ndimage

from napari_cellforce.fields import BoolArray, FloatArray
from napari_cellforce.models.symbolic.library import Array, Kernel, Library, Potential, Term


@dataclass(frozen=True, eq=False)
class PotentialFields:
    """Potentials of one image, or of chosen pixels of several.

    Attributes
    ----------
    potentials : tuple of P Potential
    values : (P, ...) float32 array
        Each in its power of µm.
    gradients : (P, 2, ...) float32 array
        (y, x) components, per µm.
    """

    potentials: tuple[Potential, ...]
    values: FloatArray
    gradients: FloatArray

    def term(self, term: Term) -> FloatArray:
        """Return a term, ``(2, ...)``."""
        gradient: FloatArray = self.gradients[self.potentials.index(term.potential)]
        if term.factor is None:
            return gradient
        product: FloatArray = self.values[self.potentials.index(term.factor)] * gradient
        return product

    def at(self, pixels: BoolArray | npt.NDArray[np.intp]) -> PotentialFields:
        """Return the values at chosen pixels, ``(P, n)``, given as a mask or as flat indices."""
        flat = np.flatnonzero(pixels) if pixels.dtype == np.bool_ else pixels
        count = len(self.potentials)
        values = self.values.reshape(count, -1)[:, flat]
        return PotentialFields(self.potentials, values, self.gradients.reshape(count, 2, -1)[..., flat])


def potential_fields(
    z: FloatArray, library: Library, potentials: Sequence[Potential] | None = None
) -> PotentialFields:
    """Compute potentials and their gradients, in open space: there is no protein beyond the image.

    Parameters
    ----------
    z : (Y, X) array
        Normalised protein image on the library's pixels.
    library : Library
    potentials : sequence of Potential, optional
        Which to compute; all of the library by default.
    """
    wanted = library.potentials if potentials is None else tuple(potentials)
    shape = (z.shape[0], z.shape[1])
    grid = (_padded(shape[0]), _padded(shape[1]))
    scalars = scalar_fields(z, library)
    spectra = {name: scipy.fft.rfft2(scalars[name], s=grid) for name in {p.scalar for p in wanted}}
    values = np.empty((len(wanted), *shape), np.float32)
    gradients = np.empty((len(wanted), 2, *shape), np.float32)
    for i, potential in enumerate(wanted):
        kernel = _kernel_spectrum(potential.kernel, grid, library.pixel_size)
        whole = scipy.fft.irfft2(spectra[potential.scalar] * kernel, s=grid)[: shape[0], : shape[1]]
        values[i] = whole
        gradients[i] = np.gradient(whole, library.pixel_size)
    return PotentialFields(wanted, values, gradients)


def scalar_fields(z: FloatArray, library: Library) -> dict[str, Array]:
    """Return the scalars of an image, each ``(Y, X)`` in its power of µm; derivatives of the smoothed z."""
    sigma = library.smoothing / library.pixel_size
    pixel = library.pixel_size
    image = np.asarray(z, dtype=np.float64)
    smooth = ndimage.gaussian_filter(image, sigma) if sigma else image
    slope_y, slope_x = np.gradient(smooth, pixel)
    steepness = np.asarray(slope_y**2 + slope_x**2)
    curvature = ndimage.laplace(smooth, mode="nearest") / pixel**2
    return {
        "z": smooth,
        "|∇z|²": steepness,
        "∇²z": curvature,
        "z²": smooth**2,
        "z|∇z|²": smooth * steepness,
        "z∇²z": smooth * curvature,
    }


def assemble(fields: PotentialFields, terms: Sequence[Term], chunk: int = 31) -> Iterator[FloatArray]:
    """Yield the values of terms, at most `chunk` of them at a time.

    Yields
    ------
    (k, 2, ...) float32 array
        The next k terms; to be used before the next is asked for.
    """
    place = {potential: i for i, potential in enumerate(fields.potentials)}
    out = np.empty((min(chunk, len(terms)), *fields.gradients.shape[1:]), np.float32)
    for start in range(0, len(terms), chunk):
        some = terms[start : start + chunk]
        for row, term in zip(out, some, strict=False):
            gradient = fields.gradients[place[term.potential]]
            if term.factor is None:
                row[:] = gradient
            else:
                np.multiply(fields.values[place[term.factor]], gradient, out=row)
        yield out[: len(some)]


def _padded(side: int) -> int:
    return int(scipy.fft.next_fast_len(2 * side - 1, real=True))


@lru_cache(maxsize=16)
def _kernel_spectrum(kernel: Kernel, grid: tuple[int, int], pixel: float) -> npt.NDArray[np.complex128]:
    """Return the Fourier transform of a kernel around pixel (0, 0), times the area of a pixel."""
    offsets = [np.minimum(np.arange(n), n - np.arange(n)) * pixel for n in grid]
    distance = np.hypot(offsets[0][:, None], offsets[1])
    spectrum: npt.NDArray[np.complex128] = scipy.fft.rfft2(kernel.values(distance, pixel) * pixel**2)
    return spectrum
