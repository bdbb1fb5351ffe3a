"""Which images an OME-Zarr holds, and opening one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.omezarr.multiscale import channel_names, multiscale
from napari_cellforce.io.omezarr.planes import ZarrPlanes, attributes, is_array, is_zarr
from napari_cellforce.io.opened import Opened
from napari_cellforce.io.paths import choose_one, times

_SERIES = "bioformats2raw.layout"


def open_image(path: Path) -> Opened:
    """Open the image in an OME-Zarr, at full resolution.

    Raises
    ------
    CellForceError
        If there is none, or several and none is chosen; if it is a plate; if it is damaged.
    """
    images = _images(path)
    if len(images) > 1 or "plate" in attributes(path):
        raise _choose_well(path, images) if "plate" in attributes(path) else choose_one(path, images)
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


def _open(path: Path, image: Path) -> Opened:
    """Open the multiscale image in the folder `image`, which the user calls `path`."""
    entries = attributes(image)
    found = multiscale(image, entries)
    planes = ZarrPlanes(image / found.level)
    if planes.ndim != len(found.axes):
        raise CellForceError(
            f"{image} names the axes {found.axes}, and its array is {times(planes.shape)}",
            "there must be one axis for each dimension",
            "Write it again, for example with ome-zarr-py or bioformats2raw.",
            topic="axes",
        )
    axes = found.axes
    return Opened(
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
    raise _no_image(path, entries)


def _fields(well: Path) -> list[str]:
    images = attributes(well).get("well", {}).get("images", [])
    return [str(image["path"]) for image in images]


def _series(path: Path) -> list[str]:
    """Return the images of bioformats2raw's layout, which are called 0, 1 and so on unless it is said."""
    listed = attributes(path / "OME").get("series")
    if isinstance(listed, list):
        return [str(which) for which in listed]
    numbered = [folder.name for folder in path.iterdir() if folder.name.isdigit() and is_zarr(folder)]
    return sorted(numbered, key=int)


def _name(image: Path) -> str:
    scales = attributes(image).get("multiscales") or [{}]
    return str(scales[0].get("name", "")).strip("/") if isinstance(scales[0], dict) else ""


def _choose_well(path: Path, images: dict[str, str]) -> CellForceError:
    error = choose_one(path, images)
    wells = len({which.rpartition("/")[0] for which in images})
    return CellForceError(
        f"{path} is a plate of {wells} wells",
        "one image is needed here, from one well",
        error.remedy.replace("Add which", "Choose a well and an image in it, and add them"),
        topic="input",
    )


def _no_image(path: Path, entries: dict[str, Any]) -> CellForceError:
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
