"""One row of a plan: an input and a model, and where everything of them lies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_cellforce.batch.receipt import BOOKS
from napari_cellforce.batch.wishes import PREDICT
from napari_cellforce.io.paths import split, stem
from napari_cellforce.predict import OutputPaths

_LONGEST_STEM = 200
"""Bytes: file systems allow 255, and our endings need some."""


@dataclass(frozen=True)
class PlannedInput:
    """One row of the plan.

    Attributes
    ----------
    path : Path
    name : str
        Path below the input folder, with ``/``.
    title : str
        What the row is called: the name, and the model where there are several.
    target : Path
        Path of the results, without their endings.
    given_model, model : str
        As in the settings, and its own name.
    kind : str
        ``"image"`` or ``"dataset"`` (a folder of frames in the authors' layout); empty for what is not known.
    condition : str
    mask, measured : Path or None
        The mask file and the measured field, if there are to be any.
    parts : tuple of str
        What is wanted: ``"predict"``, parts of an explanation, ``"compare"``.
    finished : tuple of str
        Those of them that are there already.
    hindrances : tuple of (str, str)
        Parts that cannot be done, and why; without ``"predict"`` nothing can.
    key : str
        See `napari_cellforce.batch.keys.predict_key`; empty if the input cannot be read.
    frames : int
    shape : tuple of 2 int
        Height and width in pixels.
    channels : tuple of str
        Those that will be read.
    pixel_size : float
        In µm; 0 if unknown.
    notes : tuple of str
        What the user should know, though it stands against nothing.
    """

    path: Path
    name: str
    title: str
    target: Path
    given_model: str
    model: str
    kind: str = ""
    condition: str = ""
    mask: Path | None = None
    measured: Path | None = None
    parts: tuple[str, ...] = (PREDICT,)
    finished: tuple[str, ...] = ()
    hindrances: tuple[tuple[str, str], ...] = ()
    key: str = ""
    frames: int = 0
    shape: tuple[int, int] = (0, 0)
    channels: tuple[str, ...] = ()
    pixel_size: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def hindered(self) -> Mapping[str, str]:
        """The hindrances, from a part to its reason."""
        return dict(self.hindrances)

    @property
    def problem(self) -> str:
        """Why something cannot be done, in words; empty if nothing is in the way."""
        return in_words(self.hindered)

    @property
    def predicted(self) -> bool:
        """True if the prediction is there already."""
        return PREDICT in self.finished

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts that can be done and have not been, in the order in which they are done."""
        if PREDICT in self.hindered:
            return ()
        return tuple(p for p in self.parts if p not in self.finished and p not in self.hindered)

    @property
    def to_do(self) -> bool:
        """True if there is something to do."""
        return bool(self.missing)

    @property
    def complete(self) -> bool:
        """True if all that is wanted is there already."""
        return set(self.finished) >= set(self.parts)

    @property
    def outputs(self) -> OutputPaths:
        """Where its prediction goes."""
        return OutputPaths.of(self.target.parent, self.target.name)

    @property
    def overview(self) -> Path:
        """Where its picture for the report goes."""
        return self.beside("_overview.png")

    @property
    def explained(self) -> Path:
        """Folder of its explanation."""
        return self.beside("_explain")

    @property
    def compared(self) -> Path:
        """Folder of its comparison with a measured field."""
        return self.beside("_compare")

    @property
    def predict_files(self) -> tuple[Path, ...]:
        """All that may be written for the prediction; an uncertainty only where the model gives one."""
        return self.outputs.traction, self.outputs.summary, self.outputs.uncertainty, self.overview

    @property
    def pixels(self) -> int:
        """Pixels over all frames."""
        return self.frames * self.shape[0] * self.shape[1]

    def beside(self, ending: str) -> Path:
        """Return the path of a result."""
        return self.target.with_name(self.target.name + ending)

    def desk(self, out: Path) -> Path:
        """Return where its work lies until it is whole; another place for other settings."""
        digest = hashlib.sha256(f"{self.name}\n{self.key}".encode()).hexdigest()
        return out / BOOKS / "parts" / digest[:32]


def in_words(reasons: Mapping[str, str]) -> str:
    """Return why parts cannot be done, as one text; that of the prediction speaks for itself."""
    if PREDICT in reasons:
        return reasons[PREDICT]
    return " ".join(f"{part}: {why}" for part, why in reasons.items())


def target_of(out: Path, model: str, relative: Path, *, whole_name: bool) -> Path:
    """Return the path of an input's results without endings: a folder a model, in it the inputs' folders.

    Parameters
    ----------
    out : Path
    model : str
    relative : Path
        Of the input, below the input folder.
    whole_name : bool
        With the ending, where another input differs in nothing else.
    """
    container, _ = split(relative)
    name = relative.relative_to(container.parent).as_posix() if whole_name else stem(relative)
    return out / _flat(model) / container.parent / _flat(name)


def _flat(name: str) -> str:
    """Return a name, which may come from a weights file of others, as one part of a path that shows."""
    flat = name.replace("/", "_").replace("\\", "_")
    return _short("_" + flat if flat.startswith(".") or not flat else flat)


def _short(name: str) -> str:
    """Return a name that leaves room for endings; a shortened one stays unique by its hash."""
    coded = os.fsencode(name)
    if len(coded) <= _LONGEST_STEM:
        return name
    return coded[: _LONGEST_STEM - 9].decode(errors="ignore") + "~" + hashlib.sha256(coded).hexdigest()[:8]
