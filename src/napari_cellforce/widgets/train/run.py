"""One training run as the panel sees it: started, held, stopped, able to go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_cellforce.widgets.base.worker import Job

if TYPE_CHECKING:
    from napari_cellforce.train import TrainConfig
    from napari_cellforce.train.subprocess_run import SubprocessRun, Task

StartRun = Callable[["Task", "TrainConfig", Path, "str | None"], "SubprocessRun"]


def start_run(task: Task, config: TrainConfig, folder: Path, model_folder: str | None) -> SubprocessRun:
    """Start a run in a process of its own."""
    from napari_cellforce.train.subprocess_run import SubprocessRun

    return SubprocessRun(task, config, folder, model_folder)


class TrainRun(QObject):
    """The run that goes on, or the last one.

    Parameters
    ----------
    start : callable
        Starts a run in a process of its own.
    model_folder : str or None
        Where imported models are.
    parent : QObject, optional

    Signals
    -------
    record_received : object
        Record reported by the run, see `napari_cellforce.train.subprocess_run.Record`.
    failed : object
        The error that ended it.
    ended
        Last.
    """

    record_received = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, start: StartRun, model_folder: str | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._start, self._model_folder = start, model_folder
        self._remote: SubprocessRun | None = None
        self._config: TrainConfig | None = None
        self._folder = Path()
        self._unfinished = False
        self._job = Job(self)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._on_ended)

    @property
    def running(self) -> bool:
        """True until `ended`."""
        return self._job.running

    @property
    def unfinished(self) -> TrainConfig | None:
        """Settings of a run that was stopped or failed and can go on, or None."""
        return self._config if self._unfinished else None

    def begin(self, task: Task, config: TrainConfig, folder: Path) -> None:
        """Start a run in a new folder."""
        self._begin(task, config, folder)

    def resume(self) -> None:
        """Go on with the run that is `unfinished`."""
        assert self._config is not None
        self._begin("resume", self._config, self._folder)

    def forget(self) -> None:
        """Leave the last run as it is: it does not go on."""
        self._unfinished = False

    def pause(self, rest: bool) -> None:
        """Rest after the current step, or go on."""
        if self._remote is not None:
            (self._remote.pause if rest else self._remote.resume)()

    def stop(self) -> None:
        """End after the current step; the best state is kept."""
        if self._remote is not None:
            self._remote.stop()

    def dispose(self) -> None:
        """End at once, and hear nothing more."""
        if self._remote is not None:
            self._remote.kill()
        self._job.cancel()

    def _begin(self, task: Task, config: TrainConfig, folder: Path) -> None:
        remote = self._start(task, config, folder, self._model_folder)
        self._remote, self._config, self._folder = remote, config, folder
        self._unfinished = False
        self._job.start(remote.records)

    def _on_record(self, record: Any) -> None:
        from napari_cellforce.train import TrainResult

        if isinstance(record, TrainResult):
            self._unfinished = not record.finished and bool(record.history)
        self.record_received.emit(record)

    def _on_failed(self, error: Exception) -> None:
        from napari_cellforce.train.callbacks import LAST

        self._unfinished = (self._folder / LAST).is_file()
        self.failed.emit(error)

    def _on_ended(self, complete: bool) -> None:
        del complete
        self._remote = None
        self.ended.emit()
