"""A folder of single frames as one movie: ``t000.tif``, ``t001.tif`` ..."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.opened import Opened
from napari_cellforce.io.paths import TIFF_SUFFIXES, times
from napari_cellforce.io.tiff import TiffPlanes

_CHANNEL = {"c", "ch", "channel", "w", "wavelength"}
_PLANE = {"z", "plane", "slice"}
_PLACE = {"p", "pos", "position", "s", "xy", "series", "field", "stage"}
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

    def without_unfinished(self) -> FrameFiles:
        """Return it without the last frame, if that lacks files that the first has."""
        first, *_, last = self.frames[0], self.frames[-1]
        if len(last) >= len(first):
            return self
        return replace(self, numbers={path: n for path, n in self.numbers.items() if path not in last})

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each frame's first file."""
        return tuple(frame[0].name for frame in self.frames)

    def going_on_from(self, names: Sequence[str]) -> FrameFiles:
        """Return it with the frames called `names`, and those after the last of them; latecomers are left.

        Raises
        ------
        CellForceError
            If a file is gone.
        """
        if not names:
            return self
        gone = set(names) - set(self.names)
        if gone:
            raise _refusal(self.folder, f"no longer holds {sorted(gone)[0]}")
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
        raise _refusal(folder, "holds no TIFF images")
    parts = {path: re.split(r"(\d+)", path.stem) for path in paths}
    templates = {(tuple(split[::2]), path.suffix.lower()) for path, split in parts.items()}
    if len(templates) > 1:
        shown = ", ".join(sorted(path.name for path in paths)[:4])
        raise _refusal(folder, f"holds images with names of {len(templates)} kinds: {shown} ...")
    numbers = {path: tuple(int(digits) for digits in split[1::2]) for path, split in parts.items()}
    words = [_word_before(text) for text in next(iter(parts.values()))[::2]]
    return _sorted_out(folder, numbers, words)


def is_frame_folder(folder: Path, *, at_least: int = 2) -> bool:
    """Tell whether a folder is certainly one movie of single frames, by names and the first file's header.

    ``t000.tif``, ``frame_12.tif`` or ``0001.tif`` are frames; ``cell_1.tif`` may as well be a cell of its
    own, so a folder of these is one movie only to who says so by opening it as an image.

    Parameters
    ----------
    folder : Path
    at_least : int
        Frames that must be there; 1 where others are expected, and the first may still be being written.
    """
    try:
        files = frame_files(folder)
        if not files.certain or len(files.frames) < at_least:
            return False
        with contextlib.closing(TiffPlanes(files.frames[0][0])) as planes:
            return _is_set(planes) or _pages_of_time(planes) == 1
    except CellForceError as error:
        return at_least == 1 and "incomplete" in error.value
    except OSError:
        return False


def open_image(folder: Path) -> Opened:
    """Open a folder of single frames; every file is read when its frame is asked for.

    Raises
    ------
    CellForceError
        If files are missing, unlike each other, or no single frames.
    """
    return open_frames(frame_files(folder))


def open_frames(files: FrameFiles) -> Opened:
    """Open the frames that `files` names; see `open_image`."""
    grid = _grid(files)
    first = TiffPlanes(grid[0][0])
    if _is_set(first):
        return replace(first.opened(), path=files.folder)
    with contextlib.closing(first):
        if _pages_of_time(first) > 1:
            raise _refusal(
                files.folder, f"holds {grid[0][0].name} with {_pages_of_time(first)} frames in one file"
            )
        _check_alike(grid, first)
        axes, shape = _inner_axes(first)
        described = first.opened()
    outer = "T" + files.axes[1:]
    if set(outer) & set(axes):
        raise _refusal(files.folder, f"has axes {axes} in each file and {outer} in their names")
    planes = FramePlanes(tuple(grid), axes, files.lengths, shape, np.dtype(first.dtype))
    return Opened(
        files.folder,
        planes.lazy(),
        planes.axes,
        described.channel_names if "C" not in outer else (),
        described.pixel_size,
        described.frame_interval,
        _gaps(files),
    )


class FramePlanes:
    """Files of single frames as one array, read when indexed; an array as far as dask is concerned.

    Parameters
    ----------
    grid : sequence of sequence of Path
        For each frame its files, by channel and then plane.
    inner_axes : str
        Of one file.
    lengths : (int, int)
        Number of channels and planes with files of their own.
    inner_shape : tuple of int
        Of one file.
    dtype : numpy dtype
    """

    def __init__(
        self,
        grid: Sequence[Sequence[Path]],
        inner_axes: str,
        lengths: tuple[int, int],
        inner_shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> None:
        self._grid = grid
        self._lengths = lengths
        outer = "".join(axis for axis, length in zip("CZ", lengths, strict=True) if length > 1)
        self._outer = tuple(length for length in lengths if length > 1)
        self._inner = inner_shape
        self.axes = f"T{outer}{inner_axes}"
        self.shape = (len(grid), *self._outer, *inner_shape)
        self.ndim = len(self.shape)
        self.dtype = dtype

    def __getitem__(self, key: tuple[slice, ...]) -> npt.NDArray[Any]:
        frames = [self._frame(t, key[1:]) for t in range(len(self._grid))[key[0]]]
        return np.stack(frames) if frames else np.empty((0,) * self.ndim, self.dtype)

    def lazy(self) -> Any:
        """Return a dask array with one file a chunk, or one of its planes."""
        import dask.array as da  # takes 0.6 s to load

        chunks = (*(1,) * (self.ndim - 2), *self.shape[-2:])
        return da.from_array(self, chunks=chunks, name=False, fancy=False)

    def _frame(self, t: int, key: tuple[slice, ...]) -> npt.NDArray[Any]:
        outer, inner = key[: len(self._outer)], key[len(self._outer) :]
        wanted = np.arange(len(self._grid[t])).reshape(self._outer or (1,))[outer or (slice(None),)]
        planes = [self._read(self._grid[t][int(index)])[inner] for index in wanted.ravel()]
        stacked = np.stack(planes) if planes else np.empty((0, *self._inner), self.dtype)
        return stacked.reshape(*wanted.shape[: len(self._outer)], *stacked.shape[1:])

    def _read(self, path: Path) -> npt.NDArray[Any]:
        with contextlib.closing(TiffPlanes(path)) as planes:
            _, shape = _inner_axes(planes)
            values = planes[...]
        if values.size != int(np.prod(self._inner)) or shape != self._inner or values.dtype != self.dtype:
            raise _unlike(path, shape, values.dtype, self._inner, self.dtype)
        return values.reshape(self._inner)


def _is_image_name(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(TIFF_SUFFIXES)


def _word_before(text: str) -> str:
    """Return the word just before a number, in lower case: of ``"cell_T"`` it is ``"t"``."""
    found = re.search(r"([A-Za-z]+)[-_. ]*$", text)
    return found.group(1).lower() if found else ""


def _sorted_out(folder: Path, numbers: dict[Path, tuple[int, ...]], words: list[str]) -> FrameFiles:
    """Find out which number counts what."""
    n_numbers = len(next(iter(numbers.values())))
    varying = [i for i in range(n_numbers) if len({number[i] for number in numbers.values()}) > 1]
    axis_of = {i: _axis(words[i]) for i in varying}
    if any(axis == "place" for axis in axis_of.values()):
        raise _refusal(folder, "holds images of several positions (by their names)")
    unnamed = [i for i in varying if axis_of[i] == ""]
    if len(unnamed) == 1 and "T" not in axis_of.values():
        axis_of[unnamed[0]] = "T"
    columns = {axis: i for i, axis in axis_of.items()}
    if "" in columns or len(columns) < len(axis_of):
        raise _refusal(folder, f"has names in which {len(varying)} numbers change")
    if not columns:  # one file: its number is time
        columns = {"T": n_numbers - 1} if n_numbers else {}
    chosen = {
        path: tuple(number[columns[axis]] if axis in columns else 0 for axis in _AXES)
        for path, number in numbers.items()
    }
    if len(set(chosen.values())) < len(chosen):
        raise _refusal(folder, "has two files with the same number")
    time = columns.get("T", -1)
    certain = time >= 0 and (words[time] in _TIME or (n_numbers == 1 and not "".join(words)))
    axes = "T" + "".join(axis for axis in "CZ" if axis in columns)
    return FrameFiles(folder, {path: (t, c, z) for path, (t, c, z) in chosen.items()}, axes, certain)


def _axis(word: str) -> str:
    for axis, words in (("C", _CHANNEL), ("Z", _PLANE), ("place", _PLACE), ("T", _TIME)):
        if word in words:
            return axis
    return ""


def _grid(files: FrameFiles) -> list[tuple[Path, ...]]:
    """Return the files of each frame; all must have the same channels and planes."""
    frames = files.frames
    needed = {files.numbers[path][1:] for path in files.numbers}
    for frame in frames:
        missing = needed - {files.numbers[path][1:] for path in frame}
        if missing:
            channel, plane = sorted(missing)[0]
            raise CellForceError(
                f"{files.folder} has no file for channel {channel}, plane {plane} of the frame of "
                f"{frame[0].name}",
                "every frame needs a file for each channel and plane",
                "If it is still being recorded, wait; else copy the missing file, or move this frame away.",
                topic="input",
            )
    return list(frames)


def _is_set(planes: TiffPlanes) -> bool:
    """Tell whether one file stands for all, as in an OME-TIFF that is spread over several files."""
    pages = planes.tiff.series[0].pages
    return any(page is not None and page.parent is not planes.tiff for page in pages)


def _pages_of_time(planes: TiffPlanes) -> int:
    """Return how many frames one file holds; axes without a name may be time."""
    lengths = zip(planes.axes, planes.shape, strict=True)
    return int(np.prod([length for axis, length in lengths if axis not in "CZSYX"], initial=1))


def _inner_axes(planes: TiffPlanes) -> tuple[str, tuple[int, ...]]:
    """Return axes and shape of a frame's file without an axis of time of length 1."""
    kept = [
        (a, n)
        for a, n in zip(planes.axes, planes.shape, strict=True)
        if a in "CZSYX" and (n > 1 or a in "YX")
    ]
    return "".join(axis for axis, _ in kept), tuple(length for _, length in kept)


def _check_alike(grid: Sequence[Sequence[Path]], first: TiffPlanes) -> None:
    """Refuse files with pages unlike the first one's; those of the same length are believed to be alike."""
    page = first.tiff.pages.first
    size = first.path.stat().st_size
    for path in itertools.chain.from_iterable(grid):
        if path.stat().st_size == size:
            continue
        shape, dtype = _header(path)
        if shape != page.shape or dtype != page.dtype:
            raise _unlike(path, shape, dtype, page.shape, page.dtype)


def _header(path: Path) -> tuple[tuple[int, ...], Any]:
    try:
        with tifffile.TiffFile(path) as tiff:
            return tiff.pages.first.shape, tiff.pages.first.dtype
    except Exception:  # whatever a broken file makes tifffile raise: `TiffPlanes` tells it in words
        with contextlib.closing(TiffPlanes(path)) as planes:
            return planes.shape, planes.dtype


def _gaps(files: FrameFiles) -> tuple[str, ...]:
    """Tell which numbers are missing in an otherwise even count."""
    numbers = sorted({number[0] for number in files.numbers.values()})
    steps = np.diff(numbers)
    if not len(steps) or (steps == steps[0]).all():
        return ()
    missing = sorted(set(range(numbers[0], numbers[-1], int(steps.min()))) - set(numbers))
    return (f"the frames {_in_words(missing)} are missing; those that are there follow one another",)


def _in_words(numbers: Iterable[int]) -> str:
    numbers = list(numbers)
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return ", ".join(str(number) for number in numbers[:5]) + more


def _unlike(
    path: Path, shape: tuple[int, ...], dtype: Any, first_shape: tuple[int, ...], first_dtype: Any
) -> CellForceError:
    return CellForceError(
        f"{path} is {times(shape)} pixels of {dtype}",
        f"all frames of a folder are alike, and the first is {times(first_shape)} of {first_dtype}",
        "Move the files that do not belong to this movie to another folder.",
        topic="input",
    )


def _refusal(folder: Path, found: str) -> CellForceError:
    return CellForceError(
        f"{folder} {found}",
        "a folder is read as one movie if it has one file a frame, called t000.tif, t001.tif and so on, "
        "and, where channels are apart, t000_c0.tif",
        "Choose one of the files, give each movie a folder of its own, or predict the folder as a batch.",
        topic="input",
    )
