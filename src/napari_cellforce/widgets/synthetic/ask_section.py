"""Who is asked how hard the drawn cell pulls, and the asking."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QVBoxLayout, QWidget

from napari_cellforce.scan import Answer, Drawing, ForceModel, evaluate_model, force_model
from napari_cellforce.synthetic import SyntheticCell
from napari_cellforce.widgets.base.form import Form, align, narrow
from napari_cellforce.widgets.base.latest import Latest
from napari_cellforce.widgets.synthetic.force_choice import fill_combo

_SETTLING = 250
"""Milliseconds without an edit before the forces are asked for."""


class AskSection(QWidget):
    """Choice of one model; it is loaded when it is first asked, off the GUI thread.

    Signals
    -------
    changed
        Another model was chosen, or live was ticked.
    answered : Answer
    failed : Exception
    """

    changed = Signal()
    answered = Signal(object)
    failed = Signal(object)

    def __init__(self, device: str, folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._device, self._folder = device, folder
        self._models: dict[str, ForceModel] = {}
        self._choice = narrow(QComboBox())
        self.fill()
        self._live = QCheckBox("live")
        self._live.setToolTip("Ask again after every change, as soon as you stop editing")
        self._work = Latest(_SETTLING, self)
        self._work.done.connect(self.answered)
        self._work.failed.connect(self.failed)
        self._choice.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._live.toggled.connect(lambda _: self.changed.emit())
        form = Form()
        form.add("Ask", self._choice, "Who says how hard the cell pulls", page="models/", beside=self._live)
        align(form)
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
        """Go back to the first settings."""
        self.set_live(False)
        self._choice.setCurrentIndex(0)

    def choose(self, name: str) -> None:
        """Choose a model."""
        self._choice.setCurrentIndex(max(self._choice.findData(name), 0))

    def set_live(self, live: bool) -> None:
        """Tick or untick live."""
        self._live.setChecked(live)

    def predict(self, cell: SyntheticCell, sketch: Drawing) -> None:
        """Ask the chosen model, unless something newer is asked before.

        Parameters
        ----------
        cell : SyntheticCell
        sketch : Drawing
            Of the cell: it is drawn again if the model must see more proteins.
        """
        name = self.name

        def work() -> Answer:
            model = self._model(name)
            missing = set(model.proteins) - set(cell.image.channel_names)
            return evaluate_model(model, sketch.showing(model.proteins).draw() if missing else cell)

        self._work.submit(work)

    def drop(self) -> None:
        """Ask nothing more."""
        self._work.drop()

    def remember(self) -> dict[str, Any]:
        """Return what is kept between sessions."""
        return {"asked": self.name, "live": self.live}

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned."""
        self.choose(str(values.get("asked", "")))
        self.set_live(bool(values.get("live", False)))

    def _model(self, name: str) -> ForceModel:
        if name not in self._models:
            self._models[name] = force_model(name, device=self._device, folder=self._folder)
        return self._models[name]
