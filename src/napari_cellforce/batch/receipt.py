"""What was done, so that it is not done again: a receipt for every finished input."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_cellforce import __version__, files
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.files import Fingerprint
from napari_cellforce.io.dataset.index import frame_paths
from napari_cellforce.models.record import ModelRecord

BOOKS = ".cellforce"
"""Folder in the output folder that holds the lock, the receipts and what is half done."""


@dataclass(frozen=True)
class Receipt:
    """Proof that an input was predicted, with what, and what came out.

    Attributes
    ----------
    name : str
        Of the input: its path below the input folder.
    key : str
        See `key`: equal if and only if predicting again would give the same.
    outputs : mapping of str to int
        Paths below the output folder, and their sizes in bytes.
    frames : int
    shape : tuple of 2 int
        Height and width in pixels.
    channels : tuple of str
        Those that were used.
    pixel_size : float
        In µm.
    notes : tuple of str
        What the user should know of it.
    """

    name: str
    key: str
    outputs: Mapping[str, int] = field(default_factory=dict)
    frames: int = 0
    shape: tuple[int, int] = (0, 0)
    channels: tuple[str, ...] = ()
    pixel_size: float = 0.0
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, out: Path, name: str) -> Receipt | None:
        """Return the receipt of an input, or None if there is none that can be read."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            values = json.loads(_path(out, name).read_text(encoding="utf-8"))
            for listed in ("shape", "channels", "notes"):
                values[listed] = tuple(values[listed])
            return cls(**values)
        return None

    def write(self, out: Path) -> None:
        """Write it, whole or not at all."""
        files.write_text(_path(out, self.name), json.dumps(dataclasses.asdict(self), ensure_ascii=True))

    @staticmethod
    def remove(out: Path, name: str) -> None:
        """Remove the receipt of an input, if there is one."""
        _path(out, name).unlink(missing_ok=True)

    def holds(self, out: Path, key: str) -> bool:
        """Tell whether it is for `key` and all that came out is still there."""
        return self.key == key and sizes(out, self.outputs) == dict(self.outputs)


def key(path: Path, mask: Path | None, config: BatchConfig, record: ModelRecord) -> str:
    """Return what identifies a result: a hash over everything that it depends on, and nothing else.

    The content of the input and of its mask, the model, the settings that bear on this input, and the
    version of this package. Device and number of processes are left out: they change nothing but rounding.

    Raises
    ------
    OSError
        If the input or its mask cannot be read.
    """
    settings = dataclasses.asdict(config.predict)
    if mask is not None:
        settings |= {"sensitivity": None, "cell_at": None, "label": config.label}
    settings |= {"pixel_size": config.pixel_size, "z": config.z, "samples": config.samples}
    parts = [
        fingerprint(path),
        None if mask is None else fingerprint(mask),
        json.loads(record.to_json()),
        settings,
        __version__,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def fingerprint(path: Path) -> dict[str, Any]:
    """Return what identifies an input: a file, or all frames of a cell's folder."""
    if path.is_file():
        return dataclasses.asdict(Fingerprint.of(path))
    frames = frame_paths(path)
    known = [(frame.name, frame.stat().st_size, frame.stat().st_mtime_ns) for frame in frames]
    ends = [dataclasses.asdict(Fingerprint.of(frame)) for frame in (frames[0], frames[-1])]
    return {"frames": known, "ends": ends}


def sizes(out: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the sizes in bytes of the files below `out` that are there."""
    found = {}
    for name in names:
        with contextlib.suppress(OSError):
            found[name] = (out / name).stat().st_size
    return found


def _path(out: Path, name: str) -> Path:
    """Return where the receipt of an input lies; a hash is a file name whatever the input is called."""
    return out / BOOKS / "receipts" / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"
