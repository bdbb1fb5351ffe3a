"""A measured cell as data to learn from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PASCAL, BoolArray, FloatArray, ImageStack, to_numpy
from napari_cellforce.files import disk_errors, write_text
from napari_cellforce.io.dataset.metadata import METADATA_FILE, DatasetMetadata
from napari_cellforce.io.dataset.writing import CellTables, frame_name, write_frame, write_tables
from napari_cellforce.io.validate import require_pixel_size
from napari_cellforce.text import pluralise
from napari_cellforce.tfm.output import TfmResult


def write_training_cell(folder: Path, proteins: ImageStack, measured: TfmResult, mask: BoolArray) -> Path:
    """Write image, mask, traction and displacement as a data set of one cell, in the authors' layout.

    Fields on a coarser grid are interpolated to the pixels of the image. A displacement that is not there
    is 0, a second protein is left out.

    Parameters
    ----------
    folder : Path
        The data set becomes a new folder in it.
    proteins : ImageStack
        One or two channels, of the same place and frames.
    measured : TfmResult
        In Pa and µm.
    mask : (Y, X) or (T, Y, X) bool array
        The cell, on the pixels of the image.

    Returns
    -------
    Path
        Of the data set.

    Raises
    ------
    CellForceError
        If the mask is empty or full, sizes, frames or unit do not fit, or there is such a data set already.
    """
    masks = mask if mask.ndim == 3 else mask[None]
    _check(proteins, measured, masks)
    size = require_pixel_size(proteins.pixel_size or measured.traction.pixel_size)
    if measured.traction.data.shape[2:] != proteins.shape:
        measured = measured.on_pixels(size, proteins.shape)
    cell = (measured.traction.name or "cell").replace("_", "-")
    root = folder / f"{cell} measured"
    if root.exists():
        raise CellForceError(
            f"{root} is there already", "nothing is overwritten", "Choose another folder.", topic=Topic.OUTPUT
        )
    with disk_errors(root):
        (root / cell).mkdir(parents=True)
    images = _images(proteins)
    for t, image in enumerate(images):
        traction = to_numpy(measured.traction.data[t])
        moved = np.zeros_like(traction) if measured.displacement is None else measured.displacement.data[t]
        # Without a second protein its channel is left out: read back, 0 would be one that tells nothing.
        present = image[: len(proteins.channel_names)]
        write_frame(root / cell / frame_name(t), moved, traction, masks[min(t, len(masks) - 1)], present)
    write_tables(root, [CellTables.of(cell, images, measured.traction.data, masks[0])])
    first, second = (*proteins.channel_names, "none")[:2]
    notes = DatasetMetadata(size, measured.traction.frame_interval, (first, second))
    write_text(root / METADATA_FILE, json.dumps(notes.entries(), indent=1, ensure_ascii=False))
    return root


def _images(proteins: ImageStack) -> FloatArray:
    """Return both proteins of all frames, ``(T, 2, Y, X)``; 0 for one that is not there."""
    images = np.zeros((proteins.n_frames, 2, *proteins.shape), np.float32)
    for t in range(proteins.n_frames):
        images[t, : len(proteins.channel_names)] = proteins.frame(t)
    return images


def _check(proteins: ImageStack, measured: TfmResult, masks: BoolArray) -> None:
    if not masks.any():
        raise CellForceError(
            "the cell is not known",
            "a predictor learns from the pixels inside it",
            "Choose its mask in the row Cell, and measure again.",
            topic=Topic.MASK,
        )
    if masks.all():
        raise CellForceError(
            "the cell fills the image",
            "proteins are normalised by what is outside it",
            "Mark the cell, and leave out what is beside it.",
            topic=Topic.MASK,
        )
    frames = len(measured.traction.data)
    if proteins.n_frames != frames:
        raise CellForceError(
            f"{proteins.name} has {pluralise(proteins.n_frames, 'frame')}",
            f"the traction has {frames}: both must show the same",
            "Choose the protein image that was taken with the beads.",
            topic=Topic.IMAGE,
        )
    if masks.shape[1:] != proteins.shape:
        raise CellForceError(
            f"{proteins.name} is {proteins.shape[0]} x {proteins.shape[1]} pixels",
            f"the cell was marked on {masks.shape[1]} x {masks.shape[2]}: both must show the same pixels",
            "Choose the protein image that was taken with the beads.",
            topic=Topic.IMAGE,
        )
    if measured.traction.unit != PASCAL:
        raise CellForceError(
            "the traction is normalised",
            "data to learn from are in Pa",
            "Calibrate it first.",
            topic=Topic.UNIT,
        )
