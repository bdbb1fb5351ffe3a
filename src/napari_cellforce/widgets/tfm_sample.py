"""Sample beads to try the measurement on; and measured cells written as data to learn from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PASCAL, ImageStack, PixelSize, Substrate, VectorField
from napari_cellforce.files import write_text
from napari_cellforce.io.dataset.notes import NOTES, DatasetNotes
from napari_cellforce.io.dataset.writing import CellTables, frame_name, write_frame, write_tables
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


def write_training_cell(folder: Path, proteins: ImageStack, traction: VectorField) -> Path:
    """Write a measured cell as a data set of its own; returns its folder.

    Displacements are not stored; a second protein that is not there is 0.

    Raises
    ------
    CellForceError
        If the mask is not known, sizes or frames differ, or there is such a data set already.
    """
    frames = len(traction.data)
    if traction.mask is None or not np.asarray(traction.mask).any():
        raise CellForceError(
            "the cell is not known",
            "a predictor learns from the pixels inside it",
            "Choose its mask in the row Cell, and measure again.",
            topic="mask",
        )
    if (proteins.n_frames, *proteins.shape) != (frames, *traction.data.shape[2:]):
        raise CellForceError(
            f"{proteins.name} has {proteins.n_frames} frames of {proteins.shape}, the traction {frames} of "
            f"{tuple(traction.data.shape[2:])}",
            "both must show the same pixels",
            "Choose the protein image that was taken with the beads.",
            topic="image",
        )
    if traction.unit != PASCAL:
        raise CellForceError("the traction is not in Pa", "measured tractions are", "Calibrate it first.")
    root = folder / f"{traction.name or 'cell'} measured"
    if root.exists():
        raise CellForceError(
            f"{root} is there already", "nothing is overwritten", "Choose another folder.", topic="output"
        )
    images = np.zeros((frames, 2, *proteins.shape), np.float32)
    for t in range(frames):
        images[t, : len(proteins.channel_names)] = proteins.frame(t)
    name = f"{traction.name or 'cell'}".replace("_", "-")
    masks = np.asarray(traction.mask, dtype=bool)
    for t in range(frames):
        path = root / name / frame_name(t)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = np.asarray(traction.data[t])
        write_frame(path, np.zeros_like(data), data, masks[min(t, len(masks) - 1)], images[t])
    write_tables(root, [CellTables.of(name, images, traction.data, masks[0])])
    first, second = (*proteins.channel_names, "none")[:2]
    notes = DatasetNotes(traction.pixel_size, traction.frame_interval, (first, second))
    write_text(root / NOTES, json.dumps(notes.entries(), indent=1, ensure_ascii=False))
    return root
