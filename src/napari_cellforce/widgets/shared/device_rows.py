"""Rows for the device, the inference backend and the CPU threads."""

from __future__ import annotations

from collections.abc import Iterator

from qtpy.QtCore import QObject, Signal

from napari_cellforce.errors import CellForceError
from napari_cellforce.widgets.base.form import Form, TextLine, Tone
from napari_cellforce.widgets.base.setting_rows import SettingRows
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
        Form to which the rows are added.
    rows : SettingRows
        Settings of a prediction.
    device : str
        Preferred device.

    Signals
    -------
    changed
        Another choice was made, or the device that is used has been determined.
    """

    changed = Signal()

    def __init__(self, form: Form, rows: SettingRows, device: str) -> None:
        super().__init__(form)
        self._name, self._loading = "", True
        self._probe = Job(self)
        self._probe.yielded.connect(self._on_known)
        self._rows = rows
        devices = rows.add(form, "run.device", words=_DEVICES)
        backends = rows.add(form, "run.backend", words=_BACKENDS, page="speed/#backends")
        rows.add(form, "run.threads")
        self._note = TextLine()
        form.addRow(self._note)
        rows.set_value("run.device", device)
        for choice in (devices, backends):
            choice.currentIndexChanged.connect(self._on_choice)
        self._on_choice()

    @property
    def device(self) -> str:
        """Chosen device: ``"auto"``, ``"cpu"`` ..."""
        return str(self._rows.value("run.device"))

    @property
    def backend(self) -> str:
        """Chosen backend: ``"auto"``, ``"eager"`` ..."""
        return str(self._rows.value("run.backend"))

    @property
    def name(self) -> str:
        """Name of the device that is used; empty until torch is loaded."""
        return self._name

    @property
    def loading(self) -> bool:
        """True while torch is loaded."""
        return self._loading

    def dispose(self) -> None:
        """Cancel background jobs."""
        self._probe.cancel()

    def _on_choice(self, index: int = 0) -> None:
        """Determine the device off the GUI thread: the first import of torch takes seconds."""
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
            self._note.set_text(f"Device: {self._name}; networks: {backend}")
        self.changed.emit()
