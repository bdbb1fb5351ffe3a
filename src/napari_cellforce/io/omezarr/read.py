"""Reading of images and fields in OME-Zarr."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
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
        If there is no image, or several of which none is chosen; if it is a plate; if it is damaged.
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
    """Return the number of frames written, from the first to the last one with a chunk.

    An OME-Zarr is often allocated for all frames before the first is recorded. If time is not the first
    axis, or chunks are not separate files (a shard contains several), all allocated frames count.

    Raises
    ------
    CellForceError
        See `open_image`.
    """
    image = path / next(iter(_images(path)))
    found = multiscale(image, attributes(image))
    return ZarrPlanes(image / found.level).written(found.axes)


def images_in(path: Path) -> tuple[Path, ...]:
    """Return the paths of all images in an OME-Zarr: the folder itself, or one path per image.

    Raises
    ------
    CellForceError
        If there is none.
    """
    return tuple(path / which for which in _images(path))


def _open(path: Path, image: Path) -> RawImage:
    """Open the multiscale image in the folder `image`; `path` is the path shown to the user."""
    entries = attributes(image)
    found = multiscale(image, entries)
    planes = ZarrPlanes(image / found.level)
    if planes.ndim != len(found.axes):
        raise CellForceError(
            f"{image} has the axes {found.axes} and an array of {format_shape(planes.shape)}",
            "there must be one axis for each dimension",
            "Write it again, for example with ome-zarr-py or bioformats2raw.",
            topic=Topic.AXES,
        )
    axes = found.axes
    return RawImage(
        path, planes, axes, channel_names(entries), found.pixel_size, found.frame_interval, found.notes
    )


def _images(path: Path) -> dict[str, str]:
    """Return the names of the images in `path`, by their relative paths.

    A folder that is itself an image has the relative path ``""``.
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
    """Return the images in the layout of bioformats2raw: as listed, or else named 0, 1 and so on."""
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
        topic=Topic.INPUT,
    )


def _not_an_image_error(path: Path, entries: dict[str, Any]) -> CellForceError:
    """Return the error for a folder that is not an image, with the type of its content."""
    if "labels" in entries or (path / "labels").is_dir():
        found, remedy = "contains only labels", "Choose the image of these labels."
    elif is_array(path):
        found = "is a zarr array without OME metadata, which would define its axes"
        remedy = "Choose its parent folder, or write it as OME-Zarr."
    elif inner := sorted(folder.name for folder in path.iterdir() if _is_image(folder)):
        found, remedy = f"is not an image; it contains {', '.join(inner[:5])}", "Choose one of these."
    else:
        found = "is not an OME-Zarr (it has no multiscales)"
        remedy = "Choose the folder of the OME-Zarr, or write it again."
    return CellForceError(
        f"{path} {found}", "an image with multiscales metadata is needed", remedy, topic=Topic.INPUT
    )


def _is_image(folder: Path) -> bool:
    return is_zarr(folder) and "multiscales" in attributes(folder)


_LETTERS = {"t": "T", "time": "T", "c": "C", "channel": "C", "z": "Z", "y": "Y", "x": "X"}
_FIVE = "TCZYX"
"""Axes of OME-NGFF 0.1 and 0.2, where they are not named."""


@dataclass(frozen=True)
class Multiscale:
    """Metadata of the first, full resolution of an image.

    Attributes
    ----------
    level : str
        Path of the array in the folder of the image.
    axes : str
        One letter per axis.
    pixel_size : PixelSize or None
    frame_interval : float or None
        Minutes between frames.
    notes : tuple of str
        Remarks for the user.
    """

    level: str
    axes: str
    pixel_size: PixelSize | None
    frame_interval: float | None
    notes: tuple[str, ...] = ()


def multiscale(path: Path, entries: dict[str, Any]) -> Multiscale:
    """Read the attributes `entries` of the image at `path`.

    Raises
    ------
    CellForceError
        If they are damaged, or contain an unknown axis.
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
            "they must define axes and at least one resolution",
            "Write it again, for example with ome-zarr-py or bioformats2raw.",
            topic=Topic.INPUT,
        ) from error
    letters = _letters(path, [name for name, _ in axes])
    found = dict(zip(letters, zip(scale, (unit for _, unit in axes), strict=True), strict=True))
    y, x = (units.micron(*found[axis]) for axis in "YX")
    size = None if y is None or x is None else PixelSize(y, x, "file")
    interval = units.minutes(*found["T"]) if "T" in found else None
    left = (f"the first of {1 + len(others)} multiscales; the others were ignored",) if others else ()
    return Multiscale(level, letters, size, interval, left)


def channel_names(entries: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the channels, if any."""
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
            "images may have the axes t, c, z, y and x, each at most once, and need y and x",
            "Rename or remove the others.",
            topic=Topic.AXES,
        )
    return letters


def _scale(entries: dict[str, Any], n_axes: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the combined scale of the transformations of an entry along all axes."""
    scale = np.ones(n_axes)
    for transformation in entries.get("coordinateTransformations", []):
        if transformation["type"] == "scale":
            scale = scale * np.asarray(transformation["scale"], np.float64)
    return scale


def is_field(path: Path) -> bool:
    """Return whether a folder is a vector field written by this package."""
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
    """Open an array written by this package."""
    stack, _ = to_stack(ZarrPlanes(array), "TCYX", str(array))
    return stack
