"""An input on the bench: its steps carried out, in whatever process that is."""

from __future__ import annotations

import contextlib
import shutil
import traceback
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_cellforce import files, zoo
from napari_cellforce.batch import parts
from napari_cellforce.batch.config import BatchConfig, absolute
from napari_cellforce.batch.keys import COMPARISON, part_key, predict_key
from napari_cellforce.batch.opening import MeasuredPrediction, measured_before, open_input, reason
from napari_cellforce.batch.receipt import Receipt, sizes
from napari_cellforce.batch.row import PlannedInput
from napari_cellforce.batch.steps import Step, StepEvent, Task
from napari_cellforce.batch.wishes import COMPARE, PREDICT
from napari_cellforce.compare import ComparePaths, compare_to_files
from napari_cellforce.errors import CellForceError
from napari_cellforce.explain import ExplainConfig, explain
from napari_cellforce.fields import Mask
from napari_cellforce.io import read_field
from napari_cellforce.io.measured import read_measured
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import Prediction, Progress
from napari_cellforce.report import draw_overview


def carry_out(task: Task, config: BatchConfig, predictor: Predictor | None = None) -> Generator[StepEvent]:
    """Do the steps of a task; whatever goes wrong becomes an event, not an exception.

    Parameters
    ----------
    task : Task
    config : BatchConfig
    predictor : Predictor, optional
        By default the one that this process has loaded, or now loads.

    Yields
    ------
    StepEvent
        ``"running"`` as a step goes on, then ``"done"`` or ``"failed"``. After a failed step of the
        prediction there are no further ones; explanations and the comparison do not need each other.
    """
    bench = _Bench(task.row, config, predictor)
    for step in task.steps:
        try:
            with contextlib.closing(bench.do(step)) as records:
                for record in records:
                    yield StepEvent(step, "running", record.what, record.done, record.total)
        except Exception as error:  # of any kind: one bad file never stops the others
            details = "" if isinstance(error, CellForceError) else traceback.format_exc()
            yield StepEvent(step, "failed", reason=reason(error), details=details)
            if step.part == PREDICT:
                return
        else:
            yield StepEvent(step, "done")


class _Bench:
    """One input, opened when it is needed and kept open from step to step."""

    def __init__(self, row: PlannedInput, config: BatchConfig, predictor: Predictor | None) -> None:
        self._row, self._config, self._predictor = row, config, predictor
        self._out = absolute(config.out)
        self._desk = row.desk(self._out)
        self._opened: MeasuredPrediction | None = None

    def do(self, step: Step) -> Generator[Progress]:
        """Do a step."""
        if step.part != PREDICT:
            yield from self._do_aside(step.part)
        elif step.stage == "measure":
            self._forget(PREDICT)
            yield from self._job()
        elif step.stage == "frames":
            job = yield from self._job()
            yield from parts.predict_part(job, self._desk, step.frames or range(0), job.known)
        else:
            yield from self._join()

    def _job(self) -> Generator[Progress, None, MeasuredPrediction]:
        """Return the job of the prediction; its cell is measured here, unless it has been elsewhere."""
        if self._opened is None:
            kept = parts.kept_cell(self._desk)
            baselines, found = kept or (None, None)
            job = open_input(self._row, self._config, self._predictor, found)
            if kept is None:
                baselines = yield from job.measure()
            if kept is None and self._row.frames > parts.PART_FRAMES:
                parts.keep_cell(self._desk, baselines, job.mask if self._row.mask is None else None)
            self._opened = measured_before(job, baselines)
        return self._opened

    def _join(self) -> Generator[Progress]:
        """Make the parts one result, draw it, and vouch for it."""
        row, out = self._row, self._out
        job = yield from self._job()
        row.outputs.uncertainty.unlink(missing_ok=True)  # other settings may have given one
        parts.join(self._desk, parts.ranges(row.frames), row.outputs)
        _draw(job, row)
        self._refuse_changed(job)
        receipt = Receipt(
            name=row.name,
            model=row.model,
            part=PREDICT,
            key=row.key,
            outputs=sizes(out, (path.relative_to(out).as_posix() for path in row.predict_files)),
            frames=job.stack.n_frames,
            shape=job.stack.shape,
            channels=tuple(job.stack.channel_names[c] for c in job.channels),
            pixel_size=job.pixel_size.micron,
            baselines=job.known,
            notes=row.notes,
        )
        receipt.write(out)
        self._opened = None  # the outlines it knows may lie on the desk
        shutil.rmtree(self._desk, ignore_errors=True)

    def _refuse_changed(self, job: Prediction) -> None:
        row = self._row
        if predict_key(row.path, row.mask, self._config, job.predictor.record) != row.key:
            raise CellForceError(
                f"{row.name} or its mask was changed while it was read",
                "the result may be of neither version",
                "Run the batch again when the file is complete.",
                topic="input",
            )

    def _do_aside(self, part: str) -> Generator[Progress]:
        """Do a part that needs the prediction; its files appear when all of them are there."""
        row, out = self._row, self._out
        former = self._forget(part)
        job = yield from self._predicted()
        key = part_key(part, row.key, self._config, job.predictor.record, row.measured)
        draft = self._desk / part
        try:
            yield from self._compare(draft) if part == COMPARE else self._explain(part, job, draft)
            folder = row.compared if part == COMPARE else row.explained
            with files.disk_errors(folder):
                names = [path.relative_to(out).as_posix() for path in _moved(draft, folder)]
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        for name in {*(former.outputs if former else ())} - set(names):
            files.inside(out, name).unlink(missing_ok=True)
        Receipt(row.name, row.model, part, key, sizes(out, names)).write(out)

    def _predicted(self) -> Generator[Progress, None, MeasuredPrediction]:
        """Return the job again after its prediction, with the outlines and the brightness it had."""
        if self._opened is None:
            receipt = Receipt.read(self._out, self._row.name, self._row.model, PREDICT)
            mask = read_field(self._row.outputs.traction).mask
            found = None if self._row.mask is not None or mask is None else Mask(mask, "automatic")
            job = open_input(self._row, self._config, self._predictor, found)
            baselines = (yield from job.measure()) if receipt is None else receipt.baselines
            self._opened = measured_before(job, baselines)
        return self._opened

    def _explain(self, part: str, job: MeasuredPrediction, folder: Path) -> Generator[Progress]:
        module = None
        if part == "greens":
            models = self._config.model_folder or None
            module = zoo.load_weights(self._row.given_model, folder=models).module
        named = replace(job, stack=replace(job.stack, name=self._row.target.name))  # of a length that fits
        for record in explain(named, ExplainConfig((part,)), folder, module):
            if isinstance(record, Progress):
                yield record

    def _compare(self, folder: Path) -> Generator[Progress]:
        predicted = read_field(self._row.outputs.traction)
        measured = read_measured(self._row.measured or "", self._config.measured)
        mask = None if predicted.mask is None else np.asarray(predicted.mask)
        for record in compare_to_files(predicted, measured, ComparePaths.of(folder), mask, COMPARISON):
            if isinstance(record, Progress):
                yield record

    def _forget(self, part: str) -> Receipt | None:
        """Remove and return the receipt of a part that is about to be done again: its results may change."""
        receipt = Receipt.read(self._out, self._row.name, self._row.model, part)
        if receipt is not None:
            receipt.remove(self._out)
        return receipt


def _moved(draft: Path, folder: Path) -> Iterator[Path]:
    """Move all files of a draft to where they belong."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(draft.iterdir()):
        yield path.replace(folder / path.name)


def _draw(job: Prediction, row: PlannedInput) -> None:
    """Draw the first frame, from the files that were written."""
    field = read_field(row.outputs.traction)
    mask = np.asarray(field.mask[0])
    channels = job.channels[:1]
    draw_overview(
        row.overview,
        job.stack.frame(0, channels)[0] if channels else mask.astype(np.float32),
        np.asarray(field.data[0]),
        mask,
        pixel_size=job.pixel_size,
        unit=job.unit,
        protein=job.stack.channel_names[channels[0]] if channels else "mask",
    )
