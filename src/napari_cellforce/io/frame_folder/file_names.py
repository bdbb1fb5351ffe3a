"""Assignment of files to frames, channels and planes by the numbers in their names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.paths import TIFF_SUFFIXES

_CHANNEL = {"c", "ch", "channel", "w", "wavelength"}
_PLANE = {"z", "plane", "slice"}
_POSITION = {"p", "pos", "position", "s", "xy", "series", "field", "stage"}
_TIME = {"t", "tp", "time", "timepoint", "frame", "f"}
"""Words before a number in a file name that define what the number counts."""

_AXES = "TCZ"


@dataclass(frozen=True)
class FrameFiles:
    """The files of a folder, with frame, channel and plane from the numbers in their names.

    Attributes
    ----------
    folder : Path
    numbers : dict of Path to (t, c, z)
    axes : str
        Axes along which the files vary; always includes T.
    certain : bool
        True if the names state that the number is time.
    """

    folder: Path
    numbers: dict[Path, tuple[int, int, int]]
    axes: str
    certain: bool

    @property
    def frames(self) -> tuple[tuple[Path, ...], ...]:
        """Files of each frame, by channel and plane; the last frame may be incomplete."""
        order = sorted((number, path) for path, number in self.numbers.items())
        groups = itertools.groupby(order, key=lambda entry: entry[0][0])
        return tuple(tuple(path for _, path in group) for _, group in groups)

    def without_incomplete_frame(self) -> FrameFiles:
        """Return the files without the last frame if it has fewer files than the first."""
        first, *_, last = self.frames[0], self.frames[-1]
        if len(last) >= len(first):
            return self
        return replace(self, numbers={path: n for path, n in self.numbers.items() if path not in last})

    @property
    def names(self) -> tuple[str, ...]:
        """Name of the first file of each frame."""
        return tuple(frame[0].name for frame in self.frames)

    def continued_from(self, names: Sequence[str]) -> FrameFiles:
        """Return the frames `names` and those after the last of them; later insertions are omitted.

        Raises
        ------
        CellForceError
            If a file no longer exists.
        """
        if not names:
            return self
        missing = set(names) - set(self.names)
        if missing:
            raise folder_error(self.folder, f"no longer contains {sorted(missing)[0]}")
        end = self.names.index(names[-1])
        late = {path for frame in self.frames[:end] if frame[0].name not in names for path in frame}
        return replace(self, numbers={path: n for path, n in self.numbers.items() if path not in late})

    @property
    def lengths(self) -> tuple[int, int]:
        """Number of channels and of planes in separate files."""
        _, channels, planes = (len(set(column)) for column in zip(*self.numbers.values(), strict=True))
        return channels, planes


def frame_files(folder: Path) -> FrameFiles:
    """Assign the images in a folder to frames, channels and planes by their names.

    The names may differ only in their numbers: one counts time, and others count channels and planes if the
    word before the number says so (``c1``, ``ch1``, ``w1``; ``z1``).

    Raises
    ------
    CellForceError
        If there are no images, or their names do not define an order.
    """
    paths = [path for path in folder.iterdir() if _is_image_name(path.name)]
    if not paths:
        raise folder_error(folder, "contains no TIFF images")
    parts = {path: re.split(r"(\d+)", path.stem) for path in paths}
    templates = {(tuple(split[::2]), path.suffix.lower()) for path, split in parts.items()}
    if len(templates) > 1:
        shown = ", ".join(sorted(path.name for path in paths)[:4])
        raise folder_error(folder, f"contains images with {len(templates)} patterns of names: {shown} ...")
    numbers = {path: tuple(int(digits) for digits in split[1::2]) for path, split in parts.items()}
    words = [_word_before(text) for text in next(iter(parts.values()))[::2]]
    return _assign_axes(folder, numbers, words)


def missing_frames(files: FrameFiles) -> tuple[str, ...]:
    """Return a note on missing numbers in an otherwise regular sequence."""
    numbers = sorted({number[0] for number in files.numbers.values()})
    steps = np.diff(numbers)
    if not len(steps) or (steps == steps[0]).all():
        return ()
    missing = sorted(set(range(numbers[0], numbers[-1], int(steps.min()))) - set(numbers))
    return (f"the frames {_list_numbers(missing)} are missing; the existing ones are taken as consecutive",)


def folder_error(folder: Path, found: str) -> CellForceError:
    """Return the error for a folder that cannot be read as one movie."""
    return CellForceError(
        f"{folder} {found}",
        "a folder is read as one movie if it has one file per frame, named t000.tif, t001.tif and so on, "
        "or t000_c0.tif if channels are in separate files",
        "Choose one of the files, use one folder per movie, or predict the folder as a batch.",
        topic=Topic.INPUT,
    )


def _is_image_name(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(TIFF_SUFFIXES)


def _word_before(text: str) -> str:
    """Return the word directly before a number, in lower case: ``"t"`` for ``"cell_T"``."""
    found = re.search(r"([A-Za-z]+)[-_. ]*$", text)
    return found.group(1).lower() if found else ""


def _assign_axes(folder: Path, numbers: dict[Path, tuple[int, ...]], words: list[str]) -> FrameFiles:
    """Determine what each number counts."""
    n_numbers = len(next(iter(numbers.values())))
    varying = [i for i in range(n_numbers) if len({number[i] for number in numbers.values()}) > 1]
    axis_of = {i: _axis(words[i]) for i in varying}
    if any(axis == "place" for axis in axis_of.values()):
        raise folder_error(folder, "contains images of several positions (by their names)")
    unnamed = [i for i in varying if axis_of[i] == ""]
    if len(unnamed) == 1 and "T" not in axis_of.values():
        axis_of[unnamed[0]] = "T"
    columns = {axis: i for i, axis in axis_of.items()}
    if "" in columns or len(columns) < len(axis_of):
        raise folder_error(folder, f"has names in which {len(varying)} numbers change")
    if not columns:  # a single file: its number is time
        columns = {"T": n_numbers - 1} if n_numbers else {}
    chosen = {
        path: tuple(number[columns[axis]] if axis in columns else 0 for axis in _AXES)
        for path, number in numbers.items()
    }
    if len(set(chosen.values())) < len(chosen):
        raise folder_error(folder, "has two files with the same number")
    time = columns.get("T", -1)
    certain = time >= 0 and (words[time] in _TIME or (n_numbers == 1 and not "".join(words)))
    axes = "T" + "".join(axis for axis in "CZ" if axis in columns)
    return FrameFiles(folder, {path: (t, c, z) for path, (t, c, z) in chosen.items()}, axes, certain)


def _axis(word: str) -> str:
    for axis, words in (("C", _CHANNEL), ("Z", _PLANE), ("place", _POSITION), ("T", _TIME)):
        if word in words:
            return axis
    return ""


def _list_numbers(numbers: Iterable[int]) -> str:
    numbers = list(numbers)
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return ", ".join(str(number) for number in numbers[:5]) + more
