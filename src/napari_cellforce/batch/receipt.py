"""What was done, so that it is not done again: a receipt for every finished part of an input."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.preprocess.normalise import Baselines

BOOKS = ".cellforce"
"""Folder in the output folder that holds the lock, the receipts and what is half done."""


@dataclass(frozen=True)
class Receipt:
    """Proof that a part was done for an input with a model; a file of its own, so that no two write to one.

    Attributes
    ----------
    name : str
        Of the input: its path below the input folder.
    model : str
        Its name.
    part : str
        ``"predict"``, ``"compare"`` or a part of an explanation.
    key : str
        See `napari_cellforce.batch.keys`: equal if and only if doing it again would give the same.
    outputs : mapping of str to int
        Paths below the output folder, and their sizes in bytes.
    frames : int
        This and the following are kept of a prediction.
    shape : tuple of 2 int
        Height and width in pixels.
    channels : tuple of str
        Those that were used.
    pixel_size : float
        In µm.
    baselines : Baselines or None
        Measured brightness of the cell, where the model needs it.
    notes : tuple of str
        What the user should know of it.
    """

    name: str
    model: str
    part: str
    key: str
    outputs: Mapping[str, int] = field(default_factory=dict)
    frames: int = 0
    shape: tuple[int, int] = (0, 0)
    channels: tuple[str, ...] = ()
    pixel_size: float = 0.0
    baselines: Baselines | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, out: Path, name: str, model: str, part: str) -> Receipt | None:
        """Return a receipt, or None if there is none that can be read."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            values = json.loads(_path(out, name, model, part).read_text(encoding="utf-8"))
            for listed in ("shape", "channels", "notes"):
                values[listed] = tuple(values[listed])
            if values["baselines"] is not None:
                means = {side: tuple(values["baselines"][side]) for side in ("inside", "outside")}
                values["baselines"] = Baselines(**means)
            return cls(**values)
        return None

    def write(self, out: Path) -> None:
        """Write it, whole or not at all."""
        path = _path(out, self.name, self.model, self.part)
        files.write_text(path, json.dumps(dataclasses.asdict(self), ensure_ascii=True))

    def remove(self, out: Path) -> None:
        """Remove it, because its part is about to be done again."""
        _path(out, self.name, self.model, self.part).unlink(missing_ok=True)

    def holds(self, out: Path, key: str) -> bool:
        """Tell whether it is for `key` and all that came out is still there."""
        return self.key == key and sizes(out, self.outputs) == dict(self.outputs)


def sizes(out: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the sizes in bytes of the files below `out` that are there."""
    found = {}
    for name in names:
        with contextlib.suppress(OSError):
            found[name] = (out / name).stat().st_size
    return found


def _path(out: Path, name: str, model: str, part: str) -> Path:
    """Return where a receipt lies; a hash is a file name whatever the input is called."""
    digest = hashlib.sha256(f"{name}\n{model}".encode()).hexdigest()
    return out / BOOKS / "receipts" / f"{digest[:32]}-{part}.json"
