"""What is to be explained, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models import registry
from napari_cellforce.models.symbolic import FitConfig
from napari_cellforce.predict import MASK_INPUT, Prediction

PARTS = ("fields", "greens", "formula", "decomposition", "probes")
"""Inner fields of the model; its Green's functions; one formula; potentials of the field; probes."""


def supported_parts(kind: str) -> tuple[str, ...]:
    """Return those of `PARTS` that models of a kind support; all, where this version does not know it."""
    known = registry.find(kind)
    if known is None:
        return PARTS
    supported = {"fields": known.has_inner_fields, "greens": known.capabilities.greens_functions}
    return tuple(part for part in PARTS if supported.get(part, True))


@dataclass(frozen=True)
class ExplainConfig:
    """Settings of an explanation; panel, command line and library build this same object.

    Attributes
    ----------
    parts : tuple of str
        Of `PARTS`, done in this order.
    fit : FitConfig
        Of the formula.
    probe_frame : int
        Frame that the probes look at.
    probe_at : tuple of 2 float, or None
        (y, x) in pixels of the adhesion to take out; None takes the strongest ones, one at a time.
    probe_adhesions : int
        How many of the strongest.
    clebsch_iterations : int
    """

    parts: tuple[str, ...] = ("fields",)
    fit: FitConfig = field(default_factory=FitConfig)
    probe_frame: int = 0
    probe_at: tuple[float, float] | None = None
    probe_adhesions: int = 5
    clebsch_iterations: int = 150

    def __post_init__(self) -> None:
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not self.parts:
            raise CellForceError(
                f"{unknown[0]!r} is no part of an explanation" if unknown else "no part is chosen",
                f"there are {', '.join(PARTS)}",
                "Choose among these.",
                topic=Topic.PARTS,
            )


@dataclass(frozen=True)
class WrittenFile:
    """A file that is done.

    Attributes
    ----------
    part : str
        Of `PARTS`.
    path : Path
    """

    part: str
    path: Path


def first_protein(job: Prediction) -> str:
    """Return the protein that formulas are made of and probes change: the first that the model reads.

    Raises
    ------
    CellForceError
        If the model reads outlines only.
    """
    record = job.predictor.record
    proteins = [name for name in record.inputs if name != MASK_INPUT]
    if proteins:
        return proteins[0]
    raise CellForceError(
        f"{record.name} reads the cell's outline and no protein",
        "formulas and probes are about a protein image",
        "Choose another model.",
        topic=Topic.MODEL,
    )
