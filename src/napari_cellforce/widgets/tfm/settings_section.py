"""The gel, how the beads are followed, and how lambda is chosen; saved and opened as a preset."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.config_io import read_settings
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import Substrate
from napari_cellforce.files import write_text
from napari_cellforce.physics.displacement import DisplacementConfig
from napari_cellforce.tfm import TfmConfig, check_substrate
from napari_cellforce.widgets.base.form import Form, TextLine, Tone, collapsible, shrinkable_combo
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.worker import show_error

_PASCAL = {"kPa": 1000.0, "Pa": 1.0}
_CRITERIA = {
    "evidence": "Bayesian evidence",
    "gcv": "cross-validation (GCV)",
    "l-curve": "corner of the L-curve",
    "fixed": "fixed",
}
_METHODS = {"piv": "windows (PIV)", "tv-l1": "optical flow, TV-L1", "ilk": "optical flow, Lucas-Kanade"}
_DRIFTS = {"shift": "shift", "rigid": "shift and rotation", "none": "none"}
_PAGE = "tutorials/measure/"


class TfmSettingsSection(QWidget):
    """Everything of a `TfmConfig`.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = TfmConfig(Substrate(1.0))
        self.gel_message = TextLine()
        self.use_kilopascal = QPushButton("Take it as kPa")
        self.use_kilopascal.clicked.connect(lambda: self.unit_list.setCurrentText("kPa"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_gel())
        layout.addWidget(self.gel_message)
        layout.addWidget(self.use_kilopascal)
        beads = collapsible("Beads and regularisation")
        inner = QWidget()
        inner.setLayout(self._build_methods())
        beads.addWidget(inner)
        layout.addWidget(beads)
        layout.addLayout(self._build_presets())
        self._on_changed()

    def config(self) -> TfmConfig:
        """Return the settings.

        Raises
        ------
        CellForceError
            If the stiffness is missing or something makes no sense.
        """
        if not self.young.value():
            raise CellForceError(
                "the gel's stiffness is not given",
                "tractions are proportional to it",
                "Type in its Young's modulus.",
                topic=Topic.GEL,
            )
        windows, previous = _windows(self.windows.text()), self._base.displacement
        beads = dataclasses.replace(
            previous,
            windows=windows,
            overlap=previous.overlap if windows == previous.windows else windows[-1] * 3 // 4,
            drift=self._drift.currentData(),
            method=self._method.currentData(),
        )
        return dataclasses.replace(
            self._base,
            substrate=self._substrate(),
            displacement=beads,
            criterion=self._criterion.currentData(),
            regularisation=self._fixed_lambda() if self._criterion.currentData() == "fixed" else None,
            one_for_all=self._one.isChecked(),
            noise_outside=self._outside.isChecked(),
        )

    def show_config(self, config: TfmConfig) -> None:
        """Fill in settings; those that have no row are kept."""
        self._base = config
        gel, beads = config.substrate, config.displacement
        kilo = gel.young >= 1000
        with QSignalBlocker(self):
            self.unit_list.setCurrentText("kPa" if kilo else "Pa")
            self.young.setValue(gel.young / (1000 if kilo else 1))
            self._poisson.setValue(gel.poisson)
            self._thickness.setValue(gel.thickness or 0)
            self.windows.setText(", ".join(str(w) for w in beads.windows))
            self._drift.setCurrentIndex(self._drift.findData(beads.drift))
            self._method.setCurrentIndex(self._method.findData(beads.method))
            self._criterion.setCurrentIndex(self._criterion.findData(config.criterion))
            self._lambda.setText(f"{config.regularisation:g}" if config.regularisation else "")
            self._one.setChecked(config.one_for_all)
            self._outside.setChecked(config.noise_outside)
        self._on_changed()

    def reset(self) -> None:
        """Back to the defaults; the gel stays, it is no matter of taste."""
        self.show_config(TfmConfig(self._substrate()))

    def _substrate(self) -> Substrate:
        young = self.young.value() * _PASCAL[self.unit_list.currentText()]
        return Substrate(young, self._poisson.value(), self._thickness.value() or None)

    def _build_gel(self) -> Form:
        self.young = NumberBox(0, 1e6, empty="type it in")
        self._poisson = NumberBox(0, 0.5, value=0.48, step=0.01)
        self._thickness = NumberBox(0, 10000, unit="µm", empty="thick")
        self.unit_list = QComboBox()
        self.unit_list.addItems(list(_PASCAL))
        self.unit_list.setAccessibleName("Unit of stiffness")
        form = Form()
        form.add(
            "Stiffness",
            self.young,
            "Young's modulus of the gel",
            beside=self.unit_list,
            page=_PAGE + "#the-gel",
        )
        form.add(
            "Poisson's ratio", self._poisson, "0.5: does not change its volume; polyacrylamide 0.45 to 0.5"
        )
        form.add(
            "Thickness", self._thickness, "Of the gel on glass; 'thick' if much thicker than the cell is wide"
        )
        for spin in (self.young, self._poisson, self._thickness):
            spin.valueChanged.connect(self._on_changed)
        self.unit_list.currentIndexChanged.connect(self._on_changed)
        return form

    def _build_methods(self) -> Form:
        self._drift, self._method, self._criterion = (
            _name_combo(names) for names in (_DRIFTS, _METHODS, _CRITERIA)
        )
        self.windows = QLineEdit(", ".join(str(w) for w in DisplacementConfig().windows))
        self._lambda = QLineEdit()
        self._lambda.setPlaceholderText("in µm/Pa, for example 3e-4")
        self._one = QCheckBox("one lambda for all frames")
        self._one.setChecked(True)
        self._one.setToolTip("Magnitudes can be compared only at the same lambda")
        form = Form()
        form.add("Drift", self._drift, "What the stage may have done between the images")
        form.add("Follow by", self._method, "How the beads are followed")
        form.add("Windows", self.windows, "Sides in pixels, a pass each; some ten beads in the last")
        form.add("Lambda by", self._criterion, "How the regularisation is chosen", page="regularisation/")
        self._lambda_row = form.add("Lambda", self._lambda, "The fixed regularisation in µm/Pa")
        self._outside = QCheckBox("measure the noise outside the cell")
        self._outside.setToolTip("Needs a cell, and gel around it; else the noise is found with lambda")
        form.addRow(self._one)
        form.addRow(self._outside)
        for combo in (self._drift, self._method, self._criterion):
            combo.currentIndexChanged.connect(self._on_changed)
        for line in (self.windows, self._lambda):
            line.editingFinished.connect(self._on_changed)
        for box in (self._one, self._outside):
            box.toggled.connect(self._on_changed)
        return form

    def _build_presets(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for text, tip, act in (
            ("Open preset …", "Read saved settings, also those written by the command line", self._on_open),
            ("Save preset …", "Keeps gel and settings as JSON, for the next experiment", self._on_save),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(act)
            row.addWidget(button)
        return row

    def _on_changed(self, *_: object) -> None:
        fixed = self._criterion.currentData() == "fixed"
        self._lambda.setVisible(fixed)
        self._lambda_row.setVisible(fixed)
        warning = check_substrate(self._substrate()) if self.young.value() else ""
        self.gel_message.set_text(warning, Tone.PROBLEM)
        self.use_kilopascal.setVisible("kPa?" in warning)
        self.changed.emit()

    def _fixed_lambda(self) -> float | None:
        try:
            return float(self._lambda.text())
        except ValueError:
            return None

    def _on_save(self) -> None:
        try:
            text = self.config().to_json()
            path, _ = QFileDialog.getSaveFileName(self, "Save preset", "tfm_preset.json", "Presets (*.json)")
            if path:
                write_text(Path(path), text)
        except CellForceError as error:
            show_error(error)

    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open preset", "", "Presets (*.json)")
        if path:
            self.open_preset(Path(path))

    def open_preset(self, path: Path) -> None:
        """Fill in the settings of a file; says why if it cannot be read."""
        try:
            self.show_config(read_settings(path, TfmConfig))
        except CellForceError as error:
            show_error(error)


def _windows(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise CellForceError(
            f"the windows are {text!r}",
            "they are whole numbers of pixels, a pass each",
            "Type in, for example, 64, 32, 32.",
            topic=Topic.WINDOW,
        ) from None


def _name_combo(names: dict[str, str]) -> QComboBox:
    combo = shrinkable_combo(QComboBox())
    for key, words in names.items():
        combo.addItem(words, key)
    return combo
