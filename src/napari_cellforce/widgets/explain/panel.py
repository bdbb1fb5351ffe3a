"""The panel "Explain forces" says why a model says so."""

from __future__ import annotations

import contextlib
from typing import Any, Unpack

import numpy as np
from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtWidgets import QPushButton

from napari_cellforce.errors import CellForceError, sentence
from napari_cellforce.explain.greens import GreensFunction
from napari_cellforce.hooks import sample_cell
from napari_cellforce.models.symbolic import FitConfig
from napari_cellforce.predict import MASK_INPUT, Progress
from napari_cellforce.widgets.base.form import TextLine, Tone, folded
from napari_cellforce.widgets.base.latest import Latest
from napari_cellforce.widgets.base.lines_plot import LinesPlot
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import Job, tell
from napari_cellforce.widgets.explain.explanation import Explanation
from napari_cellforce.widgets.explain.formula_section import FormulaSection
from napari_cellforce.widgets.explain.hold_curves import HoldCurves
from napari_cellforce.widgets.explain.job import (
    Begun,
    Draft,
    Found,
    FrameRead,
    Greens,
    Question,
    answers,
    draft,
)
from napari_cellforce.widgets.explain.parts_section import PartsSection
from napari_cellforce.widgets.explain.potentials_section import PotentialsSection
from napari_cellforce.widgets.explain.probe_section import ProbeSection
from napari_cellforce.widgets.view.cell_section import CellSection
from napari_cellforce.widgets.view.image_section import ImageSection
from napari_cellforce.widgets.view.model_section import ModelSection
from napari_cellforce.widgets.view.sources import ChosenImage, images

PANEL = "explain"
_GREEK = {"phi": "φ", "psi": "ψ", "chi": "χ"}


class ExplainPanel(Panel):
    """Choose an image and a model, press Explain, see what the model goes by.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    fit : FitConfig, optional
        Of the formula.
    """

    def __init__(
        self, napari_viewer: Viewer, *, fit: FitConfig | None = None, **options: Unpack[PanelOptions]
    ) -> None:
        super().__init__(napari_viewer, **options)
        self._fit = fit or FitConfig()
        self._chosen: ChosenImage | None = None
        self._shown: Explanation | None = None
        self._draft: Draft | None = None
        self._outcome = ("", Tone.PLAIN)
        self._image = ImageSection(self._viewer)
        self._cell = CellSection(self._viewer)
        self._model = ModelSection(self._preferences)
        self._parts = PartsSection()
        self._run = RunSection()
        self._greens, self._reach = LinesPlot(self._viewer, "Green's functions"), TextLine()
        self._hold = HoldCurves(self._viewer)
        self._formula = FormulaSection(self._viewer)
        self._probes = ProbeSection(self._viewer)
        self._potentials = PotentialsSection(self._viewer)
        self._job, self._drafts = Job(self), Latest(parent=self)
        self._build()
        self._connect()
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            self._model.recall(self._memory.recall(PANEL))
        self._on_model()

    def explain(self) -> None:
        """Explain the chosen image through the chosen model, off the GUI thread."""
        try:
            chosen, mask = self._image.chosen(), self._cell.mask()
        except CellForceError as error:
            tell(error)
            return
        question = Question(
            chosen, mask, self._model.entry.name, self._model.device, self._model.model_folder,
            self._model.already_normalised, self._parts.chosen, self._fit, self.devicePixelRatioF(),
        )  # fmt: skip
        self._chosen, self._shown, self._outcome = chosen, None, ("", Tone.PLAIN)
        self._job.start(lambda: answers(question))
        self._refresh()

    def _build(self) -> None:
        self._sample = QPushButton("Try it on a sample cell")
        self._sample.setToolTip("Opens a cell that the plugin draws itself")
        self._sample.clicked.connect(self._open_sample)
        apart = folded("Take a field apart")
        apart.addWidget(self._potentials)
        asked = (self._sample, self._image, self._cell, self._model, self._parts, self._run)
        answered = (self._greens, self._reach, self._hold, self._formula, self._probes)
        self._lay_out((*asked, *answered, apart), self._on_reset)

    def _connect(self) -> None:
        self._model.changed.connect(self._on_model)
        self._image.changed.connect(self._on_image)
        self._cell.changed.connect(self._refresh)
        self._parts.changed.connect(self._refresh)
        self._run.started.connect(self.explain)
        self._run.stopped.connect(self._job.stop)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(tell)
        self._job.ended.connect(self._on_ended)
        self._formula.chosen.connect(self._show_formula)
        self._formula.added.connect(lambda _: self._model.fill())
        self._drafts.done.connect(self._on_draft)
        self._drafts.failed.connect(tell)
        self._viewer.dims.events.current_step.connect(self._on_time)

    def _let_go(self) -> None:
        self._memory.remember(PANEL, self._model.remember())
        self._job.drop()
        self._drafts.drop()
        self._probes.dispose()
        self._potentials.dispose()
        self._model.drop_jobs()
        self._viewer.dims.events.current_step.disconnect(self._on_time)
        for section in (self._image, self._cell, self._greens, self._hold, self._formula):
            section.disconnect_viewer()

    def _on_reset(self) -> None:
        self._model.reset()
        self._cell.recall({})
        self._parts.reset()

    def _open_sample(self) -> None:
        for data in sample_cell():
            self._viewer.add_layer(Layer.create(*data))

    def _on_model(self) -> None:
        entry = self._model.entry
        self._parts.set_kind(entry.kind)
        proteins = tuple(name for name in entry.inputs if name != MASK_INPUT)
        self._image.set_model(proteins or ("image",), entry.pixel_size)

    def _on_image(self) -> None:
        chosen: ChosenImage | None = None
        with contextlib.suppress(CellForceError):
            chosen = self._image.chosen()
        self._cell.set_image(chosen)
        self._refresh()

    def _refresh(self) -> None:
        """Bring the button and the line above it in line with what is chosen and what runs."""
        self._sample.setVisible(not images(self._viewer))
        problem = self._image.problem() or self._cell.problem() or self._model.problem()
        parts, running = self._parts.chosen, self._job.running
        ready = problem is None and bool(parts) and not running
        self._run.set_offer(f"Explain forces by {self._model.entry.name}", ready=ready)
        self._run.set_running(running)
        if running:
            return
        if problem is not None:
            tone = Tone.PROBLEM if images(self._viewer) else Tone.PLAIN
            said_above = problem.topic in ("image", "pixel size", "channel")
            self._run.set_status(sentence(problem.value) if said_above else str(problem), tone)
        else:
            self._run.set_status(*(self._outcome if parts else ("Choose what to explain.", Tone.PLAIN)))

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            self._run.set_status(f"{record.what} …")
            self._run.show_progress(record.done, record.total)
        elif isinstance(record, Begun):
            self._begin(record)
        elif isinstance(record, Greens):
            self._draw_greens(record.functions)
        elif isinstance(record, FrameRead) and self._shown:
            self._show_frame(self._shown, record)
        elif isinstance(record, Found):
            self._formula.set_found(record, self._model.model_folder)
            self._show_formula()

    def _begin(self, begun: Begun) -> None:
        """Make room for what is to come; what was shown of another explanation is put away."""
        assert self._chosen is not None
        shown = Explanation(
            self._viewer, begun.job, begun.baselines, self._chosen.frame, self._chosen.layers[0]
        )
        self._shown, self._draft = shown, None
        self._drafts.drop()
        self._formula.set_found(None)
        self._hold.clear()
        self._greens.hide()
        self._reach.say("")
        reads_protein = begun.job.predictor.record.inputs != (MASK_INPUT,)
        self._probes.set_explained(shown if reads_protein else None)
        self._potentials.set_explained(shown)

    def _show_frame(self, shown: Explanation, read: FrameRead) -> None:
        shown.show_fields(read.t, read.result.scalars)
        shown.show_force(read.t, read.result.traction)
        if read.curves is not None:
            self._hold.add(read.t, read.curves)
            self._hold.show_frame(shown.looked_at())

    def _on_ended(self, complete: bool) -> None:
        if complete:
            self._outcome = "Explained. Inner fields are layers: switch them on in the list.", Tone.GOOD
        elif self._shown is not None:
            self._outcome = "Not finished; what is done is kept.", Tone.PLAIN
        self._refresh()

    def _draw_greens(self, functions: tuple[GreensFunction, ...]) -> None:
        reached = {_GREEK[f.name]: f for f in functions if np.isfinite(f.reach)}
        self._greens.draw(
            {_GREEK[f.name]: (f.radius, f.rescaled) for f in functions},
            title="Green's functions, rescaled",
            along="distance [µm]",
            marks=[(f.reach, f"{f.reach:.1f} µm", name) for name, f in reached.items()],
            heights=(-0.1, 1.1),
        )
        lengths = " and ".join(f"that of {name} over {f.reach:.1f} µm" for name, f in reached.items())
        self._reach.say(f"A potential falls to a tenth: {lengths}." if lengths else "None falls to a tenth.")

    def _on_time(self, event: Any = None) -> None:
        del event
        if self._shown is not None:
            self._hold.show_frame(self._shown.looked_at())
            self._show_formula()

    def _show_formula(self) -> None:
        """Show the force by the picked formula in the frame that is looked at, at once if it is prepared."""
        shown, formula, found = self._shown, self._formula.formula, self._formula.found
        if shown is None or formula is None or found is None:
            return
        t = shown.looked_at()
        if self._draft is None or self._draft.t != t:
            self._drafts.submit(lambda: (shown, draft(shown, found, t)))
            return
        shown.show_formula(t, self._draft.frame.traction(formula))

    def _on_draft(self, done: tuple[Explanation, Draft]) -> None:
        shown, self._draft = done
        if shown is self._shown:
            shown.show_force(self._draft.t, self._draft.result.traction)
            self._show_formula()
