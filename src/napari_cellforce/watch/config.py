"""Settings of a watch, and the events it yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from napari_cellforce.batch.config import (
    EVERY_IMAGE,
    SHARED_FLAGS,
    absolute,
    changed_options,
    command_line,
)
from napari_cellforce.fields import FrameResult, ImageStack, PixelSize
from napari_cellforce.predict import OutputPaths, PredictConfig, Prediction

_FLAGS = {
    **SHARED_FLAGS,
    "settle": "--settle",
    "patience": "--patience",
}

State = Literal["found", "frame", "failed", "written", "idle"]
"""What has happened, see `WatchEvent`."""


@dataclass(frozen=True)
class WatchConfig:
    """Settings of a watch; the panel, the command line and the library build this same object.

    Attributes
    ----------
    folder : str
        Folder to which the microscope writes movies, growing or complete, or single frames.
    out : str
        Folder for the results. It may lie inside `folder`.
    model : str
        Model name in the zoo, or a weights file.
    pattern : str
        Glob pattern for the files' names.
    pixel_size : float or None
        Pixel size in µm; overrides the file metadata.
    z : "max", int or None
        For z-stacks: maximum projection, or one plane.
    predict : PredictConfig
    samples : int
        Number of Monte Carlo dropout passes for an uncertainty map (0: off).
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...
    backend : str
        Inference backend; see `napari_cellforce.models.backends`.
    model_folder : str
        See `napari_cellforce.zoo.model_folder`; empty for the usual one.
    settle : float
        Seconds without change before the newest frame is treated as complete.
    patience : float
        Seconds before an unreadable file is reported and skipped.
    every : float
        Seconds between two checks of the folder; where the system reports changes, they are processed at
        once.
    """

    folder: str
    out: str
    model: str
    pattern: str = EVERY_IMAGE
    pixel_size: float | None = None
    z: Literal["max"] | int | None = None
    predict: PredictConfig = field(default_factory=PredictConfig)
    samples: int = 0
    device: str = "auto"
    backend: str = "auto"
    model_folder: str = ""
    settle: float = 2.0
    patience: float = 60.0
    every: float = 2.0

    @property
    def size(self) -> PixelSize | None:
        """The pixel size to use in place of the files' own, or None."""
        return None if self.pixel_size is None else PixelSize.square(self.pixel_size, "typed")

    @property
    def paths(self) -> tuple[Path, Path]:
        """The folder and the folder of the results, as paths that stay valid wherever the work is done."""
        return absolute(self.folder), absolute(self.out)

    def command(self) -> str:
        """Return the command line that does the same, quoted for the shell."""
        own = (f"--out={self.out}", f"--model={self.model}")
        return command_line(
            "watch", self.folder, (*own, *changed_options(self, WatchConfig("", "", ""), _FLAGS))
        )


@dataclass(frozen=True)
class WatchEvent:
    """An event of a watch.

    Attributes
    ----------
    state : {"found", "frame", "failed", "written", "idle"}
        A movie is started or resumed; a frame was predicted; a frame or file was skipped (until it
        changes); the joined result of a movie is up to date; there is nothing to do at the moment.
    name : str
        Name of the movie; empty when idle.
    frames : int
        Number of its frames so far; for ``"written"``, number of frames in the result.
    result : FrameResult or None
        Result of a predicted frame.
    row : mapping of str to float
        The frame's row of the summary table.
    stack : ImageStack or None
        The movie so far.
    paths : OutputPaths or None
        Paths of its results, written or not.
    frame : int
        Frame that was predicted or skipped; for ``"found"``, the next frame to predict; else -1.
    reason : str
        Why something was skipped.
    job : Prediction or None
        The prediction job of a movie that was found, with unit, pixel size and model.
    """

    state: State
    name: str = ""
    frames: int = 0
    result: FrameResult | None = None
    row: Mapping[str, float] = field(default_factory=dict)
    stack: ImageStack | None = None
    paths: OutputPaths | None = None
    frame: int = -1
    reason: str = ""
    job: Prediction | None = None
