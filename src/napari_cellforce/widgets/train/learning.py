"""What is seen of a training run: how far it is, its curves, a cell in the viewer, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.components import ViewerModel
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError, sentence
from napari_cellforce.widgets.base.form import TextLine, Tone
from napari_cellforce.widgets.base.preferences import Preferences
from napari_cellforce.widgets.base.worker import words_of
from napari_cellforce.widgets.train import words as train_words
from napari_cellforce.widgets.train.curves import TrainCurves
from napari_cellforce.widgets.train.outcome import TrainOutcome
from napari_cellforce.widgets.train.preview import TrainPreview
from napari_cellforce.widgets.train.progress import TrainProgress

if TYPE_CHECKING:
    from pathlib import Path

    from napari_cellforce.train import TrainResult
    from napari_cellforce.train.remote import Record, Scaled

_NOTHING = ("", Tone.PLAIN)


class TrainLearning(QWidget):
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

    said = Signal(str)
    stopped = Signal()
    paused = Signal(bool)
    used = Signal(str)
    appeared = Signal(QWidget)

    def __init__(self, viewer: ViewerModel, preferences: Preferences) -> None:
        super().__init__()
        self._words = _NOTHING
        self._progress = TrainProgress()
        self._caution = TextLine()
        self._curves = TrainCurves(viewer)
        self._preview = TrainPreview(viewer, preferences.arrows)
        self._outcome = TrainOutcome(preferences.model_folder)
        self._newest: QWidget = self._curves
        self._scrolling = QTimer(self)
        self._scrolling.setSingleShot(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self._progress, self._caution, self._curves, self._outcome):
            layout.addWidget(part)
        self._progress.stopped.connect(self.stopped)
        self._progress.paused.connect(self.paused)
        self._outcome.used.connect(self.used)
        self._scrolling.timeout.connect(lambda: self.appeared.emit(self._newest))

    @property
    def summary(self) -> train_words.Words:
        """What the last run has brought."""
        return self._words

    @property
    def passes(self) -> int:
        """How many passes over the data are drawn."""
        return len(self._curves.rows)

    def begin(self, *, anew: bool, can_pause: bool) -> None:
        """Show that a run begins; one that is not `anew` goes on with its curves and pictures."""
        if anew:
            self._curves.show_rows(())
            self._preview.remove()
        self._outcome.clear()
        self._caution.say("")
        self._progress.begin(can_pause=can_pause)

    def show_record(self, record: Record) -> None:
        """Show what the run says."""
        from napari_cellforce.train import Epoch, Step, TrainResult
        from napari_cellforce.train.preview import Preview
        from napari_cellforce.train.remote import Caution, Preparing, Scaled

        match record:
            case Preparing(what, done, total):
                self.said.emit(f"{what} …")
                self._progress.prepare(done, total)
            case Step():
                self.said.emit(f"Training: pass {record.epoch + 1} over the data …")
                self._progress.take(record)
            case Epoch(epoch, values):
                first = not self._curves.rows
                self._curves.add(epoch, values)
                if first:
                    self._reveal(self._curves)
            case Preview():
                self._preview.show(record)
            case Caution(text):
                self._caution.say(sentence(text[0].upper() + text[1:]), Tone.PROBLEM)
            case TrainResult():
                self._take_result(record)
            case Scaled():
                self._take_scale(record)

    def fail(self, error: Exception) -> None:
        """Tell why the run ended, where the eye is."""
        known = train_words.for_panel(error) if isinstance(error, CellForceError) else error
        self._words = words_of(known), Tone.PROBLEM

    def end(self) -> None:
        """Show that nothing runs any more."""
        self._progress.hide()

    def forget(self) -> None:
        """Say no more of the last run; what is drawn stays."""
        self._words = _NOTHING

    def dispose(self) -> None:
        """End what runs in the background and hear nothing more of the viewer."""
        self._outcome.drop_jobs()
        self._curves.disconnect_viewer()

    def _take_result(self, result: TrainResult) -> None:
        self._curves.show_rows(result.history)
        self._words = train_words.of_result(result)
        if result.history:
            self._show_card(result.model, dict(result.figures))

    def _take_scale(self, scaled: Scaled) -> None:
        self._words = train_words.of_scale(scaled.calibration)
        self._show_card(scaled.model, {})

    def _show_card(self, model: Path, best: dict[str, float]) -> None:
        from napari_cellforce.models import checkpoint

        self._outcome.show_model(model, best, train_words.of_card(checkpoint.load(model).record))
        self._reveal(self._outcome)

    def _reveal(self, part: QWidget) -> None:
        """Announce a part that has just appeared, once it has its place."""
        self._newest = part
        self._scrolling.start()
