"""Resuming work: keys of what a result depends on, records of what is complete, and the lock of a folder.

A result is valid if its record holds the key that would be computed now and all its files are there with the
sizes in the record. Keys are hashes, so they change whenever something does on which the result depends.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from napari_cellforce import files
from napari_cellforce.errors import CellForceError, Topic

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

STATE_DIR = ".cellforce"
"""Folder in an output folder that holds the lock, completion records and unfinished work."""

_MEGABYTE = 1 << 20
_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Fingerprint:
    """Identity of an input file's content, cheap to compute however large the file is.

    Attributes
    ----------
    size : int
        Size in bytes.
    modified : str
        Modification time, ISO 8601 in UTC.
    ends_sha256 : str
        SHA-256 of the first and the last megabyte.
    """

    size: int
    modified: str
    ends_sha256: str

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Fingerprint:
        """Read the fingerprint of a file."""
        with Path(path).open("rb") as file:
            status = os.fstat(file.fileno())
            digest = hashlib.sha256(file.read(_MEGABYTE))
            file.seek(max(status.st_size - _MEGABYTE, 0))
            digest.update(file.read(_MEGABYTE))
        modified = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
        return cls(status.st_size, modified, digest.hexdigest())


def file_state(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return size in bytes and modification time in ns of a file: cheaper than `Fingerprint`, less certain.

    Raises
    ------
    OSError
        If the file is gone.
    """
    status = Path(path).stat()
    return status.st_size, status.st_mtime_ns


def content_hash(content: Buffer) -> str:
    """Return the SHA-256 of bytes (or an array's bytes) as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def cache_key(*values: object) -> str:
    """Return the SHA-256 of plain values: numbers, texts, lists and mappings, whose order does not count."""
    return content_hash(json.dumps(values, sort_keys=True).encode())


def short_name(text: str, length: int = 16) -> str:
    """Return a file name of hexadecimal digits for any text."""
    return content_hash(text.encode())[:length]


def file_sizes(folder: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the sizes in bytes of those files below `folder` that exist."""
    sizes = {}
    for name in names:
        with contextlib.suppress(OSError):
            sizes[name] = (folder / name).stat().st_size
    return sizes


def is_valid(record_key: str, key: str, folder: Path, sizes: Mapping[str, int]) -> bool:
    """Return whether a recorded result can be used: same key, and all its files still there.

    Parameters
    ----------
    record_key, key : str
        The key in the record, and the present one.
    folder : Path
    sizes : mapping of str to int
        The recorded files below `folder`, with their sizes in bytes.
    """
    return record_key == key and file_sizes(folder, sizes) == dict(sizes)


def read_record(path: Path) -> dict[str, Any]:
    """Return the JSON object in a record file; empty if it is missing or damaged."""
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def write_record(path: Path, record: Mapping[str, Any], *, indent: int | None = None) -> None:
    """Write a record file, complete or not at all.

    Raises
    ------
    CellForceError
        If it cannot be written there.
    """
    files.write_text(path, json.dumps(record, indent=indent))  # ASCII, for a file may have any name


def read_checked(path: Path) -> bytes | None:
    """Return what `write_checked` wrote; None if it is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def write_checked(path: Path, payload: bytes) -> None:
    """Write bytes after their own SHA-256, so that damage is noticed.

    Raises
    ------
    CellForceError
        If they cannot be written there.
    """
    with files.atomic_path(path) as temporary:
        temporary.write_bytes(hashlib.sha256(payload).digest() + payload)


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the lock of an output folder while the block runs.

    The operating system holds the lock, so that it ends with its process; beside it a small file says who
    holds it. A computer that shares the folder through a network drive may not see the lock, but sees that
    file: it is believed.

    Raises
    ------
    CellForceError
        If another process holds it, or it cannot be written.
    """
    state, holder = out / STATE_DIR, out / STATE_DIR / "lock.json"
    with _no_folder_errors(state):
        state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise _held(out, read_record(holder)) from None
    try:
        _refuse_other_host(out, holder)
        with _no_folder_errors(state):
            write_record(holder, _this_process())
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)
    finally:
        lock.release()


def _this_process() -> dict[str, Any]:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": since}


def _refuse_other_host(out: Path, holder: Path) -> None:
    entries = read_record(holder)
    if entries.get("host", socket.gethostname()) != socket.gethostname():
        raise _held(out, entries, f"If that computer is off, delete {holder}.")


def _held(out: Path, holder: Mapping[str, Any], remedy: str = "") -> CellForceError:
    host = holder.get("host", socket.gethostname())
    where = f" on {host}" if host != socket.gethostname() else ""
    who = f" (process {holder['pid']}{where}, since {holder.get('since', '?')})" if "pid" in holder else ""
    return CellForceError(
        f"another batch{who} writes to {out}",
        "one run at a time may write to an output folder",
        f"Wait for it, or choose another output folder. {remedy}"
        if remedy
        else "Wait for it, stop it, or choose another output folder.",
        topic=Topic.OUTPUT,
    )


@contextlib.contextmanager
def _no_folder_errors(folder: Path) -> Iterator[None]:
    """Turn every refusal to make or use a folder into a `CellForceError`."""
    try:
        with files.disk_errors(folder):
            yield
    except OSError as error:
        raise CellForceError(
            f"cannot write to {folder}",
            error.strerror or str(error),
            "Choose another output folder.",
            topic=Topic.OUTPUT,
        ) from error
