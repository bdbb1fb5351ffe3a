"""Choice of the model, with its description, download and advanced settings."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from napari.utils.notifications import show_info
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.predict import MASK_INPUT
from napari_cellforce.predict.config import BACKENDS, PredictConfig
from napari_cellforce.widgets.base.form import LABEL_WIDTH, Form, align_labels, collapsible, shrinkable_combo
from napari_cellforce.widgets.base.preferences import Preferences
from napari_cellforce.widgets.base.setting_rows import SettingRows, with_values
from napari_cellforce.widgets.base.worker import show_error
from napari_cellforce.widgets.shared.cell_section import CellSection
from napari_cellforce.widgets.shared.device_rows import DeviceRows
from napari_cellforce.widgets.shared.image_section import ImageSection
from napari_cellforce.widgets.shared.model_download import ModelDownload, availability_problem, format_size

_ADVANCED = {
    "already_normalised": "",
    "calibration": "numbers/#from-normalised-to-pa",
    "run.samples": "numbers/#uncertainty",
}
"""Settings besides those of what computes, and the page of the docs that explains each."""


class ModelSection(QWidget):
    """Rows for the model, its description, and the advanced settings of a prediction.

    Parameters
    ----------
    preferences : Preferences
    leave_out : collection of str
        Paths of those advanced settings that the job has no use for.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(
        self, preferences: Preferences, *, leave_out: Collection[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._folder = preferences.model_folder or None
        self._preferred_device = preferences.device
        self._rows = SettingRows(PredictConfig, self)
        self._rows.changed.connect(self.changed)
        self._download_button = QPushButton("Download")
        self._download_button.clicked.connect(self._on_download)
        self._download = ModelDownload(self._folder)
        self._download.completed.connect(self._on_model_ready)
        self._download.failed.connect(show_error)
        self._download.ended.connect(lambda: self._download_button.setEnabled(True))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_choice())
        layout.addWidget(self._build_card())
        layout.addWidget(self._download_button)
        layout.addWidget(self._download)
        layout.addWidget(self._build_advanced(leave_out))
        self.fill()

    def dispose(self) -> None:
        """Cancel background jobs."""
        self._download.dispose()
        self._device_rows.dispose()

    @property
    def entry(self) -> zoo.ZooEntry:
        """The chosen model."""
        entry: zoo.ZooEntry = self._models.currentData()
        return entry

    @property
    def device(self) -> str:
        """Chosen device: ``"auto"``, ``"cpu"`` ..."""
        return self._device_rows.device

    @property
    def device_name(self) -> str:
        """Name of the device that is used; empty until torch is loaded."""
        return self._device_rows.name

    @property
    def loading(self) -> bool:
        """True while torch is loaded."""
        return self._device_rows.loading

    @property
    def backend(self) -> str:
        """Chosen inference backend: ``"auto"``, ``"eager"`` ..."""
        return self._device_rows.backend

    @property
    def model_folder(self) -> str | None:
        """Model folder of the user's preferences; None for the default."""
        return self._folder

    def config(self, base: PredictConfig | None = None) -> PredictConfig:
        """Return settings with the model and the advanced settings that are chosen here."""
        chosen = self._rows.applied_to(base or PredictConfig())
        model = {"run.model": self.entry.name, "run.model_folder": self._folder or ""}
        return with_values(chosen, model)

    def problem(self) -> CellForceError | None:
        """Return the reason why the model cannot be used, or None."""
        return availability_problem(self.entry, zoo.state(self.entry, self._folder))

    def fill(self, choose: str = "") -> None:
        """List the models; keep the selection, or choose the model of the given name if there is one."""
        previous = choose or (self.entry.name if self._models.count() else zoo.DEFAULT_MODEL)
        with QSignalBlocker(self._models):
            self._models.clear()
            for entry in zoo.entries(folder=self._folder):
                self._models.addItem(entry.name, entry)
                self._models.setItemData(self._models.count() - 1, entry.card, Qt.ToolTipRole)
            chosen = previous if self._models.findText(previous) >= 0 else zoo.DEFAULT_MODEL
            self._models.setCurrentText(chosen)
        self._on_model()

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        advanced = self._advanced.isExpanded()
        return {"model": self.entry.name, "backend": self.backend, "advanced": advanced}

    def recall(self, values: dict[str, Any]) -> None:
        """Restore the settings that `remember` returned."""
        self.fill(str(values.get("model", "")))
        if values.get("backend") in BACKENDS:
            self._rows.set_value("run.backend", values["backend"])
        if values.get("advanced"):
            self._advanced.expand(animate=False)

    def reset(self) -> None:
        """Restore the defaults."""
        self.show_config(PredictConfig())

    def show_config(self, config: PredictConfig) -> None:
        """Choose the model of some settings, the default one if there is none of that name, and its use."""
        self.fill(config.run.model or zoo.DEFAULT_MODEL)
        self._rows.show(config)

    def _build_choice(self) -> Form:
        self._models = shrinkable_combo(QComboBox())
        self._models.currentIndexChanged.connect(self._on_model)
        import_button = QPushButton("Import …")
        import_button.setToolTip(zoo.UNET_WEIGHTS_HINT)
        import_button.setAccessibleName("Import a checkpoint (model weights)")
        import_button.clicked.connect(self._download.ask_for_file)
        form = Form()
        form.add(
            "Model", self._models, "Model that predicts the tractions", page="models/", beside=import_button
        )
        align_labels(form, width=LABEL_WIDTH)
        return form

    def _build_card(self) -> QLabel:
        self._card = QLabel()
        self._card.setWordWrap(True)
        self._card.setTextInteractionFlags(Qt.TextBrowserInteraction)
        self._card.setOpenExternalLinks(True)
        return self._card

    def _build_advanced(self, leave_out: Collection[str]) -> QCollapsible:
        content = QWidget()
        form = Form(content)
        self._device_rows = DeviceRows(form, self._rows, self._preferred_device)
        self._device_rows.changed.connect(self.changed)
        for path, page in _ADVANCED.items():
            if path not in leave_out:
                self._rows.add(form, path, page=page)
        self._advanced = collapsible("Advanced")
        self._advanced.addWidget(content)
        return self._advanced

    def _on_model(self, index: int = 0) -> None:
        del index
        entry = self.entry
        self._card.setText(f"{entry.card} Pixel size of the model: {entry.pixel_size:g} µm.")
        self._card.setToolTip(f"{entry.limits}\n\n{entry.training_data}\n\n{entry.citation}")
        self._download_button.setVisible(self.problem() is not None and entry.url is not None)
        self._download_button.setText(f"Download ({format_size(entry.size)})")
        self.changed.emit()

    def _on_download(self) -> None:
        self._download_button.setEnabled(False)
        self._download.download(self.entry.name)

    def _on_model_ready(self, name: str) -> None:
        show_info(f"{name} is available.")
        self.fill(name)


def predict_config(image: ImageSection, cell: CellSection, model: ModelSection) -> PredictConfig:
    """Return the settings of a prediction that the rows of a panel show; what is not typed is not set."""
    size = image.pixel_size
    proteins = [name for name in model.entry.inputs if name != MASK_INPUT]
    values: dict[str, Any] = {"channels": tuple(range(len(proteins)))}
    if size is not None and size.source == "typed":
        values["run.pixel_size"] = size.y
    if cell.automatic:
        values |= {"sensitivity": cell.sensitivity, "cell_at": cell.cell_at}
    return with_values(model.config(), values)
