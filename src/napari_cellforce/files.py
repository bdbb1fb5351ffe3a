"""Files: atomic writing, identification by content, and paths confined to a folder."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from napari_cellforce.errors import CellForceError, Topic

_NOT_YOURS = "Close the file in other programs, or choose an output folder that belongs to you."
_GONE = "Check the cable or network connection, or choose an output folder on another disk."

_DISK_ERRORS = {
    errno.ENOSPC: ("the disk is full", "Free some space, or choose another output folder."),
    errno.EDQUOT: ("your disk quota is used up", "Free some space, or choose another output folder."),
    errno.EFBIG: ("the file is too large for the file system", "Choose an output folder on another disk."),
    errno.EACCES: ("you may not write there", _NOT_YOURS),
    errno.EPERM: ("you may not write there", _NOT_YOURS),
    errno.EROFS: ("that disk is read-only", "Choose an output folder on another disk."),
    errno.ENOENT: ("the folder does not exist", "Choose an existing output folder."),
    errno.ENOTDIR: ("part of the path is a file, not a folder", "Choose another output folder."),
    errno.EEXIST: ("a file of that name exists where the folder is needed", "Choose another output folder."),
    errno.EISDIR: ("a folder of that name exists", "Rename that folder, or choose another name."),
    errno.EIO: ("the disk does not answer", _GONE),
    errno.ENODEV: ("the disk does not answer", _GONE),
    errno.ESTALE: ("the disk does not answer", _GONE),
    errno.ENAMETOOLONG: ("the name is too long for the file system", "Choose a shorter name."),
}


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path next to `path`, renamed to `path` if the block succeeds and deleted otherwise.

    Parameters
    ----------
    path : path-like
        Path of the final file. Its folder is created.

    Yields
    ------
    Path
        A path in the same folder, to be written to.

    Raises
    ------
    CellForceError
        If the disk is full, read-only or not writable for the user.
    """
    target = Path(path)
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".partial", dir=target.parent)
        os.close(handle)
    temporary = Path(name)
    try:
        with disk_errors(target):
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write `text` to `path` in UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def remove(path: str | os.PathLike[str]) -> None:
    """Delete a file if it exists; raise a `CellForceError` if that is not permitted."""
    with disk_errors(path):
        Path(path).unlink(missing_ok=True)


@contextlib.contextmanager
def disk_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Convert operating-system errors on writing `path` into a `CellForceError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        rule, remedy = _DISK_ERRORS[error.errno]
        raise CellForceError(f"cannot write {path}", rule, remedy, topic=Topic.OUTPUT) from error


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inside(folder: str | os.PathLike[str], name: str) -> Path:
    """Return the path of `name` in `folder`; names that lead out of the folder are refused.

    Raises
    ------
    CellForceError
        If `name`, which may come from a data file, is absolute or escapes by ``..`` or a link.
    """
    root = Path(folder).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise CellForceError(
            f"the path {name!r} leads out of {root}",
            "files named in a data set must lie inside its folder",
            "Correct the path, or move the file.",
        )
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
