"""What is to be explained, and how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models import registry
from napari_cellforce.models.symbolic import FitConfig
from napari_cellforce.predict import MASK_INPUT, PredictConfig, Prediction

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
class ExplainConfig(Settings):
    """Settings of an explanation; panel, command line and library build this same object.

    A model is explained as it is: there is no calibration, and there are no dropout passes.
    """

    parts: tuple[str, ...] = setting(
        ("fields",), help="What to explain, in this order.", choices=PARTS, label="Explain"
    )
    fit: FitConfig = setting(default_factory=FitConfig, help="How the formula is fitted.")
    probe_frame: int = setting(
        0, help="Frame that is probed, counted from 0.", minimum=0, label="Frame", option="--frame"
    )
    probe_at: tuple[float, float] | None = setting(
        None,
        help="Position y,x of the adhesion to take out; by default the strongest ones, one at a time.",
        unit="px",
        label="Adhesion",
        empty="the strongest",
        option="--at",
    )
    probe_adhesions: int = setting(
        5, help="Number of the strongest adhesions that are taken out.", minimum=1, label="Adhesions"
    )
    clebsch_iterations: int = setting(
        150, help="Iterations of the decomposition into Clebsch potentials.", minimum=1, label="Iterations"
    )
    predict: PredictConfig = setting(default_factory=PredictConfig, help="How the image is predicted.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.parts:
            raise CellForceError(
                "no part is chosen", f"there are {', '.join(PARTS)}", "Choose among these.", topic=Topic.PARTS
            )
        if self.predict.calibration is not None or self.predict.run.samples:
            raise CellForceError(
                "an explanation is given a calibration or dropout passes",
                "a model is explained as it is, in its own units",
                "Leave them out.",
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
