"""Which images an OME-Zarr holds, and opening one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize, VectorField
from napari_cellforce.io import units
from napari_cellforce.io.field_record import NAMESPACE, field_from_record, not_a_field_error
from napari_cellforce.io.omezarr.planes import ZarrPlanes, attributes, is_array, is_zarr
from napari_cellforce.io.omezarr.write import LABELS, LEVEL, MASK
from napari_cellforce.io.paths import format_shape, several_images_error
from napari_cellforce.io.raw_image import RawImage, to_stack

_SERIES = "bioformats2raw.layout"


def open_image(path: Path) -> RawImage:
    """Open the image in an OME-Zarr, at full resolution.

    Raises
    ------
    CellForceError
        If there is none, or several and none is chosen; if it is a plate; if it is damaged.
    """
    images = _images(path)
    if len(images) > 1 or "plate" in attributes(path):
        raise (
            _several_wells_error(path, images)
            if "plate" in attributes(path)
            else several_images_error(path, images)
        )
    return _open(path, path / next(iter(images)))


def written_frames(path: Path) -> int:
    """Return how many frames of an image have been written, from the first to the last that has a chunk.

    An OME-Zarr is often laid out for all its frames before the first is recorded. Where time is not the
    first axis, or chunks are not files of their own (shards hold several), all that is laid out counts.

    Raises
    ------
    CellForceError
        As of `open_image`.
    """
    image = path / next(iter(_images(path)))
    found = multiscale(image, attributes(image))
    return ZarrPlanes(image / found.level).written(found.axes)


def images_in(path: Path) -> tuple[Path, ...]:
    """Return the paths of all images in an OME-Zarr: its own, or one for each of several.

    Raises
    ------
    CellForceError
        If there is none.
    """
    return tuple(path / which for which in _images(path))


def _open(path: Path, image: Path) -> RawImage:
    """Open the multiscale image in the folder `image`, which the user calls `path`."""
    entries = attributes(image)
    found = multiscale(image, entries)
    planes = ZarrPlanes(image / found.level)
    if planes.ndim != len(found.axes):
        raise CellForceError(
            f"{image} names the axes {found.axes}, and its array is {format_shape(planes.shape)}",
            "there must be one axis for each dimension",
            "Write it again, for example with ome-zarr-py or bioformats2raw.",
            topic="axes",
        )
    axes = found.axes
    return RawImage(
        path, planes, axes, channel_names(entries), found.pixel_size, found.frame_interval, found.notes
    )


def _images(path: Path) -> dict[str, str]:
    """Return the images below `path`: what follows in their own paths, and what they are called.

    A folder that is an image itself is its own only one, under ``""``.
    """
    entries = attributes(path)
    if "multiscales" in entries:
        return {"": ""}
    if "plate" in entries:
        wells = [str(well["path"]) for well in entries["plate"].get("wells", [])]
        return {f"{well}/{field}": "" for well in wells for field in _fields(path / well)}
    if "well" in entries:
        return dict.fromkeys(_fields(path), "")
    if _SERIES in entries:
        return {which: _name(path / which) for which in _series(path)}
    raise _not_an_image_error(path, entries)


def _fields(well: Path) -> list[str]:
    images = attributes(well).get("well", {}).get("images", [])
    return [str(image["path"]) for image in images]


def _series(path: Path) -> list[str]:
    """Return the images of bioformats2raw's layout, which are called 0, 1 and so on unless it is said."""
    series = attributes(path / "OME").get("series")
    if isinstance(series, list):
        return [str(which) for which in series]
    numbered = [folder.name for folder in path.iterdir() if folder.name.isdigit() and is_zarr(folder)]
    return sorted(numbered, key=int)


def _name(image: Path) -> str:
    scales = attributes(image).get("multiscales") or [{}]
    return str(scales[0].get("name", "")).strip("/") if isinstance(scales[0], dict) else ""


def _several_wells_error(path: Path, images: dict[str, str]) -> CellForceError:
    error = several_images_error(path, images)
    wells = len({which.rpartition("/")[0] for which in images})
    return CellForceError(
        f"{path} is a plate of {wells} wells",
        "one image is needed here, from one well",
        error.remedy.replace("Add which", "Choose a well and an image in it, and add them"),
        topic="input",
    )


def _not_an_image_error(path: Path, entries: dict[str, Any]) -> CellForceError:
    """Say what it is instead."""
    if "labels" in entries or (path / "labels").is_dir():
        found, remedy = "holds labels only", "Choose the image that the labels were drawn on."
    elif is_array(path):
        found = "is a zarr array without OME metadata, so that nothing says what its axes are"
        remedy = "Choose the folder above it, or write it as OME-Zarr."
    elif inner := sorted(folder.name for folder in path.iterdir() if _is_image(folder)):
        found, remedy = f"is no image itself; it holds {', '.join(inner[:5])}", "Choose one of these."
    else:
        found = "is no OME-Zarr (it has no multiscales)"
        remedy = "Choose the folder that was written as OME-Zarr, or write it again."
    return CellForceError(
        f"{path} {found}", "an image with multiscales metadata is needed", remedy, topic="input"
    )


def _is_image(folder: Path) -> bool:
    return is_zarr(folder) and "multiscales" in attributes(folder)


_LETTERS = {"t": "T", "time": "T", "c": "C", "channel": "C", "z": "Z", "y": "Y", "x": "X"}
_FIVE = "TCZYX"
"""Axes of OME-NGFF 0.1 and 0.2, which do not name them."""


@dataclass(frozen=True)
class Multiscale:
    """The first of an image's resolutions, which is the full one.

    Attributes
    ----------
    level : str
        Path of its array in the image's folder.
    axes : str
        One letter an axis.
    pixel_size : PixelSize or None
    frame_interval : float or None
        In minutes.
    notes : tuple of str
        What a user would want to know.
    """

    level: str
    axes: str
    pixel_size: PixelSize | None
    frame_interval: float | None
    notes: tuple[str, ...] = ()


def multiscale(path: Path, entries: dict[str, Any]) -> Multiscale:
    """Read what the attributes `entries` of the image at `path` say.

    Raises
    ------
    CellForceError
        If it is damaged, or has an axis that we do not know.
    """
    try:
        first, *others = entries["multiscales"]
        axes = [_axis(axis) for axis in first.get("axes", _FIVE)]
        dataset = first["datasets"][0]
        scale = _scale(dataset, len(axes)) * _scale(first, len(axes))
        level = str(dataset["path"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise CellForceError(
            f"the multiscales of {path} are damaged ({type(error).__name__}: {error})",
            "they must name axes and at least one resolution",
            "Write it again, for example with ome-zarr-py or bioformats2raw.",
            topic="input",
        ) from error
    letters = _letters(path, [name for name, _ in axes])
    found = dict(zip(letters, zip(scale, (unit for _, unit in axes), strict=True), strict=True))
    y, x = (units.micron(*found[axis]) for axis in "YX")
    size = None if y is None or x is None else PixelSize(y, x, "file")
    interval = units.minutes(*found["T"]) if "T" in found else None
    left = (f"the first of {1 + len(others)} multiscales; the others were left",) if others else ()
    return Multiscale(level, letters, size, interval, left)


def channel_names(entries: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the channels, as far as there are any."""
    omero = entries.get("omero")
    channels = omero.get("channels", []) if isinstance(omero, dict) else []
    return tuple(str(channel.get("label", "")).strip() for channel in channels if isinstance(channel, dict))


def _axis(axis: Any) -> tuple[str, str]:
    """Return name and unit of an axis; before OME-NGFF 0.4 there is no unit."""
    if isinstance(axis, str):
        return axis, ""
    return str(axis["name"]), str(axis.get("unit") or "")


def _letters(path: Path, names: list[str]) -> str:
    unknown = [name for name in names if name.lower() not in _LETTERS]
    letters = "".join(_LETTERS.get(name.lower(), "?") for name in names)
    if unknown or len(set(letters)) < len(letters) or not {"Y", "X"} <= set(letters):
        raise CellForceError(
            f"{path} has the axes {', '.join(names)}",
            "images with t, c, z, y and x are read, each at most once, y and x always there",
            "Rename or remove the others.",
            topic="axes",
        )
    return letters


def _scale(entries: dict[str, Any], n_axes: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the factors along all axes that an entry's transformations come to."""
    scale = np.ones(n_axes)
    for transformation in entries.get("coordinateTransformations", []):
        if transformation["type"] == "scale":
            scale = scale * np.asarray(transformation["scale"], np.float64)
    return scale


def is_field(path: Path) -> bool:
    """Tell whether a folder is a vector field written by this package."""
    try:
        return is_zarr(path) and NAMESPACE in attributes(path)
    except CellForceError:
        return False


def read_field(path: Path) -> VectorField:
    """Open a field; see `napari_cellforce.io.read_field`."""
    entries = attributes(path)
    if NAMESPACE not in entries:
        raise not_a_field_error(path)
    found = multiscale(path, entries)
    own = entries[NAMESPACE]
    mask = _stack(path / LABELS / MASK / LEVEL)[:, 0] != 0 if own["mask"] else None
    data = _stack(path / found.level)
    return field_from_record(path, own, data, found.pixel_size, found.frame_interval, mask)


def _stack(array: Path) -> Any:
    """Open an array that this package wrote."""
    stack, _ = to_stack(ZarrPlanes(array), "TCYX", str(array))
    return stack
