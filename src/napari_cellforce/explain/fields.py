"""The inner fields of a model and the curves over them, written while they are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import ndimage

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.explain.config import WrittenFile
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize, Progress, ScalarField
from napari_cellforce.io.temp_arrays import FrameAccumulator
from napari_cellforce.io.write import write_scalar, write_table
from napari_cellforce.models import registry
from napari_cellforce.predict import Prediction
from napari_cellforce.preprocess.normalise import Baselines

Array = npt.NDArray[np.floating]

GRADIENT, PRODUCT = "grad_phi", "psi_grad_chi"
"""The two parts of a Clebsch form, as they are called in the scalars of a `FrameResult`."""


@dataclass(frozen=True)
class ClebschShares:
    """What the two parts contribute to F = grad(phi) + psi grad(chi), over a cell.

    Attributes
    ----------
    grad_phi, psi_grad_chi : float
        ``sum F . part / sum |F|²``; they add up to 1. One is negative where it works against the other.
    residual_without_grad_phi : float
        ``sum |F - psi grad chi|² / sum |F|²``: what is lost by leaving grad(phi) out.
    """

    grad_phi: float
    psi_grad_chi: float
    residual_without_grad_phi: float


def clebsch_shares(gradient: Array, product: Array, mask: BoolArray | None = None) -> ClebschShares:
    """Return the shares of the two parts.

    Parameters
    ----------
    gradient, product : (2, Y, X) array
        grad(phi) and psi grad(chi), in one unit.
    mask : (Y, X) bool array, optional
        Where to look; everywhere by default.
    """
    kept = np.s_[:] if mask is None else mask
    first, second = (np.asarray(part, dtype=np.float64)[:, kept] for part in (gradient, product))
    whole = first + second
    energy = float(np.sum(whole**2)) or 1.0
    return ClebschShares(
        float(np.sum(whole * first)) / energy,
        float(np.sum(whole * second)) / energy,
        float(np.sum(first**2)) / energy,
    )


def vector_scalar(result: FrameResult, name: str) -> Array:
    """Return a vector that a result holds as the scalars ``name_y`` and ``name_x``, ``(2, Y, X)``."""
    return np.stack([result.scalars[f"{name}_{axis}"] for axis in "yx"])


_BINS = 12
MEAN_Y = "mean Y [µm^-2]"
"""Column of the curves over the adhesion field."""


def write_fields(
    job: Prediction, baselines: Baselines | None, folder: Path
) -> Iterator[Progress | WrittenFile]:
    """Write every scalar field of a model as OME-TIFF, and CSV tables of what they show.

    Raises
    ------
    CellForceError
        If the model has no inner fields.
    """
    read = frame_reader(job)
    rows: list[dict[str, float]] = []
    curves: list[pd.DataFrame] = []
    n_frames = job.stack.n_frames
    accumulator = FrameAccumulator(n_frames, job.stack.shape)
    try:
        for t in range(n_frames):
            yield Progress("Reading the model's fields", t, n_frames)
            image, mask = job.inputs(t, baselines), job.mask.frame(t)
            result = read(image, mask, job.pixel_size)
            require_fields(result, job)
            accumulator.append(result.scalars)
            rows.append({"frame": t, **_summary(result, mask, job)})
            if "Y" in result.scalars:
                curves.append(stiffness_curves(result.scalars["Y"], image[0], mask, job.pixel_size, t))
    except BaseException:  # also a stop: the frames that are done are kept
        list(_save_fields(job, accumulator, rows, curves, folder))
        raise
    yield from _save_fields(job, accumulator, rows, curves, folder)


def _save_fields(
    job: Prediction,
    accumulator: FrameAccumulator,
    rows: list[dict[str, float]],
    curves: list[pd.DataFrame],
    folder: Path,
) -> Iterator[WrittenFile]:
    """Write the frames that are done; nothing where there is none."""
    for name, values in accumulator.fields():
        path = folder / f"{job.stack.name}_{_file_name(name)}.ome.tif"
        yield WrittenFile("fields", write_scalar(path, scalar_field(job, name, values)))
    if rows:
        yield WrittenFile("fields", write_table(folder / f"{job.stack.name}_fields.csv", pd.DataFrame(rows)))
    if curves:
        path = folder / f"{job.stack.name}_Y_curves.csv"
        yield WrittenFile("fields", write_table(path, pd.concat(curves)))


def scalar_field(job: Prediction, name: str, values: FloatArray) -> ScalarField:
    """Return frames of a model's scalar, ``(T, Y, X)``, with all that the file needs."""
    return ScalarField(
        values, name, job.scalar_unit(name), job.pixel_size, job.stack.frame_interval, job.provenance()
    )


def stiffness_curves(
    stiffness: FloatArray, protein: FloatArray, mask: BoolArray, pixel_size: PixelSize, frame: int
) -> pd.DataFrame:
    """Return the mean of Y against the protein's intensity and against the distance to the edge.

    Bins hold equally many pixels of the mask.
    """
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] * pixel_size.micron
    tables = []
    for along, image in {"intensity": protein, "distance to edge [µm]": distance}.items():
        values = np.asarray(image, dtype=np.float64)[mask]
        bins = pd.qcut(values, _BINS, labels=False, duplicates="drop")
        grouped = pd.DataFrame({"value": values, MEAN_Y: stiffness[mask], "bin": bins}).groupby("bin")
        tables.append(grouped.mean().assign(frame=frame, along=along).reset_index(drop=True))
    return pd.concat(tables)[["frame", "along", "value", MEAN_Y]]


def frame_reader(job: Prediction) -> Callable[[FloatArray, BoolArray, PixelSize], FrameResult]:
    """Return what tells most of the model's inside: `read_frame` where it has one, else `predict_frame`."""
    frame_reader: Callable[[FloatArray, BoolArray, PixelSize], FrameResult] = getattr(
        job.predictor, "read_frame", job.predictor.predict_frame
    )
    return frame_reader


def require_fields(result: FrameResult, job: Prediction) -> None:
    """Refuse a model that shows nothing of its inside.

    Raises
    ------
    CellForceError
    """
    if not result.scalars:
        title = registry.title(job.predictor.record.kind)
        raise CellForceError(
            f"{job.predictor.record.name} has no inner fields that mean something",
            f"models of this kind ({title}) go from image to traction without any",
            "Choose a physical bottleneck, a Green's-function network or a formula; or probe this model, or "
            "decompose its field.",
            topic=Topic.PARTS,
        )


def _summary(result: FrameResult, mask: BoolArray, job: Prediction) -> dict[str, float]:
    """Return the numbers of a frame: mean of every scalar in the mask, and shares of a Clebsch form."""
    row = {
        f"mean {name} [{job.scalar_unit(name)}]": float(np.mean(values[mask]))
        for name, values in result.scalars.items()
    }
    if f"{PRODUCT}_y" in result.scalars:
        shares = clebsch_shares(vector_scalar(result, GRADIENT), vector_scalar(result, PRODUCT), mask)
        row |= {f"share {name}": value for name, value in vars(shares).items()}
    return row


def _file_name(name: str) -> str:
    """Return a scalar's name fit for a file on any system."""
    spelled = name.replace("∇²", "lap ").replace("∇", "grad ").replace("²", "2").replace("/", " over ")
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in spelled).strip("_")
