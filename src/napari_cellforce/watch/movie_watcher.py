"""Watching one growing movie: new frames are predicted once they are complete."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import warnings
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from napari_cellforce import __version__
from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import FrameResult, ImageStack
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import OutputPaths, Prediction, predict_to_files, prepare
from napari_cellforce.resume import cache_key, content_hash
from napari_cellforce.text import pluralise
from napari_cellforce.watch.chunked_output import ChunkedOutput
from napari_cellforce.watch.config import State, WatchConfig, WatchEvent
from napari_cellforce.watch.growing_cell import (
    GrowingCell,
    GrowingPrediction,
    Outlines,
    automatic_mask,
    read_proteins,
)
from napari_cellforce.watch.sources import FileState, Source

_CHUNK_FRAMES = 20
"""Most frames in a chunk: what is lost at most when the computer fails."""

_GROWTH = 0.25
"""Fraction by which a movie grows until its joined result is written again."""


class MovieWatcher:
    """Watches one movie; see `napari_cellforce.watch.watch`.

    Parameters
    ----------
    source : Source
    config : WatchConfig
    predictor : Predictor
    state_dir : Path
        Folder for unfinished results.
    stop : threading.Event
        Ends a chunk after the frame that is being predicted.
    """

    def __init__(
        self,
        source: Source,
        config: WatchConfig,
        predictor: Predictor,
        state_dir: Path,
        stop: threading.Event,
    ) -> None:
        self.source = source
        self.paths = OutputPaths.of(config.paths[1], source.name)
        self._config = config
        self._predictor = predictor
        self._state_dir = state_dir
        self._stop = stop
        self._state: FileState | None = None
        self._finished: FileState | None = None
        self._since = 0.0
        self._stack: ImageStack | None = None
        self._problem = ""
        self._names: tuple[str, ...] = ()
        self._late: set[str] = set()
        self._reported: set[str] = set()
        self._output: ChunkedOutput | None = None
        self._cell: GrowingCell | None = None
        self._outlines: Outlines | None = None

    def step(self, now: float) -> Iterator[WatchEvent]:
        """Check the movie once, and predict at most one chunk of what is new.

        Parameters
        ----------
        now : float
            Seconds on a monotonic clock.
        """
        if not self._refresh(now):
            return
        quiet = now - self._since
        patient = quiet < self._config.patience
        if self._state == self._finished:
            event = None if patient else self.finish()
            yield from () if event is None else (event,)
            return
        stack = self._stack
        if stack is None:
            if not patient:
                yield from self._report(self._problem)
            return
        resting = quiet >= self._config.settle
        try:
            yield from self._advance(stack, stack.n_frames - (not resting), patient)
        except CellForceError as error:  # of the whole movie: no pixel size, no such channel
            yield from self._report(str(error))
        if resting and self._output is not None and self._output.next_frame == stack.n_frames:
            self._finished, self._stack = self._state, None  # so many files must not stay open

    def finish(self) -> WatchEvent | None:
        """Update the joined result; return the event if there was anything to do."""
        if self._output is not None and self._output.join():
            return self._event("written")
        return None

    def _refresh(self, now: float) -> bool:
        """Open the movie if it has changed; False if it is not there."""
        try:
            state = self.source.state()
        except OSError:
            return False
        if state != self._state:
            self._state, self._since, self._stack = state, now, None
        if self._stack is None and state != self._finished:
            done = () if self._output is None else self._output.names
            try:
                self._stack, self._names, self._late = self.source.open(self._config.run.z, done)
            except (CellForceError, OSError) as error:
                self._problem = str(error)
        return True

    def _advance(self, stack: ImageStack, ready: int, patient: bool) -> Iterator[WatchEvent]:
        if ready < 1:
            return
        if self._output is None:
            yield self._start(stack)
            self._stack = None  # is opened again with the names of the predicted frames
            return
        output = self._output
        for name in self._late:
            yield from self._report(f"{name} came after a later frame was predicted, and is skipped.")
        start = output.next_frame
        if start > stack.n_frames:
            raise CellForceError(
                f"{self.source.path} has {pluralise(stack.n_frames, 'frame')}, and {start} were predicted",
                "a watched movie can only become longer",
                "If it was replaced, start the watch again.",
                topic=Topic.INPUT,
            )
        if start < ready:
            yield from self._predict(stack, range(start, min(start + _CHUNK_FRAMES, ready)), patient)
            if output.join(at_least=_GROWTH):
                yield self._event("written")

    def _start(self, stack: ImageStack) -> WatchEvent:
        """Start the movie, or resume it where an earlier watch left it, if it is still the same."""
        job = self._job(stack)
        output = ChunkedOutput(self._state_dir, self.paths, _key(job, self._config))
        self._cell = GrowingCell(
            job.pixel_size, self._config.predict.sensitivity, self._config.predict.cell_at
        )
        for frame, mask in output.masks():
            self._cell.add_known(read_proteins(job, frame)[0], mask)
        self._output = output
        output.join()  # chunks that a killed watch has left
        return dataclasses.replace(self._event("found"), frame=output.next_frame, job=job)

    def _job(self, stack: ImageStack) -> Prediction:
        outlines = Outlines((stack.n_frames, *stack.shape))
        if self._outlines is not None:
            outlines.known = self._outlines.known
        self._outlines = outlines
        config = self._config
        with warnings.catch_warnings():
            if self._output is not None:  # warned at the start of the movie
                warnings.simplefilter("ignore", CellForceWarning)
            return prepare(stack, self._predictor, automatic_mask(outlines), config=config.predict)

    def _predict(self, stack: ImageStack, frames: range, patient: bool) -> Iterator[WatchEvent]:
        """Find the cell in all readable frames, then predict these."""
        job = self._job(stack)
        readable, reason = self._find_cell(job, frames)
        if readable:
            yield from self._predict_chunk(job, readable)
        elif frames.start == stack.n_frames - 1 and patient:
            self._stack = None  # the newest may be whole the next time
        else:
            yield from self._skip_frame(frames.start, reason)

    def _find_cell(self, job: Prediction, frames: range) -> tuple[range, str]:
        """Return the frames before the first unusable one, and why that is unusable."""
        assert self._cell is not None
        assert self._outlines is not None
        for t in frames:
            if t in self._outlines.known:
                continue
            try:
                self._outlines.known[t] = self._cell.find(*read_proteins(job, t))
            except (CellForceError, OSError) as error:
                return range(frames.start, t), str(error)
        return frames, ""

    def _predict_chunk(self, job: Prediction, frames: range) -> Generator[WatchEvent]:
        """Predict and write frames; however it ends, the finished ones are kept."""
        assert self._output is not None
        assert self._cell is not None
        assert self._outlines is not None
        needed = next(job.measure_baselines(), None) is not None
        job = GrowingPrediction.of(job, self._cell.measured)
        baselines = self._cell.baselines() if needed else None
        failure = ""
        try:
            records = predict_to_files(job, self._output.paths(frames.start), frames, baselines)
            with contextlib.closing(records):
                for record in records:
                    if isinstance(record, FrameResult):
                        yield self._event("frame", record.frame, result=record, row=job.row(record))
                    if self._stop.is_set():
                        break
        except CellForceError as error:
            if error.topic == Topic.OUTPUT:  # the next frame would not fare better
                raise
            failure = str(error)
        finally:
            self._output.add_chunk(frames.start)
            if self._names:
                self._output.set_frame_names(self._names)
            for t in [t for t in self._outlines.known if t < self._output.next_frame]:
                del self._outlines.known[t]
        if failure:
            yield from self._skip_frame(self._output.next_frame, failure)

    def _skip_frame(self, frame: int, reason: str) -> Iterator[WatchEvent]:
        assert self._output is not None
        self._output.skip(frame, reason)
        if self._names:
            self._output.set_frame_names(self._names)
        yield self._event("failed", frame, reason=reason)

    def _report(self, reason: str) -> Iterator[WatchEvent]:
        """Report a reason once."""
        if reason not in self._reported:
            self._reported.add(reason)
            yield self._event("failed", reason=reason)

    def _event(
        self,
        state: State,
        frame: int = -1,
        *,
        result: FrameResult | None = None,
        row: Mapping[str, float] | None = None,
        reason: str = "",
    ) -> WatchEvent:
        known = len(self._output.frames) if self._output is not None else 0
        frames = known if self._stack is None or state == "written" else self._stack.n_frames
        return WatchEvent(
            state, self.source.name, frames, result, row or {}, self._stack, self.paths, frame, reason
        )


def _key(job: Prediction, config: WatchConfig) -> str:
    """Return the cache key of a result; the first frame identifies the movie."""
    return cache_key(
        content_hash(job.stack.frame(0).tobytes()),
        json.loads(job.predictor.record.to_json()),
        {name: value for name, value in dataclasses.asdict(config.predict).items() if name != "run"},
        [config.run.pixel_size, config.run.z, config.run.samples, __version__],
    )
