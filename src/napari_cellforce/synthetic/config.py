"""Everything that is decided about a synthetic cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Substrate
from napari_cellforce.synthetic.adhesion_rule import AdhesionRule
from napari_cellforce.synthetic.course import Drug, Turnover
from napari_cellforce.synthetic.director import DirectorRule
from napari_cellforce.synthetic.fibre_mechanics import FibreMechanics
from napari_cellforce.synthetic.fibres import FibreRule
from napari_cellforce.synthetic.instrument import Instrument
from napari_cellforce.synthetic.limits import require_positive
from napari_cellforce.synthetic.optics import Camera, Optics
from napari_cellforce.synthetic.outline import Array
from napari_cellforce.synthetic.proteins import ZYXIN, ProteinLook
from napari_cellforce.synthetic.remodelling import Remodelling
from napari_cellforce.synthetic.settings import from_json, to_json
from napari_cellforce.synthetic.shape import Shape
from napari_cellforce.synthetic.sheet_mechanics import SheetMechanics


@dataclass(frozen=True)
class CellConfig:
    """Everything that is decided about a synthetic cell, but for chance.

    Attributes
    ----------
    shape, adhesions, fibres : Shape, AdhesionRule, FibreRule
    proteins : tuple of ProteinLook
        One channel each.
    expression : float
        Amount of fluorescent protein; 1 is typical.
    optics, camera : Optics, Camera
    turnover : Turnover
    drug : Drug or None
    mechanics : SheetMechanics, FibreMechanics or None
        What makes the traction; None for a picture only.
    instrument : Instrument or None
        What measures the traction; None for no measurement.
    frames : int
    frame_interval : float
        In minutes.
    side : int
        Height and width of the image in pixels.
    pixel_size : float
        In µm.
    director : DirectorRule or None
        Which way stress fibres run; None for along the long axis.
    remodelling : Remodelling or None
        How adhesions answer to force, where there is a mechanics; None for not at all.
    """

    shape: Shape = field(default_factory=Shape)
    adhesions: AdhesionRule = field(default_factory=AdhesionRule)
    fibres: FibreRule = field(default_factory=FibreRule)
    proteins: tuple[ProteinLook, ...] = (ZYXIN,)
    expression: float = 1.0
    optics: Optics = field(default_factory=Optics)
    camera: Camera = field(default_factory=Camera)
    turnover: Turnover = field(default_factory=Turnover)
    drug: Drug | None = None
    mechanics: SheetMechanics | FibreMechanics | None = None
    instrument: Instrument | None = None
    frames: int = 1
    frame_interval: float = 1.0
    side: int = 512
    pixel_size: float = 0.34
    director: DirectorRule | None = None
    remodelling: Remodelling | None = None

    def __post_init__(self) -> None:
        require_positive(self, "expression", "frames", "frame_interval", "side", "pixel_size")
        if not self.proteins:
            raise CellForceError(
                "no protein is to be drawn", "an image has at least one", "Choose one.", topic="proteins"
            )

    def to_json(self) -> str:
        """Return the settings as JSON."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> CellConfig:
        """Read what `to_json` wrote."""
        return from_json(text, cls, *PARTS)

    @property
    def minutes(self) -> Array:
        """Time of each frame, (T,), from 0."""
        return self.frame_interval * np.arange(self.frames, dtype=np.float64)

    @property
    def activity(self) -> Array:
        """Contractility of each frame, (T,); 1 without a drug."""
        return np.ones(self.frames) if self.drug is None else self.drug.activity(self.minutes)


PARTS: tuple[type[Any], ...] = (
    Shape,
    AdhesionRule,
    FibreRule,
    ProteinLook,
    Optics,
    Camera,
    Turnover,
    Drug,
    SheetMechanics,
    FibreMechanics,
    Instrument,
    Substrate,
    DirectorRule,
    Remodelling,
)
"""What a `CellConfig` is made of."""
