"""Probes: change the image in one respect, and see what any predictor makes of it.

An adhesion is taken out, fine or coarse structure is filtered away, brightness is scaled. The answer is
the change of the traction as a field, and numbers that make curves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import ndimage

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.explain.config import ExplainConfig, WrittenFile, first_protein
from napari_cellforce.explain.figures import COLOURS, save
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize, Progress, ShortRepr, VectorField
from napari_cellforce.io.write import write_field, write_table
from napari_cellforce.models.filters import adhesions
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import Prediction
from napari_cellforce.preprocess.normalise import Baselines

if TYPE_CHECKING:
    from matplotlib.figure import Figure


LENGTHS = (0.7, 1.4, 2.8, 5.6, 11.2)
"""Lengths of the filters in µm."""
FACTORS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Factors of the brightness."""

OCCLUSION, LOW_PASS, HIGH_PASS, BRIGHTNESS = "occlusion", "low pass", "high pass", "brightness"
"""What can be done to an image."""

_EDGE_SHARE = 0.25
"""Share of an adhesion's peak above which pixels belong to it."""
_SURROUND = 3.0
"""Gaussian in µm over which what lies around an adhesion is carried into its place."""
_CLICK_RADIUS = 5.0
"""How far from a click an adhesion is looked for, in µm."""


@dataclass(frozen=True, eq=False, repr=False)
class Response(ShortRepr):
    """What a predictor makes of a changed image.

    Attributes
    ----------
    probe : str
        `OCCLUSION`, `LOW_PASS`, `HIGH_PASS` or `BRIGHTNESS`.
    value : float
        Length in µm, factor, or number of the adhesion.
    change : (2, Y, X) array
        Traction of the changed image minus that of the image, in the predictor's unit.
    total : float
        Sum of |F| in the mask over that of the unchanged image.
    correlation : float
        Of the vectors with those of the unchanged image: the cosine between the two fields.
    """

    probe: str
    value: float
    change: FloatArray
    total: float
    correlation: float


@dataclass(frozen=True, eq=False, repr=False)
class Prober(ShortRepr):
    """A predictor and the frame it is asked about.

    Attributes
    ----------
    predictor : Predictor
    image : (C, Y, X) array
        As `Predictor.predict_frame` wants it.
    mask : (Y, X) bool array
    pixel_size : PixelSize
    before : (2, Y, X) array
        Traction of the unchanged image.
    channel : int
        Which is changed.
    """

    predictor: Predictor
    image: FloatArray
    mask: BoolArray
    pixel_size: PixelSize
    before: FloatArray
    channel: int = 0

    @classmethod
    def of(
        cls,
        predictor: Predictor,
        image: FloatArray,
        mask: BoolArray,
        pixel_size: PixelSize,
        channel: int = 0,
    ) -> Prober:
        """Predict the unchanged image, and return the prober."""
        before = predictor.predict_frame(image, mask, pixel_size).traction
        return cls(predictor, image, mask, pixel_size, before, channel)

    @property
    def protein(self) -> FloatArray:
        """The channel that is changed, ``(Y, X)``."""
        protein: FloatArray = self.image[self.channel]
        return protein

    def response_to(self, probe: str, value: float, changed: npt.NDArray[np.floating]) -> Response:
        """Predict with an image ``(Y, X)`` in place of the protein, and compare."""
        image = self.image.astype(np.float32)
        image[self.channel] = changed
        after = self.predictor.predict_frame(image, self.mask, self.pixel_size).traction
        before, now = self.before[:, self.mask], after[:, self.mask]
        summed = np.hypot(*before).sum() or 1.0
        both = np.sqrt(np.sum(before**2) * np.sum(now**2)) or 1.0
        correlation = float(np.sum(before * now) / both)
        return Response(probe, value, after - self.before, float(np.hypot(*now).sum() / summed), correlation)

    def without_adhesion(self, adhesion: BoolArray, number: float = 0.0) -> Response:
        """Take out an adhesion, ``(Y, X)`` bool: what lies around it is carried into its place."""
        return self.response_to(OCCLUSION, number, fill_hole(self.protein, adhesion, self.pixel_size))

    def low_passed(self, length: float) -> Response:
        """Blur the image with a Gaussian of `length` µm."""
        return self.response_to(LOW_PASS, length, self._blurred(length))

    def high_passed(self, length: float) -> Response:
        """Take away what a Gaussian of `length` µm leaves, about the cell's mean."""
        z = self.protein
        sharp = np.maximum(z - self._blurred(length) + float(z[self.mask].mean()), 0)
        return self.response_to(HIGH_PASS, length, np.where(self.mask, sharp, z))

    def with_brightness(self, factor: float) -> Response:
        """Multiply the brightness."""
        return self.response_to(BRIGHTNESS, factor, factor * self.protein)

    def _blurred(self, length: float) -> npt.NDArray[np.floating]:
        return ndimage.gaussian_filter(self.protein, length / self.pixel_size.micron)


def find_adhesions(protein: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> npt.NDArray[np.int32]:
    """Return the adhesions as labels ``(Y, X)``, 1 the strongest; 0 elsewhere.

    They are the tops of `napari_cellforce.models.filters.adhesions`, down to a quarter of their peak or
    to where they meet a stronger one.

    Raises
    ------
    CellForceError
        If there are none.
    """
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    strength = adhesions(protein, mask, pixel_size)
    apart = max(1, round(1.36 / pixel_size.micron))
    peaks = peak_local_max(strength, min_distance=apart, threshold_rel=0.1, labels=mask.astype(np.int32))
    if not len(peaks):
        raise CellForceError(
            "the image shows no adhesions inside the mask",
            "there must be one to take out",
            "Check the channel and the mask.",
            topic=Topic.CHANNEL,
        )
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels: npt.NDArray[np.int32] = watershed(-strength, markers, mask=mask)
    top = np.concatenate([[np.inf], strength[tuple(peaks.T)]])
    return np.where(strength >= _EDGE_SHARE * top[labels], labels, 0)


def adhesion_at(labels: npt.NDArray[np.int32], at: tuple[float, float], pixel_size: PixelSize) -> BoolArray:
    """Return the adhesion closest to a click at (y, x) in pixels.

    Raises
    ------
    CellForceError
        If there is none within 5 µm.
    """
    places = np.argwhere(labels > 0)
    distance = np.hypot(*(places - np.asarray(at)).T) * pixel_size.micron
    if distance.min() > _CLICK_RADIUS:
        raise CellForceError(
            f"the adhesion closest to ({at[0]:.0f}, {at[1]:.0f}) is {distance.min():.0f} µm away",
            f"it must be within {_CLICK_RADIUS:g} µm",
            "Choose a position on an adhesion.",
            topic=Topic.POSITION,
        )
    found: BoolArray = labels == labels[tuple(places[distance.argmin()])]
    return found


def fill_hole(image: FloatArray, hole: BoolArray, pixel_size: PixelSize) -> FloatArray:
    """Return an image ``(Y, X)`` with a hole filled by the mean around it, weighted with a Gaussian."""
    sigma = _SURROUND / pixel_size.micron
    around = ndimage.binary_dilation(hole, iterations=max(1, round(0.7 / pixel_size.micron)))
    weight = ndimage.gaussian_filter((~around).astype(np.float64), sigma)
    mean = ndimage.gaussian_filter(np.where(around, 0.0, image), sigma) / np.maximum(weight, 1e-12)
    return np.where(around, np.minimum(image, mean), image).astype(np.float32)


def change_by_distance(
    change: FloatArray, adhesion: BoolArray, mask: BoolArray, pixel_size: PixelSize, bin_width: float = 2.0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the mean of |change| against the distance from an adhesion's edge, inside the mask.

    Returns
    -------
    distance : (B,) array
        Middles of the bins, in µm.
    change : (B,) array
        In the unit of `change`; NaN in bins without pixels.
    """
    distance = ndimage.distance_transform_edt(~adhesion)[mask] * pixel_size.micron
    size = np.hypot(*change)[mask].astype(np.float64)
    place = (distance // bin_width).astype(np.int64)
    count = np.bincount(place)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(place, size) / count
    middles = (np.arange(len(count)) + 0.5) * bin_width
    return np.asarray(middles, dtype=np.float64), mean


_COLUMNS = {"total": "|F| over unchanged", "correlation": "likeness of the vectors"}


def write_probes(
    job: Prediction, baselines: Baselines | None, config: ExplainConfig, folder: Path
) -> Iterator[Progress | WrittenFile]:
    """Probe one frame and write what comes of it.

    Raises
    ------
    CellForceError
        If there is no such frame, or no adhesion where one is to be taken out.
    """
    t = _frame(job, config.probe_frame)
    channel = job.predictor.record.inputs.index(first_protein(job))
    image, mask = job.inputs(t, baselines), job.mask.frame(t)
    prober = Prober.of(job.predictor, image, mask, job.pixel_size, channel)
    adhesions = _adhesions(prober, config)
    count = len(adhesions) + 2 * len(LENGTHS) + len(FACTORS)
    responses: list[Response] = []
    for response in _responses(prober, adhesions):
        responses.append(response)
        yield Progress("Probing the model", len(responses), count)
    stem = folder / f"{job.stack.name}_probes"
    yield WrittenFile("probes", _write_changes(job, responses, adhesions, mask, t, stem))
    tables = curves(responses)
    tables["adhesion taken out"] = _by_distance(responses, adhesions, mask, job)
    for name, table in tables.items():
        path = stem.with_name(f"{stem.name}_{name.replace(' ', '_')}.csv")
        yield WrittenFile("probes", write_table(path, table))
    for path in save(probes_figure(tables), stem):
        yield WrittenFile("probes", path)


def curves(responses: list[Response]) -> dict[str, pd.DataFrame]:
    """Return a table for each of the filters and the brightness."""
    along = {LOW_PASS: "Gaussian [µm]", HIGH_PASS: "Gaussian [µm]", BRIGHTNESS: "factor"}
    tables = {}
    for probe, column in along.items():
        rows = [
            {column: r.value, **{title: getattr(r, key) for key, title in _COLUMNS.items()}}
            for r in responses
            if r.probe == probe
        ]
        tables[probe] = pd.DataFrame(rows)
    return tables


def _frame(job: Prediction, frame: int) -> int:
    if 0 <= frame < job.stack.n_frames:
        return frame
    raise CellForceError(
        f"frame {frame} is to be probed", f"{job.stack.name} has {job.stack.n_frames}, counted from 0",
        "Choose one of these.", topic=Topic.FRAMES,
    )  # fmt: skip


def _adhesions(prober: Prober, config: ExplainConfig) -> list[BoolArray]:
    labels = find_adhesions(prober.protein, prober.mask, prober.pixel_size)
    if config.probe_at is not None:
        return [adhesion_at(labels, config.probe_at, prober.pixel_size)]
    return [labels == n for n in range(1, min(config.probe_adhesions, int(labels.max())) + 1)]


def _responses(prober: Prober, adhesions: list[BoolArray]) -> Iterator[Response]:
    for number, adhesion in enumerate(adhesions, start=1):
        yield prober.without_adhesion(adhesion, number)
    for length in LENGTHS:
        yield prober.low_passed(length)
        yield prober.high_passed(length)
    for factor in FACTORS:
        yield prober.with_brightness(factor)


def _write_changes(
    job: Prediction,
    responses: list[Response],
    adhesions: list[BoolArray],
    mask: BoolArray,
    t: int,
    stem: Path,
) -> Path:
    """Write the change by every adhesion taken out, one a frame."""
    changes = np.stack([r.change for r in responses[: len(adhesions)]]).astype(np.float32)
    field = VectorField(
        changes,
        "traction",
        job.predictor.record.output_unit,
        job.pixel_size,
        mask=np.broadcast_to(mask, (len(changes), *mask.shape)),
        name=f"change of {job.stack.name}, frame {t}, adhesion by adhesion",
        provenance=job.provenance(),
    )
    return write_field(stem.with_name(f"{stem.name}_adhesion_changes.ome.tif"), field)


def _by_distance(
    responses: list[Response], adhesions: list[BoolArray], mask: BoolArray, job: Prediction
) -> pd.DataFrame:
    columns = {}
    for number, (response, adhesion) in enumerate(zip(responses, adhesions, strict=False), start=1):
        distance, change = change_by_distance(response.change, adhesion, mask, job.pixel_size)
        columns[f"adhesion {number}: mean |change| [{job.predictor.record.output_unit}]"] = pd.Series(
            change, index=distance
        )
    return pd.DataFrame(columns).rename_axis("distance [µm]").reset_index()


def probes_figure(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the curves of the probes, one panel each; the first column is along x."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(curves), 3.2), layout="constrained")
    for axes, (title, table) in zip(
        figure.subplots(1, len(curves), squeeze=False).flat, curves.items(), strict=True
    ):
        along = table.columns[0]
        for colour, column in zip(COLOURS, table.columns[1:], strict=False):
            axes.plot(table[along], table[column], marker="o", markersize=3, color=colour, label=column)
        axes.set(xlabel=along, title=title)
        axes.legend(frameon=False, fontsize="small")
    return figure
