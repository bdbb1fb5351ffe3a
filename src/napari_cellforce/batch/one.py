"""One input, from its image to its receipt."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import traceback
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from napari_cellforce.batch.config import BatchConfig, absolute
from napari_cellforce.batch.parts import predict_in_parts
from napari_cellforce.batch.plan import PlannedInput, open_input, reason
from napari_cellforce.batch.receipt import BOOKS, Receipt, key, sizes
from napari_cellforce.errors import CellForceError
from napari_cellforce.io import read_field
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import Prediction, Progress
from napari_cellforce.report import draw_overview

State = Literal["running", "done", "skipped", "failed"]


@dataclass(frozen=True)
class InputEvent:
    """What has just happened to an input.

    Attributes
    ----------
    row : PlannedInput
    state : {"running", "done", "skipped", "failed"}
    what : str
        What is being done, for people.
    done, total : int
        Frames.
    reason : str
        Why it failed.
    details : str
        Traceback of an error that nobody foresaw.
    seconds_left : float or None
        Until all inputs are done, as far as can be told.
    """

    row: PlannedInput
    state: State
    what: str = ""
    done: int = 0
    total: int = 0
    reason: str = ""
    details: str = ""
    seconds_left: float | None = None


def process_input(row: PlannedInput, config: BatchConfig, predictor: Predictor) -> Generator[InputEvent]:
    """Predict one input and write its files; whatever goes wrong becomes an event, not an exception.

    Yields
    ------
    InputEvent
        ``"running"`` after every frame, at last ``"done"`` or ``"failed"``.
    """
    try:
        with contextlib.closing(_predict(row, config, predictor)) as records:
            for record in records:
                yield InputEvent(row, "running", record.what, record.done, record.total)
    except Exception as error:  # of any kind: one bad file never stops the others
        details = "" if isinstance(error, CellForceError) else traceback.format_exc()
        yield InputEvent(row, "failed", reason=reason(error), details=details)
    else:
        yield InputEvent(row, "done", done=row.frames, total=row.frames)


def parts_folder(row: PlannedInput, out: Path) -> Path:
    """Return where the parts of an input lie until they are joined; another one for other settings."""
    digest = hashlib.sha256(f"{row.name}\n{row.key}".encode()).hexdigest()
    return out / BOOKS / "parts" / digest[:32]


def _predict(row: PlannedInput, config: BatchConfig, predictor: Predictor) -> Generator[Progress]:
    out = absolute(config.out)
    row = replace(row, key=key(row.path, row.mask, config, predictor.record))
    job = open_input(row, config, predictor)
    # Its results may be about to change one by one: from now on no receipt vouches for them.
    Receipt.remove(out, row.name)
    row.outputs.uncertainty.unlink(missing_ok=True)  # other settings may give none
    folder = parts_folder(row, out)
    yield from predict_in_parts(job, folder, row.outputs)
    _draw(job, row)
    if key(row.path, row.mask, config, predictor.record) != row.key:
        raise CellForceError(
            f"{row.name} or its mask was changed while it was read",
            "the result may be of neither version",
            "Run the batch again when the file is complete.",
            topic="input",
        )
    outputs = [path.relative_to(out).as_posix() for path in row.files]
    Receipt(
        name=row.name,
        key=row.key,
        outputs=sizes(out, outputs),
        frames=job.stack.n_frames,
        shape=job.stack.shape,
        channels=tuple(job.stack.channel_names[c] for c in job.channels),
        pixel_size=job.pixel_size.micron,
        notes=row.notes,
    ).write(out)
    shutil.rmtree(folder, ignore_errors=True)


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
