"""The panel "Explain forces" says why a model says so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.viewer import Viewer
from qtpy.QtWidgets import QPushButton

from napari_cellforce.errors import CellForceError, sentence
from napari_cellforce.explain.fields_part import reader, require_fields
from napari_cellforce.explain.formula_part import fit_prediction
from napari_cellforce.explain.greens import GreensFunction, read_greens, require_gfnn
from napari_cellforce.explain.probes import Prober, Response, adhesion_at, find_adhesions
from napari_cellforce.fields import FloatArray
from napari_cellforce.models.symbolic import FitConfig, SymbolicFit
from napari_cellforce.predict import MASK_INPUT, PredictConfig, Prediction, Progress, prepare
from napari_cellforce.preprocess.normalise import Baselines
from napari_cellforce.widgets._form import TextLine, Tone
from napari_cellforce.widgets._panel import Panel
from napari_cellforce.widgets._worker import Job, tell
from napari_cellforce.widgets.cell_section import CellSection
from napari_cellforce.widgets.explanation import Explanation
from napari_cellforce.widgets.formula_section import FormulaSection
from napari_cellforce.widgets.image_section import ImageSection
from napari_cellforce.widgets.lines_plot import LinesPlot
from napari_cellforce.widgets.model_section import ModelSection
from napari_cellforce.widgets.parts_section import PartsSection
from napari_cellforce.widgets.preferences import Memory, Preferences
from napari_cellforce.widgets.run_section import RunSection
from napari_cellforce.widgets.sources import ChosenImage, current_frame, images
from napari_cellforce.zoo import load_predictor, load_weights

PANEL = "explain"


@dataclass(frozen=True)
class Begun:
    """The job, and the brightness that was measured for it."""

    job: Prediction
    baselines: Baselines | None


@dataclass(frozen=True)
class Fields:
    """Inner fields of all frames, each ``(T, Y, X)``."""

    values: dict[str, FloatArray]


@dataclass(frozen=True)
class Greens:
    """Green's functions of the model."""

    functions: tuple[GreensFunction, ...]


class ExplainPanel(Panel):
    """Choose an image and a model, press Explain, see what the model goes by.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    memory : Memory, optional
        Where the settings are kept between sessions.
    preferences : Preferences, optional
        By default those of napari's Preferences page.
    fit : FitConfig, optional
        Of the formula.
    """

    def __init__(
        self,
        napari_viewer: Viewer,
        *,
        memory: Memory | None = None,
        preferences: Preferences | None = None,
        fit: FitConfig | None = None,
    ) -> None:
        super().__init__()
        self._viewer: ViewerModel = napari_viewer
        self._memory = memory or Memory()
        self._fit = fit or FitConfig()
        self._chosen: ChosenImage | None = None
        self._shown: Explanation | None = None
        self._outcome = ("", Tone.PLAIN)
        self._image = ImageSection(self._viewer)
        self._cell = CellSection(self._viewer)
        self._model = ModelSection(preferences or Preferences.load())
        self._parts = PartsSection()
        self._run = RunSection()
        self._greens = LinesPlot(self._viewer, "Green's functions")
        self._formula = FormulaSection(self._viewer)
        self._probe = QPushButton("Take out an adhesion: click on it")
        self._answer = TextLine()
        self._job, self._probing = Job(self), Job(self)
        sections = (self._image, self._cell, self._model, self._parts, self._run)
        self._lay_out((*sections, self._greens, self._formula, self._probe, self._answer))
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
        config = PredictConfig(
            channels=tuple(range(len(chosen.layers))), already_normalised=self._model.already_normalised
        )
        name, device, folder = self._model.entry.name, self._model.device, self._model.model_folder
        parts, fit = self._parts.chosen, self._fit
        self._chosen, self._shown, self._outcome = chosen, None, ("", Tone.PLAIN)

        def work() -> Iterator[Any]:
            yield Progress("Loading the model", 0, 0)
            job = prepare(
                chosen.stack,
                load_predictor(name, device=device, folder=folder),
                mask(),
                chosen.pixel_size,
                config,
            )
            baselines = yield from job.measure()
            yield Begun(job, baselines)
            if "greens" in parts:
                module = require_gfnn(load_weights(name, folder=folder).module, name)
                yield Greens(read_greens(module, job.predictor.record.pixel_size))
            if "fields" in parts:
                yield from inner_fields(job, baselines)
            if "formula" in parts:
                found, _ = yield from fit_prediction(job, baselines, fit)
                yield found

        self._job.start(work)
        self._refresh()

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
        self._formula.chosen.connect(self._draw_formula)
        self._probe.setCheckable(True)
        self._probe.setToolTip(
            "Shows how the force changes if that adhesion is replaced by what lies around it"
        )
        self._probe.toggled.connect(self._on_probe)
        self._probe.hide()
        self._probing.yielded.connect(self._on_response)
        self._probing.failed.connect(tell)
        self._viewer.dims.events.current_step.connect(self._draw_formula)

    def _let_go(self) -> None:
        self._memory.remember(PANEL, self._model.remember())
        self._job.drop()
        self._probing.drop()
        self._probe.setChecked(False)
        self._model.drop_jobs()
        self._viewer.dims.events.current_step.disconnect(self._draw_formula)
        for section in (self._image, self._cell, self._greens, self._formula):
            section.disconnect_viewer()

    def _on_model(self) -> None:
        entry = self._model.entry
        self._parts.set_kind(entry.kind)
        proteins = tuple(name for name in entry.inputs if name != MASK_INPUT)
        self._image.set_model(proteins, entry.pixel_size)

    def _on_image(self) -> None:
        chosen: ChosenImage | None = None
        with contextlib.suppress(CellForceError):
            chosen = self._image.chosen()
        self._cell.set_image(chosen)
        self._refresh()

    def _refresh(self) -> None:
        """Bring the button and the line above it in line with what is chosen and what runs."""
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
            self._run.say(sentence(problem.value) if said_above else str(problem), tone)
        else:
            self._run.say(*(self._outcome if parts else ("Choose what to explain.", Tone.PLAIN)))

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            self._run.say(f"{record.what} …")
            self._run.show_progress(record.done, record.total)
        elif isinstance(record, Begun):
            assert self._chosen is not None
            self._shown = Explanation(self._viewer, record.job, record.baselines, self._chosen.frame)
            self._formula.set_fit(None)
            self._greens.hide()
            self._probe.show()
        elif isinstance(record, Greens):
            self._draw_greens(record.functions)
        elif isinstance(record, Fields) and self._shown:
            self._shown.show_fields(record.values)
        elif isinstance(record, SymbolicFit):
            self._formula.set_fit(record)
            self._draw_formula()

    def _on_ended(self, complete: bool) -> None:
        if complete:
            self._outcome = "Explained. Inner fields are layers: switch them on in the list.", Tone.GOOD
        self._refresh()

    def _draw_greens(self, functions: tuple[GreensFunction, ...]) -> None:
        self._greens.draw(
            {f.name: (f.radius, f.rescaled) for f in functions},
            title="Green's functions, rescaled",
            along="distance [µm]",
            marks=[(f.reach, f"{f.reach:.1f} µm", f.name) for f in functions if np.isfinite(f.reach)],
            heights=(-0.1, 1.1),
        )

    def _draw_formula(self, event: Any = None) -> None:
        """Show the force by the picked formula in the frame that is looked at."""
        del event
        formula = self._formula.formula
        if formula is not None and self._shown is not None:
            self._shown.show_formula(formula, self._frame())

    def _frame(self) -> int:
        assert self._shown is not None
        return current_frame(self._viewer, self._shown.frame, self._shown.job.stack.n_frames)

    def _on_probe(self, waiting: bool) -> None:
        """Wait for a click in the viewer, or no longer."""
        callbacks = self._viewer.mouse_drag_callbacks
        if waiting and self._on_click not in callbacks:
            callbacks.append(self._on_click)
        elif not waiting and self._on_click in callbacks:
            callbacks.remove(self._on_click)

    def _on_click(self, viewer: ViewerModel, event: Any) -> None:
        del viewer
        self._probe.setChecked(False)
        assert self._chosen is not None
        y, x = self._chosen.layers[0].world_to_data(event.position)[-2:]
        self.take_out((float(y), float(x)))

    def take_out(self, at: tuple[float, float]) -> None:
        """Take out the adhesion at (y, x) in pixels of the current frame, off the GUI thread."""
        shown = self._shown
        if shown is None:
            return
        t = self._frame()

        def work() -> Iterator[tuple[Explanation, Prober, Response, int]]:
            job = shown.job
            prober = Prober.of(
                job.predictor, job.inputs(t, shown.baselines), job.mask.frame(t), job.pixel_size
            )
            labels = find_adhesions(prober.protein, prober.mask, prober.pixel_size)
            yield shown, prober, prober.without(adhesion_at(labels, at, prober.pixel_size)), t

        self._probing.start(work)

    def _on_response(self, record: tuple[Explanation, Prober, Response, int]) -> None:
        shown, prober, response, t = record
        shown.show_change(response.change, prober.before, t)
        self._answer.say(f"Without that adhesion the total force is {100 * (response.total - 1):+.1f} %.")


def inner_fields(job: Prediction, baselines: Baselines | None) -> Iterator[Progress | Fields]:
    """Yield progress, then all inner fields of the model.

    Raises
    ------
    CellForceError
        If it has none.
    """
    read, n_frames = reader(job), job.stack.n_frames
    values: dict[str, FloatArray] = {}
    for t in range(n_frames):
        yield Progress("Reading the model's fields", t, n_frames)
        result = read(job.inputs(t, baselines), job.mask.frame(t), job.pixel_size)
        require_fields(result, job)
        for name, field in result.scalars.items():
            values.setdefault(name, np.zeros((n_frames, *job.stack.shape), np.float32))[t] = field
    yield Fields(values)
