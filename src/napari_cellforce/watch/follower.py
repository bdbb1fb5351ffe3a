"""One movie that becomes longer: what is new of it is predicted, when it is whole."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import threading
import warnings
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from napari_cellforce import __version__
from napari_cellforce.errors import CellForceError, CellForceWarning, pluralise
from napari_cellforce.fields import FrameResult, ImageStack
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import OutputPaths, Prediction, predict_to_files, prepare
from napari_cellforce.watch.cell import ArrivingPrediction, FollowedCell, Outlines, automatic, proteins
from napari_cellforce.watch.config import WatchConfig
from napari_cellforce.watch.events import State, WatchEvent
from napari_cellforce.watch.results import Results
from napari_cellforce.watch.sources import Mark, Source

_BURST = 20
"""Frames in a part, where many are there at once: what is lost at most when the computer fails."""

_GROWN = 0.25
"""Share by which a movie grows until its joined result is written again."""


class Follower:
    """Follows one movie; see `napari_cellforce.watch.watch`.

    Parameters
    ----------
    source : Source
    config : WatchConfig
    predictor : Predictor
    books : Path
        Folder for what is half done.
    stop : threading.Event
        Ends a burst after the frame that is being predicted.
    """

    def __init__(
        self, source: Source, config: WatchConfig, predictor: Predictor, books: Path, stop: threading.Event
    ) -> None:
        self.source = source
        self.paths = OutputPaths.of(config.paths[1], source.name)
        self._config = config
        self._predictor = predictor
        self._books = books
        self._stop = stop
        self._mark: Mark | None = None
        self._finished: Mark | None = None
        self._since = 0.0
        self._stack: ImageStack | None = None
        self._problem = ""
        self._names: tuple[str, ...] = ()
        self._late: set[str] = set()
        self._told: set[str] = set()
        self._results: Results | None = None
        self._cell: FollowedCell | None = None
        self._known: Outlines | None = None

    def step(self, now: float) -> Iterator[WatchEvent]:
        """Look once, and predict what is new, at most one part of it.

        Parameters
        ----------
        now : float
            Seconds on a clock that nobody can set.
        """
        if not self._look(now):
            return
        quiet = now - self._since
        patient = quiet < self._config.patience
        if self._mark == self._finished:
            event = None if patient else self.finish()
            yield from () if event is None else (event,)
            return
        stack = self._stack
        if stack is None:
            if not patient:
                yield from self._give_up(self._problem)
            return
        resting = quiet >= self._config.settle
        try:
            yield from self._go_on(stack, stack.n_frames - (not resting), patient)
        except CellForceError as error:  # of the movie as a whole: no pixel size, no such channel
            yield from self._give_up(str(error))
        if resting and self._results is not None and self._results.next_frame == stack.n_frames:
            self._finished, self._stack = self._mark, None  # so many files must not stay open

    def finish(self) -> WatchEvent | None:
        """Bring the joined result up to date; tell if there was anything to do."""
        if self._results is not None and self._results.join():
            return self._event("written")
        return None

    def _look(self, now: float) -> bool:
        """Open the movie if it has changed; False if it is not there."""
        try:
            mark = self.source.mark()
        except OSError:
            return False
        if mark != self._mark:
            self._mark, self._since, self._stack = mark, now, None
        if self._stack is None and mark != self._finished:
            done = () if self._results is None else self._results.names
            try:
                self._stack, self._names, self._late = self.source.open(self._config.z, done)
            except (CellForceError, OSError) as error:
                self._problem = str(error)
        return True

    def _go_on(self, stack: ImageStack, ready: int, patient: bool) -> Iterator[WatchEvent]:
        if ready < 1:
            return
        if self._results is None:
            yield self._begin(stack)
            self._stack = None  # to be opened with the names of the frames that were predicted
            return
        results = self._results
        for name in self._late:
            yield from self._give_up(f"{name} came when a later frame was predicted, and is left out.")
        start = results.next_frame
        if start > stack.n_frames:
            raise CellForceError(
                f"{self.source.path} has {pluralise(stack.n_frames, 'frame')}, and {start} were predicted",
                "a movie that is followed becomes longer",
                "If it was replaced, start the watch anew.",
                topic="input",
            )
        if start < ready:
            yield from self._predict(stack, range(start, min(start + _BURST, ready)), patient)
            if results.join(at_least=_GROWN):
                yield self._event("written")

    def _begin(self, stack: ImageStack) -> WatchEvent:
        """Take up the movie where a watch before has left it, if it is still the same."""
        job = self._job(stack)
        results = Results(self._books, self.paths, _key(job, self._config))
        self._cell = FollowedCell(
            job.pixel_size, self._config.predict.sensitivity, self._config.predict.cell_at
        )
        for frame, mask in results.masks():
            self._cell.remember(proteins(job, frame)[0], mask)
        self._results = results
        results.join()  # what a watch that was killed has left in parts
        return dataclasses.replace(self._event("found"), frame=results.next_frame, job=job)

    def _job(self, stack: ImageStack) -> Prediction:
        outlines = Outlines((stack.n_frames, *stack.shape))
        if self._known is not None:
            outlines.known = self._known.known
        self._known = outlines
        config = self._config
        with warnings.catch_warnings():
            if self._results is not None:  # has been said when the movie was begun
                warnings.simplefilter("ignore", CellForceWarning)
            return prepare(stack, self._predictor, automatic(outlines), config.size, config.predict)

    def _predict(self, stack: ImageStack, frames: range, patient: bool) -> Iterator[WatchEvent]:
        """Find the cell in all frames that can be read, then predict these."""
        job, results = self._job(stack), self._results
        assert results is not None
        readable, reason = self._find_cell(job, frames)
        if readable:
            yield from self._predict_part(job, readable)
        elif frames.start == stack.n_frames - 1 and patient:
            self._stack = None  # the newest may be whole the next time
        else:
            yield from self._leave_out(frames.start, reason)

    def _find_cell(self, job: Prediction, frames: range) -> tuple[range, str]:
        """Return the frames up to the first that cannot be used, and why not."""
        assert self._cell is not None
        assert self._known is not None
        for t in frames:
            if t in self._known.known:
                continue
            try:
                self._known.known[t] = self._cell.find(*proteins(job, t))
            except (CellForceError, OSError) as error:
                return range(frames.start, t), str(error)
        return frames, ""

    def _predict_part(self, job: Prediction, frames: range) -> Generator[WatchEvent]:
        """Predict and write frames; however it ends, those that were finished are counted in."""
        assert self._results is not None
        assert self._cell is not None
        assert self._known is not None
        needed = next(job.measure_baselines(), None) is not None
        job = ArrivingPrediction.of(job, self._cell.measured)
        baselines = self._cell.baselines() if needed else None
        failure = ""
        try:
            records = predict_to_files(job, self._results.paths(frames.start), frames, baselines)
            with contextlib.closing(records):
                for record in records:
                    if isinstance(record, FrameResult):
                        yield self._event("frame", record.frame, result=record, row=job.row(record))
                    if self._stop.is_set():
                        break
        except CellForceError as error:
            if error.topic == "output":  # the next frame would not fare better
                raise
            failure = str(error)
        finally:
            self._results.take(frames.start)
            if self._names:
                self._results.name_frames(self._names)
            for t in [t for t in self._known.known if t < self._results.next_frame]:
                del self._known.known[t]
        if failure:
            yield from self._leave_out(self._results.next_frame, failure)

    def _leave_out(self, frame: int, reason: str) -> Iterator[WatchEvent]:
        assert self._results is not None
        self._results.skip(frame, reason)
        if self._names:
            self._results.name_frames(self._names)
        yield self._event("failed", frame, reason=reason)

    def _give_up(self, reason: str) -> Iterator[WatchEvent]:
        """Tell a reason once."""
        if reason not in self._told:
            self._told.add(reason)
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
        known = len(self._results.frames) if self._results is not None else 0
        frames = known if self._stack is None or state == "written" else self._stack.n_frames
        return WatchEvent(
            state, self.source.name, frames, result, row or {}, self._stack, self.paths, frame, reason
        )


def _key(job: Prediction, config: WatchConfig) -> str:
    """Return what identifies a result: all that it depends on, and which movie it is, by its first frame."""
    parts = [
        hashlib.sha256(job.stack.frame(0).tobytes()).hexdigest(),
        json.loads(job.predictor.record.to_json()),
        dataclasses.asdict(config.predict),
        [config.pixel_size, config.z, config.samples, __version__],
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
