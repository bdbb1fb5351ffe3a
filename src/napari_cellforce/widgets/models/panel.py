"""The panel "Models": list, description, download, import and removal of models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from napari.viewer import Viewer
from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices, QShowEvent
from qtpy.QtWidgets import QGridLayout, QMessageBox, QPushButton, QWidget

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.widgets.base.form import DOCS_URL, Tone
from napari_cellforce.widgets.base.panel import Panel, PanelOptions, predict_with
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import Job, show_error
from napari_cellforce.widgets.models.list_section import ModelCard, ModelList
from napari_cellforce.widgets.models.messages import button_label, docs_page, removal_question, shorten_urls
from napari_cellforce.widgets.shared.model_download import ModelDownload, availability_problem


class ModelActions(QWidget):
    """Buttons for import, removal, check, documentation and folder.

    Signals
    -------
    import_asked, check_asked, remove_asked, page_asked, folder_asked
    """

    import_asked = Signal()
    check_asked = Signal()
    remove_asked = Signal()
    page_asked = Signal()
    folder_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._import = QPushButton("Import a checkpoint …")
        self._check, self._remove = QPushButton("Check"), QPushButton("Remove …")
        page, folder = QPushButton("Docs page"), QPushButton("Show folder")
        places = {
            self._import: (
                0,
                0,
                2,
                self.import_asked,
                f"Import a weights file. {zoo.UNET_WEIGHTS_HINT}",
            ),
            self._remove: (
                0,
                2,
                1,
                self.remove_asked,
                "Delete a downloaded or imported model, after confirmation",
            ),
            self._check: (1, 0, 1, self.check_asked, "Read the file and verify its checksum"),
            page: (1, 1, 1, self.page_asked, "Open the documentation of this model"),
            folder: (1, 2, 1, self.folder_asked, "Open the folder of its file"),
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for button, (row, column, columns, signal, tip) in places.items():
            button.setToolTip(tip)
            button.setAccessibleDescription(tip)
            button.clicked.connect(lambda _=False, signal=signal: signal.emit())
            grid.addWidget(button, row, column, 1, columns)

    def update_buttons(self, *, busy: bool, check: bool, remove: bool) -> None:
        """Enable the buttons that can be used now."""
        self._import.setEnabled(not busy)
        self._check.setEnabled(check and not busy)
        self._remove.setEnabled(remove and not busy)


PANEL = "models"


class ModelsPanel(Panel):
    """Lists the models, downloads or imports them, and opens "Predict forces" with one.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    """

    def __init__(self, napari_viewer: Viewer, **options: Unpack[PanelOptions]) -> None:
        super().__init__(napari_viewer, **options)
        self._folder = self._preferences.model_folder or None
        self._summary: tuple[str, Tone] = ("", Tone.PLAIN)
        self._reported_model = ""
        self._models = ModelList()
        self._run = RunSection()
        self._download = ModelDownload(self._folder)
        self._actions = ModelActions()
        self._card = ModelCard(self._folder)
        self._checking = Job(self)
        self._build_layout((self._models, self._run, self._download, self._actions, self._card))
        self._connect()
        self.fill(str(self._memory.recall(PANEL).get("model", "")))

    def fill(self, choose: str = "") -> None:
        """List the models, and verify the checksums of their files."""
        entries = zoo.entries(folder=self._folder)
        self._models.fill([(entry, zoo.state(entry, self._folder)) for entry in entries], choose)
        self._check([entry.name for entry in entries if entry.has_weights])

    def showEvent(self, event: QShowEvent) -> None:
        """List the models again: another panel may have added one."""
        super().showEvent(event)
        if not event.spontaneous():
            self.fill()

    def _connect(self) -> None:
        self._models.chosen.connect(self._on_chosen)
        self._models.activated.connect(self._on_start)
        self._run.started.connect(self._on_start)
        self._download.completed.connect(self._on_model_ready)
        self._download.failed.connect(self.show_failure)
        self._download.ended.connect(self._refresh)
        self._checking.yielded.connect(lambda checked: self._on_checked(*checked))
        self._checking.failed.connect(self.show_failure)
        self._checking.ended.connect(lambda _: self._refresh())
        self._actions.import_asked.connect(self._on_import)
        self._actions.check_asked.connect(self._on_check)
        self._actions.remove_asked.connect(self._on_remove)
        self._actions.page_asked.connect(self._on_page)
        self._actions.folder_asked.connect(self._on_folder)

    def _remember(self) -> None:
        if self._models.entry:
            self._memory.remember(PANEL, {"model": self._models.entry.name})

    def _dispose(self) -> None:
        self._download.dispose()
        self._checking.cancel()

    def _refresh(self) -> None:
        """Update the buttons and the status line."""
        entry, busy = self._models.entry, self._download.running
        if entry is None:
            self._run.set_button("Predict forces", ready=False)
            self._run.set_status("Select a model above.")
            self._actions.update_buttons(busy=busy, check=False, remove=False)
            return
        state = self._models.state
        problem = availability_problem(entry, state)
        self._run.set_button(
            button_label(entry, state), ready=not busy and (problem is None or bool(entry.url))
        )
        words, tone = self._summary
        if not words and problem is not None:
            words, tone = str(problem), Tone.PLAIN if state == zoo.ModelState.TO_DOWNLOAD else Tone.PROBLEM
        self._run.set_status(words, tone)
        there = entry.has_weights and state not in (zoo.ModelState.TO_DOWNLOAD, zoo.ModelState.MISSING)
        removable = zoo.is_removable(entry, self._folder)
        self._actions.update_buttons(busy=busy, check=there, remove=removable)

    def _set_summary(self, words: str, tone: Tone = Tone.PLAIN) -> None:
        """Show a message until another model is selected."""
        self._summary = words, tone
        self._refresh()

    def _on_chosen(self) -> None:
        entry = self._models.entry
        self._card.setVisible(entry is not None)
        if entry is not None:
            self._card.show_model(entry)
        self._set_summary("")

    def _on_start(self) -> None:
        """Run the action of the main button."""
        entry = self._models.entry
        if entry is None or not self._run.ready:
            return
        if self._models.state.ready:
            predict_with(self._viewer, entry.name)
        else:
            self._download.download(entry.name)
            self._set_summary(f"Downloading {entry.name} …")

    def _on_import(self) -> None:
        """Ask for a weights file, and show where files are published."""
        self._set_summary(shorten_urls(zoo.UNET_WEIGHTS_HINT))
        self._download.ask_for_file()
        if self._download.running:
            self._set_summary("Importing …")

    def _on_model_ready(self, name: str) -> None:
        self.fill(name)
        self._set_summary(f"{name} is available.", Tone.GOOD)

    def show_failure(self, error: Exception) -> None:
        """Show why something failed."""
        if isinstance(error, CellForceError):
            self._set_summary(shorten_urls(str(error)), Tone.PROBLEM)
        else:
            show_error(error)

    def _check(self, names: Sequence[str], report_for: str = "") -> None:
        """Verify files off the GUI thread; show the result of `report_for`."""
        folder, self._reported_model = self._folder, report_for

        def work() -> Iterator[tuple[str, zoo.ModelState]]:
            for name in names:
                try:
                    checked = zoo.check(name, folder)
                except CellForceError:
                    if report_for:
                        raise
                    continue  # an unreadable file does not affect the others
                yield name, checked

        self._checking.start(work)

    def _on_check(self) -> None:
        entry = self._models.entry
        assert entry is not None
        self._set_summary(f"Reading {entry.name} …")
        self._check([entry.name], report_for=entry.name)

    def _on_checked(self, name: str, state: zoo.ModelState) -> None:
        self._models.set_state(name, state)
        if name == self._reported_model == getattr(self._models.entry, "name", ""):
            self._set_summary(
                *((f"The file of {name} is intact (checksum verified).", Tone.GOOD) if state.ready else ("",))
            )

    def _on_remove(self) -> None:
        entry = self._models.entry
        assert entry is not None
        answer = QMessageBox.question(
            self, "Remove a model", removal_question(entry), QMessageBox.Yes | QMessageBox.No, QMessageBox.No
        )
        if answer != QMessageBox.Yes:
            return
        try:
            zoo.remove(entry.name, self._folder)
        except CellForceError as error:
            self.show_failure(error)
            return
        self.fill()
        self._set_summary(f"{entry.name} was removed.")

    def _on_page(self) -> None:
        entry = self._models.entry
        page = docs_page(entry) if entry else "models/"
        QDesktopServices.openUrl(QUrl(DOCS_URL + page))

    def _on_folder(self) -> None:
        """Open the folder of the file of the model, or the model folder."""
        entry = self._models.entry
        bundled = entry is not None and entry.has_weights and not entry.in_model_folder
        folder = entry.path().parent if entry and bundled else zoo.model_folder(self._folder)
        if folder.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        else:
            self._set_summary(
                f"The folder {folder} does not exist yet: it is created by the first download or import."
            )
