"""The full card of a model, and where its file lies."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from napari_cellforce import zoo
from napari_cellforce.widgets.base.form import Form
from napari_cellforce.widgets.models.words import card


class ModelCard(QWidget):
    """What is known of a model, in plain words.

    Parameters
    ----------
    folder : str or None
        Model folder, by the user's preference.
    """

    def __init__(self, folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.RichText)
        self._text.setTextInteractionFlags(Qt.TextBrowserInteraction)
        self._text.setOpenExternalLinks(True)
        self._text.setAccessibleName("Card of the model")
        self._file, self._hash, self._address = QLineEdit(), QLineEdit(), QLineEdit()
        self._rows = QWidget()
        form = Form(self._rows)
        form.add("File", self._file, "Where the weights lie, or would; select it to copy it")
        form.add("SHA-256", self._hash, "What the file is recognised by; checked whenever it is loaded")
        self._address_row = form.add("Address", self._address, "Where it is downloaded from")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text)
        layout.addWidget(self._rows)
        for box in (self._file, self._hash, self._address):
            box.setReadOnly(True)

    def show_model(self, entry: zoo.ZooEntry) -> None:
        """Show the card of a model."""
        self._text.setText(card(entry))
        self._rows.setVisible(entry.has_weights)
        if entry.has_weights:
            path = str(entry.path(self._folder))
            self._file.setText(path)
            self._file.setToolTip(path)
            self._hash.setText(entry.sha256)
            self._hash.setCursorPosition(0)
        self._address.setText(entry.url or "")
        self._address.setCursorPosition(0)
        for widget in (self._address, self._address_row):
            widget.setVisible(bool(entry.url))
