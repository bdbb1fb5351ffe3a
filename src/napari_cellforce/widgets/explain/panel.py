"""The panel "Explain forces": inner fields, Green's functions, formulas and probes of a model."""

from __future__ import annotations

import contextlib
from typing import Any, Unpack

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.explain import ExplainConfig
from napari_cellforce.explain.fields import MEAN_Y
from napari_cellforce.explain.greens import GreensFunction
from napari_cellforce.fields import Progress
from napari_cellforce.hooks import sample_cell
from napari_cellforce.models.symbolic import FitConfig
from napari_cellforce.predict import MASK_INPUT
from napari_cellforce.text import with_period
from napari_cellforce.viewer.images import ChosenImage, input_images
from napari_cellforce.widgets.base.form import TextLine, Tone, collapsible
from napari_cellforce.widgets.base.hints import with_row
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.plots import LinesPlot
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import DebouncedWorker, Job, show_error
from napari_cellforce.widgets.explain.formula_section import FormulaSection
from napari_cellforce.widgets.explain.job import (
    ExplainRequest,
    FormulaPreview,
    FormulaResult,
    FrameFields,
    GreensResult,
    Started,
    explain_events,
    preview_formula,
)
from napari_cellforce.widgets.explain.parts_section import PartsSection
from napari_cellforce.widgets.explain.potentials_section import PotentialsSection
from napari_cellforce.widgets.explain.probe_section import ProbeSection
from napari_cellforce.widgets.explain.result_layers import ExplanationLayers
from napari_cellforce.widgets.shared.cell_section import CellSection
from napari_cellforce.widgets.shared.image_section import ImageSection
from napari_cellforce.widgets.shared.model_section import ModelSection, predict_config

_PLOTS = {
    "intensity": "normalised intensity of the protein",
    "distance to edge [µm]": "distance to the edge [µm]",
}


class StiffnessCurves(QWidget):
    """Plots of Y against intensity and edge distance in the current frame; hidden until Y is known.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._curves: dict[int, pd.DataFrame] = {}
        self.plots = {x_label: LinesPlot(viewer, f"Y against {words}") for x_label, words in _PLOTS.items()}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for plot in self.plots.values():
            layout.addWidget(plot)
        self.hide()

    def clear(self) -> None:
        """Remove the curves of all frames."""
        self._curves = {}
        self.hide()

    def add(self, t: int, curves: pd.DataFrame) -> None:
        """Add the curves of a frame, as `napari_cellforce.explain.fields.stiffness_curves` returns."""
        self._curves[t] = curves

    def show_frame(self, t: int) -> None:
        """Plot the curves of a frame, if they are known."""
        curves = self._curves.get(t)
        self.setVisible(bool(self._curves))
        if curves is None:
            return
        for x_label, plot in self.plots.items():
            one = curves[curves["along"] == x_label]
            plot.draw(
                {"Y": (one["value"], one[MEAN_Y])},
                title="coupling to the substrate, mean Y [µm⁻²]",
                x_label=_PLOTS[x_label],
                markers=True,
            )

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        for plot in self.plots.values():
            plot.dispose()


PANEL = "explain"
_GREEK = {"phi": "φ", "psi": "ψ", "chi": "χ"}


class ExplainPanel(Panel):
    """Explains the prediction of a model for an image.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    fit : FitConfig, optional
        Settings of the formula.
    """

    def __init__(
        self, napari_viewer: Viewer, *, fit: FitConfig | None = None, **options: Unpack[PanelOptions]
    ) -> None:
        super().__init__(napari_viewer, **options)
        self._fit = fit or FitConfig()
        self._chosen: ChosenImage | None = None
        self._shown: ExplanationLayers | None = None
        self._preview: FormulaPreview | None = None
        self._summary = ("", Tone.PLAIN)
        self._image = ImageSection(self._viewer)
        self._cell = CellSection(self._viewer)
        self.model_section = ModelSection(self._preferences, leave_out=("calibration", "run.samples"))
        self.parts_section = PartsSection()
        self.run_section = RunSection()
        self.greens, self._decay_lengths = LinesPlot(self._viewer, "Green's functions"), TextLine()
        self.hold_curves = StiffnessCurves(self._viewer)
        self.formula_section = FormulaSection(self._viewer)
        self.probe_section = ProbeSection(self._viewer)
        self._potentials = PotentialsSection(self._viewer)
        self._job, self.drafts = Job(self), DebouncedWorker(parent=self)
        self._build()
        self._connect()
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            self.model_section.recall(self._memory.recall(PANEL))
        self._on_model()

    def explain(self) -> None:
        """Explain the chosen image through the chosen model, off the GUI thread."""
        try:
            chosen, mask = self._image.chosen(), self._cell.mask()
        except CellForceError as error:
            show_error(error)
            return
        request = ExplainRequest(chosen, mask, self.config(), self.devicePixelRatioF())
        self._chosen, self._shown, self._summary = chosen, None, ("", Tone.PLAIN)
        self._job.start(lambda: explain_events(request))
        self._refresh()

    def config(self) -> ExplainConfig:
        """Return the settings that are chosen.

        Raises
        ------
        CellForceError
            If no part is chosen.
        """
        predict = predict_config(self._image, self._cell, self.model_section)
        return ExplainConfig(parts=self.parts_section.chosen, fit=self._fit, predict=predict)

    def _build(self) -> None:
        self._sample = QPushButton("Try it on a sample cell")
        self._sample.setToolTip("Open a cell drawn by the plugin")
        self._sample.clicked.connect(self._open_sample)
        decomposition = collapsible("Decompose a field")
        decomposition.addWidget(self._potentials)
        request_sections = (
            self._sample,
            self._image,
            self._cell,
            self.model_section,
            self.parts_section,
            self.run_section,
        )
        result_sections = (
            self.greens,
            self._decay_lengths,
            self.hold_curves,
            self.formula_section,
            self.probe_section,
        )
        self._build_layout((*request_sections, *result_sections, decomposition), self._on_reset)

    def _connect(self) -> None:
        self.model_section.changed.connect(self._on_model)
        self._image.changed.connect(self._on_image)
        self._cell.changed.connect(self._refresh)
        self.parts_section.changed.connect(self._refresh)
        self.run_section.started.connect(self.explain)
        self.run_section.stopped.connect(self._job.stop)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(show_error)
        self._job.ended.connect(self._on_ended)
        self.formula_section.chosen.connect(self._show_formula)
        self.formula_section.added.connect(lambda _: self.model_section.fill())
        self.drafts.done.connect(self._on_preview)
        self.drafts.failed.connect(show_error)
        self._viewer.dims.events.current_step.connect(self._on_time)

    def _remember(self) -> None:
        self._memory.remember(PANEL, self.model_section.remember())

    def _dispose(self) -> None:
        self._job.cancel()
        self.drafts.cancel()
        self.probe_section.dispose()
        self._potentials.dispose()
        self.model_section.dispose()
        self._viewer.dims.events.current_step.disconnect(self._on_time)
        for section in (self._image, self._cell, self.greens, self.hold_curves, self.formula_section):
            section.dispose()

    def _on_reset(self) -> None:
        self.model_section.reset()
        self._cell.recall({})
        self.parts_section.reset()

    def _open_sample(self) -> None:
        for data in sample_cell():
            self._viewer.add_layer(Layer.create(*data))

    def _on_model(self) -> None:
        entry = self.model_section.entry
        self.parts_section.set_kind(entry.kind)
        proteins = tuple(name for name in entry.inputs if name != MASK_INPUT)
        self._image.set_model(proteins or ("image",), entry.pixel_size)

    def _on_image(self) -> None:
        chosen: ChosenImage | None = None
        with contextlib.suppress(CellForceError):
            chosen = self._image.chosen()
        self._cell.set_image(chosen)
        self._refresh()

    def _refresh(self) -> None:
        """Update the button and the status line."""
        self._sample.setVisible(not input_images(self._viewer))
        problem = self._image.problem() or self._cell.problem() or self.model_section.problem()
        parts, running = self.parts_section.chosen, self._job.running
        ready = problem is None and bool(parts) and not running
        self.run_section.set_button(f"Explain forces by {self.model_section.entry.name}", ready=ready)
        self.run_section.set_running(running)
        if running:
            return
        if problem is not None:
            tone = Tone.PROBLEM if input_images(self._viewer) else Tone.PLAIN
            shown_above = problem.topic in (Topic.IMAGE, Topic.PIXEL_SIZE, Topic.CHANNEL)
            self.run_section.set_status(
                with_period(problem.value) if shown_above else with_row(problem, self), tone
            )
        else:
            self.run_section.set_status(
                *(self._summary if parts else ("Choose what to explain.", Tone.PLAIN))
            )

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            self.run_section.set_status(f"{record.what} …")
            self.run_section.show_progress(record.done, record.total)
        elif isinstance(record, Started):
            self._start_explanation(record)
        elif isinstance(record, GreensResult):
            self._draw_greens(record.functions)
        elif isinstance(record, FrameFields) and self._shown:
            self._show_frame(self._shown, record)
        elif isinstance(record, FormulaResult):
            self.formula_section.set_result(record, self.model_section.model_folder)
            self._show_formula()

    def _start_explanation(self, started: Started) -> None:
        """Create the layers of an explanation, and clear the previous one."""
        assert self._chosen is not None
        shown = ExplanationLayers(
            self._viewer, started.job, started.baselines, self._chosen.frame, self._chosen.layers[0]
        )
        self._shown, self._preview = shown, None
        self.drafts.cancel()
        self.formula_section.set_result(None)
        self.hold_curves.clear()
        self.greens.hide()
        self._decay_lengths.set_text("")
        reads_protein = started.job.predictor.record.inputs != (MASK_INPUT,)
        self.probe_section.set_explained(shown if reads_protein else None)
        self._potentials.set_explained(shown)

    def _show_frame(self, shown: ExplanationLayers, read: FrameFields) -> None:
        shown.show_fields(read.t, read.result.scalars)
        shown.show_force(read.t, read.result.traction)
        if read.curves is not None:
            self.hold_curves.add(read.t, read.curves)
            self.hold_curves.show_frame(shown.current_frame())

    def _on_ended(self, complete: bool) -> None:
        if complete:
            self._summary = "Explained. Inner fields are layers: show them in the layer list.", Tone.GOOD
        elif self._shown is not None:
            self._summary = "Not finished; finished parts are kept.", Tone.PLAIN
        self._refresh()

    def _draw_greens(self, functions: tuple[GreensFunction, ...]) -> None:
        reaching = {_GREEK[f.name]: f for f in functions if np.isfinite(f.reach)}
        self.greens.draw(
            {_GREEK[f.name]: (f.radius, f.rescaled) for f in functions},
            title="Green's functions, rescaled",
            x_label="distance [µm]",
            marks=[(f.reach, f"{f.reach:.1f} µm", name) for name, f in reaching.items()],
            y_range=(-0.1, 1.1),
        )
        lengths = ", ".join(f"{name} {f.reach:.1f} µm" for name, f in reaching.items())
        self._decay_lengths.set_text(
            f"Decay length (to 10 %): {lengths}." if lengths else "No potential decays to 10 %."
        )

    def _on_time(self, event: Any = None) -> None:
        del event
        if self._shown is not None:
            self.hold_curves.show_frame(self._shown.current_frame())
            self._show_formula()

    def _show_formula(self) -> None:
        """Show the force by the chosen formula in the current frame, at once if its potentials are cached."""
        shown, formula, result = self._shown, self.formula_section.formula, self.formula_section.result
        if shown is None or formula is None or result is None:
            return
        t = shown.current_frame()
        if self._preview is None or self._preview.t != t:
            self.drafts.submit(lambda: (shown, preview_formula(shown, result, t)))
            return
        shown.show_formula(t, self._preview.frame.traction(formula))

    def _on_preview(self, done: tuple[ExplanationLayers, FormulaPreview]) -> None:
        shown, self._preview = done
        if shown is self._shown:
            shown.show_force(self._preview.t, self._preview.result.traction)
            self._show_formula()
