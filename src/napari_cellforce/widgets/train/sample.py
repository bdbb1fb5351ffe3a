"""Cells to try the training on, simulated when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_cellforce import zoo
from napari_cellforce.simulate import SimulateConfig, simulate_cells
from napari_cellforce.widgets.base.worker import Job, tell

SAMPLE = SimulateConfig(cells=6, seed=11, side=192, measured=True)


class TrainSample(QPushButton):
    """A button that makes a few cells with measured tractions.

    Parameters
    ----------
    model_folder : str or None
        The cells are put beside the models.

    Signals
    -------
    progressed : str
        What is being done; empty at the end.
    made : str
        Folder of the cells.
    """

    progressed = Signal(str)
    made = Signal(str)

    def __init__(self, model_folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__("Try it on simulated cells", parent)
        self.setToolTip("Simulates six cells with measured tractions, in half a minute")
        self._folder = zoo.model_folder(model_folder).parent / "simulated cells to try"
        self._job = Job(self)
        self._job.yielded.connect(self._on_yielded)
        self._job.failed.connect(tell)
        self._job.ended.connect(self._on_ended)
        self.clicked.connect(self._on_clicked)

    @property
    def running(self) -> bool:
        """Whether cells are being made."""
        return self._job.running

    def drop_jobs(self) -> None:
        """End what runs in the background."""
        self._job.drop()

    def _on_clicked(self) -> None:
        folder = self._folder

        def simulate() -> Iterator[Any]:
            yield from simulate_cells(SAMPLE, folder, workers=1)
            yield folder

        self.setEnabled(False)
        self._job.start(simulate)
        self.progressed.emit("Simulating cells …")

    def _on_yielded(self, record: Any) -> None:
        if isinstance(record, Path):
            self.made.emit(str(record))
        else:
            self.progressed.emit(f"Simulating cells: {record.done} of {record.total} …")

    def _on_ended(self, complete: bool) -> None:
        del complete
        self.setEnabled(True)
        self.progressed.emit("")
