"""Who is asked how hard the drawn cell pulls, and the asking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_cellforce import zoo
from napari_cellforce.scan import MECHANICS, CellEvaluation, Drawing, ForceModel, evaluate_model, force_model
from napari_cellforce.synthetic import SyntheticCell
from napari_cellforce.widgets.base.form import Form, align_labels, shrinkable_combo
from napari_cellforce.widgets.base.worker import DebouncedWorker

_EXACT = {
    "sheet": "Exact mechanics of the drawn cell as a contractile sheet held by its adhesions, in Pa.",
    "fibres": "Exact mechanics of the drawn cell with forces along stress fibres only, in Pa.",
}


@dataclass(frozen=True)
class ForceSource:
    """One entry of the lists.

    Attributes
    ----------
    name : str
        For `napari_cellforce.scan.force_model`.
    words : str
        As listed.
    tip : str
    available : bool
        False if its weights are not on this computer.
    """

    name: str
    title: str
    tip: str
    available: bool = True


def force_sources(folder: str | None) -> list[ForceSource]:
    """Return all that can be asked, exact mechanics first; `folder` as in `zoo.entries`."""
    exact = [ForceSource(name, f"{name} (exact)", _EXACT[name]) for name in MECHANICS]
    predictors = []
    for entry in zoo.entries(folder=folder):
        here = zoo.is_available(entry.name, folder)
        missing = "" if here else " (not downloaded yet)"
        tip = entry.card if here else f"{entry.card} Download it in the panel Models."
        predictors.append(ForceSource(entry.name, entry.name + missing, tip, here))
    return exact + predictors


def fill_combo(combo: QComboBox, folder: str | None) -> None:
    """List everybody in a combo box; the chosen one stays. Who is not here cannot be chosen."""
    chosen = combo.currentData()
    with QSignalBlocker(combo):
        combo.clear()
        for i, source in enumerate(force_sources(folder)):
            combo.addItem(source.title, source.name)
            combo.setItemData(i, source.tip, Qt.ToolTipRole)
            combo.model().item(i).setEnabled(source.available)
        combo.setCurrentIndex(max(combo.findData(chosen), 0))


def fill_list(listing: QListWidget, folder: str | None) -> None:
    """List everybody with a box to tick; at first the sheet is ticked."""
    checked = checked_names(listing) or ("sheet",)
    with QSignalBlocker(listing):
        listing.clear()
        for source in force_sources(folder):
            item = QListWidgetItem(source.title, listing)
            item.setData(Qt.UserRole, source.name)
            item.setToolTip(source.tip)
            item.setFlags(Qt.ItemIsUserCheckable | Qt.ItemIsSelectable | Qt.ItemIsEnabled)
            if not source.available:
                item.setFlags(Qt.NoItemFlags)
    check_names(listing, checked)


def check_names(listing: QListWidget, names: Sequence[str]) -> None:
    """Tick these, as far as they can be asked, and no others."""
    with QSignalBlocker(listing):
        for i in range(listing.count()):
            item = listing.item(i)
            chosen = item.data(Qt.UserRole) in names and bool(item.flags() & Qt.ItemIsEnabled)
            item.setCheckState(Qt.Checked if chosen else Qt.Unchecked)


def checked_names(listing: QListWidget) -> tuple[str, ...]:
    """Return the names of those ticked."""
    items = (listing.item(i) for i in range(listing.count()))
    return tuple(item.data(Qt.UserRole) for item in items if item.checkState() == Qt.Checked)


_DEBOUNCE = 250
"""Milliseconds without an edit before the forces are asked for."""


class PredictSection(QWidget):
    """Choice of one model; it is loaded when it is first asked, off the GUI thread.

    Signals
    -------
    changed
        Another model was chosen, or live was ticked.
    answered : Answer
    failed : Exception
    """

    changed = Signal()
    predicted = Signal(object)
    failed = Signal(object)

    def __init__(self, device: str, folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._device, self._folder = device, folder
        self._models: dict[str, ForceModel] = {}
        self._choice = shrinkable_combo(QComboBox())
        self.fill()
        self._live = QCheckBox("live")
        self._live.setToolTip("Ask again after every change, as soon as you stop editing")
        self._work = DebouncedWorker(_DEBOUNCE, self)
        self._work.done.connect(self.predicted)
        self._work.failed.connect(self.failed)
        self._choice.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._live.toggled.connect(lambda _: self.changed.emit())
        form = Form()
        form.add("Ask", self._choice, "Who says how hard the cell pulls", page="models/", beside=self._live)
        align_labels(form)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)

    @property
    def name(self) -> str:
        """Of the chosen model."""
        return str(self._choice.currentData())

    @property
    def live(self) -> bool:
        """True if every change is to be followed by an answer."""
        return bool(self._live.isChecked())

    @property
    def busy(self) -> bool:
        """True while an answer is on its way."""
        return self._work.busy

    def fill(self) -> None:
        """List who can be asked by now."""
        fill_combo(self._choice, self._folder)

    def reset(self) -> None:
        """Restore the default settings."""
        self.set_live(False)
        self._choice.setCurrentIndex(0)

    def choose(self, name: str) -> None:
        """Choose a model."""
        self._choice.setCurrentIndex(max(self._choice.findData(name), 0))

    def set_live(self, live: bool) -> None:
        """Tick or untick live."""
        self._live.setChecked(live)

    def predict(self, cell: SyntheticCell, current_drawing: Drawing) -> None:
        """Ask the chosen model, unless something newer is asked before.

        Parameters
        ----------
        cell : SyntheticCell
        sketch : Drawing
            Of the cell: it is drawn again if the model must see more proteins.
        """
        name = self.name

        def work() -> CellEvaluation:
            model = self._model(name)
            missing = set(model.proteins) - set(cell.image.channel_names)
            return evaluate_model(
                model, current_drawing.with_proteins(model.proteins).draw() if missing else cell
            )

        self._work.submit(work)

    def cancel(self) -> None:
        """Ask nothing more."""
        self._work.cancel()

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        return {"asked": self.name, "live": self.live}

    def recall(self, values: dict[str, Any]) -> None:
        """Restore the settings that `remember` returned."""
        self.choose(str(values.get("asked", "")))
        self.set_live(bool(values.get("live", False)))

    def _model(self, name: str) -> ForceModel:
        if name not in self._models:
            self._models[name] = force_model(name, device=self._device, folder=self._folder)
        return self._models[name]
