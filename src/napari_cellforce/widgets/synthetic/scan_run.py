"""A scan that runs: off the GUI thread, its cells into the viewer."""

from __future__ import annotations

import time
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import QObject, Signal

from napari_cellforce.layers import ArrowLook
from napari_cellforce.predict import Progress
from napari_cellforce.scan import ScanConfig, ScanStep, scan
from napari_cellforce.widgets.base.worker import Job, tell
from napari_cellforce.widgets.synthetic.cell_view import ScanView


class ScanRun(QObject):
    """Runs one scan at a time, shows its cells, and keeps the pace.

    Parameters
    ----------
    viewer : ViewerModel
    look : ArrowLook
    device, folder
        See `napari_cellforce.scan.scan`.
    parent : QObject, optional

    Signals
    -------
    prepared : Progress
        While models are loaded and cells are drawn in advance.
    stepped : ScanStep
        Another cell is there, and shown.
    ended : bool
        True if all cells are there.
    """

    prepared = Signal(object)
    stepped = Signal(object)
    ended = Signal(bool)

    def __init__(
        self,
        viewer: ViewerModel,
        look: ArrowLook,
        device: str,
        folder: str | None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._look = viewer, look
        self._device, self._folder = device, folder
        self._view: ScanView | None = None
        self._models: tuple[str, ...] = ()
        self._paces: dict[tuple[str, ...], float] = {}
        self._since = 0.0
        self._done = 0
        self._job = Job(self)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(tell)
        self._job.ended.connect(self._on_ended)

    @property
    def running(self) -> bool:
        """True from `start` until `ended`."""
        return self._job.running

    @property
    def shown(self) -> bool:
        """True while the cells of the last scan can be scrolled through."""
        return self._view is not None and self._view.shown

    def pace(self, models: tuple[str, ...]) -> float:
        """Return how many seconds a cell took when these were asked last; 0 if they never were."""
        return self._paces.get(models, 0.0)

    def start(self, config: ScanConfig) -> None:
        """Run a scan; its layers take the place of those of an earlier one."""
        self._models, self._since, self._done = config.models, time.monotonic(), 0
        self._view = ScanView(self._viewer, config, self._look)
        self._job.start(lambda: scan(config, device=self._device, folder=self._folder))

    def stop(self) -> None:
        """End after the cell that is being computed; those that are done stay."""
        self._job.stop()

    def dispose(self) -> None:
        """Stop, and show nothing more."""
        self._job.drop()

    def go_to(self, index: int) -> None:
        """Look at one of the cells."""
        if self._view is not None:
            self._view.go_to(index)

    def _on_record(self, record: Progress | ScanStep) -> None:
        if isinstance(record, Progress):
            self.prepared.emit(record)
            return
        assert self._view is not None
        self._view.add(record)
        self._done += 1
        self.stepped.emit(record)

    def _on_ended(self, complete: Any) -> None:
        if self._done:
            self._paces[self._models] = (time.monotonic() - self._since) / self._done
        self.ended.emit(complete)
