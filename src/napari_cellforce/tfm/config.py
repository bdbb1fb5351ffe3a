"""What the user chooses for traction force microscopy, kept as a JSON preset."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Substrate
from napari_cellforce.physics.displacement import DisplacementConfig

Regularisation = Literal["evidence", "gcv", "l-curve", "fixed"]


@dataclass(frozen=True)
class TfmConfig:
    """Settings from beads to tractions; panel, command line and library build this same object.

    Attributes
    ----------
    substrate : Substrate
        The gel; its stiffness must be given.
    displacement : DisplacementConfig
        How the beads are followed.
    criterion : {"evidence", "gcv", "l-curve", "fixed"}
        How lambda is chosen, see `napari_cellforce.physics.regularisation.choose_regularisation`.
    regularisation : float or None
        Lambda in µm/Pa for "fixed".
    one_for_all : bool
        One lambda for all frames, as their magnitudes are to be compared.
    noise_outside : bool
        True to measure the strength of the noise outside the cell, if there is a mask; otherwise it is
        found together with lambda.
    margin : float
        Distance from the cell, in µm, from which on the gel counts as outside.
    fit_borders : bool
        Take off the smooth field that keeps opposite borders of the displacement from fitting, which else
        gives the tractions a bright frame; see `napari_cellforce.physics.halfspace.periodic_part`.
    """

    substrate: Substrate
    displacement: DisplacementConfig = field(default_factory=DisplacementConfig)
    criterion: Regularisation = "evidence"
    regularisation: float | None = None
    one_for_all: bool = True
    noise_outside: bool = False
    margin: float = 10.0
    fit_borders: bool = True

    def __post_init__(self) -> None:
        if self.criterion == "fixed" and self.regularisation is None:
            raise CellForceError(
                "the regularisation is to be fixed, but none is given",
                "lambda is a number in µm/Pa",
                "Type it in (typical are 1e-5 to 1e-3), or have it chosen.",
                topic="regularisation",
            )

    def to_json(self) -> str:
        """Return the settings as a JSON preset."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> TfmConfig:
        """Read what `to_json` wrote.

        Raises
        ------
        CellForceError
            If it is not such a preset.
        """
        try:
            entries: dict[str, Any] = json.loads(text)
            entries["substrate"] = Substrate(**entries["substrate"])
            beads = entries.get("displacement", {})
            if "windows" in beads:
                beads["windows"] = tuple(beads["windows"])
            return cls(**(entries | {"displacement": DisplacementConfig(**beads)}))
        except (json.JSONDecodeError, TypeError, KeyError, AttributeError) as error:
            raise CellForceError(
                f"the preset cannot be read ({error})",
                "it must be as written by this program, with at least the substrate's stiffness",
                "Save the preset again.",
                topic="preset",
            ) from error
