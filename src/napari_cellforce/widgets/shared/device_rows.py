"""What computes: the device and the backend, in two rows, and in words below them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox

from napari_cellforce.errors import CellForceError
from napari_cellforce.widgets.base.form import Form, TextLine, Tone, shrinkable_combo
from napari_cellforce.widgets.base.worker import Job

_DEVICES = {"auto": "automatic", "cpu": "CPU", "cuda": "GPU (CUDA)", "mps": "GPU (Apple)"}
_BACKENDS = {
    "auto": "automatic",
    "eager": "PyTorch",
    "openvino": "OpenVINO",
    "compile": "PyTorch, compiled (minutes, once)",
    "amp": "PyTorch, mixed precision (GPU)",
}


class DeviceRows(QObject):
    """Rows of a form.

    Parameters
    ----------
    form : Form
        To which the rows are added.
    device : str
        The preferred one.

    Signals
    -------
    changed
        Something else computes, or it is known by now what does.
    """

    changed = Signal()

    def __init__(self, form: Form, device: str) -> None:
        super().__init__(form)
        self._name, self._loading = "", True
        self._probe = Job(self)
        self._probe.yielded.connect(self._on_known)
        self._devices, self._backends = _name_combo(_DEVICES), _name_combo(_BACKENDS)
        self._note = TextLine()
        form.add("Device", self._devices, "What computes")
        form.add(
            "Backend",
            self._backends,
            "The program that computes networks; each is checked against PyTorch before it is used",
            page="speed/#backends",
        )
        form.addRow(self._note)
        self.choose(device, "auto")
        for choice in (self._devices, self._backends):
            choice.currentIndexChanged.connect(self._on_choice)
        self._on_choice()

    @property
    def device(self) -> str:
        """Device asked for: ``"auto"``, ``"cpu"`` ..."""
        return str(self._devices.currentData())

    @property
    def backend(self) -> str:
        """Backend asked for: ``"auto"``, ``"eager"`` ..."""
        return str(self._backends.currentData())

    @property
    def name(self) -> str:
        """Device that computes, in words; empty until torch is loaded."""
        return self._name

    @property
    def loading(self) -> bool:
        """True while torch is being loaded."""
        return self._loading

    def choose(self, device: str, backend: str) -> None:
        """Choose both; what there is not becomes automatic."""
        self._devices.setCurrentIndex(max(self._devices.findData(device), 0))
        self._backends.setCurrentIndex(max(self._backends.findData(backend), 0))

    def dispose(self) -> None:
        """End what runs in the background."""
        self._probe.cancel()

    def _on_choice(self, index: int = 0) -> None:
        """Find out, off the GUI thread, what computes: the first import of torch takes seconds."""
        del index
        device_name, backend_name = self.device, self.backend
        self._name, self._loading = "", True
        self._note.set_text("Loading PyTorch …")

        def probe() -> Iterator[tuple[str, str] | CellForceError]:
            from napari_cellforce.models.backends import find_backend
            from napari_cellforce.models.device import choose, describe

            try:
                device = choose(device_name)
                backend = find_backend(backend_name, device)
                yield describe(device), backend.title if backend else "PyTorch"
            except CellForceError as error:
                yield error

        self._probe.start(probe)

    def _on_known(self, result: tuple[str, str] | CellForceError) -> None:
        self._loading = False
        if isinstance(result, CellForceError):
            self._note.set_text(str(result), Tone.PROBLEM)
        else:
            self._name, backend = result
            self._note.set_text(f"Computes on {self._name}, networks with {backend}")
        self.changed.emit()


def _name_combo(texts: Mapping[str, str]) -> QComboBox:
    """Return a choice between names, shown in words."""
    box = shrinkable_combo(QComboBox())
    for name, text in texts.items():
        box.addItem(text, name)
    return box
