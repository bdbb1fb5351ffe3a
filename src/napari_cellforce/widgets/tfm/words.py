"""What came of each step of a measurement, in a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from napari_cellforce.physics.displacement import DisplacementResult, Drift
from napari_cellforce.physics.regularisation import Choice
from napari_cellforce.tfm import TfmResult

DRIFT, DISPLACEMENT, REGULARISATION, TRACTION = STEPS = (
    "drift",
    "displacement",
    "regularisation",
    "traction",
)


def words_of(step: str, result: Any) -> str:
    """Return what came of a step, in a line."""
    tell: dict[str, Callable[[Any], str]] = {
        DRIFT: _drift,
        DISPLACEMENT: _displacement,
        REGULARISATION: _choice,
        TRACTION: _traction,
    }
    return tell[step](result)


def _drift(drifts: list[Drift]) -> str:
    y, x = max((drift.shift for drift in drifts), key=lambda shift: float(np.hypot(*shift)))
    turned = f", {np.degrees(drifts[0].angle):.2f}° turned" if drifts[0].angle else ""
    most = "at most " if len(drifts) > 1 else ""
    up_down, left_right = "up" if y < 0 else "down", "left" if x < 0 else "right"
    return f"{most}{abs(y):.1f} px {up_down}, {abs(x):.1f} px {left_right}{turned}"


def _displacement(found: list[DisplacementResult]) -> str:
    top = max(float(np.percentile(np.hypot(*result.displacement), 99.5)) for result in found)
    replaced = float(np.mean([result.replaced_fraction for result in found]))
    shape = found[0].displacement.shape[1:]
    return f"{shape[0]} x {shape[1]} vectors up to {top:.1f} px, {100 * replaced:.1f} % replaced"


def _choice(choice: Choice) -> str:
    return f"lambda {choice.regularisation:.3g} µm/Pa, noise {choice.traction_noise:.0f} Pa"


def _traction(result: TfmResult) -> str:
    frames = result.traction.data
    top = max(float(np.percentile(np.hypot(*np.asarray(frame)), 99.5)) for frame in frames)
    many = f"{len(frames)} frames, " if len(frames) > 1 else ""
    return f"{many}up to {top:.0f} Pa (99.5th percentile)"
