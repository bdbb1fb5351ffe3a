"""Decomposition of a predicted or measured field: Helmholtz parts and Clebsch potentials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError
from napari_cellforce.explain.decomposition import (
    Decomposition,
    FieldSource,
    decompose,
    potential_unit,
    source_from_field,
    source_from_prediction,
)
from napari_cellforce.fields import BoolArray, ShortRepr
from napari_cellforce.layers import LayerLabel, Placement
from napari_cellforce.viewer.coordinates import place_of
from napari_cellforce.viewer.workspace import Workspace
from napari_cellforce.widgets.base.form import Form, TextLine, Tone, shrinkable_combo
from napari_cellforce.widgets.base.worker import Job, show_error
from napari_cellforce.widgets.explain.result_layers import ExplanationLayers, FieldLayers
from napari_cellforce.widgets.shared.measured_fields import DisplayedField, displayed_fields, grid_layer

LAYERS = {
    "helmholtz_phi": "Helmholtz φ",
    "helmholtz_stream": "Helmholtz stream function",
    "phi": "Clebsch φ",
    "psi": "Clebsch ψ",
    "chi": "Clebsch χ",
}
"""What `napari_cellforce.explain.decomposition.Decomposition.scalars` are named in the viewer."""
_NO_FIELD = "Predict forces, open a measured field, or explain a model first."


@dataclass(frozen=True)
class _Started:
    """Start of a decomposition, with the placement of its layers."""

    label: LayerLabel
    frame: Placement
    shape: tuple[int, int, int]
    unit: Any


@dataclass(frozen=True, eq=False, repr=False)
class _DecomposedFrame(ShortRepr):
    """A frame, taken apart."""

    t: int
    n_frames: int
    decomposed: Decomposition
    mask: BoolArray


class PotentialsSection(QWidget):
    """Choice of a field, a button, and the share of each part of the field.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self._explained: ExplanationLayers | None = None
        self._layers: FieldLayers | None = None
        self._started: _Started | None = None
        self._shares: dict[int, dict[str, float]] = {}
        self._sources: list[DisplayedField | ExplanationLayers] = []
        self._fields = shrinkable_combo(QComboBox())
        self._button = QPushButton()
        self._button.setAccessibleName("Decompose the chosen field")
        self._button.setToolTip("Add its potentials as layers; Stop ends after the current frame")
        self._note = TextLine()
        self._job = Job(self)
        form = Form()
        form.add(
            "Field", self._fields, "Predicted or measured traction or displacement in the viewer",
            page="physics/decomposition/",
        )  # fmt: skip
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self._button)
        layout.addWidget(self._note)
        self._connect()
        self.fill()

    def set_explained(self, shown: ExplanationLayers | None) -> None:
        """List the force of an explained model too."""
        self._explained = shown
        self.fill()

    def dispose(self) -> None:
        """Cancel background jobs and disconnect from the viewer."""
        self._job.cancel()
        self._workspace.layers_changed.disconnect(self.fill)

    def fill(self) -> None:
        """List the fields; the selection is kept."""
        before = self._fields.currentText()
        shown = displayed_fields(self._viewer)
        titles, self._sources = [field.title for field in shown], list(shown)
        if self._explained is not None:
            record, cell = self._explained.job.predictor.record, self._explained.job.stack.name
            titles.append(f"prediction of {record.name} for {cell}")
            self._sources.append(self._explained)
        with QSignalBlocker(self._fields):
            self._fields.clear()
            for i, title in enumerate(titles):
                self._fields.addItem(title)
                self._fields.setItemData(i, title, Qt.ToolTipRole)
            self._fields.setCurrentIndex(max(self._fields.findText(before), min(len(titles), 1) - 1))
        self._refresh()

    def decompose_field(self) -> None:
        """Decompose the chosen field, off the GUI thread."""
        index = self._fields.currentIndex()
        if index < 0:
            return
        try:
            started, source = _open_source(self._sources[index])
        except CellForceError as error:
            show_error(error)
            return
        self._shares = {}
        self._note.set_text("")

        def work() -> Iterator[_Started | _DecomposedFrame]:
            yield started
            for t, (field, mask) in enumerate(source.frames):
                decomposed = decompose(field, source.pixel_size.micron, mask)
                where = np.ones(source.shape, dtype=np.bool_) if mask is None else mask
                yield _DecomposedFrame(t, source.n_frames, decomposed, where)

        self._job.start(work)
        self._refresh()

    def _connect(self) -> None:
        self._button.clicked.connect(self._on_button)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(show_error)
        self._job.ended.connect(self._refresh)
        self._workspace.layers_changed.connect(self.fill)

    def _on_button(self) -> None:
        if self._job.running:
            self._button.setEnabled(False)
            self._job.stop()
        else:
            self.decompose_field()

    def _refresh(self, *_: Any) -> None:
        """Update the button and the note."""
        some = bool(self._sources)
        self._fields.setEnabled(some)
        self._button.setEnabled(some or self._job.running)
        self._button.setText("Stop" if self._job.running else "Decompose")
        if not some:
            self._note.set_text(_NO_FIELD)
        elif not self._shares:
            self._note.set_text("")

    def _on_record(self, record: _Started | _DecomposedFrame) -> None:
        if isinstance(record, _Started):
            self._started = record
            self._layers = FieldLayers(self._viewer, record.label, record.frame, record.shape)
            return
        assert self._layers is not None
        assert self._started is not None
        for name, title in LAYERS.items():
            values, unit = record.decomposed.scalars[name], potential_unit(name, self._started.unit)
            self._layers.put(title, values, record.mask, record.t, unit, visible=name == "helmholtz_phi")
        self._shares[record.t] = record.decomposed.shares
        self._note.set_text(describe_shares(self._shares), Tone.GOOD)
        self._button.setText(f"Stop ({record.t + 1} of {record.n_frames} frames done)")


def describe_shares(shares: dict[int, dict[str, float]]) -> str:
    """Return the mean shares over frames as text."""
    mean = {
        name: 100 * float(np.mean([s[name] for s in shares.values()])) for name in next(iter(shares.values()))
    }
    frames = f"Mean of {len(shares)} frames: " if len(shares) > 1 else ""
    return (
        f"{frames}{mean['curl-free']:.0f} % gradient (curl-free), {mean['divergence-free']:.0f} % rotation"
        f" (divergence-free), {mean['harmonic']:.0f} % harmonic. Residual of Clebsch's ∇φ + ψ∇χ:"
        f" {mean['clebsch residual']:.1f} %."
    )


def _open_source(chosen: DisplayedField | ExplanationLayers) -> tuple[_Started, FieldSource]:
    """Return the placement of the layers, and the field to decompose.

    Raises
    ------
    CellForceError
        If the field has no pixel size.
    """
    if isinstance(chosen, ExplanationLayers):
        source = source_from_prediction(chosen.job, chosen.baselines)
        frame, model = chosen.frame, chosen.job.predictor.record.name
    else:
        field = chosen.field
        source = source_from_field(field)
        frame = place_of(grid_layer(chosen))
        model = field.provenance.model
    shape = (source.n_frames, *source.shape)
    return _Started(LayerLabel(source.name, model), frame, shape, source.unit), source
