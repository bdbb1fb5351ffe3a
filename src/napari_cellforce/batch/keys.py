"""Keys: hashes over everything that a result depends on, and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from napari_cellforce import __version__
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.wishes import COMPARE, PREDICT, settings_for
from napari_cellforce.compare import CompareConfig
from napari_cellforce.explain import ExplainConfig
from napari_cellforce.files import Fingerprint
from napari_cellforce.io.dataset.index import frame_paths, is_dataset
from napari_cellforce.io.paths import split
from napari_cellforce.models.record import ModelRecord

COMPARISON = CompareConfig(formats=("png",))
"""How fields are compared: the report shows the pictures."""


def predict_key(path: Path, mask: Path | None, config: BatchConfig, record: ModelRecord) -> str:
    """Return what identifies a prediction.

    The content of the input and of its mask, the model, the settings that bear on this input, and the
    version of this package. Device and number of processes are left out: they change nothing but rounding.

    Raises
    ------
    OSError
        If the input or its mask cannot be read.
    """
    settings = dataclasses.asdict(settings_for(record, config))
    if mask is not None:
        settings |= {"sensitivity": None, "cell_at": None, "label": config.label}
    settings |= {"pixel_size": config.pixel_size, "z": config.z, "samples": config.samples}
    masked = None if mask is None else fingerprint(mask)
    return _hash(fingerprint(path), masked, json.loads(record.to_json()), settings, __version__)


def part_key(
    part: str, predicted: str, config: BatchConfig, record: ModelRecord, measured: Path | None
) -> str:
    """Return what identifies a part, given the key of its prediction.

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
    """Return what identifies an input: a file, one image in a file, or all files of a folder."""
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
