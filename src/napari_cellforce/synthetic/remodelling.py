"""Adhesions grow under load: along the force they bear, and the more so the larger it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.drawing import ellipse
from napari_cellforce.synthetic.outline import Array

_LEAST, _MOST = 0.2, 5.0
"""Loads below and above these multiples of the cell's mean change an adhesion no further."""


@dataclass(frozen=True)
class Remodelling(Settings):
    """How adhesions answer to the force that they bore when they were placed."""

    turning: float = setting(
        0.8,
        help="Share of the way that an adhesion under mean load turns towards the direction of "
        "its force; one "
        "that bears nothing does not turn.",
        minimum=0,
        maximum=1,
    )
    recruitment: float = setting(
        0.3, help="Exponent k: brightness is multiplied by (load / mean load)^k.", minimum=0
    )

    def of(self, adhesions: Adhesions, traction: Array, pixel_size: float) -> Adhesions:
        """Return the adhesions after they have answered to a traction ``(2, Y, X)``; `pixel_size` in µm."""
        if not len(adhesions):
            return adhesions
        force = _borne(adhesions, traction, pixel_size)
        load = np.hypot(*force.T)
        load = np.clip(load / max(float(load.mean()), np.finfo(float).tiny), 0, _MOST)
        share = self.turning * np.minimum(load, 1)
        turned = (1 - share) * np.exp(1j * adhesions.angle) + share * np.exp(1j * np.arctan2(*force.T))
        return replace(
            adhesions,
            angle=np.angle(turned),
            intensity=adhesions.intensity * np.maximum(load, _LEAST) ** self.recruitment,
        )


def _borne(adhesions: Adhesions, traction: Array, pixel_size: float) -> Array:
    """Return the mean traction under each adhesion, (N, 2)."""
    force = []
    for centre, length, width, angle in zip(
        adhesions.centre, adhesions.length, adhesions.width, adhesions.angle, strict=True
    ):
        shape = traction.shape[1], traction.shape[2]
        window, cover = ellipse(shape, pixel_size, centre, length, width, angle)
        weight = cover + 1e-9
        force.append((traction[(slice(None), *window)] * weight).sum(axis=(1, 2)) / weight.sum())
    return np.array(force)
