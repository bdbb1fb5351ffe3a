"""What a watch tells while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from napari_cellforce.fields import FrameResult, ImageStack
from napari_cellforce.predict import OutputPaths, Prediction

State = Literal["found", "frame", "failed", "written", "idle"]


@dataclass(frozen=True)
class WatchEvent:
    """What has just happened.

    Attributes
    ----------
    state : {"found", "frame", "failed", "written", "idle"}
        A movie is begun or gone on with; a frame was predicted; a frame or file was given up (until it
        changes); the joined result of a movie is up to date; there is nothing to do at the moment.
    name : str
        Of the movie; empty when idle.
    frames : int
        How many of its frames are there; of a result that was written, how many it holds.
    result : FrameResult or None
        Of a frame.
    row : mapping of str to float
        The frame's row of the summary table.
    stack : ImageStack or None
        As far as it is there.
    paths : OutputPaths or None
        Where its results are, or will be.
    frame : int
        That was predicted or given up; of a movie that was found, the one to go on with; else -1.
    reason : str
        Why something was given up.
    job : Prediction or None
        Of a movie that was found: unit, pixel size, model.
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
