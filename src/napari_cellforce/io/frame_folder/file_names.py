"""Which file is which frame, told by the numbers in the names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.paths import TIFF_SUFFIXES

_CHANNEL = {"c", "ch", "channel", "w", "wavelength"}
_PLANE = {"z", "plane", "slice"}
_POSITION = {"p", "pos", "position", "s", "xy", "series", "field", "stage"}
_TIME = {"t", "tp", "time", "timepoint", "frame", "f"}
"""Words before a number in the name of a file, that tell what it counts."""

_AXES = "TCZ"


@dataclass(frozen=True)
class FrameFiles:
    """The files of a folder, by what the numbers in their names count.

    Attributes
    ----------
    folder : Path
    numbers : dict of Path to (t, c, z)
    axes : str
        Which of these vary, always with T.
    certain : bool
        True if a name says that its number is time.
    """

    folder: Path
    numbers: dict[Path, tuple[int, int, int]]
    axes: str
    certain: bool

    @property
    def frames(self) -> tuple[tuple[Path, ...], ...]:
        """Files of each frame, by channel and plane; the last frame may lack some."""
        order = sorted((number, path) for path, number in self.numbers.items())
        groups = itertools.groupby(order, key=lambda entry: entry[0][0])
        return tuple(tuple(path for _, path in group) for _, group in groups)

    def without_incomplete_frame(self) -> FrameFiles:
        """Return it without the last frame, if that lacks files that the first has."""
        first, *_, last = self.frames[0], self.frames[-1]
        if len(last) >= len(first):
            return self
        return replace(self, numbers={path: n for path, n in self.numbers.items() if path not in last})

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each frame's first file."""
        return tuple(frame[0].name for frame in self.frames)

    def continued_from(self, names: Sequence[str]) -> FrameFiles:
        """Return it with the frames called `names`, and those after the last of them; latecomers are left.

        Raises
        ------
        CellForceError
            If a file is gone.
        """
        if not names:
            return self
        missing = set(names) - set(self.names)
        if missing:
            raise folder_error(self.folder, f"no longer holds {sorted(missing)[0]}")
        end = self.names.index(names[-1])
        late = {path for frame in self.frames[:end] if frame[0].name not in names for path in frame}
        return replace(self, numbers={path: n for path, n in self.numbers.items() if path not in late})

    @property
    def lengths(self) -> tuple[int, int]:
        """Number of channels and of planes that have files of their own."""
        _, channels, planes = (len(set(column)) for column in zip(*self.numbers.values(), strict=True))
        return channels, planes


def frame_files(folder: Path) -> FrameFiles:
    """Sort out the images in a folder by their names.

    The names may differ in their numbers only: one that counts time, and, if the word before it says so
    (``c1``, ``ch1``, ``w1``; ``z1``), others that count channels and planes.

    Raises
    ------
    CellForceError
        If there are no images, or their names do not tell which follows which.
    """
    paths = [path for path in folder.iterdir() if _is_image_name(path.name)]
    if not paths:
        raise folder_error(folder, "holds no TIFF images")
    parts = {path: re.split(r"(\d+)", path.stem) for path in paths}
    templates = {(tuple(split[::2]), path.suffix.lower()) for path, split in parts.items()}
    if len(templates) > 1:
        shown = ", ".join(sorted(path.name for path in paths)[:4])
        raise folder_error(folder, f"holds images with names of {len(templates)} kinds: {shown} ...")
    numbers = {path: tuple(int(digits) for digits in split[1::2]) for path, split in parts.items()}
    words = [_word_before(text) for text in next(iter(parts.values()))[::2]]
    return _assign_axes(folder, numbers, words)


def missing_frames(files: FrameFiles) -> tuple[str, ...]:
    """Tell which numbers are missing in an otherwise even count."""
    numbers = sorted({number[0] for number in files.numbers.values()})
    steps = np.diff(numbers)
    if not len(steps) or (steps == steps[0]).all():
        return ()
    missing = sorted(set(range(numbers[0], numbers[-1], int(steps.min()))) - set(numbers))
    return (f"the frames {_list_numbers(missing)} are missing; those that are there follow one another",)


def folder_error(folder: Path, found: str) -> CellForceError:
    """Return the error that says how a folder must look to be one movie."""
    return CellForceError(
        f"{folder} {found}",
        "a folder is read as one movie if it has one file a frame, called t000.tif, t001.tif and so on, "
        "and, where channels are apart, t000_c0.tif",
        "Choose one of the files, give each movie a folder of its own, or predict the folder as a batch.",
        topic="input",
    )


def _is_image_name(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(TIFF_SUFFIXES)


def _word_before(text: str) -> str:
    """Return the word just before a number, in lower case: of ``"cell_T"`` it is ``"t"``."""
    found = re.search(r"([A-Za-z]+)[-_. ]*$", text)
    return found.group(1).lower() if found else ""


def _assign_axes(folder: Path, numbers: dict[Path, tuple[int, ...]], words: list[str]) -> FrameFiles:
    """Find out which number counts what."""
    n_numbers = len(next(iter(numbers.values())))
    varying = [i for i in range(n_numbers) if len({number[i] for number in numbers.values()}) > 1]
    axis_of = {i: _axis(words[i]) for i in varying}
    if any(axis == "place" for axis in axis_of.values()):
        raise folder_error(folder, "holds images of several positions (by their names)")
    unnamed = [i for i in varying if axis_of[i] == ""]
    if len(unnamed) == 1 and "T" not in axis_of.values():
        axis_of[unnamed[0]] = "T"
    columns = {axis: i for i, axis in axis_of.items()}
    if "" in columns or len(columns) < len(axis_of):
        raise folder_error(folder, f"has names in which {len(varying)} numbers change")
    if not columns:  # one file: its number is time
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
