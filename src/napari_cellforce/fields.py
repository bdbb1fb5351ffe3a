"""What everything speaks: stacks, masks, vector and scalar fields, with their axes and units.

Axes and component order are defined here and nowhere else: image stacks are ``(T, C, Y, X)``,
vector fields ``(T, 2, Y, X)`` with component 0 along y (rows, downward) and component 1 along x
(columns). Traction is in Pa, displacement and length in µm, time in minutes.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError

Y, X = 0, 1
"""Index of the y and the x component of a vector field."""

Quantity = Literal["traction", "displacement"]
Unit = Literal["Pa", "normalised", "µm"]
FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

MICROMETRE: Literal["µm"] = "µm"
NORMALISED: Literal["normalised"] = "normalised"
PASCAL: Literal["Pa"] = "Pa"


@dataclass(frozen=True)
class PixelSize:
    """Size of a pixel in µm.

    Attributes
    ----------
    y, x : float
        Height and width in µm.
    source : str
        Where the number comes from, as shown to the user: ``"file"``, ``"typed"``, ``"unknown"``.

    Raises
    ------
    CellForceError
        If a side is not a positive, finite number.
    """

    y: float
    x: float
    source: str = "file"

    def __post_init__(self) -> None:
        for side in (self.y, self.x):
            if not (math.isfinite(side) and side > 0):
                raise CellForceError(
                    f"the pixel size is {side:g} µm",
                    "it must be a positive number",
                    "Type in the size of a pixel on the sample: camera pixel divided by magnification.",
                    topic="pixel size",
                )

    @classmethod
    def unknown(cls) -> PixelSize:
        """Return what stands for the pixel size of a field whose file does not say it."""
        return cls(1.0, 1.0, "unknown")

    @property
    def known(self) -> bool:
        """False for `unknown`: then nothing may be computed that depends on it."""
        return self.source != "unknown"

    @classmethod
    def square(cls, micron: float, source: str = "typed") -> PixelSize:
        """Return a square pixel with sides of `micron` µm."""
        return cls(micron, micron, source)

    @property
    def micron(self) -> float:
        """Side in µm; raises `CellForceError` unless the pixel is square to one part in a thousand."""
        if abs(self.y - self.x) > 1e-3 * max(self.y, self.x):
            raise CellForceError(
                f"pixels are {self.y:g} µm high and {self.x:g} µm wide",
                "predictions need square pixels",
                "Resample the image to square pixels (Fiji: Image > Scale...), or correct the pixel size.",
                topic="pixel size",
            )
        return (self.y + self.x) / 2

    @property
    def area(self) -> float:
        """Area of a pixel in µm²."""
        return self.y * self.x


@dataclass(frozen=True)
class Provenance:
    """How a result came about; travels with it into layers and files.

    Attributes
    ----------
    model, model_sha256 : str
        Name and hash of the predictor; empty where none was used.
    version : str
        Version of this package.
    settings : mapping
        What the user chose, JSON-able.
    input_file : str
        Path of the image; empty for data made in memory.
    input_fingerprint : mapping
        See `napari_cellforce.files.Fingerprint`.
    date : str
        ISO 8601 in UTC.
    """

    model: str = ""
    model_sha256: str = ""
    version: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    input_file: str = ""
    input_fingerprint: Mapping[str, Any] = field(default_factory=dict)
    date: str = ""

    def to_json(self) -> str:
        """Return all entries as one JSON object."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """Read what `to_json` wrote; entries of later versions are ignored."""
        known = {f.name for f in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in json.loads(text).items() if key in known})


@dataclass(frozen=True)
class ImageStack:
    """A fluorescence movie.

    Attributes
    ----------
    data : (T, C, Y, X) array
        Intensities in camera counts, or normalised; numpy, or a dask array that is read on demand.
    channel_names : tuple of C str
    pixel_size : PixelSize or None
        None where the file does not say.
    frame_interval : float or None
        Minutes between frames; None where the file does not say.
    name : str
        Shown to the user, usually the file's stem.
    path : str
        File it came from; empty for data made in memory.
    notes : tuple of str
        What the reader did that a user would want to know ("maximum over 12 planes").
    """

    data: Any
    channel_names: tuple[str, ...]
    pixel_size: PixelSize | None = None
    frame_interval: float | None = None
    name: str = ""
    path: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_axes(self.data, "(T, C, Y, X)", 4)
        if len(self.channel_names) != self.data.shape[1]:
            raise ValueError(f"{len(self.channel_names)} channel names for {self.data.shape[1]} channels")

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return int(self.data.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.data.shape[2]), int(self.data.shape[3])

    def channel(self, which: int | str) -> int:
        """Return the index of a channel given by index or (case-insensitive) name.

        Raises
        ------
        CellForceError
            If there is no such channel.
        """
        lowered = [name.lower() for name in self.channel_names]
        if isinstance(which, str) and which.lower() in lowered:
            return lowered.index(which.lower())
        if isinstance(which, str) and which.lstrip("-").isdigit():
            which = int(which)
        if isinstance(which, int) and 0 <= which < len(self.channel_names):
            return which
        listed = ", ".join(f"{i}: {name}" for i, name in enumerate(self.channel_names))
        raise CellForceError(
            f"channel {which!r} is not in {self.name or 'the image'}",
            f"it has {listed} (counted from 0)",
            "Choose one of these.",
            topic="channel",
        )

    def frame(self, t: int, channels: tuple[int, ...] | None = None) -> FloatArray:
        """Read one frame, ``(C, Y, X)`` float32, of the given channels (all by default)."""
        selected = self.data[t] if channels is None else self.data[t, list(channels)]
        return np.asarray(selected, dtype=np.float32)


@dataclass(frozen=True)
class Mask:
    """Where the cell is.

    Attributes
    ----------
    data : (T, Y, X) bool array
        True inside the cell; T = 1 stands for all frames. May find frame t only when it is asked for.
    source : str
        ``"automatic"``, or the layer or file it came from.
    """

    data: Any
    source: str = "automatic"

    def __post_init__(self) -> None:
        _require_axes(self.data, "(T, Y, X)", 3)

    def frame(self, t: int) -> BoolArray:
        """Return the mask of frame `t`, ``(Y, X)`` bool."""
        return np.asarray(self.data[0 if self.data.shape[0] == 1 else t], dtype=np.bool_)


@dataclass(frozen=True)
class VectorField:
    """Traction or displacement, over time.

    Attributes
    ----------
    data : (T, 2, Y, X) float32 array
        Component 0 along y (downward), 1 along x; in `unit`.
    quantity : {"traction", "displacement"}
    unit : {"Pa", "normalised", "µm"}
        ``"normalised"`` is a multiple of a data set's mean traction; see the model's record.
    pixel_size : PixelSize
    frame_interval : float or None
        Minutes between frames.
    frames : tuple of T int
        Which frames of the input these are (all of them, unless a job was stopped).
    mask : (T, Y, X) bool array or None
    name : str
    provenance : Provenance
    """

    data: Any
    quantity: Quantity
    unit: Unit
    pixel_size: PixelSize
    frame_interval: float | None = None
    frames: tuple[int, ...] = ()
    mask: Any = None
    name: str = ""
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        _require_axes(self.data, "(T, 2, Y, X)", 4)
        if self.data.shape[1] != 2:
            raise ValueError(f"a vector field has 2 components, not {self.data.shape[1]}")
        if not self.frames:
            object.__setattr__(self, "frames", tuple(range(self.data.shape[0])))

    @property
    def channel_names(self) -> tuple[str, str]:
        """Names with unit, as written to files: ``("traction_y [Pa]", "traction_x [Pa]")``."""
        return f"{self.quantity}_y [{self.unit}]", f"{self.quantity}_x [{self.unit}]"

    def magnitude(self) -> FloatArray:
        """Return the length of the vectors, ``(T, Y, X)`` in `unit`."""
        data = np.asarray(self.data, dtype=np.float32)
        magnitude: FloatArray = np.hypot(data[:, Y], data[:, X])
        return magnitude


@dataclass(frozen=True)
class ScalarField:
    """A scalar over time: uncertainty, a potential, an adhesion field.

    Attributes
    ----------
    data : (T, Y, X) float32 array
        In `unit`.
    name : str
        What it is: ``"uncertainty"``, ``"phi"``.
    unit : str
        Empty for a pure number.
    pixel_size : PixelSize
    frame_interval : float or None
        Minutes between frames.
    provenance : Provenance
    """

    data: Any
    name: str
    unit: str
    pixel_size: PixelSize
    frame_interval: float | None = None
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        _require_axes(self.data, "(T, Y, X)", 3)


@dataclass(frozen=True)
class Substrate:
    """The elastic gel a cell stands on.

    Attributes
    ----------
    young : float
        Young's modulus (stiffness) in Pa.
    poisson : float
        Poisson's ratio.
    thickness : float or None
        In µm; None for a half-space.
    """

    young: float
    poisson: float = 0.5
    thickness: float | None = None


@dataclass(frozen=True)
class FrameResult:
    """What a predictor says of one frame, on the grid of the input.

    Attributes
    ----------
    traction : (2, Y, X) float32 array
        (y, x), in the unit of the predictor's record; 0 outside the cell (a network's may reach one of its
        own pixels beyond the mask, as an outline is not known better).
    uncertainty : (Y, X) float32 array or None
        Standard deviation of the traction vector, same unit.
    scalars : mapping of str to (Y, X) float32 array
        Named inner fields (``"phi"``, ``"Y"`` ...), where the model has them.
    frame : int
        Index in the input stack.
    mask : (Y, X) bool array or None
    """

    traction: FloatArray
    uncertainty: FloatArray | None = None
    scalars: Mapping[str, FloatArray] = field(default_factory=dict)
    frame: int = 0
    mask: BoolArray | None = None


def _require_axes(array: Any, axes: str, ndim: int) -> None:
    """Refuse arrays of the wrong dimension: a programmer's error, hence a plain ValueError."""
    if array.ndim != ndim:
        raise ValueError(f"expected axes {axes}, got an array of shape {array.shape}")
