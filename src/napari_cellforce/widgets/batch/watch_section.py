"""Following a running acquisition: frames are predicted and shown as they are written."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from napari.components import ViewerModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.batch import BatchConfig
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import VectorField, to_numpy
from napari_cellforce.io import is_field, read_field
from napari_cellforce.layers import ArrowStyle
from napari_cellforce.predict import OutputPaths
from napari_cellforce.text import pluralise
from napari_cellforce.watch import WatchConfig, WatchEvent, load, watch
from napari_cellforce.widgets.base.form import Form, TextLine, Tone
from napari_cellforce.widgets.base.plots import TimePlot
from napari_cellforce.widgets.base.setting_rows import SettingRows
from napari_cellforce.widgets.base.worker import Job, error_text
from napari_cellforce.widgets.batch.watch_result import WatchResult
from napari_cellforce.widgets.shared.prediction_layers import PER_FRAME_NOTE

_PAGE = "tutorials/watch/"
_MEMORY_LIMIT = 512 * 1024**2
"""Maximum size in bytes of earlier results kept in memory."""
_FRAME, _TIME, _FORCE = "frame", "time [min]", "total force"


@dataclass(frozen=True)
class _EarlierResult:
    """Results of an earlier watch of a movie."""

    name: str
    field: VectorField
    rows: list[dict[str, float]]


class WatchSection(QWidget):
    """Start and stop following a folder, with status, curve and layers.

    Parameters
    ----------
    viewer : ViewerModel
    make_config : callable
        Returns the settings for a waiting time in seconds; raises `CellForceError` if one is missing.
    arrow_style : ArrowStyle, optional

    Signals
    -------
    running_changed : bool
        Following started (True) or ended (False).
    """

    running_changed = Signal(bool)

    def __init__(
        self,
        viewer: ViewerModel,
        make_config: Callable[[float], WatchConfig],
        arrow_style: ArrowStyle | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self.make_config, self._arrow_style = viewer, make_config, arrow_style
        self._stop = threading.Event()
        self._shown = ""
        self._results: dict[str, WatchResult] = {}
        self._counts: dict[str, int] = {}
        self._problem = self._caveat = ""
        self._job = Job(self)
        self._text, self._problem_line = TextLine(), TextLine()
        self._button, self._copy = QPushButton(), QPushButton("Copy command")
        self._rows = SettingRows(WatchConfig, self)
        self.plot = TimePlot(viewer)
        self._build()
        self._connect()
        self._refresh()

    @property
    def running(self) -> bool:
        """True while a folder is followed."""
        return self._job.running

    @property
    def settle(self) -> float:
        """Seconds without change before a file is treated as complete."""
        return float(self._rows.value("settle"))

    def start(self) -> None:
        """Start following, off the GUI thread."""
        try:
            config = self.make_config(self.settle)
        except CellForceError as error:
            self._set_status(str(error), Tone.PROBLEM)
            return
        self._stop = stop = threading.Event()
        self._shown = self._problem = self._caveat = ""
        self._results, self._counts = {}, {}
        self._problem_line.set_text("")
        self._job.start(lambda: _events(config, stop))
        self._set_status("Inspecting the folder …")
        self._refresh()

    def stop(self) -> None:
        """Stop after the current frame; results are then completed."""
        self._stop.set()
        self._button.setEnabled(False)
        self._set_status("Stopping …")

    def dispose(self) -> None:
        """Stop and disconnect from the viewer. Layers are not removed."""
        self._stop.set()
        self._job.cancel()
        self.plot.dispose()

    def _build(self) -> None:
        self._button.setMinimumHeight(30)
        self._copy.setToolTip("Copy the equivalent command, which runs without napari")
        form = Form()
        self._settle = self._rows.add(form, "settle", page=_PAGE)
        row = QHBoxLayout()
        row.addWidget(self._button, 1)
        row.addWidget(self._copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self._text)
        layout.addLayout(row)
        layout.addWidget(self._problem_line)
        layout.addWidget(self.plot)

    def _connect(self) -> None:
        self._button.clicked.connect(self._on_button)
        self._copy.clicked.connect(self._on_copy)
        self.plot.frame_chosen.connect(self._on_frame_chosen)
        self._viewer.dims.events.current_step.connect(self._on_time)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._on_ended)

    def _refresh(self) -> None:
        text = "Stop following" if self.running else "Follow this folder"
        self._button.setText(text)
        self._button.setAccessibleName(text)
        self._button.setEnabled(True)
        self._settle.setEnabled(not self.running)
        self.plot.setVisible(bool(self._shown))
        self.running_changed.emit(self.running)

    def _set_status(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        self._text.set_text(text, tone)

    def _on_button(self) -> None:
        if self.running:
            self.stop()
        else:
            self.start()

    def _on_copy(self) -> None:
        try:
            QApplication.clipboard().setText(self.make_config(self.settle).command())
        except CellForceError as error:
            self._set_status(str(error), Tone.PROBLEM)

    def _on_record(self, record: WatchEvent | _EarlierResult) -> None:
        if isinstance(record, _EarlierResult):
            self._results[record.name].remember(record.field, record.rows)
            self._counts[record.name] = len(record.rows)
            return
        match record.state:
            case "found" if record.job is not None:
                self._results[record.name] = WatchResult(self._viewer, record.job, self._arrow_style)
                self._counts.setdefault(record.name, 0)
                self._caveat = PER_FRAME_NOTE if record.job.predictor.record.relative_to == "frame" else ""
            case "frame":
                self._add_frame(record)
            case "failed":
                where = f"frame {record.frame}: " if record.frame >= 0 else ""
                self._problem_line.set_text(f"{record.name}: {where}{record.reason}", Tone.PROBLEM)
            case "idle" if not self._stop.is_set():
                self._set_status(self._summary("Waiting for the next frame."))

    def _add_frame(self, event: WatchEvent) -> None:
        """Show a frame of the newest movie; results of earlier movies are on disk."""
        self._counts[event.name] += 1
        if event.result is None or event.stack is None:
            return
        order = list(self._results)
        if not self._shown or order.index(event.name) > order.index(self._shown):
            if self._shown:
                self._results[self._shown].remove()
            self._shown = event.name
            self.plot.show()
        if event.name == self._shown:
            result = self._results[event.name]
            result.add(event.result, dict(event.row), event.stack)
            self._draw(result)
        if not self._stop.is_set():
            self._set_status(self._summary("Predicting."))

    def _summary(self, doing: str) -> str:
        if not self._counts:
            return f"No frames yet. {doing}"
        counts = ", ".join(f"{n} of {name}" for name, n in list(self._counts.items())[-3:])
        earlier = f", {pluralise(len(self._counts) - 3, 'movie')} earlier" if len(self._counts) > 3 else ""
        return f"Frames predicted: {counts}{earlier}. {doing} {self._caveat}".strip()

    def _draw(self, result: WatchResult) -> None:
        rows = result.rows
        force = next(name for name in rows[0] if name.startswith(_FORCE))
        timed = all(row[_TIME] == row[_TIME] for row in rows)  # not NaN
        x_label = _TIME if timed else _FRAME
        columns = ([row[name] for row in rows] for name in (_FRAME, x_label, force))
        self.plot.show_values(*columns, quantity=force, time_label=x_label)
        self._on_time()

    def _on_frame_chosen(self, frame: int) -> None:
        if self._shown:
            self._results[self._shown].go_to(frame)

    def _on_time(self, event: Any = None) -> None:
        del event
        if self._shown:
            self.plot.show_frame(self._results[self._shown].current_frame)

    def _on_failed(self, error: Exception) -> None:
        self._problem = error_text(error)

    def _on_ended(self, _complete: bool) -> None:
        if self._problem:
            self._set_status(self._problem, Tone.PROBLEM)
        else:
            self._set_status(self._summary("All predicted frames are saved."), Tone.GOOD)
        self._refresh()


def watch_config(batch: BatchConfig, settle: float) -> WatchConfig:
    """Return the settings of a watch from those of a batch: folders, first model and others."""
    return WatchConfig(
        folder=batch.folder,
        out=batch.out,
        pattern=batch.pattern,
        predict=batch.predict,
        settle=settle,
    )


def _events(config: WatchConfig, stop: threading.Event) -> Iterator[WatchEvent | _EarlierResult]:
    """Load the model and follow; a continued movie starts with its earlier results."""
    for event in watch(config, load(config), stop):
        yield event
        if event.state == "found" and event.frame > 0 and event.paths and is_field(event.paths.traction):
            yield _read_earlier(event.name, event.paths)


def _read_earlier(name: str, paths: OutputPaths) -> _EarlierResult:
    """Read earlier results, limited to the last frames that fit into memory."""
    field = read_field(paths.traction)
    last = max(_MEMORY_LIMIT // (4 * field.data[0].size), 1)
    frames = field.frames[-last:]
    rows = [
        {str(k): float(v) for k, v in row.items()} for row in pd.read_csv(paths.summary).to_dict("records")
    ]
    known = dataclasses.replace(
        field, data=to_numpy(field.data[-last:]), mask=to_numpy(field.mask[-last:]), frames=frames
    )
    return _EarlierResult(name, known, [row for row in rows if row[_FRAME] in set(frames)])
