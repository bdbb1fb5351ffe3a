"""Completion records: a marker for every finished part of an input, with the key of what it depends on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_cellforce import __version__
from napari_cellforce.batch.config import COMPARE, PREDICT, BatchConfig
from napari_cellforce.compare import CompareConfig
from napari_cellforce.config_io import record_from_mapping, record_to_mapping
from napari_cellforce.errors import CellForceError
from napari_cellforce.explain import ExplainConfig
from napari_cellforce.io.dataset.folders import frame_paths, is_dataset
from napari_cellforce.io.paths import split
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.preprocess.normalise import Baselines
from napari_cellforce.resume import (
    STATE_DIR,
    Fingerprint,
    cache_key,
    file_state,
    is_valid,
    read_record,
    short_name,
    write_record,
)

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
    extra : mapping
        Entries of a later version.
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
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, out: Path, name: str, model: str, part: str) -> CompletionRecord | None:
        """Return a record, or None if there is none that can be read."""
        path = _path(out, name, model, part)
        values = read_record(path)
        try:
            return record_from_mapping(cls, values, source=str(path)) if values else None
        except CellForceError:  # damaged: the part is computed again
            return None

    def write(self, out: Path) -> None:
        """Write it, whole or not at all."""
        write_record(_path(out, self.name, self.model, self.part), record_to_mapping(self))

    def remove(self, out: Path) -> None:
        """Remove it, because its part is about to be computed again."""
        _path(out, self.name, self.model, self.part).unlink(missing_ok=True)

    def is_valid(self, out: Path, key: str) -> bool:
        """Return whether it is for `key` and all its outputs are still there."""
        return is_valid(self.key, key, out, self.outputs)


def _path(out: Path, name: str, model: str, part: str) -> Path:
    """Return the path of a record; its name is a hash, since an input may have any name."""
    digest = short_name(f"{name}\n{model}", 32)
    return out / STATE_DIR / "receipts" / f"{digest}-{part}.json"


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
    return cache_key(fingerprint(path), mask_content, json.loads(record.to_json()), settings, __version__)


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
        return cache_key(part, predicted, fingerprint(measured), layout, how)
    if part == "greens":  # of the model alone
        return cache_key(part, json.loads(record.to_json()), __version__)
    return cache_key(part, predicted, repr(ExplainConfig((part,))))


def fingerprint(path: Path) -> dict[str, Any]:
    """Return the content identity of an input: a file, one image in a file, or all files of a folder."""
    container, which = split(path)
    if container.is_file():
        return {"which": which, **dataclasses.asdict(Fingerprint.of(container))}
    if is_dataset(path):
        inside = frame_paths(path)
    else:
        inside = sorted(file for file in path.rglob("*") if file.is_file())
    known = [(file.relative_to(path).as_posix(), *file_state(file)) for file in inside]
    ends = [dataclasses.asdict(Fingerprint.of(file)) for file in inside[:1] + inside[-1:]]
    return {"files": known, "ends": ends}
