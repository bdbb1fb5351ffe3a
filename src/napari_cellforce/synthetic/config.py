"""Everything that is decided about a synthetic cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.synthetic.adhesions import AdhesionRule
from napari_cellforce.synthetic.director import DirectorRule
from napari_cellforce.synthetic.fibres import FibreRule
from napari_cellforce.synthetic.instruments import Camera, Instrument, Optics
from napari_cellforce.synthetic.mechanics import FibreMechanics, SheetMechanics
from napari_cellforce.synthetic.outline import Array
from napari_cellforce.synthetic.proteins import ZYXIN, ProteinLook
from napari_cellforce.synthetic.shape import Shape
from napari_cellforce.synthetic.time_course import Drug, Remodelling, Turnover


@dataclass(frozen=True)
class CellConfig(Settings):
    """Everything that is decided about a synthetic cell, but for chance."""

    shape: Shape = setting(default_factory=Shape, help="Outline.")
    adhesions: AdhesionRule = setting(default_factory=AdhesionRule, help="Adhesions.")
    fibres: FibreRule = setting(default_factory=FibreRule, help="Stress fibres.")
    proteins: tuple[ProteinLook, ...] = setting((ZYXIN,), help="Proteins, one channel each.")
    expression: float = setting(1.0, help="Amount of fluorescent protein; 1 is typical.", above=0)
    optics: Optics = setting(default_factory=Optics, help="Microscope.")
    camera: Camera = setting(default_factory=Camera, help="Camera.")
    turnover: Turnover = setting(default_factory=Turnover, help="Change of the adhesions in time.")
    drug: Drug | None = setting(None, help="Inhibitor of contractility; empty: none.")
    mechanics: SheetMechanics | FibreMechanics | None = setting(
        None, help="What makes the traction; empty: a picture only."
    )
    instrument: Instrument | None = setting(None, help="What measures the traction; empty: no measurement.")
    frames: int = setting(1, help="Number of frames.", minimum=1)
    frame_interval: float = setting(1.0, help="Time between frames.", unit="min", above=0)
    side: int = setting(512, help="Height and width of the image.", unit="pixels", minimum=1)
    pixel_size: float = setting(0.34, help="Pixel size.", unit="µm", above=0)
    director: DirectorRule | None = setting(
        None, help="Directions of stress fibres; empty: along the long axis."
    )
    remodelling: Remodelling | None = setting(
        None, help="How adhesions answer to force, where there is a mechanics; empty: not at all."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.proteins:
            raise CellForceError(
                "no protein is to be drawn", "an image has at least one", "Choose one.", topic=Topic.PROTEINS
            )

    @property
    def minutes(self) -> Array:
        """Time of each frame, (T,), from 0."""
        return self.frame_interval * np.arange(self.frames, dtype=np.float64)

    @property
    def activity(self) -> Array:
        """Contractility of each frame, (T,); 1 without a drug."""
        return np.ones(self.frames) if self.drug is None else self.drug.activity(self.minutes)
