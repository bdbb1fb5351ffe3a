"""Lightning callbacks: history and checkpoints, progress events, stopping, warning of overfitting."""

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
_MONITORED = "validation loss"


@dataclass(frozen=True)
class Step:
    """Event after a training step.

    Attributes
    ----------
    epoch, step, steps : int
        Number of the epoch, of the step in the run, and of all steps of the run.
    loss : float
    """

    epoch: int
    step: int
    steps: int
    loss: float


@dataclass(frozen=True)
class Epoch:
    """Event after a validated epoch.

    Attributes
    ----------
    epoch : int
    values : mapping of str to float
        Losses and metrics, with the names of ``history.csv``.
    best : bool
        True if the validation loss is the lowest so far.
    seconds : float
        Seconds since the run was started or resumed.
    """

    epoch: int
    values: dict[str, float] = field(default_factory=dict)
    best: bool = False
    seconds: float = 0.0


Event = Step | Epoch
Listener = Callable[[Event], None]


class RunRecorder(pl.callbacks.Checkpoint):
    """Writes the last and the best checkpoint and the history, each file atomically.

    Parameters
    ----------
    folder : Path
    listener : callable
        Called after every step and epoch.
    should_stop : callable
        Called after every step; True ends the run after that step.
    """

    def __init__(self, folder: Path, listener: Listener, should_stop: Callable[[], bool]) -> None:
        self._folder = folder
        self._listener = listener
        self._should_stop = should_stop
        self.rows: list[dict[str, float]] = []
        self._best = float("inf")
        self._started = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a resumed run needs."""
        return {"best": self._best, "rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the result of `state_dict`."""
        self._best, self.rows = state_dict["best"], state_dict["rows"]

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Report the step, and stop if requested."""
        del pl_module, batch, batch_idx
        steps = int(trainer.estimated_stepping_batches)
        self._listener(Step(trainer.current_epoch, trainer.global_step, steps, float(outputs["loss"])))
        if self._should_stop():
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write checkpoints and history, and report the epoch."""
        del pl_module
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if self._should_stop() or _MONITORED not in values:
            return  # the metrics of an unfinished epoch are not comparable
        self.rows.append({"epoch": trainer.current_epoch, **values})
        best = values[_MONITORED] < self._best
        self._best = min(self._best, values[_MONITORED])
        for name in (LAST, *((BEST,) if best else ())):
            with self._checkpoint_path(name, trainer) as path:
                trainer.save_checkpoint(path)
        if trainer.is_global_zero:
            files.write_text(self._folder / HISTORY, as_csv(self.rows))
        elapsed = time.monotonic() - self._started
        self._listener(Epoch(trainer.current_epoch, values, best, elapsed))

    def _checkpoint_path(self, name: str, trainer: pl.Trainer) -> contextlib.AbstractContextManager[Path]:
        """Return the path of a checkpoint; all processes take part, and the first one writes."""
        path = self._folder / name
        return files.atomic_path(path) if trainer.is_global_zero else contextlib.nullcontext(path)


class OverfittingWatch(pl.Callback):
    """Warns once if the validation loss rises while the training loss still falls.

    Parameters
    ----------
    epochs : int
        Number of consecutive epochs.
    rise : float
        Relative increase of the validation loss over its minimum.
    """

    def __init__(self, epochs: int = 5, rise: float = 0.1) -> None:
        self._epochs = epochs
        self._rise = rise
        self._best: tuple[float, float] = (float("inf"), float("inf"))
        self._worse = 0

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Compare the two curves."""
        del pl_module
        loss, watched = (float(trainer.callback_metrics.get(n, "nan")) for n in ("loss", _MONITORED))
        if not watched >= self._best[1]:
            self._best, self._worse = (loss, watched), 0
            return
        over = watched > self._best[1] * (1 + self._rise) and loss < self._best[0]
        self._worse = self._worse + 1 if over else 0
        if self._worse == self._epochs:
            warnings.warn(
                f"the validation loss is {watched / self._best[1] - 1:.0%} above its best while the training"
                " loss falls: the model overfits these cells. The best state is kept; add cells, or"
                " train fewer layers (head, normalisation or scale only).",
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
