"""What Lightning does between epochs: write down, keep the best, tell who listens, stop when asked."""

from __future__ import annotations

import contextlib
import csv
import io
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from napari_cellforce import files
from napari_cellforce.errors import CellForceWarning

LAST, BEST, HISTORY = "last.ckpt", "best.ckpt", "history.csv"
_WATCHED = "validation loss"


@dataclass(frozen=True)
class Step:
    """A step is done.

    Attributes
    ----------
    epoch, step, steps : int
        Epoch, step of all steps, and number of all steps.
    loss : float
    """

    epoch: int
    step: int
    steps: int
    loss: float


@dataclass(frozen=True)
class Epoch:
    """An epoch is done and validated.

    Attributes
    ----------
    epoch : int
    values : mapping of str to float
        Losses and metrics, as in ``history.csv``.
    best : bool
        Whether it is the best so far.
    seconds : float
        Since the run was started or went on.
    """

    epoch: int
    values: dict[str, float] = field(default_factory=dict)
    best: bool = False
    seconds: float = 0.0


Event = Step | Epoch
Listener = Callable[[Event], None]


class RunRecorder(pl.callbacks.Checkpoint):
    """Keeps the last and the best state, and the history, each file written whole or not at all.

    Parameters
    ----------
    folder : Path
    listener : callable
        Told every step and epoch.
    should_stop : callable
        Asked after every step; True ends the run after that step.
    """

    def __init__(self, folder: Path, listener: Listener, should_stop: Callable[[], bool]) -> None:
        self._folder = folder
        self._listener = listener
        self._should_stop = should_stop
        self.rows: list[dict[str, float]] = []
        self._best = float("inf")
        self._started = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """Return what a run that goes on has to know."""
        return {"best": self._best, "rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what `state_dict` returned."""
        self._best, self.rows = state_dict["best"], state_dict["rows"]

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Tell of the step; stop if asked to."""
        del pl_module, batch, batch_idx
        steps = int(trainer.estimated_stepping_batches)
        self._listener(Step(trainer.current_epoch, trainer.global_step, steps, float(outputs["loss"])))
        if self._should_stop():
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write everything down."""
        del pl_module
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if self._should_stop() or _WATCHED not in values:
            return  # an unfinished epoch is no measure of the model
        self.rows.append({"epoch": trainer.current_epoch, **values})
        best = values[_WATCHED] < self._best
        self._best = min(self._best, values[_WATCHED])
        for name in (LAST, *((BEST,) if best else ())):
            with self._place(name, trainer) as place:
                trainer.save_checkpoint(place)
        if trainer.is_global_zero:
            files.write_text(self._folder / HISTORY, as_csv(self.rows))
        elapsed = time.monotonic() - self._started
        self._listener(Epoch(trainer.current_epoch, values, best, elapsed))

    def _place(self, name: str, trainer: pl.Trainer) -> contextlib.AbstractContextManager[Path]:
        """Return where to write a state; with several processes all take part, and the first one writes."""
        path = self._folder / name
        return files.atomic_path(path) if trainer.is_global_zero else contextlib.nullcontext(path)


class OverfittingWatch(pl.Callback):
    """Warns once when the validation loss has risen while the training loss still falls.

    Parameters
    ----------
    epochs : int
        How long that has to last.
    rise : float
        By which share the validation loss has to be above its best.
    """

    def __init__(self, epochs: int = 5, rise: float = 0.1) -> None:
        self._epochs = epochs
        self._rise = rise
        self._best: tuple[float, float] = (float("inf"), float("inf"))
        self._worse = 0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare the two curves."""
        del pl_module
        loss, watched = (float(trainer.callback_metrics.get(n, "nan")) for n in ("loss", _WATCHED))
        if not watched >= self._best[1]:
            self._best, self._worse = (loss, watched), 0
            return
        over = watched > self._best[1] * (1 + self._rise) and loss < self._best[0]
        self._worse = self._worse + 1 if over else 0
        if self._worse == self._epochs:
            warnings.warn(
                f"the validation loss is {watched / self._best[1] - 1:.0%} above its best while the training"
                " loss falls: the model learns these cells by heart. The best state is kept; add cells, or"
                " let less of the model change (head, normalisation or scale only).",
                CellForceWarning,
                stacklevel=2,
            )


def as_csv(rows: list[dict[str, float]]) -> str:
    """Return rows as CSV, numbers with 6 digits."""
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in rows)
    return text.getvalue()
