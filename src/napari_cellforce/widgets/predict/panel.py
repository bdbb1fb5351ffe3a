"""The panel "Predict forces": tractions of a cell from an image of adhesion proteins."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Unpack

from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtWidgets import QPushButton

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import FrameResult, Progress
from napari_cellforce.hooks import sample_cell
from napari_cellforce.layers import LayerLabel, LayerTuple
from napari_cellforce.predict import MASK_INPUT, PredictConfig, Prediction, prepare
from napari_cellforce.text import with_period
from napari_cellforce.viewer.images import ChosenImage, input_images
from napari_cellforce.viewer.workspace import Workspace
from napari_cellforce.widgets.base.form import Tone
from napari_cellforce.widgets.base.hints import with_row
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection, duration
from napari_cellforce.widgets.base.worker import Job, show_error
from napari_cellforce.widgets.predict.result_section import ResultSection
from napari_cellforce.widgets.shared.cell_section import CellSection
from napari_cellforce.widgets.shared.image_section import ANY_IMAGE, ImageSection
from napari_cellforce.widgets.shared.model_section import ModelSection, predict_config
from napari_cellforce.widgets.shared.prediction_layers import PER_FRAME_NOTE, PredictionLayers

PANEL = "predict"
_OUT_OF_DATE = "The image, its pixel size or the cell has changed since: predict again."


class PredictPanel(Panel):
    """Predicts tractions from an image with a model, and shows them.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    """

    def __init__(self, napari_viewer: Viewer, **options: Unpack[PanelOptions]) -> None:
        super().__init__(napari_viewer, **options)
        self._chosen: ChosenImage | None = None
        self._result: PredictionLayers | None = None
        self._predicted_from: tuple[Any, ...] = ()
        self._caveat = ""
        self._failure = self._running_key = ""
        self._summary = ("", Tone.PLAIN)
        self._started = 0.0
        self._speeds: dict[str, float] = {}
        self._image = ImageSection(self._viewer)
        self._cell = CellSection(self._viewer)
        self._model = ModelSection(self._preferences)
        self.run_section = RunSection()
        self._results = ResultSection(self._viewer, self._preferences.arrows)
        self._job, self._drawing = Job(self), Job(self)
        self._build()
        self._recall()
        self._connect()
        self._on_model()

    def predict(self) -> None:
        """Predict all frames of the chosen image, off the GUI thread."""
        try:
            chosen, mask = self._image.chosen(), self._cell.mask()
        except CellForceError as error:
            show_error(error)
            return
        config = self.config()
        self._predicted_from = self._inputs(chosen)
        self._chosen, self._result, self._summary = chosen, None, ("", Tone.PLAIN)
        self._failure, self._running_key = "", self._speed_key()

        def work() -> Iterator[Any]:
            yield Progress("Loading the model", 0, 0)
            predictor = config.run.load()
            job = prepare(chosen.stack, predictor, mask(), chosen.pixel_size, config)
            job.provenance()  # prepares the backend here, not in the GUI thread
            yield job
            for record in job.run():
                yield (record, job.row(record)) if isinstance(record, FrameResult) else record

        self._job.start(work)
        self._refresh()

    def config(self) -> PredictConfig:
        """Return the settings that are chosen."""
        return predict_config(self._image, self._cell, self._model)

    def use_model(self, name: str) -> None:
        """Choose a model, also one that was just imported."""
        self._model.fill(name)

    def _build(self) -> None:
        self._sample = QPushButton("Try it on a sample cell")
        self._sample.setToolTip("Open a cell drawn by the plugin")
        self._sample.clicked.connect(self._open_sample)
        sections = (self._sample, self._image, self._cell, self._model, self.run_section, self._results)
        self._build_layout(sections, self._on_reset)

    def _connect(self) -> None:
        self._model.changed.connect(self._on_model)
        self._image.changed.connect(self._on_image)
        self._cell.changed.connect(self._refresh)
        self.run_section.started.connect(self.predict)
        self.run_section.stopped.connect(self._job.stop)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._on_ended)
        self._drawing.yielded.connect(self._on_drawn)
        self._drawing.failed.connect(show_error)
        self._drawing.ended.connect(self._refresh)
        self._results.calibrated.connect(self._on_calibrated)

    def _dispose(self) -> None:
        self._job.cancel()
        self._drawing.cancel()
        self._model.dispose()
        for section in (self._image, self._cell, self._results):
            section.dispose()

    def _on_model(self) -> None:
        """Show rows for the input images of the model; one image for finding the cell if it has none."""
        self._image.set_model(self._proteins or (ANY_IMAGE,), self._model.entry.pixel_size)

    @property
    def _proteins(self) -> tuple[str, ...]:
        return tuple(name for name in self._model.entry.inputs if name != MASK_INPUT)

    def _on_image(self) -> None:
        """Find the cell in the chosen image."""
        self._cell.set_image(self._selected_image())
        self._refresh()

    def _selected_image(self) -> ChosenImage | None:
        try:
            return self._image.chosen()
        except CellForceError:
            return None

    def _refresh(self, event: Any = None) -> None:
        """Update the button and the status line."""
        del event
        drawing = self._drawing.running
        self._sample.setText("Drawing the sample cell …" if drawing else "Try it on a sample cell")
        self._sample.setEnabled(not drawing)
        self._sample.setVisible(drawing or not input_images(self._viewer))
        problem = self._image.problem() or self._cell.problem() or self._model.problem()
        running, choice = self._job.running, self._selected_image()
        self.run_section.set_button(self._button_label(choice), ready=problem is None and not running)
        self.run_section.set_running(running)
        self._results.set_predicting(running)
        if not running:
            self.run_section.set_status(*self._status(problem, choice))

    def _status(self, problem: CellForceError | None, choice: ChosenImage | None) -> tuple[str, Tone]:
        """Return the reason why the button is disabled, in short if it is shown in full above.

        Otherwise: the result of the last prediction, as long as the same image is chosen.
        """
        if problem is None and self._out_of_date(choice):
            return _OUT_OF_DATE, Tone.PROBLEM
        if problem is None and choice == self._chosen:
            return self._summary
        if problem is None:
            # Loading takes seconds the first time in a session.
            return "Loading PyTorch …" if self._model.loading else "", Tone.PLAIN
        if not input_images(self._viewer):
            return str(problem), Tone.PLAIN
        shown_above = problem.topic in (Topic.IMAGE, Topic.PIXEL_SIZE, Topic.CHANNEL)
        return with_period(problem.value) if shown_above else with_row(problem, self), Tone.PROBLEM

    def _inputs(self, chosen: ChosenImage | None) -> tuple[Any, ...]:
        """Return what tells whether image and mask are still as they were."""
        workspace = Workspace.of(self._viewer)
        layers = () if chosen is None else chosen.layers
        return (*(workspace.state(layer) for layer in layers), workspace.state(self._cell.layer))

    def _out_of_date(self, choice: ChosenImage | None) -> bool:
        """Return True if what the shown prediction was made from has changed since."""
        if choice is None or self._chosen is None or self._result is None or not self._result.rows:
            return False
        same_layers = choice.layers == self._chosen.layers
        return same_layers and self._inputs(choice) != self._predicted_from

    def _button_label(self, chosen: ChosenImage | None) -> str:
        """Return the text of the button: number of frames, device, and estimated duration."""
        frames = chosen.stack.n_frames if chosen else 0
        what = {0: "Predict", 1: "Predict this frame"}.get(frames, f"Predict {frames} frames")
        device = self._model.device_name.split(" (")[0]
        text = f"{what} on {device}" if device else what
        seconds = self._speeds.get(self._speed_key(), 0.0) * frames * megapixels(chosen)
        return f"{text}, about {duration(seconds)}" if seconds >= 1 else text

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            self.run_section.set_status(f"{record.what} …")
            self.run_section.show_progress(record.done, record.total)
        elif isinstance(record, Prediction):
            self._start_result(record)
        else:
            self._add_frame(*record)

    def _start_result(self, job: Prediction) -> None:
        """Create the result of a job; layers are added with its first frame."""
        assert self._chosen is not None
        self._caveat = PER_FRAME_NOTE if job.predictor.record.relative_to == "frame" else ""
        self._result = PredictionLayers(
            self._viewer,
            shape=(job.stack.n_frames, *job.stack.shape),
            unit=job.unit,
            pixel_size=job.pixel_size,
            frame_interval=job.stack.frame_interval,
            frame=self._chosen.frame,
            label=LayerLabel(job.stack.name, job.predictor.record.name),
            provenance=job.provenance(),
            arrow_style=self._results.arrow_style,
            source=self._chosen.layers[0],
            scalar_unit=job.scalar_unit,
        )

    def _add_frame(self, frame: FrameResult, row: dict[str, float]) -> None:
        """Show a frame that has been predicted."""
        result = self._result
        if result is None:
            return
        result.add(frame, row)
        done = len(result.rows)
        if done == 1:
            self._started = time.monotonic()
            self._results.set_result(result)
        else:
            self._results.refresh()
        self.run_section.set_status("Predicting …")
        self.run_section.show_progress(done, len(result.field.data), timed=True)

    def _on_ended(self, complete: bool) -> None:
        result = self._result
        done = len(result.rows) if result else 0
        if done > 1:
            pace = (time.monotonic() - self._started) / (done - 1)
            self._speeds[self._running_key] = pace / megapixels(self._chosen)
        tone = Tone.GOOD if complete else Tone.PROBLEM if self._failure else Tone.PLAIN
        summary = describe_result(result, complete) if result is not None and done else ""
        self._summary = " ".join(filter(None, (self._failure, summary, self._caveat if done else ""))), tone
        self._refresh()

    def _on_failed(self, error: Exception) -> None:
        """Show the error as a notification and in the status line."""
        show_error(error)
        if isinstance(error, CellForceError):
            self._failure = with_row(error, self)
        else:
            self._failure = f"The prediction failed: {error}."

    def _on_calibrated(self) -> None:
        if self._result is not None:
            self._summary = f"{self._result.field.provenance.model}: now in Pa. {self._caveat}", Tone.GOOD
            self._refresh()

    def _open_sample(self) -> None:
        """Draw the sample cell off the GUI thread: it takes 1 to 2 s."""
        self._drawing.start(lambda: iter(sample_cell()))
        self._refresh()

    def _on_drawn(self, layer: LayerTuple) -> None:
        self._viewer.add_layer(Layer.create(*layer))

    def _on_reset(self) -> None:
        self._model.reset()
        self._cell.recall({})

    def _speed_key(self) -> str:
        return f"{self._model.entry.name} on {self._model.device_name} with {self._model.backend}"

    def _remember(self) -> None:
        settings = {**self._model.remember(), **self._cell.remember()}
        self._memory.remember(PANEL, {**settings, "seconds per megapixel": self._speeds})

    def _recall(self) -> None:
        values = self._memory.recall(PANEL)
        # A damaged settings file must not keep the panel from opening.
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            self._model.recall(values)
            self._cell.recall(values)
            paces = values.get("seconds per megapixel", {})
            self._speeds = {key: float(pace) for key, pace in paces.items()}


def describe_result(result: PredictionLayers, complete: bool) -> str:
    """Return a summary of a prediction: frames, model and unit."""
    done, total = len(result.rows), len(result.field.data)
    model = result.field.provenance.model
    frames = f"{done} of {total} frames" if not complete else f"{total} frames" if total > 1 else "One frame"
    ending = "" if complete else " Stopped; finished frames are kept."
    units = "Pa" if result.field.unit == "Pa" else "normalised units"
    return f"{frames} predicted with {model}, in {units}.{ending}"


def megapixels(chosen: ChosenImage | None) -> float:
    """Return the size of a frame in megapixels; 0 without an image."""
    return chosen.stack.shape[0] * chosen.stack.shape[1] / 1e6 if chosen else 0.0
