"""Steps of a measurement (drift, displacement, regularisation, traction), their results and validity."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import affine_transform

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import MICROMETRE, PASCAL, FloatArray, PixelSize, Progress, VectorField
from napari_cellforce.io.measured import ORIGIN
from napari_cellforce.physics.displacement import DisplacementResult, Drift, displacement_field, find_drift
from napari_cellforce.physics.regularisation import RegularisationChoice
from napari_cellforce.tfm import (
    TfmConfig,
    TfmFrame,
    TfmJob,
    TfmResult,
    compute_tractions,
    invert_displacements,
)
from napari_cellforce.widgets.shared.measured_fields import MEASURED

DRIFT, DISPLACEMENT, REGULARISATION, TRACTION = STEPS = (
    "drift",
    "displacement",
    "regularisation",
    "traction",
)


def describe_result(step: str, result: Any) -> str:
    """Return a summary of the result of a step in one line."""
    describe: dict[str, Callable[[Any], str]] = {
        DRIFT: _drift,
        DISPLACEMENT: _displacement,
        REGULARISATION: _choice,
        TRACTION: _traction,
    }
    return describe[step](result)


def _drift(drifts: list[Drift]) -> str:
    y, x = max((drift.shift for drift in drifts), key=lambda shift: float(np.hypot(*shift)))
    turned = f", {np.degrees(drifts[0].angle):.2f}° turned" if drifts[0].angle else ""
    most = "at most " if len(drifts) > 1 else ""
    up_down, left_right = "up" if y < 0 else "down", "left" if x < 0 else "right"
    return f"{most}{abs(y):.1f} px {up_down}, {abs(x):.1f} px {left_right}{turned}"


def _displacement(displacements: list[DisplacementResult]) -> str:
    top = max(float(np.percentile(np.hypot(*result.displacement), 99.5)) for result in displacements)
    replaced = float(np.mean([result.replaced_fraction for result in displacements]))
    shape = displacements[0].displacement.shape[1:]
    return f"{shape[0]} x {shape[1]} vectors up to {top:.1f} px, {100 * replaced:.1f} % replaced"


def _choice(choice: RegularisationChoice) -> str:
    return f"lambda {choice.regularisation:.3g} µm/Pa, noise {choice.traction_noise:.0f} Pa"


def _traction(result: TfmResult) -> str:
    frames = result.traction.data
    top = max(float(np.percentile(np.hypot(*np.asarray(frame)), 99.5)) for frame in frames)
    many = f"{len(frames)} frames, " if len(frames) > 1 else ""
    return f"{many}up to {top:.0f} Pa (99.5th percentile)"


@dataclass(frozen=True)
class StepResult:
    """Result of a step.

    Attributes
    ----------
    step : str
        One of `STEPS`.
    result : object
        Drifts or displacements of all frames, a `RegularisationChoice`, or a `TfmResult`.
    key : hashable
        Settings and inputs on which the result depends.
    summary : str
        Summary of the result in one line.
    """

    step: str
    result: Any = field(compare=False)
    key: Hashable
    summary: str

    @classmethod
    def of(cls, step: str, result: Any, keys: dict[str, Hashable]) -> StepResult:
        """Return the result of a step with its summary, which may take some time to compute."""
        return cls(step, result, keys[step], describe_result(step, result))


class StepResults:
    """Stores the result of each step with the key of the settings on which it depends."""

    def __init__(self) -> None:
        self._done: dict[str, StepResult] = {}

    def store(self, done: StepResult) -> None:
        """Store the result of a step."""
        self._done[done.step] = done

    def valid_result(self, step: str, keys: dict[str, Hashable]) -> Any:
        """Return the result of a step; None if it is missing or out of date."""
        done = self._done.get(step)
        return done.result if done is not None and done.key == keys.get(step) else None

    def is_stale(self, step: str, keys: dict[str, Hashable]) -> bool:
        """Return True if the result of a step was computed with other settings."""
        return step in self._done and self.valid_result(step, keys) is None

    def summary(self, step: str) -> str:
        """Return the summary of a step, also if out of date; empty if it is missing."""
        done = self._done.get(step)
        return "" if done is None else done.summary

    def invalidate_from(self, step: str) -> None:
        """Remove the results of a step and of all later steps."""
        for later in STEPS[STEPS.index(step) :]:
            self._done.pop(later, None)


def step_keys(config: TfmConfig, source: Hashable, place: Hashable) -> dict[str, Hashable]:
    """Return the key of each step; it includes the keys of the steps before.

    Parameters
    ----------
    config : TfmConfig
    source : hashable
        Key of the images.
    place : hashable
        Key of pixel size and mask.
    """
    beads = config.displacement
    drift = (source, beads.drift, max(beads.windows))
    displacement = (drift, beads)
    inversion = (displacement, place, dataclasses.replace(config, displacement=type(beads)()))
    return dict(zip(STEPS, (drift, displacement, inversion, inversion), strict=True))


def measure_steps(
    make: Callable[[], TfmJob], steps: StepResults, keys: dict[str, Hashable], last: str
) -> Iterator[Progress | TfmJob | StepResult]:
    """Create a job, yield it, then run the steps without a valid result, up to step `last`."""
    yield Progress("Reading the images", 0, 0)
    job = make()
    yield job
    yield from run_steps(job, steps, keys, last)


def run_steps(
    job: TfmJob, steps: StepResults, keys: dict[str, Hashable], last: str
) -> Iterator[Progress | StepResult]:
    """Run the steps without a valid result, up to step `last`; yield progress and results."""
    drifts = steps.valid_result(DRIFT, keys)
    if drifts is None:
        drifts = []
        for t, image in enumerate(_images(job)):
            yield Progress("Finding the drift", t, job.loaded.n_frames)
            drifts.append(find_drift(job.reference, image, job.config.displacement))
        yield StepResult.of(DRIFT, drifts, keys)
    if last == DRIFT:
        return
    displacements = steps.valid_result(DISPLACEMENT, keys)
    if displacements is None:
        displacements = []
        for t, image in enumerate(_images(job)):
            yield Progress("Tracking the beads", t, job.loaded.n_frames)
            displacements.append(displacement_field(job.reference, image, job.config.displacement, drifts[t]))
        yield StepResult.of(DISPLACEMENT, displacements, keys)
    if last != DISPLACEMENT:
        yield from _invert(job, displacements, keys, last)


def invert_displacement(
    displacement: VectorField, window: float, config: TfmConfig, keys: dict[str, Hashable]
) -> Iterator[Any]:
    """Compute the traction of an imported displacement; `window` is the PIV window side in grid spacings."""
    data = np.asarray(displacement.data)
    if not np.isfinite(data).all():
        raise CellForceError(
            f"{displacement.name} has NaN or infinite values",
            "the Fourier transform requires all vectors",
            "Fill the gaps with the mean of their neighbours, or crop the field.",
            topic=Topic.INPUT,
        )
    yield Progress("Computing tractions", 0, len(data))
    results = invert_displacements(data, displacement.pixel_size.micron, config, window)
    choice = results[0][1]
    yield StepResult.of(REGULARISATION, choice, keys)
    settings = {**displacement.provenance.settings, **dataclasses.asdict(config)}
    traction = dataclasses.replace(
        displacement,
        data=np.stack([traction for traction, _ in results]),
        quantity="traction",
        unit=PASCAL,
        provenance=dataclasses.replace(displacement.provenance, model=MEASURED, settings=settings),
    )
    yield StepResult.of(TRACTION, TfmResult(traction, displacement, choice), keys)


def _images(job: TfmJob) -> Iterator[Any]:
    for t in range(job.loaded.n_frames):
        yield job.loaded.frame(t, (job.channel,))[0]


def _invert(
    job: TfmJob, displacements: list[DisplacementResult], keys: dict[str, Hashable], last: str
) -> Iterator[Progress | StepResult]:
    frames: list[FloatArray] = []
    first: RegularisationChoice | None = None
    for record in compute_tractions(job, displacements):
        choice = record if isinstance(record, RegularisationChoice) else getattr(record, "choice", None)
        if choice is not None and first is None:
            first = choice
            yield StepResult.of(REGULARISATION, choice, keys)
            if last == REGULARISATION:
                return
        if isinstance(record, TfmFrame):
            frames.append(record.traction)
        elif isinstance(record, Progress):
            yield record
    assert first is not None
    yield StepResult.of(TRACTION, TfmResult.of(job, frames, displacements, first), keys)


def drift_corrected(job: TfmJob, drifts: list[Drift]) -> Any:
    """Return the drift-corrected loaded images, ``(T, Y, X)``, as a lazy dask array."""
    import dask
    import dask.array as da  # takes 0.6 s to load

    moved = dask.delayed(_undo_drift)
    frames = [
        da.from_delayed(moved(job, t, drift), job.loaded.shape, np.float32) for t, drift in enumerate(drifts)
    ]
    return da.stack(frames)


def _undo_drift(job: TfmJob, t: int, drift: Drift) -> npt.NDArray[np.float32]:
    image = job.loaded.frame(t, (job.channel,))[0]
    centre = (np.array(job.loaded.shape) - 1) / 2
    cosine, sine = np.cos(drift.angle), np.sin(drift.angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    moved: npt.NDArray[np.float32] = affine_transform(
        image, turn, centre + drift.shift - turn @ centre, order=1, output=np.float32
    )
    return moved


def displacement_of(job: TfmJob, displacements: list[DisplacementResult]) -> VectorField:
    """Return measured displacements on the grid of their windows, in µm."""
    size, one = job.pixel_size.micron, displacements[0]
    origin = [(float(at[0]) + 0.5 - one.step / 2) * size for at in (one.y, one.x)]
    provenance = job.provenance()
    settings = {**provenance.settings, ORIGIN: origin}
    return VectorField(
        np.stack([result.displacement * size for result in displacements]).astype(np.float32),
        "displacement",
        MICROMETRE,
        PixelSize.square(one.step * size),
        job.loaded.frame_interval,
        name=job.loaded.name,
        provenance=dataclasses.replace(provenance, settings=settings),
    )
