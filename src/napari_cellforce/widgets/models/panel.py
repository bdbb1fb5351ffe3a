"""The panel "Models" says which predictors there are and what they are good for, and gets more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from napari.viewer import Viewer
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices, QShowEvent
from qtpy.QtWidgets import QMessageBox

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.widgets.base.form import DOCS, Tone
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import Job, tell
from napari_cellforce.widgets.models.actions import ModelActions
from napari_cellforce.widgets.models.card_section import ModelCard
from napari_cellforce.widgets.models.list_section import ModelList
from napari_cellforce.widgets.models.words import docs_page, for_panel, offer, question
from napari_cellforce.widgets.view.model_getting import ModelGetting, why_not_ready
from napari_cellforce.widgets.view.opening import predict_with

PANEL = "models"


class ModelsPanel(Panel):
    """Look through the predictors, get one, use it.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    """

    def __init__(self, napari_viewer: Viewer, **options: Unpack[PanelOptions]) -> None:
        super().__init__(napari_viewer, **options)
        self._folder = self._preferences.model_folder or None
        self._outcome: tuple[str, Tone] = ("", Tone.PLAIN)
        self._to_tell = ""
        self._models = ModelList()
        self._run = RunSection()
        self._getting = ModelGetting(self._folder)
        self._actions = ModelActions()
        self._card = ModelCard(self._folder)
        self._checking = Job(self)
        self._lay_out((self._models, self._run, self._getting, self._actions, self._card))
        self._connect()
        self.fill(str(self._memory.recall(PANEL).get("model", "")))

    def fill(self, choose: str = "") -> None:
        """List what is there now, and read the files whole to see which are damaged."""
        entries = zoo.entries(folder=self._folder)
        self._models.fill([(entry, zoo.state(entry, self._folder)) for entry in entries], choose)
        self._check([entry.name for entry in entries if entry.has_weights])

    def showEvent(self, event: QShowEvent) -> None:
        """Look again: another panel may have brought a model."""
        super().showEvent(event)
        if not event.spontaneous():
            self.fill()

    def _connect(self) -> None:
        self._models.chosen.connect(self._on_chosen)
        self._models.taken.connect(self._on_start)
        self._run.started.connect(self._on_start)
        self._getting.arrived.connect(self._on_arrived)
        self._getting.failed.connect(self._on_failed)
        self._getting.ended.connect(self._refresh)
        self._checking.yielded.connect(lambda found: self._on_checked(*found))
        self._checking.failed.connect(self._on_failed)
        self._checking.ended.connect(lambda _: self._refresh())
        self._actions.import_asked.connect(self._on_import)
        self._actions.check_asked.connect(self._on_check)
        self._actions.remove_asked.connect(self._on_remove)
        self._actions.page_asked.connect(self._on_page)
        self._actions.folder_asked.connect(self._on_folder)

    def _let_go(self) -> None:
        if self._models.entry:
            self._memory.remember(PANEL, {"model": self._models.entry.name})
        self._getting.drop_jobs()
        self._checking.drop()

    def _refresh(self) -> None:
        """Bring the buttons and the line above them in line with what is selected and what runs."""
        entry, busy = self._models.entry, self._getting.running
        if entry is None:
            self._run.set_offer("Predict forces", ready=False)
            self._run.set_status("Select a model above.")
            self._actions.update_buttons(busy=busy, check=False, remove=False)
            return
        state = self._models.state
        problem = why_not_ready(entry, state)
        self._run.set_offer(offer(entry, state), ready=not busy and (problem is None or bool(entry.url)))
        words, tone = self._outcome
        if not words and problem is not None:
            words, tone = str(problem), Tone.PLAIN if state == zoo.State.TO_DOWNLOAD else Tone.PROBLEM
        self._run.set_status(words, tone)
        there = entry.has_weights and state not in (zoo.State.TO_DOWNLOAD, zoo.State.MISSING)
        removable = zoo.can_be_removed(entry, self._folder)
        self._actions.update_buttons(busy=busy, check=there, remove=removable)

    def _say(self, words: str, tone: Tone = Tone.PLAIN) -> None:
        """Say what came of something, until another model is selected."""
        self._outcome = words, tone
        self._refresh()

    def _on_chosen(self) -> None:
        entry = self._models.entry
        self._card.setVisible(entry is not None)
        if entry is not None:
            self._card.show_model(entry)
        self._say("")

    def _on_start(self) -> None:
        """Do what the blue button says."""
        entry = self._models.entry
        if entry is None or not self._run.ready:
            return
        if self._models.state.ready:
            predict_with(self._viewer, entry.name)
        else:
            self._getting.download(entry.name)
            self._say(f"Downloading {entry.name} …")

    def _on_import(self) -> None:
        """Ask for a file; who has none reads where there are some."""
        self._say(for_panel(zoo.WEIGHTS_ELSEWHERE))
        self._getting.ask_for_file()
        if self._getting.running:
            self._say("Importing …")

    def _on_arrived(self, name: str) -> None:
        self.fill(name)
        self._say(f"{name} is ready.", Tone.GOOD)

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self._say(for_panel(str(error)), Tone.PROBLEM)
        else:
            tell(error)

    def _check(self, names: Sequence[str], to_tell: str = "") -> None:
        """Read files whole, off the GUI thread; say what came of one of them, if it was asked for."""
        folder, self._to_tell = self._folder, to_tell

        def work() -> Iterator[tuple[str, zoo.State]]:
            for name in names:
                try:
                    found = zoo.check(name, folder)
                except CellForceError:
                    if to_tell:
                        raise
                    continue  # a file that may not be read says nothing of the others
                yield name, found

        self._checking.start(work)

    def _on_check(self) -> None:
        entry = self._models.entry
        assert entry is not None
        self._say(f"Reading {entry.name} …")
        self._check([entry.name], to_tell=entry.name)

    def _on_checked(self, name: str, state: zoo.State) -> None:
        self._models.set_state(name, state)
        if name == self._to_tell == getattr(self._models.entry, "name", ""):
            self._say(
                *((f"{name} is whole: its hash is the listed one.", Tone.GOOD) if state.ready else ("",))
            )

    def _on_remove(self) -> None:
        entry = self._models.entry
        assert entry is not None
        answer = QMessageBox.question(
            self, "Remove a model", question(entry), QMessageBox.Yes | QMessageBox.No, QMessageBox.No
        )
        if answer != QMessageBox.Yes:
            return
        try:
            zoo.remove(entry.name, self._folder)
        except CellForceError as error:
            self._on_failed(error)
            return
        self.fill()
        self._say(f"{entry.name} is removed.")

    def _on_page(self) -> None:
        entry = self._models.entry
        page = docs_page(entry) if entry else "models/"
        QDesktopServices.openUrl(QUrl(DOCS + page))

    def _on_folder(self) -> None:
        """Open the folder of the model's file, or that of all models."""
        entry = self._models.entry
        bundled = entry is not None and entry.has_weights and not entry.in_model_folder
        folder = entry.path().parent if entry and bundled else zoo.model_folder(self._folder)
        if folder.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        else:
            self._say(f"There is no folder {folder} yet: the first download or import makes it.")
