"""Which predictor, what it is good for, and getting it if it is not here yet."""

from __future__ import annotations

from typing import Any

from napari.utils.notifications import show_info
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.widgets.base.form import LABEL_WIDTH, Form, align_labels, collapsible, shrinkable_combo
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.preferences import Preferences
from napari_cellforce.widgets.base.worker import show_error
from napari_cellforce.widgets.shared.device_rows import DeviceRows
from napari_cellforce.widgets.shared.model_download import ModelDownload, availability_problem, format_size


class ModelSection(QWidget):
    """Choice of the predictor, with its card, and the advanced settings of a prediction.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = preferences.model_folder or None
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
        layout.addWidget(self._build_advanced(preferences))
        self.fill()

    def dispose(self) -> None:
        """End what runs in the background."""
        self._download.dispose()
        self._device_rows.dispose()

    @property
    def entry(self) -> zoo.ZooEntry:
        """The chosen predictor."""
        entry: zoo.ZooEntry = self._models.currentData()
        return entry

    @property
    def device(self) -> str:
        """Device asked for: ``"auto"``, ``"cpu"`` ..."""
        return self._device_rows.device

    @property
    def device_name(self) -> str:
        """Device that computes, in words; empty until torch is loaded."""
        return self._device_rows.name

    @property
    def loading(self) -> bool:
        """True while torch is being loaded."""
        return self._device_rows.loading

    @property
    def backend(self) -> str:
        """What shall compute the network: ``"auto"``, ``"eager"`` ..."""
        return self._device_rows.backend

    @property
    def model_folder(self) -> str | None:
        """Folder of the models, by the user's preference."""
        return self._folder

    @property
    def already_normalised(self) -> bool:
        """True if the image holds normalised intensities."""
        return bool(self._normalised.isChecked())

    @property
    def calibration(self) -> float | None:
        """Mean traction of comparable cells in Pa, or None."""
        return self._calibration.value() or None

    @property
    def samples(self) -> int:
        """Passes of Monte-Carlo dropout."""
        return int(self._samples.value())

    def problem(self) -> CellForceError | None:
        """Return what keeps the model from being used, or None."""
        return availability_problem(self.entry, zoo.state(self.entry, self._folder))

    def fill(self, choose: str = "") -> None:
        """List the models; keep the chosen one, or choose that of the given name if there is one."""
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
        """Return what is kept between sessions."""
        advanced = self._advanced.isExpanded()
        return {"model": self.entry.name, "backend": self.backend, "advanced": advanced}

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned."""
        self.fill(str(values.get("model", "")))
        self._device_rows.choose(self.device, str(values.get("backend")))
        if values.get("advanced"):
            self._advanced.expand(animate=False)

    def reset(self) -> None:
        """Go back to the defaults."""
        self.choose(zoo.DEFAULT_MODEL)

    def choose(
        self,
        model: str,
        *,
        device: str = "auto",
        backend: str = "auto",
        samples: int = 0,
        already_normalised: bool = False,
        calibration: float | None = None,
    ) -> None:
        """Choose a model, the default one if there is none of that name, and how it is used."""
        self.fill(model or zoo.DEFAULT_MODEL)
        self._device_rows.choose(device, backend)
        self._normalised.setChecked(already_normalised)
        self._calibration.setValue(calibration or 0)
        self._samples.setValue(samples)

    def _build_choice(self) -> Form:
        self._models = shrinkable_combo(QComboBox())
        self._models.currentIndexChanged.connect(self._on_model)
        import_button = QPushButton("Import …")
        import_button.setToolTip(zoo.UNET_WEIGHTS_HINT)
        import_button.setAccessibleName("Import a checkpoint (model weights)")
        import_button.clicked.connect(self._download.ask_for_file)
        form = Form()
        form.add("Model", self._models, "Which predictor", page="models/", beside=import_button)
        align_labels(form, width=LABEL_WIDTH)
        return form

    def _build_card(self) -> QLabel:
        self._card = QLabel()
        self._card.setWordWrap(True)
        self._card.setTextInteractionFlags(Qt.TextBrowserInteraction)
        self._card.setOpenExternalLinks(True)
        return self._card

    def _build_advanced(self, preferences: Preferences) -> QCollapsible:
        self._normalised = QCheckBox("already normalised")
        self._normalised.toggled.connect(lambda _: self.changed.emit())
        self._calibration = NumberBox(0, 1e5, unit="Pa", empty="none")
        self._calibration.valueChanged.connect(lambda _: self.changed.emit())
        self._samples = NumberBox(0, 100, unit="passes", empty="none", whole=True)
        self._samples.valueChanged.connect(lambda _: self.changed.emit())
        content = QWidget()
        form = Form(content)
        self._device_rows = DeviceRows(form, preferences.device)
        self._device_rows.changed.connect(self.changed)
        form.add("Intensities", self._normalised, "Tick if the image holds Z' of the paper, not counts")
        form.add(
            "Calibration",
            self._calibration,
            "Mean traction of comparable, measured cells: turns normalised tractions into Pa",
            page="numbers/#from-normalised-to-pa",
        )
        form.add(
            "Uncertainty",
            self._samples,
            "Passes with dropout whose spread is shown; for networks with dropout",
            page="numbers/#uncertainty",
        )
        self._advanced = collapsible("Advanced")
        self._advanced.addWidget(content)
        return self._advanced

    def _on_model(self, index: int = 0) -> None:
        del index
        entry = self.entry
        self._card.setText(f"{entry.card} Made for {entry.pixel_size:g} µm pixels.")
        self._card.setToolTip(f"{entry.limits}\n\n{entry.training_data}\n\n{entry.citation}")
        self._download_button.setVisible(self.problem() is not None and entry.url is not None)
        self._download_button.setText(f"Download ({format_size(entry.size)})")
        self.changed.emit()

    def _on_download(self) -> None:
        self._download_button.setEnabled(False)
        self._download.download(self.entry.name)

    def _on_model_ready(self, name: str) -> None:
        show_info(f"{name} is ready.")
        self.fill(name)
