"""The library of terms: scalars of the image, kernels, potentials, and the computation of terms.

A potential is a scalar s of the protein image z convolved with a kernel k, ``p = s * k``. A term is
``p_i grad(p_j)`` or ``grad(p_j)``. All lengths are in µm, which defines the units of coefficients.

All 930 terms of a frame of 400 x 400 pixels take 1.2 GB; only the 30 potentials and their gradients are
stored, and terms are computed from them a few at a time or at selected pixels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy import ndimage

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray, ShortRepr

Array = npt.NDArray[np.float64]

SCALARS: Mapping[str, tuple[int, str]] = {
    "z": (0, "z"),
    "|∇z|²": (-2, r"|\nabla z|^2"),
    "∇²z": (-2, r"\nabla^2 z"),
    "z²": (0, "z^2"),
    "z|∇z|²": (-2, r"z |\nabla z|^2"),
    "z∇²z": (-2, r"z \nabla^2 z"),
}
"""Scalars of the image, from simple to composed: name -> (power of µm, LaTeX)."""

KERNEL_KINDS: Mapping[str, int] = {"1/r": -1, "r": 1, "log r": 0, "exp": 0}
"""Kinds of kernels -> power of µm. Logarithms are of r in µm."""

_SHORTEST = 1e-3
"""Minimum decay length of an exponential kernel in µm."""

# Means over a square pixel of side 1 around the source, where 1/r and log r are singular.
_MEAN_INVERSE = 4 * math.asinh(1)
_MEAN_DISTANCE = (math.sqrt(2) + math.asinh(1)) / 6
_MEAN_LOGARITHM = math.pi / 4 - 1.5 - math.log(2) / 2


@dataclass(frozen=True, order=True)
class Kernel(Settings):
    """A kernel of the distance r; the kind exp is ``exp(-r ln 10 / length)``."""

    kind: str = setting(help="Kind of kernel.", choices=tuple(KERNEL_KINDS))
    length: float = setting(
        0.0,
        help="Distance at which the kind exp has fallen to a tenth; 0 for the other kinds.",
        unit="µm",
        minimum=0,
        maximum=1e5,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind == "exp" and self.length < _SHORTEST:
            raise CellForceError(
                f"the length of an exponential kernel is {self.length:g} µm",
                f"it must be at least {_SHORTEST:g} µm",
                "Give its decay length.",
                topic=Topic.DECAY_LENGTHS,
            )

    @property
    def text(self) -> str:
        """For people: ``"exp(-r ln10/6.8)"``."""
        return f"exp(-r ln10/{self.length:g})" if self.kind == "exp" else self.kind

    @property
    def latex(self) -> str:
        """Text of the term as a formula."""
        exponential = rf"e^{{-r\ln 10/{self.length:g}}}"
        return {"1/r": "r^{-1}", "r": "r", "log r": r"\log r", "exp": exponential}[self.kind]

    def values(self, distance: Array, pixel: float) -> Array:
        """Return the kernel at distances in µm, as its mean over the pixel where the distance is 0."""
        apart = np.where(distance > 0, distance, pixel * _MEAN_DISTANCE)
        if self.kind == "exp":
            return np.exp(-apart * math.log(10) / self.length)
        if self.kind == "1/r":
            return np.where(distance > 0, 1 / apart, _MEAN_INVERSE / pixel)
        if self.kind == "log r":
            return np.where(distance > 0, np.log(apart), math.log(pixel) + _MEAN_LOGARITHM)
        return apart


@dataclass(frozen=True, order=True)
class Potential:
    """A scalar convolved with a kernel.

    Attributes
    ----------
    scalar : str
        Key of `SCALARS`.
    kernel : Kernel
    """

    scalar: str
    kernel: Kernel

    @property
    def power(self) -> int:
        """Power of µm in its unit."""
        return SCALARS[self.scalar][0] + KERNEL_KINDS[self.kernel.kind] + 2

    @property
    def text(self) -> str:
        """For people: ``"(z * log r)"``."""
        return f"({self.scalar} * {self.kernel.text})"

    @property
    def latex(self) -> str:
        """Text of the term as a formula."""
        return rf"\left({SCALARS[self.scalar][1]} * {self.kernel.latex}\right)"


@dataclass(frozen=True)
class Term:
    """``factor grad(potential)``, or ``grad(potential)`` where the factor is None."""

    potential: Potential
    factor: Potential | None = None

    @property
    def power(self) -> int:
        """Power of µm in its unit."""
        return self.potential.power - 1 + (self.factor.power if self.factor else 0)

    @property
    def text(self) -> str:
        """For people: ``"(z * r) ∇(z * log r)"``."""
        return f"{self.factor.text} ∇{self.potential.text}" if self.factor else f"∇{self.potential.text}"

    @property
    def latex(self) -> str:
        """Text of the term as a formula."""
        factor = self.factor.latex if self.factor else ""
        return rf"{factor}\,\nabla{self.potential.latex}"


def _default_kernels() -> tuple[Kernel, ...]:
    return Kernel("1/r"), Kernel("r"), Kernel("log r"), Kernel("exp", 6.8), Kernel("exp", 20.4)


@dataclass(frozen=True)
class Library(Settings):
    """Which terms there are, and on which grid they are computed."""

    scalars: tuple[str, ...] = setting(tuple(SCALARS), help="Scalars of the image.", choices=tuple(SCALARS))
    kernels: tuple[Kernel, ...] = setting(
        default_factory=_default_kernels,
        help="Kernels; by default with the published lengths, 6.8 and 20.4 µm.",
    )
    pixel_size: float = setting(0.68, help="Pixel size of the grid.", unit="µm", minimum=1e-3, maximum=1e3)
    smoothing: float = setting(
        1.0,
        help="Gaussian that the image is smoothed with: derivatives of camera noise would drown the rest.",
        unit="µm",
        minimum=0,
        maximum=1e3,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.scalars and self.kernels):
            raise CellForceError(
                "the library of terms is empty",
                "it needs at least one scalar and one kernel",
                "Choose some.",
                topic=Topic.SETTINGS,
            )

    @classmethod
    def with_lengths(cls, *lengths: float, **settings: Any) -> Library:
        """Return the default library with exponential kernels that decay to a tenth over `lengths` in µm."""
        shapes = [kernel for kernel in _default_kernels() if kernel.kind != "exp"]
        return cls(kernels=(*shapes, *(Kernel("exp", length) for length in lengths)), **settings)

    @property
    def potentials(self) -> tuple[Potential, ...]:
        """All potentials; 30 by default."""
        return tuple(Potential(s, k) for s, k in itertools.product(self.scalars, self.kernels))

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms, the simple ones first; 930 by default."""
        potentials = self.potentials
        gradients = tuple(Term(p) for p in potentials)
        return gradients + tuple(Term(p, factor) for factor in potentials for p in potentials)


@dataclass(frozen=True, eq=False, repr=False)
class PotentialFields(ShortRepr):
    """Potentials of one image, or of selected pixels of several images.

    Attributes
    ----------
    potentials : tuple of P Potential
    values : (P, ...) float32 array
        Potentials in powers of µm.
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
        """Return the values at selected pixels, ``(P, n)``, given as a mask or as flat indices."""
        flat = np.flatnonzero(pixels) if pixels.dtype == np.bool_ else pixels
        count = len(self.potentials)
        values = self.values.reshape(count, -1)[:, flat]
        return PotentialFields(self.potentials, values, self.gradients.reshape(count, 2, -1)[..., flat])


def potential_fields(
    z: FloatArray, library: Library, potentials: Sequence[Potential] | None = None
) -> PotentialFields:
    """Compute potentials and their gradients with zero padding: there is no protein beyond the image.

    Parameters
    ----------
    z : (Y, X) array
        Normalised protein image on the pixels of the library.
    library : Library
    potentials : sequence of Potential, optional
        Potentials to compute; default: all of the library.
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
    """Return the scalars of an image, each ``(Y, X)`` in powers of µm; derivatives are of the smoothed z."""
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
    """Yield the values of terms, at most `chunk` at a time.

    Yields
    ------
    (k, 2, ...) float32 array
        The next k terms, valid until the next iteration.
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
    """Return the Fourier transform of a kernel centred at pixel (0, 0), times the area of a pixel."""
    offsets = [np.minimum(np.arange(n), n - np.arange(n)) * pixel for n in grid]
    distance = np.hypot(offsets[0][:, None], offsets[1])
    spectrum: npt.NDArray[np.complex128] = scipy.fft.rfft2(kernel.values(distance, pixel) * pixel**2)
    return spectrum
