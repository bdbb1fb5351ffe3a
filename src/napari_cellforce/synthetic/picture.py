"""A cell as the microscope shows it, frame by frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.config import CellConfig
from napari_cellforce.synthetic.drawing import draw_adhesions, draw_lines
from napari_cellforce.synthetic.fibres import Fibres
from napari_cellforce.synthetic.outline import Array
from napari_cellforce.synthetic.proteins import Parts, draw_nucleus, draw_texture, edge_distance


def still_parts(config: CellConfig, mask: BoolArray, rng: np.random.Generator) -> Parts:
    """Return what does not change in time."""
    if not mask.any():
        raise CellForceError(
            f"the cell is smaller than a pixel of {config.pixel_size:g} µm",
            "it must cover some pixels",
            "Make the cell larger, or the pixels smaller.",
            topic="shape",
        )
    distance = edge_distance(mask, config.pixel_size)
    nucleus = draw_nucleus(mask, distance, config.pixel_size, rng)
    texture = draw_texture(mask.shape, config.pixel_size, rng)
    nothing = np.zeros(mask.shape)
    return Parts(mask, distance, nucleus, nothing, nothing, texture)


def frame(
    config: CellConfig, still: Parts, now: Adhesions, fibres: Fibres, rng: np.random.Generator
) -> Array:
    """Return one frame, (C, Y, X) uint16."""
    shape = still.mask.shape
    parts = replace(
        still,
        adhesions=draw_adhesions(shape, config.pixel_size, now),
        fibres=draw_lines(
            shape, config.pixel_size, fibres.segments(now), fibres.thickness, np.ones(len(fibres))
        ),
    )
    signals = (config.expression * look.signal(parts) for look in config.proteins)
    return np.stack(
        [config.camera.record(config.optics.blur(signal, config.pixel_size), rng) for signal in signals]
    )
