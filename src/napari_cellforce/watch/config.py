"""What the user chooses for following an acquisition."""

from __future__ import annotations

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
from napari_cellforce.fields import PixelSize
from napari_cellforce.predict import PredictConfig

_FLAGS = {
    **SHARED_FLAGS,
    "settle": "--settle",
    "patience": "--patience",
}


@dataclass(frozen=True)
class WatchConfig:
    """Settings of a watch; the panel, the command line and the library build this same object.

    Attributes
    ----------
    folder : str
        Where the microscope writes: files that are movies or become longer, or single frames.
    out : str
        Where the results go. It may lie inside `folder`.
    model : str
        Name in the zoo, or a weights file.
    pattern : str
        Of the files' names, as in the shell.
    pixel_size : float or None
        In µm, in place of what the files say.
    z : "max", int or None
        For z-stacks: maximum projection, or one plane.
    predict : PredictConfig
    samples : int
        Passes with dropout for an uncertainty; 0 for one plain pass.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...
    backend : str
        What computes a network; see `napari_cellforce.models.backends`.
    model_folder : str
        See `napari_cellforce.zoo.model_folder`; empty for the usual one.
    settle : float
        Seconds for which the newest frame has to stay as it is before it counts as written.
    patience : float
        Seconds after which a file that cannot be read is told, and the one after it begun.
    every : float
        Seconds between looks at the folder; where the system says at once that something was written, the
        look is at once.
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
