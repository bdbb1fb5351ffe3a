"""What the panel "Train a predictor" says: what the button will do, and what a run has brought."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.cell_index import DatasetIndex
from napari_cellforce.text import pluralise, with_period
from napari_cellforce.widgets.base.form import Tone
from napari_cellforce.widgets.base.hints import with_row

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_cellforce.models.record import ModelRecord
    from napari_cellforce.train import Calibration, TrainResult

WELCOME = "Your own cells with measured tractions make a predictor right for your microscope."

StatusText = tuple[str, Tone]


def button_label(start_from: str, found: DatasetIndex | None, *, only_scale: bool) -> str:
    """Return what the button will do."""
    cells = len(found.cells) if found else 0
    on = f" on {pluralise(cells, 'cell')}" if cells else ""
    name = Path(start_from).stem if start_from.endswith(".safetensors") else start_from
    if only_scale:
        return f"Find the scale of {name}{on}"
    return f"Fine-tune {name}{on}" if name else f"Train a new model{on}"


def describe_problem(problem: CellForceError, panel: QWidget) -> StatusText:
    """Return what keeps the button from being pressed, in words for the panel."""
    if problem.topic == Topic.TRAINING_DATA:
        return f"{WELCOME} {problem.remedy}", Tone.PLAIN
    if problem.topic == Topic.READING:
        return "", Tone.PLAIN
    return with_row(problem, panel), Tone.PROBLEM


def describe_result(result: TrainResult) -> StatusText:
    """Return what a run has brought."""
    if not result.history:
        return "Stopped before the first pass was done: nothing is kept.", Tone.PLAIN
    done = pluralise(len(result.history), "pass", "passes")
    text = f"Done after {done}." if result.finished else f"Stopped after {done}; the best state is kept."
    if result.share == 0:
        text += " Fine-tuning did not improve the validation cells; only the scale was changed."
    elif result.share < 1:
        text += f" {result.share:.0%} of the change was kept, which fits the validation cells best."
    return text, Tone.GOOD if result.finished else Tone.PLAIN


def describe_scale(found: Calibration) -> StatusText:
    """Return what a calibration has found."""
    less = "less" if found.offset < 0 else "and"
    shift = f", {less} {abs(found.offset):.3g} Pa" if found.offset else ""
    return (
        f"One unit of the model is {found.scale:.4g} Pa in your cells{shift}; with it, it explains "
        f"{max(found.r2, 0):.0%} of the vectors' variance.",
        Tone.GOOD,
    )


def describe_model(record: ModelRecord) -> str:
    """Return the sentences of a model's card."""
    unit = "Predicts in Pa" if record.output_unit == "Pa" else "Predicts in normalised units"
    grid = f"{unit}, made for {record.pixel_size:g} µm pixels, sees {', '.join(record.inputs)}."
    return f"{with_period(record.training_data)} {grid}"
