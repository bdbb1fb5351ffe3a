"""Calibration of a model to measured cells: scale (and offset) to Pa; the network itself is unchanged."""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from napari_cellforce import metrics
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import FloatArray, to_numpy
from napari_cellforce.io.cell_index import open_cell
from napari_cellforce.models import checkpoint, registry
from napari_cellforce.models.network import lengthened
from napari_cellforce.models.record import MASK_INPUT, ModelRecord, Predictor
from napari_cellforce.preprocess.normalise import normalise
from napari_cellforce.text import pluralise
from napari_cellforce.train.config import DataConfig
from napari_cellforce.train.examples import index, protein_channels
from napari_cellforce.train.initialise import load_trainable

Kind = Literal["scale", "scale and offset"]


@dataclass(frozen=True)
class Calibration:
    """Map from predicted to measured traction: |F| [Pa] = scale |F predicted| + offset; directions are kept.

    Attributes
    ----------
    scale : float
        Scale in Pa per unit of the prediction.
    offset : float
        Offset in Pa; negative if short vectors are noise. No vector changes sign, and 0 stays 0.
    r2 : float
        Coefficient of determination of the vectors, over all pixels in the masks, after calibration.
    cells, frames : int
        Numbers of cells and frames used for the fit.
    """

    scale: float
    offset: float
    r2: float
    cells: int
    frames: int

    def apply(self, traction: FloatArray) -> FloatArray:
        """Return a predicted ``(..., 2, Y, X)`` field in Pa."""
        return lengthened(traction, self.scale, self.offset)


def calibrate(predictor: Predictor, data: DataConfig, kind: Kind = "scale") -> Calibration:
    """Fit the scale of a predictor to one or more measured cells.

    The scale alone is fitted to the vectors; scale and offset to their lengths. Both by least squares.

    Parameters
    ----------
    predictor : Predictor
        Predictor of any kind.
    data : DataConfig
    kind : {"scale", "scale and offset"}

    Raises
    ------
    CellForceError
        If no frame can be used, or the predictions are zero.
    """
    pairs, cells = _pairs(predictor, data)
    predicted, measured = (np.concatenate([pair[i] for pair in pairs], axis=-1) for i in range(2))
    everywhere = np.ones(predicted.shape[1:], dtype=np.bool_)
    scale, offset = metrics.best_scale(predicted, measured, everywhere), 0.0
    if kind == "scale and offset":
        of_prediction, of_measurement = (np.hypot(*field).ravel() for field in (predicted, measured))
        scale, offset = (float(v) for v in np.polyfit(of_prediction, of_measurement, 1))
    if not np.isfinite(scale) or scale <= 0:
        raise CellForceError(
            f"the best scale is {scale:g}",
            "predictions must on average point in the direction of the measured tractions",
            "Check the channel, the mask, and the order of the traction's components.",
            topic=Topic.CALIBRATION,
        )
    fitted = lengthened(predicted, scale, offset)
    return Calibration(
        scale, offset, float(metrics.r_squared(fitted, measured, everywhere)), cells, len(pairs)
    )


def calibrate_file(
    model: str | os.PathLike[str], data: DataConfig, path: str | os.PathLike[str], kind: Kind = "scale"
) -> tuple[Path, Calibration]:
    """Write a network whose output is scaled (and shifted) to Pa; see `calibrate`.

    Parameters
    ----------
    model : str or path-like
        Name in the zoo or path to a file; the original is not modified.
    data : DataConfig
    path : path-like
        Path of the new model; must not exist yet.
    kind : {"scale", "scale and offset"}
    """
    path = Path(path)
    if path.exists():
        raise CellForceError(
            f"{path} is there already",
            "a model is not overwritten",
            "Choose another name.",
            topic=Topic.OUTPUT,
        )
    loaded = load_trainable(model)
    predictor = registry.get(loaded.record.kind).predictor(loaded, device="cpu", backend="eager")
    calibration = calibrate(predictor, data, kind)
    module = copy.deepcopy(loaded.module)
    module.scale_output(calibration.scale, loaded.record.output)
    used = f"{pluralise(calibration.frames, 'frame')} of {pluralise(calibration.cells, 'measured cell')}"
    note = f" Scaled to Pa on {used} (R2 {calibration.r2:.2f})."
    record = dataclasses.replace(
        loaded.record,
        name=path.stem,
        output_unit="Pa",
        output_scale=1.0,
        output_offset=calibration.scale * loaded.record.output_offset + calibration.offset,
        training_data=loaded.record.training_data + note,
        limits=f"As {loaded.record.name}, except for the unit: tractions are in Pa.",
    )
    return checkpoint.save(path, module, record), calibration


def _pairs(predictor: Predictor, data: DataConfig) -> tuple[list[tuple[FloatArray, FloatArray]], int]:
    """Return predicted and measured vectors in the mask, ``(2, 1, pixels)``, of every usable frame."""
    found = index(data)
    found.require_usable()
    record, pairs = predictor.record, []
    for source in found.sources:
        rows = [row for row in found.usable if row.cell == source.cell]
        if not rows:
            continue
        cell = open_cell(source)
        proteins = tuple(name for name in record.inputs if name != MASK_INPUT)
        channels, baselines = protein_channels(cell, source, found, proteins)
        for row in rows:
            mask = cell.mask.frame(row.frame)
            image = normalise(
                cell.image.frame(row.frame, channels),
                baselines,
                record.normalisation,
                shared=record.shared_baselines,
            )
            shown = _with_mask(image, mask.astype(np.float32), record)
            result = predictor.predict_frame(shown, mask, cell.traction.pixel_size)
            measured = to_numpy(cell.traction.data[row.frame], dtype=np.float32)
            pairs.append((result.traction[:, None, mask], measured[:, None, mask]))
    return pairs, len(found.cells)


def _with_mask(proteins: FloatArray, mask: FloatArray, record: ModelRecord) -> FloatArray:
    following: Callable[[], FloatArray] = iter(proteins).__next__
    return np.stack([mask if name == MASK_INPUT else following() for name in record.inputs])
