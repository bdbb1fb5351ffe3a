"""A measured cell as data to learn from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PASCAL, FloatArray, ImageStack, VectorField
from napari_cellforce.files import write_text
from napari_cellforce.io.dataset.notes import NOTES, DatasetNotes
from napari_cellforce.io.dataset.writing import CellTables, frame_name, write_frame, write_tables


def write_training_cell(folder: Path, proteins: ImageStack, traction: VectorField) -> Path:
    """Write image, mask and measured traction as a data set of one cell, in the authors' layout.

    Displacements are not stored; a second protein that is not there is 0.

    Parameters
    ----------
    folder : Path
        The data set becomes a new folder in it.
    proteins : ImageStack
        One or two channels, on the pixels of the traction.
    traction : VectorField
        In Pa, with the cell's mask.

    Returns
    -------
    Path
        Of the data set.

    Raises
    ------
    CellForceError
        If the mask is not known, sizes, frames or unit do not fit, or there is such a data set already.
    """
    _check(proteins, traction)
    cell = (traction.name or "cell").replace("_", "-")
    root = folder / f"{cell} measured"
    if root.exists():
        raise CellForceError(
            f"{root} is there already", "nothing is overwritten", "Choose another folder.", topic="output"
        )
    (root / cell).mkdir(parents=True)
    images, masks = _images(proteins), np.asarray(traction.mask, dtype=bool)
    for t, image in enumerate(images):
        vectors = np.asarray(traction.data[t])
        mask = masks[min(t, len(masks) - 1)]
        write_frame(root / cell / frame_name(t), np.zeros_like(vectors), vectors, mask, image)
    write_tables(root, [CellTables.of(cell, images, traction.data, masks[0])])
    first, second = (*proteins.channel_names, "none")[:2]
    notes = DatasetNotes(traction.pixel_size, traction.frame_interval, (first, second))
    write_text(root / NOTES, json.dumps(notes.entries(), indent=1, ensure_ascii=False))
    return root


def _images(proteins: ImageStack) -> FloatArray:
    """Return both proteins of all frames, ``(T, 2, Y, X)``; 0 for one that is not there."""
    images = np.zeros((proteins.n_frames, 2, *proteins.shape), np.float32)
    for t in range(proteins.n_frames):
        images[t, : len(proteins.channel_names)] = proteins.frame(t)
    return images


def _check(proteins: ImageStack, traction: VectorField) -> None:
    if traction.mask is None or not np.asarray(traction.mask).any():
        raise CellForceError(
            "the cell is not known",
            "a predictor learns from the pixels inside it",
            "Choose its mask in the row Cell, and measure again.",
            topic="mask",
        )
    if np.asarray(traction.mask).all():
        raise CellForceError(
            "the cell fills the image",
            "proteins are normalised by what is outside it",
            "Mark the cell, and leave out what is beside it.",
            topic="mask",
        )
    frames, _, height, width = traction.data.shape
    if (proteins.n_frames, *proteins.shape) != (frames, height, width):
        raise CellForceError(
            f"{proteins.name} has {proteins.n_frames} frames of {proteins.shape[0]} x {proteins.shape[1]}",
            f"the traction has {frames} of {height} x {width}: both must show the same pixels",
            "Choose the protein image that was taken with the beads.",
            topic="image",
        )
    if traction.unit != PASCAL:
        raise CellForceError(
            "the traction is normalised", "data to learn from are in Pa", "Calibrate it first.", topic="unit"
        )
