"""From an image to tractions and numbers, in one call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellforce import io
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import (
    FrameResult,
    ImageStack,
    Mask,
    PixelSize,
    ScalarField,
    ShortRepr,
    VectorField,
    ZChoice,
)
from napari_cellforce.predict.config import PredictConfig
from napari_cellforce.predict.job import Prediction, prepare
from napari_cellforce.zoo import DEFAULT_MODEL, load_predictor


@dataclass(frozen=True, eq=False, repr=False)
class PredictedForces(ShortRepr):
    """Tractions of a movie, and what follows from them.

    Attributes
    ----------
    traction : VectorField
        ``(T, 2, Y, X)`` in (y, x); in Pa where a calibration was given, else normalised.
    numbers : DataFrame
        One row per frame, with the unit in the name of each column.
    uncertainty : ScalarField or None
        Standard deviation of the traction, ``(T, Y, X)`` in its unit, where the model gives one.
    """

    traction: VectorField
    numbers: pd.DataFrame
    uncertainty: ScalarField | None = None


def predict_forces(
    path_or_array: str | os.PathLike[str] | npt.ArrayLike | ImageStack,
    pixel_size: float | PixelSize | None = None,
    *,
    axes: str | None = None,
    channels: Sequence[int | str] = (),
    model: str | os.PathLike[str] = DEFAULT_MODEL,
    mask: npt.ArrayLike | None = None,
    calibration: float | None = None,
    frame_interval: float | None = None,
    z: ZChoice = None,
) -> PredictedForces:
    """Predict the traction of a cell from an image or a movie of its adhesions.

    Movies that are larger than memory, and settings beyond these: `napari_cellforce.predict`.

    Parameters
    ----------
    path_or_array : path-like, array or ImageStack
        What `napari_cellforce.io.read` opens, or intensities.
    pixel_size : float or PixelSize
        In µm; needed for an array, and overrides what a file says.
    axes : str, optional
        Axes of an array, one letter each: T time, C channel, Z plane, Y, X. Default for 2 dimensions: YX.
    channels : sequence of (int or str), optional
        For a file or a stack, the channel of each protein of the model, by index or name; for an array the
        names of its channels.
    model : str or path-like
        Name in the zoo, or a weights file.
    mask : (Y, X) or (T, Y, X) array, optional
        Not 0 inside the cell; by default the cell is found in every frame.
    calibration : float, optional
        Mean traction magnitude in Pa of comparable cells; turns normalised tractions into Pa.
    frame_interval : float, optional
        Minutes between frames of an array.
    z : "max", int or None
        For several planes: their maximum, or the index of one.

    Returns
    -------
    PredictedForces
        Traction field and one row of numbers per frame.

    Raises
    ------
    CellForceError
        If something is missing or does not fit; it says what was found, what is needed, and what to do.

    Examples
    --------
    >>> import numpy as np, napari_cellforce
    >>> image = np.random.default_rng(0).poisson(np.pad(np.full((60, 60), 90.0), 20, constant_values=9))
    >>> forces = napari_cellforce.predict_forces(image, pixel_size=0.5, model="adhesion-filter")
    >>> forces.traction
    VectorField(traction, 1 frame, 100 x 100 px, normalised)
    """
    if isinstance(path_or_array, str | os.PathLike):
        _refuse_for_files(axes=axes, frame_interval=frame_interval)
        stack, wanted = io.read(path_or_array, z=z), tuple(channels)
    elif isinstance(path_or_array, ImageStack):
        _refuse_for_files(axes=axes, frame_interval=frame_interval, z=z)
        stack, wanted = path_or_array, tuple(channels)
    else:
        named = tuple(str(name) for name in channels)
        axes = _axes_of(path_or_array) if axes is None else axes
        stack = ImageStack.from_array(
            path_or_array, axes, pixel_size, named, z=z, frame_interval=frame_interval
        )
        wanted = ()
    size = None if pixel_size is None else PixelSize.given(pixel_size)
    config = PredictConfig(channels=wanted, calibration=calibration)
    return _run(prepare(stack, load_predictor(model), _mask(mask), size, config))


def _axes_of(array: Any) -> str:
    ndim = np.ndim(array)
    if ndim == 2:
        return "YX"
    raise CellForceError(
        f"the array has {ndim} axes of unknown meaning",
        "only one frame of one protein, (Y, X), needs no names of axes",
        "Name them: axes='TYX' for frames, 'CYX' for channels, 'ZYX' for planes.",
        topic=Topic.AXES,
    )


def _refuse_for_files(**given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise CellForceError(
                f"{name} is {value!r}",
                "it is for arrays; a file or a stack has its own",
                f"Leave out {name}, or give an array.",
                topic=Topic.INPUT,
            )


def _mask(values: npt.ArrayLike | None) -> Mask | None:
    if values is None:
        return None
    inside = np.asarray(values) != 0
    return Mask(inside[None] if inside.ndim == 2 else inside, "array")


def _run(job: Prediction) -> PredictedForces:
    results = [record for record in job.run() if isinstance(record, FrameResult)]
    stack, provenance = job.stack, job.provenance()
    traction = VectorField(
        np.stack([result.traction for result in results]).astype(np.float32, copy=False),
        "traction",
        job.unit,
        job.pixel_size,
        stack.frame_interval,
        mask=np.stack([job.mask.frame(r.frame) if r.mask is None else r.mask for r in results]),
        name=stack.name,
        provenance=provenance,
    )
    spread = [result.uncertainty for result in results if result.uncertainty is not None]
    uncertainty = (
        ScalarField(
            np.stack(spread), "uncertainty", job.unit, job.pixel_size, stack.frame_interval, provenance
        )
        if len(spread) == len(results)
        else None
    )
    return PredictedForces(traction, pd.DataFrame([job.row(result) for result in results]), uncertainty)
