"""A formula: a few terms with coefficients in physical units; as text, as LaTeX, and as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_cellforce.config_io import Settings, from_mapping, setting
from napari_cellforce.fields import FloatArray
from napari_cellforce.models.symbolic.library import (
    KERNEL_KINDS,
    SCALARS,
    Kernel,
    Library,
    Potential,
    PotentialFields,
    Term,
    potential_fields,
)


@dataclass(frozen=True)
class Formula:
    """``F = sum_n c_n term_n``.

    Attributes
    ----------
    library : Library
        Provides grid and smoothing; only the potentials of the terms are computed.
    terms : tuple of Term
    coefficients : tuple of float
        Coefficients in the unit of the traction times µm to the power ``-term.power``.
    unit : str
        Unit of the traction, ``"Pa"`` or ``"normalised"``.
    """

    library: Library
    terms: tuple[Term, ...]
    coefficients: tuple[float, ...]
    unit: str = "normalised"

    def __post_init__(self) -> None:
        if len(self.terms) != len(self.coefficients) or not self.terms:
            raise ValueError(f"{len(self.terms)} terms and {len(self.coefficients)} coefficients")
        if not all(abs(c) < float("inf") for c in self.coefficients):
            raise ValueError(f"coefficients are {self.coefficients}, but must be numbers")

    @property
    def potentials(self) -> tuple[Potential, ...]:
        """The potentials in the terms, without repetition."""
        used = (p for term in self.terms for p in (term.factor, term.potential) if p is not None)
        return tuple(dict.fromkeys(used))

    def traction(self, z: FloatArray) -> FloatArray:
        """Return F, ``(2, Y, X)`` in (y, x), of a normalised image on the pixels of the library."""
        return self.traction_from(potential_fields(z, self.library, self.potentials))

    def traction_from(self, fields: PotentialFields) -> FloatArray:
        """Return F, ``(2, ...)``, of computed potentials."""
        total = np.zeros(fields.gradients.shape[1:])
        for coefficient, term in zip(self.coefficients, self.terms, strict=True):
            total += np.float64(coefficient) * fields.term(term)
        return total.astype(np.float32)

    def unit_of(self, term: Term) -> str:
        """Return the unit of a term's coefficient: ``"Pa µm^-3"``."""
        own = "" if self.unit == "normalised" else self.unit
        length = {0: "", -1: "µm"}.get(term.power, f"µm^{-term.power}")
        return f"{own} {length}".strip() or "1"

    @property
    def text(self) -> str:
        """The formula as text, one term per line."""
        lines = [
            f"{c:+.4g} [{self.unit_of(term)}] {term.text}"
            for c, term in zip(self.coefficients, self.terms, strict=True)
        ]
        return "F = " + "\n    ".join(lines)

    @property
    def latex(self) -> str:
        """The formula in LaTeX, with all lengths in µm."""
        parts = [f"{_number(c)}{term.latex}" for c, term in zip(self.coefficients, self.terms, strict=True)]
        return r"\mathbf{F} = " + " ".join(parts).removeprefix("+")

    def to_mapping(self) -> dict[str, Any]:
        """Return the formula as plain numbers and names, for JSON."""
        return {
            "pixel_size": self.library.pixel_size,
            "smoothing": self.library.smoothing,
            "unit": self.unit,
            "terms": [
                {
                    "coefficient": c,
                    "potential": _potential_entry(term.potential),
                    "factor": None if term.factor is None else _potential_entry(term.factor),
                }
                for c, term in zip(self.coefficients, self.terms, strict=True)
            ],
        }

    @classmethod
    def from_mapping(cls, entries: Mapping[str, Any]) -> Formula:
        """Read what `to_mapping` returned.

        Raises
        ------
        CellForceError
            Naming the entry at fault.
        """
        read = from_mapping(_FormulaEntries, entries)
        terms = tuple(
            Term(_potential(e.potential), None if e.factor is None else _potential(e.factor))
            for e in read.terms
        )
        used = [p for term in terms for p in (term.potential, term.factor) if p is not None]
        library = Library(
            scalars=tuple(dict.fromkeys(p.scalar for p in used)),
            kernels=tuple(dict.fromkeys(p.kernel for p in used)),
            pixel_size=read.pixel_size,
            smoothing=read.smoothing,
        )
        return cls(library, terms, tuple(e.coefficient for e in read.terms), read.unit)


@dataclass(frozen=True)
class _PotentialEntry(Settings):
    """A potential as it is written."""

    scalar: str = setting(help="Scalar of the image.", choices=tuple(SCALARS))
    kernel: str = setting(help="Kind of kernel.", choices=tuple(KERNEL_KINDS))
    length: float = setting(help="Decay length of the kernel.", unit="µm", minimum=0)


@dataclass(frozen=True)
class _TermEntry(Settings):
    """A term as it is written."""

    coefficient: float = setting(help="Coefficient.")
    potential: _PotentialEntry = setting(help="Potential whose gradient it is.")
    factor: _PotentialEntry | None = setting(help="Potential that it is multiplied by.")


@dataclass(frozen=True)
class _FormulaEntries(Settings):
    """A formula as it is written."""

    pixel_size: float = setting(help="Pixel size of the grid.", unit="µm", above=0)
    smoothing: float = setting(help="Gaussian that the image is smoothed with.", unit="µm", minimum=0)
    unit: str = setting(help="Unit of the traction.", choices=("Pa", "normalised"))
    terms: tuple[_TermEntry, ...] = setting(help="Terms.")


def _potential_entry(potential: Potential) -> dict[str, Any]:
    return {"scalar": potential.scalar, "kernel": potential.kernel.kind, "length": potential.kernel.length}


def _potential(entry: _PotentialEntry) -> Potential:
    return Potential(entry.scalar, Kernel(entry.kernel, entry.length))


def _number(value: float) -> str:
    """Return a number with its sign, powers of ten as LaTeX."""
    mantissa, _, power = f"{value:+.3g}".partition("e")
    return rf"{mantissa}\times 10^{{{int(power)}}}\," if power else rf"{mantissa}\,"
