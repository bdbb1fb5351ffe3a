"""The library of terms: scalars of the image, kernels, and what is made of them.

A potential is a scalar s of the protein image z convolved with a kernel k, ``p = s * k``. A term is
``p_i grad(p_j)`` or ``grad(p_j)``. All lengths are in µm, so that a coefficient's unit follows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.models.checks import in_range, one_of

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

# Means over a square pixel of side 1 around the source, where 1/r and log r have no value of their own.
_MEAN_INVERSE = 4 * math.asinh(1)
_MEAN_DISTANCE = (math.sqrt(2) + math.asinh(1)) / 6
_MEAN_LOGARITHM = math.pi / 4 - 1.5 - math.log(2) / 2


@dataclass(frozen=True, order=True)
class Kernel:
    """A kernel of the distance r.

    Attributes
    ----------
    kind : str
        Key of `KERNEL_KINDS`.
    length : float
        Of ``"exp"``, ``exp(-r ln 10 / length)``: where it has fallen to a tenth, in µm. 0 for the others.
    """

    kind: str
    length: float = 0.0

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KERNEL_KINDS)
        if self.kind == "exp":
            in_range("length", self.length, 1e-3, 1e5)

    @property
    def text(self) -> str:
        """For people: ``"exp(-r ln10/6.8)"``."""
        return f"exp(-r ln10/{self.length:g})" if self.kind == "exp" else self.kind

    @property
    def latex(self) -> str:
        """As a formula."""
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
        """As a formula."""
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
        """As a formula."""
        factor = self.factor.latex if self.factor else ""
        return rf"{factor}\,\nabla{self.potential.latex}"


def _default_kernels() -> tuple[Kernel, ...]:
    return Kernel("1/r"), Kernel("r"), Kernel("log r"), Kernel("exp", 6.8), Kernel("exp", 20.4)


@dataclass(frozen=True)
class Library:
    """Which terms there are, and on which grid they are computed.

    Attributes
    ----------
    scalars : tuple of str
        Keys of `SCALARS`.
    kernels : tuple of Kernel
        The default has the published lengths, 6.8 and 20.4 µm.
    pixel_size : float
        Of the grid, in µm.
    smoothing : float
        Gaussian in µm that the image is seen through: derivatives of camera noise would drown the rest.
    """

    scalars: tuple[str, ...] = tuple(SCALARS)
    kernels: tuple[Kernel, ...] = field(default_factory=_default_kernels)
    pixel_size: float = 0.68
    smoothing: float = 1.0

    def __post_init__(self) -> None:
        kernels: tuple[Any, ...] = tuple(self.kernels)
        object.__setattr__(self, "scalars", tuple(self.scalars))
        object.__setattr__(
            self, "kernels", tuple(Kernel(**k) if isinstance(k, Mapping) else k for k in kernels)
        )
        for scalar in self.scalars:
            one_of("scalar", scalar, SCALARS)
        in_range("pixel_size", self.pixel_size, 1e-3, 1e3)
        in_range("smoothing", self.smoothing, 0, 1e3)
        if not (self.scalars and self.kernels):
            raise ValueError("a library needs at least one scalar and one kernel")

    @classmethod
    def with_lengths(cls, *lengths: float, **settings: Any) -> Library:
        """Return the default library with exponentials that fall to a tenth over these lengths in µm."""
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
