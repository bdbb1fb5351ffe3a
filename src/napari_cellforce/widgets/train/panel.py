"""The panel "Train a predictor" makes a model right for one's own microscope."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from napari.viewer import Viewer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QScrollArea, QWidget

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.io.cell_index import Split
from napari_cellforce.simulate import SimulateConfig, simulate_cells
from napari_cellforce.widgets.base.form import Tone
from napari_cellforce.widgets.base.panel import Panel, PanelOptions, predict_with
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import Job, show_error
from napari_cellforce.widgets.train import messages as messages
from napari_cellforce.widgets.train.data_section import TrainDataSection
from napari_cellforce.widgets.train.run import StartRun, TrainRun, start_run
from napari_cellforce.widgets.train.run_section import TrainRunSection
from napari_cellforce.widgets.train.settings_section import TrainSettingsSection

if TYPE_CHECKING:
    from napari_cellforce.train import TrainConfig


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
    created = Signal(str)

    def __init__(self, model_folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__("Try it on simulated cells", parent)
        self.setToolTip("Simulates six cells with measured tractions, in half a minute")
        self._folder = zoo.model_folder(model_folder).parent / "simulated cells to try"
        self._job = Job(self)
        self._job.yielded.connect(self._on_yielded)
        self._job.failed.connect(show_error)
        self._job.ended.connect(self._on_ended)
        self.clicked.connect(self._on_clicked)

    @property
    def running(self) -> bool:
        """Whether cells are being made."""
        return self._job.running

    def dispose(self) -> None:
        """Cancel background jobs."""
        self._job.cancel()

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
            self.created.emit(str(record))
        else:
            self.progressed.emit(f"Simulating cells: {record.done} of {record.total} …")

    def _on_ended(self, complete: bool) -> None:
        del complete
        self.setEnabled(True)
        self.progressed.emit("")


PANEL = "train"


class TrainPanel(Panel):
    """Choose measured cells and a model, press the button, watch it learn, use it.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    start_run : callable, optional
        Starts a run in a process of its own.
    """

    def __init__(
        self,
        napari_viewer: Viewer,
        *,
        start_run: StartRun = start_run,
        **options: Unpack[PanelOptions],
    ) -> None:
        super().__init__(napari_viewer, **options)
        folder = self._preferences.model_folder
        self.ready = False
        self.data = TrainDataSection()
        self._sample = TrainSample(folder or None)
        self.settings = TrainSettingsSection(folder)
        self.run_section = RunSection()
        self.learning = TrainRunSection(self._viewer, self._preferences)
        self.run = TrainRun(start_run, folder or None, self)
        self._loading = Job(self)
        self._build()
        self._recall()
        self._connect()
        self._load()
        self._refresh()

    def start(self) -> None:
        """Train, or go on with the run that was stopped."""
        anew = self.run.unfinished is None
        try:
            if anew:
                self.run.begin(self.settings.task, self.whole_config(), self.settings.run_folder)
            else:
                self.run.resume()
        except CellForceError as error:
            show_error(error)
            return
        self.learning.begin(anew=anew, can_pause=not self.settings.only_scale)
        self.run_section.set_status("Starting …")
        self._refresh()

    def whole_config(self) -> TrainConfig:
        """Return the settings of the run, its data included."""
        config = self.settings.config()
        return dataclasses.replace(config, data=dataclasses.replace(config.data, **self.data.settings))

    def _build(self) -> None:
        self._anew = QPushButton("Start anew instead")
        self._anew.setToolTip("Leaves the stopped run as it is, and trains from the beginning")
        above = (self.data, self._sample, self.settings, self.run_section, self._anew)
        self._build_layout((*above, self.learning), self._on_reset, unchanged="models and runs")

    def _connect(self) -> None:
        self.data.changed.connect(self._on_data)
        self.settings.changed.connect(self._on_settings)
        self._sample.progressed.connect(self._on_sample)
        self._sample.created.connect(lambda folder: self.data.add_sources([folder]))
        self._anew.clicked.connect(self._on_anew)
        self.run_section.started.connect(self.start)
        self.learning.status_changed.connect(self.run_section.set_status)
        self.learning.stopped.connect(self._on_stop)
        self.learning.paused.connect(self._on_pause)
        self.learning.used.connect(self._on_used)
        self.learning.part_shown.connect(lambda part: self.findChild(QScrollArea).ensureWidgetVisible(part))
        self._loading.ended.connect(self._on_loaded)
        self._loading.failed.connect(show_error)
        self.run.record_received.connect(self.learning.show_record)
        self.run.failed.connect(self.learning.fail)
        self.run.ended.connect(self._on_ended)

    def _remember(self) -> None:
        self._memory.remember(PANEL, {"data": self.data.settings, **self.settings.remember()})

    def _dispose(self) -> None:
        self.run.dispose()
        self._loading.cancel()
        self._sample.dispose()
        self.data.dispose()
        self.learning.dispose()

    def _recall(self) -> None:
        values = self._memory.recall(PANEL)
        # A damaged settings file must not keep the panel from opening.
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            self.settings.recall(values)
            self.data.choose(values.get("data", {}))

    def _load(self) -> None:
        """Load PyTorch off the GUI thread: it takes seconds the first time."""

        def load() -> Iterator[None]:
            import napari_cellforce.train.subprocess_run  # noqa: F401

            yield None

        self._loading.start(load)

    def _on_loaded(self, complete: bool) -> None:
        self.ready = complete
        if complete:
            self.settings.show_defaults()
            self.settings.recall_numbers(self._memory.recall(PANEL))
        self._refresh()

    def _on_data(self) -> None:
        self.settings.show_cells(self.data.dataset)
        self._on_settings()

    def _on_settings(self) -> None:
        """Forget the run that could go on: it belongs to the settings it was started with."""
        self.run.forget()
        self.learning.forget()
        self._refresh()

    def _split(self) -> Split | None:
        """Return the split of the chosen cells; None if all are used for the scale.

        Raises
        ------
        CellForceError
            If they cannot be split, or none is of use.
        """
        from napari_cellforce.train import split_index

        dataset = self.data.dataset
        assert dataset is not None
        dataset.require_usable()
        return None if self.settings.only_scale else split_index(dataset, self.settings.config().split)

    def _problem(self) -> CellForceError | None:
        """Return what keeps the run from being started."""
        problem = self.data.problem() or self.settings.problem()
        if problem is None and self.ready:
            try:
                self.data.show_split(self._split())
            except CellForceError as error:
                return error
        return problem

    def _refresh(self) -> None:
        """Update the button and the status line."""
        running = self.run.running
        problem = None if running else self._problem()
        self._sample.setVisible(not self.data.sources)
        self._anew.setVisible(self.run.unfinished is not None and not running)
        for section in (self.data, self.settings):
            section.setEnabled(not running)
        self.run_section.set_button(
            self._button_label(), ready=problem is None and self.ready and not running
        )
        if not running and not self._sample.running:
            self.run_section.set_status(*self._status(problem))

    def _status(self, problem: CellForceError | None) -> messages.StatusText:
        if problem is not None:
            return messages.describe_problem(problem, self)
        return self.learning.summary if self.ready else ("Loading PyTorch …", Tone.PLAIN)

    def _button_label(self) -> str:
        stopped = self.run.unfinished
        if stopped is not None:
            return f"Go on with pass {self.learning.passes + 1} of {stopped.optimise.epochs}"
        settings = self.settings
        return messages.button_label(settings.start_from, self.data.dataset, only_scale=settings.only_scale)

    def _on_ended(self) -> None:
        self.learning.end()
        self._refresh()

    def _on_stop(self) -> None:
        self.run_section.set_status("Stopping after this step …")
        self.run.stop()

    def _on_pause(self, rest: bool) -> None:
        self.run.pause(rest)
        if self.run.running:
            self.run_section.set_status("Resting; press Go on to continue." if rest else "Going on …")

    def _on_anew(self) -> None:
        self.run.forget()
        self.start()

    def _on_sample(self, words: str) -> None:
        self.run_section.set_status(words)
        if not words:
            self._refresh()

    def _on_used(self, name: str) -> None:
        """List the model, and show it in the panel Predict forces where there is a window for it."""
        self.settings.fill()
        predict_with(self._viewer, name)

    def _on_reset(self) -> None:
        if not self.run.running:
            self.data.choose({})
            self.settings.reset()
