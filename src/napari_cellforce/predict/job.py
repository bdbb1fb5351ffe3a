"""The prediction job: apply a predictor to every frame of a stack, as a generator that can be stopped."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np

from napari_cellforce import __version__
from napari_cellforce.config_io import to_mapping
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import (
    PASCAL,
    BoolArray,
    FloatArray,
    FrameResult,
    ImageStack,
    Mask,
    PixelSize,
    Progress,
    Provenance,
    ShortRepr,
    Unit,
)
from napari_cellforce.io.validate import check_frame
from napari_cellforce.models import registry
from napari_cellforce.models.record import MASK_INPUT, BatchPredictor, Predictor
from napari_cellforce.predict.config import PredictConfig
from napari_cellforce.predict.inputs import (
    automatic_mask,
    check_calibration,
    check_mask,
    check_traction,
    choose_channels,
    choose_pixel_size,
)
from napari_cellforce.predict.prefetch import one_by_one, prefetch
from napari_cellforce.preprocess.normalise import BaselineMeter, Baselines, normalise
from napari_cellforce.results import frame_row
from napari_cellforce.resume import Fingerprint


@dataclass(frozen=True, eq=False, repr=False)
class _Frame(ShortRepr):
    """A frame as input of the model."""

    t: int
    image: FloatArray
    mask: BoolArray


@dataclass
class _Chunk:
    """Frames that were read, and the error that ended the reading."""

    frames: list[_Frame]
    error: Exception | None = None


@dataclass(frozen=True)
class Prediction:
    """A validated prediction job; created by `prepare`.

    Attributes
    ----------
    stack : ImageStack
    predictor : Predictor
    mask : Mask
    pixel_size : PixelSize
    channels : tuple of int
        Channel of the stack for each protein of the model.
    config : PredictConfig
    started : str
        ISO 8601 in UTC.
    """

    stack: ImageStack
    predictor: Predictor
    mask: Mask
    pixel_size: PixelSize
    channels: tuple[int, ...]
    config: PredictConfig
    started: str

    @property
    def unit(self) -> Unit:
        """Unit of the tractions: Pa if calibrated, else that of the model's record."""
        return PASCAL if self.config.calibration else self.predictor.record.output_unit

    def scalar_unit(self, name: str) -> str:
        """Return the unit of a scalar field of the model; forces have `unit`."""
        unit = registry.scalar_unit(name, self.predictor.record)
        return self.unit if unit == self.predictor.record.output_unit else unit

    def run(
        self, frames: range | None = None, baselines: Baselines | None = None, *, read_ahead: bool = False
    ) -> Generator[Progress | FrameResult]:
        """Predict frame by frame, with memory that does not grow with the number of frames.

        A predictor that accepts several frames at once, such as a network on a GPU, gets them in batches.

        Parameters
        ----------
        frames : range, optional
            Frames to predict; all by default.
        baselines : Baselines, optional
            Result of `measure_baselines`, if a job is run in parts; by default measured here.
        read_ahead : bool
            Read the next frames in a thread while a frame is predicted.

        Yields
        ------
        Progress
            While the brightness of the cell is measured over all frames.
        FrameResult
            One per frame, in order; traction ``(2, Y, X)`` in (y, x) and `unit`.

        Raises
        ------
        CellForceError
            At the first frame that cannot be predicted; results yielded before remain valid.
        """
        if baselines is None:
            baselines = yield from self.measure_baselines()
        frames = range(self.stack.n_frames) if frames is None else frames
        at_once = getattr(self.predictor, "frames_at_once", 1)
        chunks = [frames[start : start + at_once] for start in range(0, len(frames), at_once)]
        read = partial(self._read, baselines=baselines)
        with contextlib.closing((prefetch if read_ahead else one_by_one)(read, chunks)) as chunks_read:
            for chunk in chunks_read:
                yield from self._predict_chunk(chunk)

    def measure_baselines(self) -> Generator[Progress, None, Baselines | None]:
        """Measure the cell's brightness over all frames; returns None if the model does not need it."""
        as_it_is = self.config.already_normalised or self.predictor.record.normalisation == "none"
        if as_it_is or not self.channels:
            return None
        meter = BaselineMeter()
        for t in range(self.stack.n_frames):
            yield Progress("Measuring the cell's brightness", t, self.stack.n_frames)
            meter.add(self._image(t), self.mask.frame(t))
        return meter.baselines()

    def row(self, result: FrameResult) -> dict[str, float]:
        """Return the row of a frame in the summary table, with units in the column names."""
        mask = self.mask.frame(result.frame) if result.mask is None else result.mask
        return frame_row(
            result.frame, result.traction, mask, self.pixel_size, self.unit, self.stack.frame_interval
        )

    def provenance(self) -> Provenance:
        """Return the provenance of the results, for layers and files."""
        record = self.predictor.record
        path = Path(self.stack.path)
        fingerprint = dataclasses.asdict(Fingerprint.of(path)) if self.stack.path and path.is_file() else {}
        settings = to_mapping(self.config) | {
            "run": to_mapping(self.config.run) | {"model": record.name, **self._backend_settings()},
            "channels": [self.stack.channel_names[c] for c in self.channels],
            "mask": self.mask.source,
            "pixel_size [µm]": self.pixel_size.micron,
            "pixel_size_source": self.pixel_size.source,
            "output_scale": record.output_scale,
            **self._backend_settings(),
        }
        return Provenance(
            model=record.name,
            model_sha256=record.sha256,
            version=__version__,
            settings=settings,
            input_file=self.stack.path,
            input_fingerprint=fingerprint,
            date=self.started,
        )

    def _backend_settings(self) -> dict[str, object]:
        """Return backend and number of samples of a network; empty for other predictors."""
        network = {name: getattr(self.predictor, name, None) for name in ("backend", "samples")}
        return {name: value for name, value in network.items() if value is not None}

    def inputs(self, t: int, baselines: Baselines | None) -> FloatArray:
        """Return what the model sees of a frame, ``(C, Y, X)``, normalised; `baselines` from `measure`."""
        record = self.predictor.record
        image = self._image(t)
        if baselines is not None:
            image = normalise(image, baselines, record.normalisation, shared=record.shared_baselines)
        return self._inputs(image, self.mask.frame(t))

    def _read(self, frames: range, baselines: Baselines | None) -> _Chunk:
        """Read frames and masks; if one cannot be read, return those before it and the error."""
        chunk = _Chunk([])
        try:
            for t in frames:
                chunk.frames.append(_Frame(t, self.inputs(t, baselines), self.mask.frame(t)))
        except Exception as error:
            chunk.error = error
        return chunk

    def _predict_chunk(self, chunk: _Chunk) -> Iterator[FrameResult]:
        for frame, result in zip(chunk.frames, self._results(chunk.frames), strict=True):
            calibrated = self._calibrated(result)
            check_traction(calibrated.traction, self.predictor.record, self.stack.name, frame.t)
            yield dataclasses.replace(calibrated, frame=frame.t, mask=frame.mask)
        if chunk.error is not None:
            raise chunk.error

    def _results(self, frames: list[_Frame]) -> Iterator[FrameResult]:
        """Predict frames as a batch; one by one if that fails, so that frames before a bad one are kept."""
        together = self._together(frames) if len(frames) > 1 else None
        if together is not None:
            yield from together
            return
        for frame in frames:
            yield self.predictor.predict_frame(frame.image, frame.mask, self.pixel_size)

    def _together(self, frames: list[_Frame]) -> Sequence[FrameResult] | None:
        predictor = cast("BatchPredictor", self.predictor)
        images, masks = [frame.image for frame in frames], [frame.mask for frame in frames]
        with contextlib.suppress(CellForceError):
            return predictor.predict_frames(images, masks, self.pixel_size)
        return None

    def _image(self, t: int) -> FloatArray:
        """Read the protein channels of a frame, ``(C, Y, X)``, and validate them."""
        image = self.stack.frame(t, self.channels)
        check_frame(image, name=self.stack.name, frame=t)
        return image

    def _inputs(self, image: FloatArray, mask: BoolArray) -> FloatArray:
        """Return the input channels of the model: the proteins, and the mask if the model uses it."""
        proteins = iter(image)
        channels = [mask if name == MASK_INPUT else next(proteins) for name in self.predictor.record.inputs]
        return np.stack(channels).astype(np.float32, copy=False)

    def _calibrated(self, result: FrameResult) -> FrameResult:
        if not self.config.calibration:
            return result
        factor = np.float32(self.config.calibration / self.predictor.record.output_scale)
        uncertainty = None if result.uncertainty is None else result.uncertainty * factor
        forces = {s: v * factor for s, v in result.scalars.items() if self.scalar_unit(s) == self.unit}
        traction, scalars = result.traction * factor, {**result.scalars, **forces}
        return dataclasses.replace(result, traction=traction, uncertainty=uncertainty, scalars=scalars)


def prepare(
    stack: ImageStack,
    predictor: Predictor,
    mask: Mask | None = None,
    pixel_size: PixelSize | None = None,
    config: PredictConfig | None = None,
) -> Prediction:
    """Validate everything that can be validated before the first frame, and return the job.

    Parameters
    ----------
    stack : ImageStack
    predictor : Predictor
    mask : Mask, optional
        Mask of the cell; by default it is detected frame by frame.
    pixel_size : PixelSize, optional
        In µm; by default that of the settings, else the stack's own.
    config : PredictConfig, optional

    Raises
    ------
    CellForceError
        If the pixel size is missing or not square, a channel is not there, the mask does not fit,
        or the calibration is not a positive number.

    Warns
    -----
    CellForceWarning
        If the pixel size is more than five times off the model's.
    """
    config = config or PredictConfig()
    record = predictor.record
    size = choose_pixel_size(stack, record, pixel_size or config.run.size)
    channels = choose_channels(stack, record, config.channels)
    check_calibration(config.calibration, record)
    if mask is None:
        mask = automatic_mask(stack, channels[0] if channels else 0, size, config)
    check_mask(mask, stack)
    return Prediction(
        stack, predictor, mask, size, channels, config, datetime.now(UTC).isoformat(timespec="seconds")
    )


def predict(
    stack: ImageStack,
    predictor: Predictor,
    mask: Mask | None = None,
    pixel_size: PixelSize | None = None,
    config: PredictConfig | None = None,
) -> Iterator[FrameResult]:
    """Predict the traction of every frame; see `prepare` for parameters and errors.

    Yields
    ------
    FrameResult
        Traction ``(2, Y, X)`` in (y, x), in Pa or normalised as ``predictor.record`` says.
    """
    job = prepare(stack, predictor, mask, pixel_size, config)
    return (record for record in job.run() if isinstance(record, FrameResult))
