"""Results of a growing movie: complete chunks on disk, joined from time to time and at the end."""

from __future__ import annotations

import contextlib
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
from napari_cellforce.resume import read_record, short_name, write_record

_MERGE_COUNT = 20
"""Number of chunks that are merged into one, so that a long acquisition has few files."""

_NOTES = "notes.json"


class ChunkedOutput:
    """Chunks of the result of one movie, in a folder of their own; each complete or absent.

    Chunks from an earlier watch with the same `key` are continued; all others are removed.

    Parameters
    ----------
    state_dir : Path
        Folder for the chunks of all movies.
    final : OutputPaths
        Paths of the joined result.
    key : str
        Cache key over everything that the result depends on.

    Attributes
    ----------
    skipped : dict of int to str
        Reasons by frame that was skipped.
    names : tuple of str
        File names of the frames so far, where each has a file of its own.
    """

    def __init__(self, state_dir: Path, final: OutputPaths, key: str) -> None:
        self.final = final
        self.folder = state_dir / short_name(final.traction.name) / short_name(key)
        for other in self.folder.parent.glob("*"):
            if other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        with files.disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._chunks = self._read_chunks()
        self._joined = self._count_joined()
        self.skipped, self.names = self._read_notes()

    @property
    def frames(self) -> list[int]:
        """Frames that were predicted, in order."""
        return [frame for frames in self._chunks.values() for frame in frames]

    @property
    def next_frame(self) -> int:
        """The next frame to predict."""
        return max([-1, *self.frames, *self.skipped]) + 1

    def paths(self, start: int) -> OutputPaths:
        """Return the paths of the chunk that starts with frame `start`."""
        return OutputPaths.of(self.folder, f"{start:06d}")

    def add_chunk(self, start: int) -> None:
        """Add a chunk that was written, if any of its frames were."""
        paths = self.paths(start)
        if paths.traction.is_file():
            self._chunks[paths.traction] = read_field(paths.traction).frames
            self._write_table()
            self._compact()

    def skip(self, frame: int, reason: str) -> None:
        """Record that a frame was skipped, so that it is not tried again."""
        self.skipped[frame] = reason
        self._write_notes()

    def set_frame_names(self, names: Sequence[str]) -> None:
        """Record the file names of the frames so far, where each has a file of its own."""
        self.names = tuple(names[: self.next_frame])
        self._write_notes()

    def masks(self) -> Iterator[tuple[int, BoolArray]]:
        """Yield the predicted frames with the outlines that were written."""
        for path in self._chunks:
            field = read_field(path)
            for i, frame in enumerate(field.frames):
                yield frame, to_numpy(field.mask[i])

    def join(self, *, at_least: float = 0.0) -> bool:
        """Update the joined result if it has grown by at least that fraction; return whether it was."""
        count = len(self.frames)
        if count <= self._joined or count < self._joined * (1 + at_least):
            return False
        _join(list(self._chunks), self.final)
        self._joined = count
        return True

    def _read_chunks(self) -> dict[Path, tuple[int, ...]]:
        """Return the chunks on disk; those that a crash left twice, or without a table, are removed."""
        chunks: dict[Path, tuple[int, ...]] = {}
        last = -1
        for path in sorted(self.folder.glob("*_traction.ome.tif")):
            frames = read_field(path).frames
            if frames[0] <= last or not OutputPaths.beside(path).summary.is_file():
                _remove(path)
                continue
            chunks[path], last = frames, frames[-1]
        return chunks

    def _count_joined(self) -> int:
        """Return the number of frames in the joined result, if it belongs to these chunks."""
        with contextlib.suppress(CellForceError):
            joined = read_field(self.final.traction).frames
            return len(joined) if list(joined) == self.frames else 0
        return 0

    def _compact(self) -> None:
        """Merge the last chunks of similar length once there are many."""
        while True:
            level = _level(self._chunks[next(reversed(self._chunks))])
            alike = [path for path, frames in self._chunks.items() if _level(frames) == level]
            if len(alike) < _MERGE_COUNT:
                return
            _join(alike, OutputPaths.beside(alike[0]))
            for path in alike[1:]:
                _remove(path)
            self._chunks = self._read_chunks()

    def _write_table(self) -> None:
        tables = [pd.read_csv(OutputPaths.beside(path).summary) for path in self._chunks]
        write_table(self.final.summary, pd.concat(tables))

    def _write_notes(self) -> None:
        notes = {"skipped": self.skipped, "names": self.names}
        write_record(self.folder / _NOTES, notes)

    def _read_notes(self) -> tuple[dict[int, str], tuple[str, ...]]:
        notes = read_record(self.folder / _NOTES)
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            skipped = {int(frame): str(reason) for frame, reason in notes["skipped"].items()}
            return skipped, tuple(notes["names"])
        return {}, ()


def _level(frames: Sequence[int]) -> int:
    """Return how often this chunk was merged from `_MERGE_COUNT` others."""
    return int(math.log(len(frames) + 0.5, _MERGE_COUNT))


def _remove(traction: Path) -> None:
    for path in vars(OutputPaths.beside(traction)).values():
        path.unlink(missing_ok=True)


def _join(paths: list[Path], final: OutputPaths) -> None:
    """Copy the tractions, uncertainties and tables of some chunks to one, frame by frame."""
    chunks = [OutputPaths.beside(path) for path in paths]
    tables = [pd.read_csv(chunk.summary) for chunk in chunks]
    concatenate_fields(chunks, final, like=chunks[-1])
    write_table(final.summary, pd.concat(tables))
