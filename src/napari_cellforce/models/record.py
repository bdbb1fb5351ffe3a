"""What is known of a predictor besides its numbers: inputs, grid, normalisation, units, origin."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from napari_cellforce.config_io import (
    check_settings,
    parse_mapping,
    record_from_mapping,
    record_to_mapping,
    setting,
)
from napari_cellforce.errors import Topic
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize, Unit

Normalisation = Literal["outside_inside", "outside_max", "totally_normalize", "none"]
"""How protein images are normalised; names as in the published checkpoints."""

MASK_INPUT = "mask"
"""Name of the model input that is the cell mask itself, not a protein."""

OutputKind = Literal["vector", "magnitude_angle"]


@dataclass(frozen=True)
class ModelRecord:
    """Everything a prediction needs to know of a model, and everything a user may ask.

    Attributes
    ----------
    name : str
        Name in the zoo, or the file's stem.
    kind : str
        Name of one of the kinds in `napari_cellforce.models.registry`.
    architecture : mapping
        The builder's config, JSON-able.
    inputs : tuple of str
        Proteins (or ``"mask"``), in the order of the input channels.
    pixel_size : float
        Side of the pixels the model was made for, in µm.
    normalisation : str
        See `Normalisation`.
    shared_baselines : bool
        True if every protein is normalised with the baselines of the first, as the published loader does.
    mask_margin : float
        The image is set to 0 farther than this from the cell, in µm.
    grid : int or None
        Fixed side of the model's grid in pixels, if it has one (GFNN).
    low_pass : int or None
        Highest Fourier mode kept of the input on that grid.
    output : str
        What the raw network returns: vectors, or magnitude and angle.
    output_order : {"yx", "xy"}
        Order of the raw network's vector components. Predictors always return (y, x).
    output_unit : {"normalised", "Pa"}
    output_scale : float
        The normalised traction that stands for a data set's mean ``|F|``:
        F [Pa] = F / output_scale * mean|F|.
    output_offset : float
        Added to the length of every vector of a network, down to 0 at most, in `output_unit`: what a
        calibration with an offset has found. 0 for all others.
    relative_to : {"data set", "frame"}
        What a normalised traction is a multiple of. Of a model that normalises every frame by itself,
        places can be compared, frames and cells cannot.
    training_data, limits, licence, citation, source : str
        For the card shown to the user.
    sha256 : str
        Of the weights file; empty if the model has no weights.
    version : str
        Of the package that wrote the record.
    extra : mapping
        Entries that a later version has written.
    """

    name: str
    kind: str
    inputs: tuple[str, ...] = ("zyxin",)
    pixel_size: float = setting(0.68, help="Pixel size of the model.", unit="µm", minimum=1e-3, maximum=1e3)
    architecture: Mapping[str, Any] = field(default_factory=dict)
    normalisation: Normalisation = "outside_inside"
    shared_baselines: bool = False
    mask_margin: float = setting(
        8.5, help="Images are set to 0 farther than this from the cell.", unit="µm", minimum=0, maximum=1e4
    )
    grid: int | None = setting(
        None, help="Fixed side of the model's grid, in pixels.", minimum=1, maximum=1 << 14
    )
    low_pass: int | None = setting(
        None, help="Highest Fourier mode kept of the input.", minimum=1, maximum=1 << 14
    )
    output: OutputKind = "vector"
    output_order: Literal["yx", "xy"] = "yx"
    output_unit: Unit = "normalised"
    output_scale: float = setting(
        1.0, help="Normalised traction that stands for a data set's mean |F|.", minimum=1e-9, maximum=1e9
    )
    output_offset: float = 0.0
    relative_to: Literal["data set", "frame"] = "data set"
    training_data: str = ""
    limits: str = ""
    licence: str = ""
    citation: str = ""
    source: str = ""
    sha256: str = ""
    version: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def proteins(self) -> tuple[str, ...]:
        """The inputs without the mask."""
        return tuple(name for name in self.inputs if name != MASK_INPUT)

    def to_json(self) -> str:
        """Return all entries as one JSON object."""
        return json.dumps(record_to_mapping(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str, *, source: str = "the record") -> ModelRecord:
        """Read what `to_json` wrote; entries of later versions are kept and reported.

        Raises
        ------
        CellForceError
            If it is no such record.
        """
        return record_from_mapping(
            cls, parse_mapping(text, source, yaml_too=False), source=source, topic=Topic.MODEL
        )


class Predictor(Protocol):
    """What networks, filters, the sheet and the formula have in common."""

    @property
    def record(self) -> ModelRecord:
        """Inputs, grid, normalisation, units and origin."""
        ...

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame.

        Parameters
        ----------
        image : (C, Y, X) float32 array
            The channels of ``record.inputs``, normalised as ``record.normalisation`` says.
        mask : (Y, X) bool array
            True inside the cell.
        pixel_size : PixelSize
            Of `image`, in µm; resampling to the model's grid and back is the predictor's business.

        Returns
        -------
        FrameResult
            Traction ``(2, Y, X)`` in (y, x) order and ``record.output_unit``, 0 outside the cell.
        """
        ...


class BatchPredictor(Predictor, Protocol):
    """A predictor that is quicker when it is given several frames at once."""

    @property
    def frames_at_once(self) -> int:
        """How many frames to give at once."""
        ...

    def predict_frames(
        self, images: Sequence[FloatArray], masks: Sequence[BoolArray], pixel_size: PixelSize
    ) -> Sequence[FrameResult]:
        """Predict several frames; see `Predictor.predict_frame`."""
        ...
