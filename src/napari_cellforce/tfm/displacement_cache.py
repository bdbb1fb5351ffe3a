"""Measured displacements kept on disk, so that following the beads is not done twice."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce.files import atomic_path
from napari_cellforce.physics.displacement import DisplacementConfig, DisplacementResult, Drift
from napari_cellforce.resume import Fingerprint

_ARRAYS = ("displacement", "y", "x", "signal_to_noise", "replaced")


def displacement_key(files: Sequence[Path], config: DisplacementConfig, channel: int) -> str:
    """Return what the displacements of images depend on, as text."""
    settings = {name: value for name, value in dataclasses.asdict(config).items() if name != "workers"}
    settings["overlap"] = config.last_overlap
    prints = [dataclasses.asdict(Fingerprint.of(path)) for path in files]
    return json.dumps({"settings": settings, "channel": channel, "files": prints}, sort_keys=True)


def save_displacements(path: Path, found: Sequence[DisplacementResult], key: str) -> None:
    """Write the displacements of all frames on the grid of their windows, in pixels, as ``.npz``.

    Raises
    ------
    CellForceError
        If it cannot be written there.
    """
    arrays: dict[str, Any] = {name: np.stack([getattr(result, name) for result in found]) for name in _ARRAYS}
    drifts = np.array([(*result.drift.shift, result.drift.angle) for result in found])
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, key=key, drift=drifts, shape=found[0].shape, **arrays)


def load_displacements(path: Path, key: str) -> list[DisplacementResult] | None:
    """Read what `save_displacements` wrote; None if it is not there, or was measured otherwise."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if str(archive["key"]) != key:
                return None
            stacks = {name: archive[name] for name in _ARRAYS}
            drifts, shape = archive["drift"], archive["shape"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return [
        DisplacementResult(
            **{name: stack[t] for name, stack in stacks.items()},
            drift=Drift((float(drift[0]), float(drift[1])), float(drift[2])),
            shape=(int(shape[0]), int(shape[1])),
        )
        for t, drift in enumerate(drifts)
    ]
