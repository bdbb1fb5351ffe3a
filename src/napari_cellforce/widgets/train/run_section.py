"""What is seen of a training run: how far it is, its curves, a cell in the viewer, what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from napari.components import ViewerModel
from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.text import with_period
from napari_cellforce.widgets.base.form import TextLine, Tone
from napari_cellforce.widgets.base.plots import BLUE, ORANGE, apply_theme, disable_interaction
from napari_cellforce.widgets.base.preferences import Preferences
from napari_cellforce.widgets.base.run_section import duration
from napari_cellforce.widgets.base.worker import error_text
from napari_cellforce.widgets.train import messages as messages
from napari_cellforce.widgets.train.preview import TrainPreview
from napari_cellforce.widgets.train.result_section import TrainResultSection

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cellforce.train import Step, TrainResult
    from napari_cellforce.train.subprocess_run import Record, ScaledModel


_LEARNT, _ASIDE = ORANGE, BLUE
_HEIGHT = 280


class TrainCurves(QWidget):
    """Losses above; vector R2 and angle error of the validation cells below.

    Parameters
    ----------
    viewer : ViewerModel
        Viewer whose theme sets the colours.
    parent : QWidget, optional
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._rows: list[Mapping[str, float]] = []
        self._view = pg.GraphicsLayoutWidget()
        self._view.setFixedHeight(_HEIGHT)
        self._view.setAccessibleName("Curves of the training")
        self._loss = self._view.addPlot(row=0, col=0, colspan=2)
        self._r2, self._angle = (self._view.addPlot(row=1, col=i) for i in range(2))
        self._titles = {
            self._loss: f"loss of cells <span style='color: {_LEARNT}'>▾ learnt from</span>, "
            f"<span style='color: {_ASIDE}'>● validation</span>",
            self._r2: "vector R2 (1 at best)",
            self._angle: "angle error [°]",
        }
        self._curves = {
            "loss": self._curve(self._loss, _LEARNT, "t", Qt.DashLine),
            "validation loss": self._curve(self._loss, _ASIDE, "o"),
            "vector R2": self._curve(self._r2, _ASIDE, "o"),
            "angle error [deg]": self._curve(self._angle, _ASIDE, "o"),
        }
        self._best = pg.InfiniteLine(angle=90, movable=False)
        self._loss.addItem(self._best, ignoreBounds=True)
        self._note = TextLine()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        layout.addWidget(self._note)
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)
        self.hide()

    @property
    def rows(self) -> tuple[Mapping[str, float], ...]:
        """What is drawn, one row a pass."""
        return tuple(self._rows)

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._viewer.events.theme.disconnect(self._apply_theme)

    def show_rows(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Draw these passes and no others."""
        self._rows = list(rows)
        self._draw()

    def add(self, epoch: int, values: Mapping[str, float]) -> None:
        """Draw one more pass."""
        self._rows.append({"epoch": epoch, **values})
        self._draw()

    def _draw(self) -> None:
        self.setVisible(bool(self._rows))
        if not self._rows:
            return
        passes = np.array([row["epoch"] + 1 for row in self._rows])
        for name, curve in self._curves.items():
            curve.setData(passes, np.array([row.get(name, np.nan) for row in self._rows]))
        best = min(self._rows, key=lambda row: row["validation loss"])
        self._best.setPos(best["epoch"] + 1)
        stride = max(1, int(passes[-1]) // 4)
        ticks = [(i, str(i)) for i in range(stride, int(passes[-1]) + 1, stride)]
        for plot in self._titles:
            plot.getAxis("bottom").setTicks([ticks])
        self._note.set_text(
            f"Best after pass {best['epoch'] + 1:.0f} (dashed line), which is kept: vector R2 "
            f"{best['vector R2']:.2f}, angle error {best['angle error [deg]']:.0f}°, on the validation cells."
        )

    def _curve(self, plot: Any, colour: str, symbol: str, style: Any = Qt.SolidLine) -> Any:
        disable_interaction(plot)
        return plot.plot(
            pen=pg.mkPen(colour, width=2, style=style),
            symbol=symbol,
            symbolSize=5,
            symbolBrush=colour,
            symbolPen=None,
        )

    def _apply_theme(self, event: Any = None) -> None:
        del event
        ink = apply_theme(self._viewer, self._view, *self._titles)
        for plot, title in self._titles.items():
            plot.setTitle(title, size="9pt", color=ink)
        for plot in (self._r2, self._angle):
            plot.setLabel("bottom", "pass", color=ink)
        self._best.setPen(pg.mkPen(ink, style=Qt.DashLine))


class TrainProgress(QWidget):
    """A bar with the time left, Pause and Stop.

    Signals
    -------
    paused : bool
        True for a rest, False to go on.
    stopped
    """

    paused = Signal(bool)
    stopped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._since, self._first = 0.0, 0
        self._bar = QProgressBar()
        self._bar.setAccessibleName("Progress of the training")
        self._pause, self._stop = QPushButton("Pause"), QPushButton("Stop")
        self._pause.setCheckable(True)
        self._pause.setToolTip("Rests after the current step, and leaves the computer to you")
        self._stop.setToolTip("Ends after the current step; the best state is kept, and the run can go on")
        self._pause.toggled.connect(self._on_pause)
        self._stop.clicked.connect(self._on_stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._bar, 1)
        row.addWidget(self._pause)
        row.addWidget(self._stop)
        self.hide()

    def begin(self, *, can_pause: bool) -> None:
        """Show up."""
        self._since = 0.0
        self._pause.setChecked(False)
        self._pause.setVisible(can_pause)
        self._stop.setVisible(can_pause)
        self._pause.setEnabled(False)
        self._stop.setEnabled(True)
        self.prepare(0, 0)
        self.show()

    def prepare(self, done: int, total: int) -> None:
        """Show how far the preparations are."""
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._bar.setFormat("")

    def show_step(self, step: Step) -> None:
        """Move the bar; the time left follows from the pace since the run began or went on."""
        self._pause.setEnabled(self._stop.isEnabled())
        self._bar.setRange(0, step.steps)
        self._bar.setValue(step.step)
        text = f"{step.step} / {step.steps}"
        if not self._since:
            self._since, self._first = time.monotonic(), step.step
        elif self._first < step.step < step.steps:
            pace = (time.monotonic() - self._since) / (step.step - self._first)
            text += f" · {duration(pace * (step.steps - step.step))} left"
        self._bar.setFormat(text)

    def _on_pause(self, paused_now: bool) -> None:
        self._pause.setText("Go on" if paused_now else "Pause")
        self._since = 0.0
        self.paused.emit(paused_now)

    def _on_stop(self) -> None:
        for button in (self._pause, self._stop):
            button.setEnabled(False)
        self.stopped.emit()


_NO_SUMMARY = ("", Tone.PLAIN)


class TrainRunSection(QWidget):
    """Shows the records of a run as they come.

    Parameters
    ----------
    viewer : ViewerModel
    preferences : Preferences

    Signals
    -------
    said : str
        What the run is doing, in words.
    stopped
    paused : bool
        True for a rest, False to go on.
    used : str
        The model of that name is now in the list of models.
    appeared : QWidget
        A part that is to be seen has got its place.
    """

    status_changed = Signal(str)
    stopped = Signal()
    paused = Signal(bool)
    used = Signal(str)
    part_shown = Signal(QWidget)

    def __init__(self, viewer: ViewerModel, preferences: Preferences) -> None:
        super().__init__()
        self._summary = _NO_SUMMARY
        self._progress = TrainProgress()
        self.caution = TextLine()
        self.curves = TrainCurves(viewer)
        self._preview = TrainPreview(viewer, preferences.arrows)
        self.outcome = TrainResultSection(preferences.model_folder)
        self._newest: QWidget = self.curves
        self._scrolling = QTimer(self)
        self._scrolling.setSingleShot(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self._progress, self.caution, self.curves, self.outcome):
            layout.addWidget(part)
        self._progress.stopped.connect(self.stopped)
        self._progress.paused.connect(self.paused)
        self.outcome.used.connect(self.used)
        self._scrolling.timeout.connect(lambda: self.part_shown.emit(self._newest))

    @property
    def summary(self) -> messages.StatusText:
        """What the last run has brought."""
        return self._summary

    @property
    def passes(self) -> int:
        """How many passes over the data are drawn."""
        return len(self.curves.rows)

    def begin(self, *, anew: bool, can_pause: bool) -> None:
        """Show that a run begins; one that is not `anew` goes on with its curves and pictures."""
        if anew:
            self.curves.show_rows(())
            self._preview.remove()
        self.outcome.clear()
        self.caution.set_text("")
        self._progress.begin(can_pause=can_pause)

    def show_record(self, record: Record) -> None:
        """Show what the run says."""
        from napari_cellforce.train import Epoch, Step, TrainResult
        from napari_cellforce.train.preview import Preview
        from napari_cellforce.train.subprocess_run import Preparing, ScaledModel, WarningRecord

        match record:
            case Preparing(what, done, total):
                self.status_changed.emit(f"{what} …")
                self._progress.prepare(done, total)
            case Step():
                self.status_changed.emit(f"Training: pass {record.epoch + 1} over the data …")
                self._progress.show_step(record)
            case Epoch(epoch, values):
                first = not self.curves.rows
                self.curves.add(epoch, values)
                if first:
                    self._reveal(self.curves)
            case Preview():
                self._preview.show(record)
            case WarningRecord(text):
                self.caution.set_text(with_period(text[0].upper() + text[1:]), Tone.PROBLEM)
            case TrainResult():
                self._take_result(record)
            case ScaledModel():
                self._take_scale(record)

    def fail(self, error: Exception) -> None:
        """Tell why the run ended, where the eye is."""
        self._summary = error_text(error), Tone.PROBLEM

    def end(self) -> None:
        """Show that nothing runs any more."""
        self._progress.hide()

    def forget(self) -> None:
        """Say no more of the last run; what is drawn stays."""
        self._summary = _NO_SUMMARY

    def dispose(self) -> None:
        """Cancel background jobs and disconnect from the viewer."""
        self.outcome.dispose()
        self.curves.dispose()

    def _take_result(self, result: TrainResult) -> None:
        self.curves.show_rows(result.history)
        self._summary = messages.describe_result(result)
        if result.history:
            self._show_card(result.model, dict(result.figures))

    def _take_scale(self, scaled: ScaledModel) -> None:
        self._summary = messages.describe_scale(scaled.calibration)
        self._show_card(scaled.model, {})

    def _show_card(self, model: Path, best: dict[str, float]) -> None:
        from napari_cellforce.models import checkpoint

        self.outcome.show_model(model, best, messages.describe_model(checkpoint.load(model).record))
        self._reveal(self.outcome)

    def _reveal(self, part: QWidget) -> None:
        """Announce a part that has just appeared, once it has its place."""
        self._newest = part
        self._scrolling.start()
