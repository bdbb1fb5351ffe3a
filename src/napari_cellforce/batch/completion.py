"""Completion records: a marker for every finished part of an input, with the key of what it depends on."""

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
from napari_cellforce.batch.config import COMPARE, PREDICT, BatchConfig
from napari_cellforce.compare import CompareConfig
from napari_cellforce.explain import ExplainConfig
from napari_cellforce.files import Fingerprint
from napari_cellforce.io.dataset.folders import frame_paths, is_dataset
from napari_cellforce.io.paths import split
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.preprocess.normalise import Baselines

STATE_DIR = ".cellforce"
"""Folder in the output folder that holds the lock, the completion records and unfinished work."""

COMPARISON = CompareConfig(formats=("png",))
"""How fields are compared; the report shows the PNG figures."""


@dataclass(frozen=True)
class CompletionRecord:
    """Marks a part as complete for an input and a model; one file each, so that no two processes share one.

    Attributes
    ----------
    name : str
        Path of the input relative to the input folder.
    model : str
        Name of the model.
    part : str
        ``"predict"``, ``"compare"`` or a part of an explanation.
    key : str
        Cache key: equal if and only if computing the part again would give the same.
    outputs : mapping of str to int
        Paths relative to the output folder, with their sizes in bytes.
    frames : int
        Number of frames; this and the following attributes are those of a prediction.
    shape : tuple of 2 int
        Height and width in pixels.
    channels : tuple of str
        Names of the channels that were used.
    pixel_size : float
        Side of a pixel in µm.
    baselines : Baselines or None
        Measured brightness of the cell, where the model needs it.
    notes : tuple of str
        Remarks for the user.
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
    def read(cls, out: Path, name: str, model: str, part: str) -> CompletionRecord | None:
        """Return a record, or None if there is none that can be read."""
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
        """Remove it, because its part is about to be computed again."""
        _path(out, self.name, self.model, self.part).unlink(missing_ok=True)

    def is_valid(self, out: Path, key: str) -> bool:
        """Return whether it is for `key` and all its outputs are still there."""
        return self.key == key and file_sizes(out, self.outputs) == dict(self.outputs)


def file_sizes(out: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the sizes in bytes of the files below `out` that are there."""
    sizes = {}
    for name in names:
        with contextlib.suppress(OSError):
            sizes[name] = (out / name).stat().st_size
    return sizes


def _path(out: Path, name: str, model: str, part: str) -> Path:
    """Return the path of a record; its name is a hash, since an input may have any name."""
    digest = hashlib.sha256(f"{name}\n{model}".encode()).hexdigest()
    return out / STATE_DIR / "receipts" / f"{digest[:32]}-{part}.json"


def predict_key(path: Path, mask: Path | None, config: BatchConfig, record: ModelRecord) -> str:
    """Return the cache key of a prediction.

    The content of the input and of its mask, the model, the settings that bear on this input, and the
    version of this package. Device and number of processes are left out: they change nothing but rounding.

    Raises
    ------
    OSError
        If the input or its mask cannot be read.
    """
    settings = dataclasses.asdict(config.predict_for(record))
    del settings["run"]  # what bears on the result is added below
    if mask is not None:
        settings |= {"sensitivity": None, "cell_at": None, "label": config.label}
    settings |= {name: getattr(config.run, name) for name in ("pixel_size", "z", "samples")}
    mask_content = None if mask is None else fingerprint(mask)
    return _hash(fingerprint(path), mask_content, json.loads(record.to_json()), settings, __version__)


def part_key(
    part: str, predicted: str, config: BatchConfig, record: ModelRecord, measured: Path | None
) -> str:
    """Return the cache key of a part, given the key of its prediction.

    Raises
    ------
    OSError
        If the measured field cannot be read.
    """
    if part == PREDICT:
        return predicted
    if part == COMPARE and measured is not None:
        layout, how = dataclasses.asdict(config.measured), dataclasses.asdict(COMPARISON)
        return _hash(part, predicted, fingerprint(measured), layout, how)
    if part == "greens":  # of the model alone
        return _hash(part, json.loads(record.to_json()), __version__)
    return _hash(part, predicted, repr(ExplainConfig((part,))))


def fingerprint(path: Path) -> dict[str, Any]:
    """Return the content identity of an input: a file, one image in a file, or all files of a folder."""
    container, which = split(path)
    if container.is_file():
        return {"which": which, **dataclasses.asdict(Fingerprint.of(container))}
    if is_dataset(path):
        inside = frame_paths(path)
    else:
        inside = sorted(file for file in path.rglob("*") if file.is_file())
    known = [(file.relative_to(path).as_posix(), *_size_and_time(file)) for file in inside]
    ends = [dataclasses.asdict(Fingerprint.of(file)) for file in inside[:1] + inside[-1:]]
    return {"files": known, "ends": ends}


def _size_and_time(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
