"""What answers how hard a drawn cell pulls: its exact mechanics, or a predictor that sees its image."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from napari_cellforce.fields import PASCAL, FrameResult, ImageStack, Unit
from napari_cellforce.models.record import ModelRecord, Predictor
from napari_cellforce.predict import MASK_INPUT, PredictConfig, predict
from napari_cellforce.preprocess.normalise import Baselines, measure_baselines, normalise
from napari_cellforce.synthetic import FibreMechanics, SheetMechanics, SyntheticCell
from napari_cellforce.zoo import load_predictor

MECHANICS: dict[str, SheetMechanics | FibreMechanics] = {
    "sheet": SheetMechanics(),
    "fibres": FibreMechanics(),
}
"""Exact mechanics by name, besides which there are all predictors of the zoo."""


class ForceModel(Protocol):
    """What a drawn cell is given to."""

    @property
    def name(self) -> str:
        """As shown."""
        ...

    @property
    def unit(self) -> Unit:
        """Of its tractions."""
        ...

    @property
    def proteins(self) -> tuple[str, ...]:
        """What it must see."""
        ...

    @property
    def per_frame(self) -> bool:
        """True if every frame has a scale of its own: then its totals tell nothing but the cell's area."""
        ...

    @property
    def sha256(self) -> str:
        """Of its weights; empty if it has none."""
        ...

    def forces(self, cell: SyntheticCell) -> FrameResult:
        """Return the traction of the cell's first frame, ``(2, Y, X)`` in `unit`.

        Raises
        ------
        CellForceError
            If the model has no answer for this cell.
        """
        ...

    def as_movie(self, cells: Sequence[SyntheticCell]) -> ForceModel:
        """Return the model that takes its brightness from all of these, as from the frames of one movie.

        By default every cell is normalised by its own.
        """
        ...


@dataclasses.dataclass(frozen=True)
class ExactForces:
    """The mechanics of a drawn cell; it sees adhesions and fibres, not the image."""

    name: str
    unit: Unit = PASCAL
    proteins: tuple[str, ...] = ()
    per_frame: bool = False
    sha256: str = ""

    def forces(self, cell: SyntheticCell) -> FrameResult:
        """Return the exact traction in Pa; see `ForceModel`."""
        config, mask = cell.config, cell.mask.frame(0)
        default = MECHANICS[self.name]
        mechanics = config.mechanics if isinstance(config.mechanics, type(default)) else default
        traction = mechanics.traction(
            mask, config.pixel_size, cell.adhesions[:1], cell.fibres, config.activity[:1], cell.director
        )
        return FrameResult(traction[0].astype(np.float32), mask=mask)

    def as_movie(self, cells: Sequence[SyntheticCell]) -> ExactForces:
        """Return the same: it does not see brightness."""
        del cells
        return self


@dataclasses.dataclass(frozen=True)
class PredictedForces:
    """A predictor, which sees the image as it would see a microscope's."""

    predictor: Predictor
    baselines: Baselines | None = None

    @property
    def record(self) -> ModelRecord:
        """Of the predictor."""
        return self.predictor.record

    @property
    def name(self) -> str:
        """As shown."""
        return self.record.name

    @property
    def unit(self) -> Unit:
        """Of its tractions."""
        return self.record.output_unit

    @property
    def proteins(self) -> tuple[str, ...]:
        """What it must see."""
        return tuple(name for name in self.record.inputs if name != MASK_INPUT)

    @property
    def per_frame(self) -> bool:
        """True if the predictor scales every frame by itself; see `ForceModel`."""
        return self.record.relative_to == "frame"

    @property
    def sha256(self) -> str:
        """Of the predictor's weights."""
        return self.record.sha256

    def forces(self, cell: SyntheticCell) -> FrameResult:
        """Return the predicted traction; see `ForceModel`."""
        image, record = self._image(cell), self.record
        if self.baselines is not None and record.normalisation != "none":
            pixels = normalise(
                image.frame(0), self.baselines, record.normalisation, shared=record.shared_baselines
            )
            image = dataclasses.replace(image, data=pixels[None])
        config = PredictConfig(already_normalised=self.baselines is not None)
        return next(predict(image, self.predictor, cell.mask, config=config))

    def as_movie(self, cells: Sequence[SyntheticCell]) -> PredictedForces:
        """Return the predictor with the mean brightness of all cells; see `ForceModel`."""
        frames = (self._image(cell).frame(0) for cell in cells)
        return dataclasses.replace(
            self, baselines=measure_baselines(frames, (cell.mask.frame(0) for cell in cells))
        )

    def _image(self, cell: SyntheticCell) -> ImageStack:
        """Return the first frame of the proteins that the predictor reads, in its order."""
        image = cell.image
        channels = [image.channel(name) for name in self.proteins]
        return dataclasses.replace(image, data=image.data[:1, channels], channel_names=self.proteins)


def force_model(name: str, *, device: str = "auto", folder: str | Path | None = None) -> ForceModel:
    """Return a mechanics of `MECHANICS`, or a predictor by its name in the zoo or its path.

    Raises
    ------
    CellForceError
        If there is none of that name, or its weights are not here.
    """
    if name in MECHANICS:
        return ExactForces(name)
    return PredictedForces(load_predictor(name, device=device, folder=folder))
