"""Formats of microscope manufacturers, through bioio and its packages, if installed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize
from napari_cellforce.io import units
from napari_cellforce.io.paths import several_images_error, split
from napari_cellforce.io.raw_image import RawImage

_PACKAGES = {".nd2": "bioio-nd2", ".czi": "bioio-czi", ".lif": "bioio-lif"}
"""Package for each format; each has its own licence."""


def open_image(path: Path) -> RawImage:
    """Open the image in a file, or one of several by its own path (``movie.lif/2``).

    Raises
    ------
    CellForceError
        If a package is missing (the message names it), the file cannot be read, or no image is chosen.
    """
    file, which = split(path)
    image = _image(file)
    with _unreadable(file):
        scenes = _scenes(image)
        if which:
            _require_scene(file, which, scenes)
            image.set_scene(int(which))
        elif len(scenes) > 1:
            raise several_images_error(file, scenes)
        return RawImage(
            path,
            image.dask_data,
            _axes(file, image),
            tuple(str(name) for name in image.channel_names),
            _pixel_size(image),
            _frame_interval(image),
        )


def images_in(path: Path) -> tuple[Path, ...]:
    """Return the paths of all images in a file: the file itself, or one path per image.

    Raises
    ------
    CellForceError
        See `open_image`.
    """
    image = _image(path)
    with _unreadable(path):
        scenes = _scenes(image)
    return (path,) if len(scenes) == 1 else tuple(path / which for which in scenes)


def _image(file: Path) -> Any:
    try:
        from bioio import BioImage
        from bioio_base.exceptions import UnsupportedFileFormatError
    except ImportError as error:
        raise _missing(file, f'"napari-cellforce[formats]" {_PACKAGES[file.suffix.lower()]}') from error
    try:
        with _unreadable(file, UnsupportedFileFormatError):
            return BioImage(file)
    except UnsupportedFileFormatError as error:
        raise _missing(file, _PACKAGES[file.suffix.lower()]) from error


def _missing(file: Path, packages: str) -> CellForceError:
    return CellForceError(
        f"{file} is in the format of a microscope manufacturer, for which no reader is installed",
        "bioio and its package for the format are needed",
        f"Install them (pip install {packages}), or save the file as OME-TIFF in Fiji "
        "(Plugins > Bio-Formats > Bio-Formats Exporter).",
        topic=Topic.INPUT,
    )


def _scenes(image: Any) -> dict[str, str]:
    return {str(index): str(name) for index, name in enumerate(image.scenes)}


def _require_scene(file: Path, which: str, scenes: dict[str, str]) -> None:
    if which not in scenes:
        raise CellForceError(
            f"{file} has no image {which}",
            f"it contains {len(scenes)}, counted from 0",
            "Choose one of these.",
            topic=Topic.INPUT,
        )


def _axes(file: Path, image: Any) -> str:
    axes = str(image.dims.order)
    if "M" in axes:
        raise CellForceError(
            f"{file} is a mosaic of separate tiles",
            "one image of the cell is needed",
            "Stitch the tiles in the microscope software or in Fiji, and save as OME-TIFF.",
            topic=Topic.INPUT,
        )
    return axes


def _pixel_size(image: Any) -> PixelSize | None:
    """Return the pixel size; the readers of bioio use µm unless they state another unit."""
    sizes, properties = image.physical_pixel_sizes, image.dimension_properties
    y, x = (units.micron(getattr(sizes, axis), str(getattr(properties, axis).unit or "µm")) for axis in "YX")
    return None if y is None or x is None else PixelSize(y, x, "file")


def _frame_interval(image: Any) -> float | None:
    seconds = image.scale.T
    return units.minutes(seconds, "s") if seconds else None


@contextlib.contextmanager
def _unreadable(file: Path, *passed: type[Exception]) -> Iterator[None]:
    """Convert any exception of an external reader into a `CellForceError`, except those in `passed`."""
    try:
        yield
    except Exception as error:
        if isinstance(error, (CellForceError, *passed)):
            raise
        raise CellForceError(
            f"{file} cannot be read ({type(error).__name__}: {error})",
            "it must be complete, and of a version that its reader supports",
            "Copy it again, or save it as OME-TIFF in Fiji.",
            topic=Topic.INPUT,
        ) from error
