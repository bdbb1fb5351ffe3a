"""Bead images whose tractions are known, to try the measurement on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from napari_cellforce.fields import ImageStack, PixelSize, Substrate
from napari_cellforce.layers import Frame, Labelling, LayerTuple, image_layers
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.predict import Progress
from napari_cellforce.synthetic import CellConfig, Shape, SheetMechanics, simulate
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair

GEL = Substrate(8000.0, 0.48)
_PIXEL, _SIDE = 0.25, 384
_DRIFT = (1.25, -0.75)
"""In µm: 5 and -3 pixels."""


def sample_beads(seed: int = 1) -> Iterator[Progress | list[LayerTuple]]:
    """Yield what is being done, then layers: protein, beads at rest and pulled, and the cell."""
    yield Progress("Simulating a cell", 0, 2)
    cell = simulate(
        CellConfig(
            shape=Shape("spread", area=2500.0),
            mechanics=SheetMechanics(),
            side=_SIDE,
            pixel_size=_PIXEL,
        ),
        seed,
    )
    assert cell.traction is not None
    yield Progress("Drawing its beads", 1, 2)
    moved = displacement(cell.traction.data[0], _PIXEL, GEL.young, GEL.poisson, padding=1)
    beads = bead_pair(moved, BeadConfig(pixel_size=_PIXEL), drift=_DRIFT, seed=seed)
    size = PixelSize.square(_PIXEL)
    layers = image_layers(replace(cell.image, frame_interval=None))
    for name, image in (("reference", beads.reference), ("loaded", beads.loaded)):
        layers += image_layers(ImageStack(image[None, None], ("beads",), size, name=name))
    mask = np.asarray(cell.mask.data[0]).astype(np.uint8)
    place = Frame((1.0, _PIXEL, _PIXEL), units=("pixel", "micrometer", "micrometer"), ndim=2)
    label = Labelling("cell")
    attributes = {**place.attributes, "name": "cell mask", "opacity": 0.3, "visible": False}
    yield [*layers, (mask, {**attributes, "metadata": label.metadata("mask")}, "labels")]
