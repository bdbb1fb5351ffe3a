"""Settings of a watch, their form as a command line, and the events of a watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from napari_cellforce.batch.config import EVERY_IMAGE, absolute
from napari_cellforce.config_io import Settings, changed_options, command_line, setting
from napari_cellforce.fields import FrameResult, ImageStack
from napari_cellforce.predict import OutputPaths, PredictConfig, Prediction, RunConfig

State = Literal["found", "frame", "failed", "written", "idle"]
"""What has happened, see `WatchEvent`."""


@dataclass(frozen=True)
class WatchConfig(Settings):
    """Settings of a watch; the panel, the command line and the library build this same object."""

    folder: str = setting(
        help="Folder the microscope writes to: files that are movies or become longer, or single frames.",
        label="Folder",
    )
    out: str = setting(
        help="Output folder, which may lie inside the watched folder; run again on it to continue.",
        label="Results",
    )
    pattern: str = setting(EVERY_IMAGE, help="Glob pattern for file names: `*_zyxin.tif`.", label="Images")
    predict: PredictConfig = setting(default_factory=PredictConfig, help="How every frame is predicted.")
    settle: float = setting(
        2.0,
        help="Time without change before a file is treated as complete; more for slow networks.",
        unit="s",
        above=0,
        label="Wait for a file",
    )
    patience: float = setting(
        60.0,
        help="Time before an unreadable file is reported and skipped.",
        unit="s",
        above=0,
        label="Patience",
    )
    every: float = setting(
        2.0,
        help="Time between searches of the folder; where the system reports that a file was written, the "
        "folder is searched at once.",
        unit="s",
        above=0,
        label="Search every",
    )

    @property
    def run(self) -> RunConfig:
        """Which model is run, and how."""
        return self.predict.run

    @property
    def paths(self) -> tuple[Path, Path]:
        """The folder and the folder of the results, as paths that stay valid wherever the work is done."""
        return absolute(self.folder), absolute(self.out)

    def command(self) -> str:
        """Return the command line that does the same, quoted for the shell."""
        return command_line("watch", self.folder, changed_options(self, leave_out=("folder",)))


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
