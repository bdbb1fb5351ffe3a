"""Paths of files and of images inside them, and their display.

A file may contain several images (the positions of a ``.lif``, the series of an OME-TIFF). Such an image has
a path as if the file were a folder: ``movie.lif/2`` is the third image in ``movie.lif``. In an OME-Zarr,
images are folders: ``plate.zarr/A/1/0``.
"""

from __future__ import annotations

import os
from pathlib import Path

from napari_cellforce.errors import CellForceError, Topic

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8")
VENDOR_SUFFIXES = (".nd2", ".czi", ".lif")
"""Formats of microscope manufacturers, read through other packages."""
ZARR_SUFFIX = ".zarr"


def split(path: str | os.PathLike[str]) -> tuple[Path, str]:
    """Split the path of an image into its file (or OME-Zarr folder) and the image inside it.

    Examples
    --------
    >>> split("day1/movie.lif/2")
    (PosixPath('day1/movie.lif'), '2')
    >>> split("day1/plate.ome.zarr/A/1/0")
    (PosixPath('day1/plate.ome.zarr'), 'A/1/0')
    >>> split("day1/movie.tif")
    (PosixPath('day1/movie.tif'), '')
    """
    path = Path(path)
    for parent in path.parents:
        if parent.suffix.lower() == ZARR_SUFFIX:
            return parent, path.relative_to(parent).as_posix()
    if path.name.isdigit() and path.parent.suffix.lower() in (*TIFF_SUFFIXES, *VENDOR_SUFFIXES):
        return path.parent, path.name
    return path, ""


def existing_path(path: str | os.PathLike[str]) -> Path:
    """Return `path` after checking that it exists, is not empty and can be read by this user.

    Raises
    ------
    CellForceError
    """
    path = Path(path)
    container, _ = split(path)
    if not readable(path):
        raise CellForceError(
            f"{path} cannot be read",
            "reading it must be permitted",
            "Ask its owner for permission, or for a copy.",
            topic=Topic.INPUT,
        )
    if not path.exists() and not container.is_file():
        raise CellForceError(f"{path} was not found", "it must exist", "Check the path.", topic=Topic.INPUT)
    if container.is_file() and container.stat().st_size == 0:
        raise CellForceError(
            f"{container} is empty (0 bytes)",
            "it must contain an image",
            "Copy or export it again.",
            topic=Topic.INPUT,
        )
    return path


def readable(path: str | os.PathLike[str]) -> bool:
    """Return whether this user may read a file or folder; also True if it does not exist."""
    try:
        container, _ = split(path)
        place = container if container.is_file() else Path(path)
        if place.is_dir():
            os.scandir(place).close()
            (place / "any").stat()  # access to the content of a folder is a separate permission
        elif place.is_file():
            place.open("rb").close()
    except PermissionError:
        return False
    except FileNotFoundError:
        pass
    return True


def stem(path: str | os.PathLike[str]) -> str:
    """Return the name of a file without ``.tif``, ``.ome.tif`` etc.; for ``a.lif/2`` it is ``a_2``."""
    container, which = split(path)
    name = container.stem.removesuffix(".ome")
    return f"{name}_{which.replace('/', '_')}" if which else name


def several_images_error(path: Path, images: dict[str, str], what: str = "images") -> CellForceError:
    """Return the error for a path with several images, of which one must be chosen.

    Parameters
    ----------
    path : Path
        File or folder of the images.
    images : dict of str to str
        Names (may be empty) by the part of their path that follows `path`.
    what : str
        Noun in the plural.
    """
    listed = [f"{which} ({name})" if name else which for which, name in images.items()]
    more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
    return CellForceError(
        f"{path} contains {len(images)} {what}: {', '.join(listed[:12])}{more}",
        "one of them is needed here",
        f"Add which one to the path: {path / next(iter(images))}.",
        topic=Topic.INPUT,
    )


def format_shape(shape: tuple[int, ...]) -> str:
    """Return a shape as text: ``"3 x 256 x 256"``."""
    return " x ".join(str(n) for n in shape)
