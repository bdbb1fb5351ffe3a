"""The panel "Train a predictor" makes a model right for one's own microscope."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Unpack

from napari.viewer import Viewer
from qtpy.QtWidgets import QPushButton, QScrollArea

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.index import Split
from napari_cellforce.widgets.base.form import Tone
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import Job, tell
from napari_cellforce.widgets.train import words as train_words
from napari_cellforce.widgets.train.data_section import TrainDataSection
from napari_cellforce.widgets.train.learning import TrainLearning
from napari_cellforce.widgets.train.run import StartRemote, TrainRun, start_remote
from napari_cellforce.widgets.train.sample import TrainSample
from napari_cellforce.widgets.train.settings_section import TrainSettingsSection
from napari_cellforce.widgets.view.opening import predict_with

if TYPE_CHECKING:
    from napari_cellforce.train import TrainConfig

PANEL = "train"


class TrainPanel(Panel):
    """Choose measured cells and a model, press the button, watch it learn, use it.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    start_remote : callable, optional
        Starts a run in a process of its own.
    """

    def __init__(
        self,
        napari_viewer: Viewer,
        *,
        start_remote: StartRemote = start_remote,
        **options: Unpack[PanelOptions],
    ) -> None:
        super().__init__(napari_viewer, **options)
        folder = self._preferences.model_folder
        self._ready = False
        self._data = TrainDataSection()
        self._sample = TrainSample(folder or None)
        self._settings = TrainSettingsSection(folder)
        self._button = RunSection()
        self._learning = TrainLearning(self._viewer, self._preferences)
        self._run = TrainRun(start_remote, folder or None, self)
        self._loading = Job(self)
        self._build()
        self._recall()
        self._connect()
        self._load()
        self._refresh()

    def start(self) -> None:
        """Train, or go on with the run that was stopped."""
        anew = self._run.unfinished is None
        try:
            if anew:
                self._run.begin(self._settings.task, self._whole_config(), self._settings.run_folder)
            else:
                self._run.resume()
        except CellForceError as error:
            tell(error)
            return
        self._learning.begin(anew=anew, can_pause=not self._settings.only_scale)
        self._button.set_status("Starting …")
        self._refresh()

    def _whole_config(self) -> TrainConfig:
        config = self._settings.config()
        return dataclasses.replace(config, data=dataclasses.replace(config.data, **self._data.settings))

    def _build(self) -> None:
        self._anew = QPushButton("Start anew instead")
        self._anew.setToolTip("Leaves the stopped run as it is, and trains from the beginning")
        above = (self._data, self._sample, self._settings, self._button, self._anew)
        self._lay_out((*above, self._learning), self._on_reset, stays="models and runs")

    def _connect(self) -> None:
        self._data.changed.connect(self._on_data)
        self._settings.changed.connect(self._on_settings)
        self._sample.progressed.connect(self._on_sample)
        self._sample.made.connect(lambda folder: self._data.take([folder]))
        self._anew.clicked.connect(self._on_anew)
        self._button.started.connect(self.start)
        self._learning.said.connect(self._button.set_status)
        self._learning.stopped.connect(self._on_stop)
        self._learning.paused.connect(self._on_pause)
        self._learning.used.connect(self._on_used)
        self._learning.appeared.connect(lambda part: self.findChild(QScrollArea).ensureWidgetVisible(part))
        self._loading.ended.connect(self._on_loaded)
        self._loading.failed.connect(tell)
        self._run.told.connect(self._learning.show_record)
        self._run.failed.connect(self._learning.fail)
        self._run.ended.connect(self._on_ended)

    def _let_go(self) -> None:
        self._memory.remember(PANEL, {"data": self._data.settings, **self._settings.remember()})
        self._run.dispose()
        self._loading.drop()
        self._sample.drop_jobs()
        self._data.drop_jobs()
        self._learning.dispose()

    def _recall(self) -> None:
        values = self._memory.recall(PANEL)
        # A file that somebody edited is no reason not to open.
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            self._settings.recall(values)
            self._data.choose(values.get("data", {}))

    def _load(self) -> None:
        """Load PyTorch off the GUI thread: it takes seconds the first time."""

        def load() -> Iterator[None]:
            import napari_cellforce.train.remote  # noqa: F401

            yield None

        self._loading.start(load)

    def _on_loaded(self, complete: bool) -> None:
        self._ready = complete
        if complete:
            self._settings.show_defaults()
            self._settings.recall_numbers(self._memory.recall(PANEL))
        self._refresh()

    def _on_data(self) -> None:
        self._settings.show_cells(self._data.found)
        self._on_settings()

    def _on_settings(self) -> None:
        """Forget the run that could go on: it belongs to the settings it was started with."""
        self._run.forget()
        self._learning.forget()
        self._refresh()

    def _split(self) -> Split | None:
        """Return the split of the chosen cells; None if all are used for the scale.

        Raises
        ------
        CellForceError
            If they cannot be split, or none is of use.
        """
        from napari_cellforce.train import split_of

        found = self._data.found
        assert found is not None
        found.require_usable()
        return None if self._settings.only_scale else split_of(found, self._settings.config().split)

    def _problem(self) -> CellForceError | None:
        """Return what keeps the run from being started."""
        problem = self._data.problem() or self._settings.problem()
        if problem is None and self._ready:
            try:
                self._data.show_split(self._split())
            except CellForceError as error:
                return error
        return problem

    def _refresh(self) -> None:
        """Bring the button and the line above it in line with what is chosen and what runs."""
        running = self._run.running
        problem = None if running else self._problem()
        self._sample.setVisible(not self._data.sources)
        self._anew.setVisible(self._run.unfinished is not None and not running)
        for section in (self._data, self._settings):
            section.setEnabled(not running)
        self._button.set_offer(self._offer(), ready=problem is None and self._ready and not running)
        if not running and not self._sample.running:
            self._button.set_status(*self._what_now(problem))

    def _what_now(self, problem: CellForceError | None) -> train_words.Words:
        if problem is not None:
            return train_words.of_problem(problem)
        return self._learning.summary if self._ready else ("Loading PyTorch …", Tone.PLAIN)

    def _offer(self) -> str:
        stopped = self._run.unfinished
        if stopped is not None:
            return f"Go on with pass {self._learning.passes + 1} of {stopped.optimise.epochs}"
        settings = self._settings
        return train_words.offer(settings.start_from, self._data.found, only_scale=settings.only_scale)

    def _on_ended(self) -> None:
        self._learning.end()
        self._refresh()

    def _on_stop(self) -> None:
        self._button.set_status("Stopping after this step …")
        self._run.stop()

    def _on_pause(self, rest: bool) -> None:
        self._run.pause(rest)
        if self._run.running:
            self._button.set_status("Resting; press Go on to continue." if rest else "Going on …")

    def _on_anew(self) -> None:
        self._run.forget()
        self.start()

    def _on_sample(self, words: str) -> None:
        self._button.set_status(words)
        if not words:
            self._refresh()

    def _on_used(self, name: str) -> None:
        """List the model, and show it in the panel Predict forces where there is a window for it."""
        self._settings.fill()
        predict_with(self._viewer, name)

    def _on_reset(self) -> None:
        if not self._run.running:
            self._data.choose({})
            self._settings.reset()
