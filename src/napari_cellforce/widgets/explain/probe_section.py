"""Probes: response of a model to images with an adhesion removed, filtered, or scaled in brightness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from napari_cellforce.explain.probes import (
    BRIGHTNESS,
    FACTORS,
    HIGH_PASS,
    LENGTHS,
    LOW_PASS,
    OCCLUSION,
    Prober,
    Response,
    adhesion_at,
    change_by_distance,
    find_adhesions,
)
from napari_cellforce.viewer.coordinates import to_pixels
from napari_cellforce.widgets.base.form import Form, TextLine, shrinkable_combo
from napari_cellforce.widgets.base.plots import LinesPlot
from napari_cellforce.widgets.base.worker import Job, show_error
from napari_cellforce.widgets.explain.result_layers import ExplanationLayers

PROBE_LABELS = {
    OCCLUSION: "one adhesion is removed",
    LOW_PASS: "fine structure is blurred",
    HIGH_PASS: "only fine structure is kept",
    BRIGHTNESS: "brightness is scaled",
}
LAYER_NAMES = {
    OCCLUSION: "change of |F|: adhesion removed",
    LOW_PASS: "change of |F|: image blurred",
    HIGH_PASS: "change of |F|: only fine structure",
    BRIGHTNESS: "change of |F|: brightness scaled",
}
"""Names of the layers."""
_RUN, _CLICK = "Run the probe", "Click on an adhesion"
_CORRELATION = "correlation"


@dataclass(frozen=True, eq=False)
class ProbeResult:
    """Responses of a model to changed images of one frame; with the distance curve of a removed adhesion."""

    t: int
    prober: Prober
    responses: tuple[Response, ...]
    by_distance: tuple[Any, Any] | None = None


class ProbeSection(QWidget):
    """Probes the model of an explanation with changed images of the current frame; hidden until there is one.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._shown: ExplanationLayers | None = None
        self.result: ProbeResult | None = None
        self._kind = shrinkable_combo(QComboBox())
        for kind, text in PROBE_LABELS.items():
            self._kind.addItem(text, kind)
        self._button = QPushButton(_CLICK)
        self._plot = LinesPlot(viewer, "Response of the model")
        self._slider = QSlider(Qt.Horizontal)
        self._slider.setPageStep(1)
        self._value, self._note = QLabel(), TextLine()
        self.job = Job(self)
        self._build()
        self._kind.currentIndexChanged.connect(self._on_kind)
        self._button.clicked.connect(self._on_button)
        self._slider.valueChanged.connect(self._show_response)
        self.job.yielded.connect(self._on_result)
        self.job.failed.connect(show_error)
        self.job.ended.connect(self._on_kind)
        self.hide()

    def set_explained(self, shown: ExplanationLayers | None) -> None:
        """Set the explanation whose model is probed."""
        self.job.cancel()
        self._shown = shown
        self.setVisible(shown is not None)
        self._on_kind()

    def dispose(self) -> None:
        """Cancel background jobs and disconnect from the viewer."""
        self.job.cancel()
        self._wait_for_click(False)
        self._plot.dispose()

    def occlude_at(self, at: tuple[float, float]) -> None:
        """Remove the adhesion at (y, x) in pixels of the current frame, off the GUI thread."""
        shown = self._shown
        if shown is None:
            return
        t = shown.current_frame()

        def work() -> Iterator[ProbeResult]:
            prober = _prober(shown, t)
            labels = find_adhesions(prober.protein, prober.mask, prober.pixel_size)
            adhesion = adhesion_at(labels, at, prober.pixel_size)
            response = prober.without_adhesion(adhesion)
            curve = change_by_distance(response.change, adhesion, prober.mask, prober.pixel_size)
            yield ProbeResult(t, prober, (response,), curve)

        self._start(work)

    def run_probe(self) -> None:
        """Run the chosen probe for all values, off the GUI thread."""
        shown, kind = self._shown, self._chosen
        if shown is None:
            return
        t = shown.current_frame()

        def work() -> Iterator[ProbeResult]:
            prober = _prober(shown, t)
            responses: list[Response] = []
            for response in _responses(prober, kind):
                responses.append(response)
                yield ProbeResult(t, prober, tuple(responses))

        self._start(work)

    @property
    def _chosen(self) -> str:
        return str(self._kind.currentData())

    def _build(self) -> None:
        form = Form()
        form.add(
            "What if",
            self._kind,
            "Change of the image for which the model predicts again",
            page="explain/probes/",
        )
        form.addRow("", self._button)
        self._button.setToolTip("The change of the force is shown as a layer and as a curve")
        self._row = QWidget()
        values = Form(self._row)
        values.add("At", self._slider, "Value of the probe that is shown as a layer", beside=self._value)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        for widget in (self._note, self._plot, self._row):
            layout.addWidget(widget)

    def _start(self, work: Callable[[], Iterator[ProbeResult]]) -> None:
        self._clear()
        self.job.start(work)
        self._button.setEnabled(False)
        self._note.set_text("Running the probe …")

    def _clear(self) -> None:
        self.result = None
        self._plot.hide()
        self._row.hide()
        self._note.set_text("")

    def _on_kind(self, *_: Any) -> None:
        """Update the button for the probe, and clear the response to another probe."""
        result = self.result.responses[0].probe if self.result else ""
        if result != self._chosen:
            self._clear()
        clicks = self._chosen == OCCLUSION
        self._button.setCheckable(clicks)
        self._button.setText(_CLICK if clicks else _RUN)
        self._button.setEnabled(not self.job.running)
        if not clicks:
            self._wait_for_click(False)

    def _on_button(self) -> None:
        if self._chosen == OCCLUSION:
            self._wait_for_click(self._button.isChecked())
        else:
            self.run_probe()

    def _wait_for_click(self, waiting: bool) -> None:
        callbacks = self._viewer.mouse_drag_callbacks
        if waiting and self._on_click not in callbacks:
            callbacks.append(self._on_click)
            self._note.set_text("Click on an adhesion in the image.")
        elif not waiting and self._on_click in callbacks:
            callbacks.remove(self._on_click)

    def _on_click(self, viewer: ViewerModel, event: Any) -> None:
        del viewer
        self._button.setChecked(False)
        self._wait_for_click(False)
        if self._shown is not None:
            y, x = to_pixels(self._viewer, self._shown.image, event.position)[-2:]
            self.occlude_at((float(y), float(x)))

    def _on_result(self, result: ProbeResult) -> None:
        self.result = result
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, len(result.responses) - 1)
            if result.by_distance is None:
                self._slider.setValue(len(result.responses) - 1)
        self._draw(result)
        self._row.setVisible(result.by_distance is None)
        self._show_response()

    def _draw(self, result: ProbeResult) -> None:
        if result.by_distance is not None:
            unit = self._shown.unit if self._shown else ""
            self._plot.draw(
                {"change": result.by_distance}, title=f"mean |change| of the traction [{unit}]",
                x_label="distance from the adhesion [µm]",
            )  # fmt: skip
            return
        values = [r.value for r in result.responses]
        self._plot.draw(
            {"total force": (values, [r.total for r in result.responses]),
             _CORRELATION: (values, [r.correlation for r in result.responses])},
            title="1 = unchanged",
            x_label="brightness, times" if self._chosen == BRIGHTNESS else "Gaussian [µm]",
            cursor=values[-1],
            markers=True,
        )  # fmt: skip

    def _show_response(self, index: int = 0) -> None:
        """Show the chosen response as a layer and as text."""
        del index
        result, shown = self.result, self._shown
        if result is None or shown is None:
            return
        response = result.responses[self._slider.value()]
        shown.show_change(LAYER_NAMES[response.probe], result.t, response.change, result.prober.before)
        self._plot.move_cursor(response.value)
        self._value.setText(f"{response.value:g}{'x' if response.probe == BRIGHTNESS else ' µm'}")
        relative = shown.job.predictor.record.relative_to == "frame"
        self._note.set_text(describe_response(response, relative=relative))


def describe_response(response: Response, *, relative: bool) -> str:
    """Return the response to a probe as text.

    Parameters
    ----------
    response : Response
    relative : bool
        True for a model whose mean force is 1 in every frame by normalisation.
    """
    cause = {
        OCCLUSION: "Without that adhesion",
        LOW_PASS: f"Blurred over {response.value:g} µm",
        HIGH_PASS: f"With only structure finer than {response.value:g} µm",
        BRIGHTNESS: f"At {response.value:g} times the brightness",
    }[response.probe]
    correlation = f"{_CORRELATION} of the vectors {response.correlation:.2f}"
    if relative:
        return f"{cause}: {correlation}. This model normalises its mean force to 1: the total cannot change."
    change = f"{100 * (response.total - 1):+.1f} %".replace("-", "−")
    return f"{cause} the total force changes by {change}; {correlation}."


def _prober(shown: ExplanationLayers, t: int) -> Prober:
    job = shown.job
    image, mask = job.inputs(t, shown.baselines), job.mask.frame(t)
    return Prober.of(job.predictor, image, mask, job.pixel_size, shown.protein)


def _responses(prober: Prober, kind: str) -> Iterator[Response]:
    ways: dict[str, tuple[Callable[[float], Response], tuple[float, ...]]] = {
        LOW_PASS: (prober.low_passed, LENGTHS),
        HIGH_PASS: (prober.high_passed, LENGTHS),
        BRIGHTNESS: (prober.with_brightness, FACTORS),
    }
    way, values = ways[kind]
    for value in values:
        yield way(value)
