"""Drift, displacement, regularisation, traction: what is done, and what a changed setting has made stale."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import affine_transform

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import MICROMETRE, PASCAL, FloatArray, PixelSize, VectorField
from napari_cellforce.io.measured import ORIGIN
from napari_cellforce.physics.displacement import DisplacementResult, Drift, displacement_field, find_drift
from napari_cellforce.physics.regularisation import Choice
from napari_cellforce.predict import Progress
from napari_cellforce.tfm import TfmConfig, TfmFrame, TfmJob, TfmResult, from_displacements, tractions
from napari_cellforce.widgets.tfm.words import DISPLACEMENT, DRIFT, REGULARISATION, STEPS, TRACTION, words_of
from napari_cellforce.widgets.view.measured_fields import MEASURED


@dataclass(frozen=True)
class Done:
    """What came of a step.

    Attributes
    ----------
    step : str
        One of `STEPS`.
    result : object
        Drifts or displacements of all frames, a `Choice`, or a `TfmResult`.
    key : hashable
        What it depends on.
    summary : str
        What came of it, for people.
    """

    step: str
    result: Any = field(compare=False)
    key: Hashable
    summary: str

    @classmethod
    def of(cls, step: str, result: Any, keys: dict[str, Hashable]) -> Done:
        """Return the result of a step; looks through it for the words, which may take a moment."""
        return cls(step, result, keys[step], words_of(step, result))


class Steps:
    """Keeps the result of each step as long as nothing it depends on has changed."""

    def __init__(self) -> None:
        self._done: dict[str, Done] = {}

    def take(self, done: Done) -> None:
        """Keep what came of a step."""
        self._done[done.step] = done

    def fresh(self, step: str, keys: dict[str, Hashable]) -> Any:
        """Return the result of a step; None if it is not done, or stale."""
        done = self._done.get(step)
        return done.result if done is not None and done.key == keys.get(step) else None

    def stale(self, step: str, keys: dict[str, Hashable]) -> bool:
        """Return whether a step was done with other settings than the present ones."""
        return step in self._done and self.fresh(step, keys) is None

    def summary(self, step: str) -> str:
        """Return what came of a step, stale or not; empty if it is not done."""
        done = self._done.get(step)
        return "" if done is None else done.summary

    def forget_from(self, step: str) -> None:
        """Have a step and those after it done again."""
        for later in STEPS[STEPS.index(step) :]:
            self._done.pop(later, None)


def keys_of(config: TfmConfig, source: Hashable, place: Hashable) -> dict[str, Hashable]:
    """Return what each step depends on; each includes what those before it do.

    Parameters
    ----------
    config : TfmConfig
    source : hashable
        The images.
    place : hashable
        Pixel size and mask.
    """
    beads = config.displacement
    drift = (source, beads.drift, max(beads.windows))
    displacement = (drift, beads)
    inversion = (displacement, place, dataclasses.replace(config, displacement=type(beads)()))
    return dict(zip(STEPS, (drift, displacement, inversion, inversion), strict=True))


def measure_steps(
    make: Callable[[], TfmJob], steps: Steps, keys: dict[str, Hashable], last: str
) -> Iterator[Progress | TfmJob | Done]:
    """Make a job, yield it, then do what is not fresh, up to the step `last`."""
    yield Progress("Reading the images", 0, 0)
    job = make()
    yield job
    yield from run_steps(job, steps, keys, last)


def run_steps(job: TfmJob, steps: Steps, keys: dict[str, Hashable], last: str) -> Iterator[Progress | Done]:
    """Do what is not fresh, up to the step `last`; yields as it goes."""
    drifts = steps.fresh(DRIFT, keys)
    if drifts is None:
        drifts = []
        for t, image in enumerate(_images(job)):
            yield Progress("Finding the drift", t, job.loaded.n_frames)
            drifts.append(find_drift(job.reference, image, job.config.displacement))
        yield Done.of(DRIFT, drifts, keys)
    if last == DRIFT:
        return
    found = steps.fresh(DISPLACEMENT, keys)
    if found is None:
        found = []
        for t, image in enumerate(_images(job)):
            yield Progress("Following the beads", t, job.loaded.n_frames)
            found.append(displacement_field(job.reference, image, job.config.displacement, drifts[t]))
        yield Done.of(DISPLACEMENT, found, keys)
    if last != DISPLACEMENT:
        yield from _invert(job, found, keys, last)


def traction_of(
    displacement: VectorField, window: float, config: TfmConfig, keys: dict[str, Hashable]
) -> Iterator[Any]:
    """Invert a displacement that was measured elsewhere, with windows of so many vectors; as `run_steps`."""
    data = np.asarray(displacement.data)
    if not np.isfinite(data).all():
        raise CellForceError(
            f"{displacement.name} has NaN or infinite values",
            "the Fourier transform needs every vector",
            "Fill the gaps with their neighbours' mean, or cut them off.",
            topic="input",
        )
    yield Progress("Computing tractions", 0, len(data))
    results = from_displacements(data, displacement.pixel_size.micron, config, window)
    choice = results[0][1]
    yield Done.of(REGULARISATION, choice, keys)
    settings = {**displacement.provenance.settings, **dataclasses.asdict(config)}
    traction = dataclasses.replace(
        displacement,
        data=np.stack([traction for traction, _ in results]),
        quantity="traction",
        unit=PASCAL,
        provenance=dataclasses.replace(displacement.provenance, model=MEASURED, settings=settings),
    )
    yield Done.of(TRACTION, TfmResult(traction, displacement, choice), keys)


def _images(job: TfmJob) -> Iterator[Any]:
    for t in range(job.loaded.n_frames):
        yield job.loaded.frame(t, (job.channel,))[0]


def _invert(
    job: TfmJob, found: list[DisplacementResult], keys: dict[str, Hashable], last: str
) -> Iterator[Progress | Done]:
    frames: list[FloatArray] = []
    first: Choice | None = None
    for record in tractions(job, found):
        choice = record if isinstance(record, Choice) else getattr(record, "choice", None)
        if choice is not None and first is None:
            first = choice
            yield Done.of(REGULARISATION, choice, keys)
            if last == REGULARISATION:
                return
        if isinstance(record, TfmFrame):
            frames.append(record.traction)
        elif isinstance(record, Progress):
            yield record
    assert first is not None
    yield Done.of(TRACTION, TfmResult.of(job, frames, found, first), keys)


def in_place(job: TfmJob, drifts: list[Drift]) -> Any:
    """Return the loaded images with the drift taken off, ``(T, Y, X)``, as dask: made when looked at."""
    import dask
    import dask.array as da  # takes 0.6 s to load

    moved = dask.delayed(_moved_back)
    frames = [
        da.from_delayed(moved(job, t, drift), job.loaded.shape, np.float32) for t, drift in enumerate(drifts)
    ]
    return da.stack(frames)


def _moved_back(job: TfmJob, t: int, drift: Drift) -> npt.NDArray[np.float32]:
    image = job.loaded.frame(t, (job.channel,))[0]
    centre = (np.array(job.loaded.shape) - 1) / 2
    cosine, sine = np.cos(drift.angle), np.sin(drift.angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    moved: npt.NDArray[np.float32] = affine_transform(
        image, turn, centre + drift.shift - turn @ centre, order=1, output=np.float32
    )
    return moved


def displacement_of(job: TfmJob, found: list[DisplacementResult]) -> VectorField:
    """Return measured displacements on the grid of their windows, in µm."""
    size, one = job.pixel_size.micron, found[0]
    origin = [(float(at[0]) + 0.5 - one.step / 2) * size for at in (one.y, one.x)]
    provenance = job.provenance()
    settings = {**provenance.settings, ORIGIN: origin}
    return VectorField(
        np.stack([result.displacement * size for result in found]).astype(np.float32),
        "displacement",
        MICROMETRE,
        PixelSize.square(one.step * size),
        job.loaded.frame_interval,
        name=job.loaded.name,
        provenance=dataclasses.replace(provenance, settings=settings),
    )
