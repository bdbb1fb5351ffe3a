"""What if the image were different? An adhesion taken out, structure filtered away, brightness scaled."""

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
from napari_cellforce.widgets.base.form import Form, TextLine, narrow
from napari_cellforce.widgets.base.lines_plot import LinesPlot
from napari_cellforce.widgets.base.worker import Job, tell
from napari_cellforce.widgets.explain.explanation import Explanation

WORDS = {
    OCCLUSION: "one adhesion were not there",
    LOW_PASS: "fine structure were blurred",
    HIGH_PASS: "only fine structure were left",
    BRIGHTNESS: "it were dimmer or brighter",
}
CHANGES = {
    OCCLUSION: "change of |F|: adhesion taken out",
    LOW_PASS: "change of |F|: image blurred",
    HIGH_PASS: "change of |F|: only fine structure",
    BRIGHTNESS: "change of |F|: other brightness",
}
"""Names of the layers."""
_ASK, _CLICK = "Ask the model", "Click on an adhesion"
_LIKENESS = "likeness"


@dataclass(frozen=True, eq=False)
class Asked:
    """What a model said of changed images of one frame; with the adhesion, where one was taken out."""

    t: int
    prober: Prober
    responses: tuple[Response, ...]
    by_distance: tuple[Any, Any] | None = None


class ProbeSection(QWidget):
    """Asks the model of an explanation about other images of the current frame; hidden until there is one.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._shown: Explanation | None = None
        self._asked: Asked | None = None
        self._kind = narrow(QComboBox())
        for kind, words in WORDS.items():
            self._kind.addItem(words, kind)
        self._button = QPushButton(_CLICK)
        self._plot = LinesPlot(viewer, "Answer of the model")
        self._slider = QSlider(Qt.Horizontal)
        self._slider.setPageStep(1)
        self._value, self._answer = QLabel(), TextLine()
        self._job = Job(self)
        self._build()
        self._kind.currentIndexChanged.connect(self._on_kind)
        self._button.clicked.connect(self._on_button)
        self._slider.valueChanged.connect(self._tell)
        self._job.yielded.connect(self._on_asked)
        self._job.failed.connect(tell)
        self._job.ended.connect(self._on_kind)
        self.hide()

    def set_explained(self, shown: Explanation | None) -> None:
        """Ask the model of this explanation from now on."""
        self._job.drop()
        self._shown = shown
        self.setVisible(shown is not None)
        self._on_kind()

    def dispose(self) -> None:
        """End what runs and hear nothing more of the viewer."""
        self._job.drop()
        self._wait_for_click(False)
        self._plot.disconnect_viewer()

    def take_out(self, at: tuple[float, float]) -> None:
        """Take out the adhesion at (y, x) in pixels of the current frame, off the GUI thread."""
        shown = self._shown
        if shown is None:
            return
        t = shown.looked_at()

        def work() -> Iterator[Asked]:
            prober = _prober(shown, t)
            labels = find_adhesions(prober.protein, prober.mask, prober.pixel_size)
            adhesion = adhesion_at(labels, at, prober.pixel_size)
            response = prober.without(adhesion)
            curve = change_by_distance(response.change, adhesion, prober.mask, prober.pixel_size)
            yield Asked(t, prober, (response,), curve)

        self._start(work)

    def ask(self) -> None:
        """Ask about all values of the chosen probe, off the GUI thread."""
        shown, kind = self._shown, self._chosen
        if shown is None:
            return
        t = shown.looked_at()

        def work() -> Iterator[Asked]:
            prober = _prober(shown, t)
            found: list[Response] = []
            for response in _responses(prober, kind):
                found.append(response)
                yield Asked(t, prober, tuple(found))

        self._start(work)

    @property
    def _chosen(self) -> str:
        return str(self._kind.currentData())

    def _build(self) -> None:
        form = Form()
        form.add(
            "What if", self._kind, "The image is changed, and the model asked again", page="explain/probes/"
        )
        form.addRow("", self._button)
        self._button.setToolTip("What becomes of the force is shown as a layer and as a curve")
        self._row = QWidget()
        values = Form(self._row)
        values.add("At", self._slider, "The change that is shown as a layer", beside=self._value)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        for widget in (self._answer, self._plot, self._row):
            layout.addWidget(widget)

    def _start(self, work: Callable[[], Iterator[Asked]]) -> None:
        self._forget()
        self._job.start(work)
        self._button.setEnabled(False)
        self._answer.say("The model is asked …")

    def _forget(self) -> None:
        self._asked = None
        self._plot.hide()
        self._row.hide()
        self._answer.say("")

    def _on_kind(self, *_: Any) -> None:
        """Make the button fit the probe; forget the answer to another."""
        asked = self._asked.responses[0].probe if self._asked else ""
        if asked != self._chosen:
            self._forget()
        clicks = self._chosen == OCCLUSION
        self._button.setCheckable(clicks)
        self._button.setText(_CLICK if clicks else _ASK)
        self._button.setEnabled(not self._job.running)
        if not clicks:
            self._wait_for_click(False)

    def _on_button(self) -> None:
        if self._chosen == OCCLUSION:
            self._wait_for_click(self._button.isChecked())
        else:
            self.ask()

    def _wait_for_click(self, waiting: bool) -> None:
        callbacks = self._viewer.mouse_drag_callbacks
        if waiting and self._on_click not in callbacks:
            callbacks.append(self._on_click)
            self._answer.say("Now click on an adhesion in the image.")
        elif not waiting and self._on_click in callbacks:
            callbacks.remove(self._on_click)

    def _on_click(self, viewer: ViewerModel, event: Any) -> None:
        del viewer
        self._button.setChecked(False)
        self._wait_for_click(False)
        if self._shown is not None:
            y, x = self._shown.image.world_to_data(event.position)[-2:]
            self.take_out((float(y), float(x)))

    def _on_asked(self, asked: Asked) -> None:
        self._asked = asked
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, len(asked.responses) - 1)
            if asked.by_distance is None:
                self._slider.setValue(len(asked.responses) - 1)
        self._draw(asked)
        self._row.setVisible(asked.by_distance is None)
        self._tell()

    def _draw(self, asked: Asked) -> None:
        if asked.by_distance is not None:
            unit = self._shown.unit if self._shown else ""
            self._plot.draw(
                {"change": asked.by_distance}, title=f"mean |change| of the traction [{unit}]",
                along="distance from the adhesion [µm]",
            )  # fmt: skip
            return
        values = [r.value for r in asked.responses]
        self._plot.draw(
            {"total force": (values, [r.total for r in asked.responses]),
             _LIKENESS: (values, [r.correlation for r in asked.responses])},
            title="1 = unchanged",
            along="brightness, times" if self._chosen == BRIGHTNESS else "Gaussian [µm]",
            cursor=values[-1],
            dots=True,
        )  # fmt: skip

    def _tell(self, index: int = 0) -> None:
        """Show the picked change as a layer, and say it in words."""
        del index
        asked, shown = self._asked, self._shown
        if asked is None or shown is None:
            return
        response = asked.responses[self._slider.value()]
        shown.show_change(CHANGES[response.probe], asked.t, response.change, asked.prober.before)
        self._plot.move(response.value)
        self._value.setText(f"{response.value:g}{'x' if response.probe == BRIGHTNESS else ' µm'}")
        relative = shown.job.predictor.record.relative_to == "frame"
        self._answer.say(in_words(response, relative=relative))


def in_words(response: Response, *, relative: bool) -> str:
    """Return what a probe found, as a sentence.

    Parameters
    ----------
    response : Response
    relative : bool
        True of a model whose mean force is 1 in every frame, whatever it sees.
    """
    cause = {
        OCCLUSION: "Without that adhesion",
        LOW_PASS: f"Blurred over {response.value:g} µm",
        HIGH_PASS: f"With nothing but structure finer than {response.value:g} µm",
        BRIGHTNESS: f"At {response.value:g} times the brightness",
    }[response.probe]
    likeness = f"{_LIKENESS} of the vectors {response.correlation:.2f}"
    if relative:
        return f"{cause}: {likeness}. This model sets its mean force to 1, so that the total cannot change."
    change = f"{100 * (response.total - 1):+.1f} %".replace("-", "−")
    return f"{cause} the total force changes by {change}; {likeness}."


def _prober(shown: Explanation, t: int) -> Prober:
    job = shown.job
    image, mask = job.inputs(t, shown.baselines), job.mask.frame(t)
    return Prober.of(job.predictor, image, mask, job.pixel_size, shown.protein)


def _responses(prober: Prober, kind: str) -> Iterator[Response]:
    ways: dict[str, tuple[Callable[[float], Response], tuple[float, ...]]] = {
        LOW_PASS: (prober.low_passed, LENGTHS),
        HIGH_PASS: (prober.high_passed, LENGTHS),
        BRIGHTNESS: (prober.brightened, FACTORS),
    }
    way, values = ways[kind]
    for value in values:
        yield way(value)
