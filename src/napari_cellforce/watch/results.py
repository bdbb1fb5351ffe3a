"""What has come of a movie so far: whole parts on disk, which are joined now and then, and at the end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from napari_cellforce import files
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray, to_numpy
from napari_cellforce.io import read_field, write_table
from napari_cellforce.predict import OutputPaths, concatenate_fields

_MANY = 20
"""So many parts are joined to one: a long acquisition, frame by frame, has few files."""

_NOTES = "notes.json"


class Results:
    """Parts of one movie's result, in a folder of their own; each whole or not at all.

    What is there when it is made, from a watch before that had the same `key`, is gone on with; what was
    made otherwise is removed.

    Parameters
    ----------
    books : Path
        Folder for the parts of all movies.
    final : OutputPaths
        Where the joined result goes.
    key : str
        Changes with everything that the result depends on.

    Attributes
    ----------
    skipped : dict of int to str
        Frames that were left out, with the reason.
    names : tuple of str
        The files that the frames so far are, where each has a file of its own.
    """

    def __init__(self, books: Path, final: OutputPaths, key: str) -> None:
        self.final = final
        digest = hashlib.sha256(final.traction.name.encode()).hexdigest()[:16]
        self.folder = books / digest / hashlib.sha256(key.encode()).hexdigest()[:16]
        for other in self.folder.parent.glob("*"):
            if other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        with files.disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._parts = self._found()
        self._joined = self._joined_before()
        self.skipped, self.names = self._read_notes()

    @property
    def frames(self) -> list[int]:
        """Frames that were predicted, in order."""
        return [frame for frames in self._parts.values() for frame in frames]

    @property
    def next_frame(self) -> int:
        """The frame to go on with."""
        return max([-1, *self.frames, *self.skipped]) + 1

    def paths(self, start: int) -> OutputPaths:
        """Return where a part that begins with frame `start` is to be written."""
        return OutputPaths.of(self.folder, f"{start:06d}")

    def take(self, start: int) -> None:
        """Count a part in that was written, if anything of it was."""
        paths = self.paths(start)
        if paths.traction.is_file():
            self._parts[paths.traction] = read_field(paths.traction).frames
            self._write_table()
            self._compact()

    def skip(self, frame: int, reason: str) -> None:
        """Note that a frame was left out, so that it is not tried again."""
        self.skipped[frame] = reason
        self._write_notes()

    def name_frames(self, names: Sequence[str]) -> None:
        """Note which files the frames so far are, where each has a file of its own."""
        self.names = tuple(names[: self.next_frame])
        self._write_notes()

    def masks(self) -> Iterator[tuple[int, BoolArray]]:
        """Yield the frames that were predicted, with the cell's outlines, as they were written."""
        for path in self._parts:
            field = read_field(path)
            for i, frame in enumerate(field.frames):
                yield frame, to_numpy(field.mask[i])

    def join(self, *, at_least: float = 0.0) -> bool:
        """Bring the joined result up to date, if it has grown by at least that share; tell whether it was."""
        count = len(self.frames)
        if count <= self._joined or count < self._joined * (1 + at_least):
            return False
        _join(list(self._parts), self.final)
        self._joined = count
        return True

    def _found(self) -> dict[Path, tuple[int, ...]]:
        """Return the parts that are there; what a crash left twice, or without its table, is removed."""
        found: dict[Path, tuple[int, ...]] = {}
        last = -1
        for path in sorted(self.folder.glob("*_traction.ome.tif")):
            frames = read_field(path).frames
            if frames[0] <= last or not OutputPaths.beside(path).summary.is_file():
                _remove(path)
                continue
            found[path], last = frames, frames[-1]
        return found

    def _joined_before(self) -> int:
        """Return how many frames the joined result holds, if it is of these parts."""
        with contextlib.suppress(CellForceError):
            before = read_field(self.final.traction).frames
            return len(before) if list(before) == self.frames else 0
        return 0

    def _compact(self) -> None:
        """Join the last parts of about one length, once there are many: there are always few."""
        while True:
            level = _level(self._parts[next(reversed(self._parts))])
            alike = [path for path, frames in self._parts.items() if _level(frames) == level]
            if len(alike) < _MANY:
                return
            _join(alike, OutputPaths.beside(alike[0]))
            for path in alike[1:]:
                _remove(path)
            self._parts = self._found()

    def _write_table(self) -> None:
        tables = [pd.read_csv(OutputPaths.beside(path).summary) for path in self._parts]
        write_table(self.final.summary, pd.concat(tables))

    def _write_notes(self) -> None:
        notes = {"skipped": self.skipped, "names": self.names}
        files.write_text(self.folder / _NOTES, json.dumps(notes))

    def _read_notes(self) -> tuple[dict[int, str], tuple[str, ...]]:
        with contextlib.suppress(OSError, ValueError):
            notes = json.loads((self.folder / _NOTES).read_text(encoding="utf-8"))
            skipped = {int(frame): str(reason) for frame, reason in notes["skipped"].items()}
            return skipped, tuple(notes["names"])
        return {}, ()


def _level(frames: Sequence[int]) -> int:
    """Return how often parts of `_MANY` others have been joined to this one."""
    return int(math.log(len(frames) + 0.5, _MANY))


def _remove(traction: Path) -> None:
    for path in vars(OutputPaths.beside(traction)).values():
        path.unlink(missing_ok=True)


def _join(paths: list[Path], final: OutputPaths) -> None:
    """Copy the tractions, uncertainties and tables of some parts to one, a frame at a time."""
    parts = [OutputPaths.beside(path) for path in paths]
    tables = [pd.read_csv(part.summary) for part in parts]
    concatenate_fields(parts, final, like=parts[-1])
    write_table(final.summary, pd.concat(tables))
