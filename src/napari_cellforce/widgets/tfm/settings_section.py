"""Gel, tracking of the beads and regularisation; saved and opened as a preset."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
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
from napari_cellforce.widgets.base.form import Form, TextLine, Tone, collapsible
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.setting_rows import SettingRows, with_values
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
    """Rows for the settings of a `TfmConfig`.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = TfmConfig(Substrate(1.0))
        self._rows = SettingRows(TfmConfig, self)
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
            If the stiffness is missing or a setting is invalid.
        """
        if not self.young.value():
            raise CellForceError(
                "the stiffness of the gel is not given",
                "tractions are proportional to it",
                "Enter its Young's modulus.",
                topic=Topic.GEL,
            )
        chosen = {path: self._rows.value(path) for path in self._rows.paths}
        windows, previous = _windows(self.windows.text()), self._base.displacement
        chosen |= {
            "substrate.young": self._young(),
            "displacement.windows": windows,
            "displacement.overlap": previous.overlap if windows == previous.windows else None,
        }
        if chosen["criterion"] != "fixed":
            chosen["regularisation"] = None
        return with_values(self._base, chosen)

    def show_config(self, config: TfmConfig) -> None:
        """Show settings; those without a row are kept."""
        self._base = config
        young = config.substrate.young
        kilo = young >= 1000
        with QSignalBlocker(self):
            self.unit_list.setCurrentText("kPa" if kilo else "Pa")
            self.young.setValue(young / (1000 if kilo else 1))
            self.windows.setText(", ".join(str(w) for w in config.displacement.windows))
            self._rows.show(config)
        self._on_changed()

    def reset(self) -> None:
        """Restore the defaults; the gel is not changed."""
        self.show_config(TfmConfig(self._substrate()))

    def _young(self) -> float:
        """Return the stiffness in Pa."""
        return float(self.young.value() * _PASCAL[self.unit_list.currentText()])

    def _substrate(self) -> Substrate:
        """Return the gel; its stiffness is 1 Pa while none is given."""
        value = self._rows.value
        return Substrate(self._young() or 1.0, value("substrate.poisson"), value("substrate.thickness"))

    def _build_gel(self) -> Form:
        self.young = NumberBox(0, empty="type it in")
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
        for path in ("substrate.poisson", "substrate.thickness"):
            self._rows.add(form, path)
        self.young.valueChanged.connect(self._on_changed)
        self.unit_list.currentIndexChanged.connect(self._on_changed)
        self._rows.changed.connect(self._on_changed)
        return form

    def _build_methods(self) -> Form:
        self.windows = QLineEdit(", ".join(str(w) for w in DisplacementConfig().windows))
        self.windows.editingFinished.connect(self._on_changed)
        rows, form = self._rows, Form()
        rows.add(form, "displacement.drift", words=_DRIFTS)
        rows.add(form, "displacement.method", words=_METHODS)
        form.add("Windows", self.windows, "Sides in pixels, one per pass; some ten beads in the last")
        rows.add(form, "criterion", words=_CRITERIA, page="regularisation/")
        rows.add(form, "regularisation")
        rows.add(form, "one_for_all")
        rows.add(form, "noise_outside")
        return form

    def _build_presets(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for text, tip, act in (
            ("Open preset …", "Read saved settings, also those written by the command line", self._on_open),
            ("Save preset …", "Save gel and settings as JSON for later experiments", self._on_save),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(act)
            row.addWidget(button)
        return row

    def _on_changed(self, *_: object) -> None:
        self._rows.set_visible("regularisation", self._rows.value("criterion") == "fixed")
        warning = check_substrate(self._substrate()) if self.young.value() else ""
        self.gel_message.set_text(warning, Tone.PROBLEM)
        self.use_kilopascal.setVisible("kPa?" in warning)
        self.changed.emit()

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
        """Show the settings of a file, or the reason why it cannot be read."""
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
