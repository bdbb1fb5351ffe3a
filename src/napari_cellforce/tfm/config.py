"""What the user chooses for traction force microscopy, kept as a JSON preset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import Substrate
from napari_cellforce.physics.displacement import DisplacementConfig

Regularisation = Literal["evidence", "gcv", "l-curve", "fixed"]


@dataclass(frozen=True)
class TfmConfig(Settings):
    """Settings from beads to tractions; panel, command line and library build this same object.

    `noise_outside`: where there is no mask, the strength of the noise is found together with lambda.
    `fit_borders` takes off the smooth field that keeps opposite borders of the displacement from fitting,
    which else gives the tractions a bright frame; see `napari_cellforce.physics.halfspace.periodic_part`.
    """

    substrate: Substrate = setting(help="The gel; its stiffness must be given.")
    displacement: DisplacementConfig = setting(
        default_factory=DisplacementConfig, help="How the displacement of the beads is measured."
    )
    criterion: Regularisation = setting(
        "evidence",
        help="How the regularisation lambda is chosen; fixed: it is given.",
        label="Regularisation",
    )
    regularisation: float | None = setting(
        None,
        help="Lambda for the criterion fixed; typical are 1e-5 to 1e-3.",
        unit="µm/Pa",
        minimum=0,
        label="Lambda",
        empty="for example 3e-4",
    )
    one_for_all: bool = setting(
        True,
        help="One lambda for all frames, so that their magnitudes can be compared.",
        label="one lambda for all frames",
        option="--lambda-per-frame",
    )
    noise_outside: bool = setting(
        False,
        help="Measure the strength of the noise outside the cell, if there is a mask.",
        label="measure noise outside the cell",
    )
    margin: float = setting(
        10.0,
        help="Distance from the cell beyond which the gel counts as outside.",
        unit="µm",
        minimum=0,
        label="Margin",
    )
    fit_borders: bool = setting(
        True,
        help="Remove the smooth part of the displacement that does not fit at opposite borders.",
        label="fit opposite borders",
        option="--keep-borders",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.criterion == "fixed" and self.regularisation is None:
            raise CellForceError(
                "the regularisation is to be fixed, but none is given",
                "lambda is a number in µm/Pa",
                "Type it in (typical are 1e-5 to 1e-3), or have it chosen.",
                topic=Topic.REGULARISATION,
            )
        if self.criterion != "fixed" and self.regularisation is not None:
            raise CellForceError(
                f"lambda is {self.regularisation:g} µm/Pa, and the criterion {self.criterion}",
                "a given lambda is used by the criterion fixed only",
                "Choose the criterion fixed, or leave lambda out.",
                topic=Topic.REGULARISATION,
            )
