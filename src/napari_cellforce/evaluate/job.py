"""The job: models and baselines on every usable frame of measured cells, as a generator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError
from napari_cellforce.evaluate.scores import FrameScore, score_frame
from napari_cellforce.evaluate.snapshots import Snapshot, snapshot
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize, Progress, to_numpy
from napari_cellforce.io.cell_index import CellSource, DatasetIndex, find_cells, index_cells, open_cell
from napari_cellforce.io.dataset import MeasuredCell
from napari_cellforce.models.record import ModelRecord, Predictor
from napari_cellforce.predict import Prediction, RunConfig, prepare

BRIGHTNESS_BASELINE = "zyxin itself"
"""The baseline that takes the brightness of the first protein for the magnitude of the traction."""

BASELINES = (BRIGHTNESS_BASELINE, "adhesion-filter", "sheet-filter")
"""Always beside the models: what they say has to be better than what learns nothing."""

MAX_PICTURED_CELLS = 12
"""Cells that are shown in pictures."""


@dataclass(frozen=True)
class EvaluateConfig(Settings):
    """Settings of an evaluation; the command line and the library build this same object.

    `run.pixel_size` is that of data which state none; its model and plane are not used.
    """

    data: tuple[str, ...] = setting(
        help="Measured cells: a folder in the authors' layout, or a CSV table of cells.", label="Data"
    )
    models: tuple[str, ...] = setting(
        (),
        help="Model to evaluate, beside the untrained baselines.",
        label="Models",
        empty="baselines only",
        option="--model -m",
    )
    patterns: Mapping[str, str] = setting(
        default_factory=dict,
        help="Names of the files in folders that do not have the authors' layout.",
        label="Files",
        option="--files",
    )
    exclude: tuple[str, ...] = setting((), help="Cell to leave out.", label="Leave out", empty="none")
    threshold: float | None = setting(
        None,
        help="Measured traction above which directions are compared; by default a fifth of the maximum of "
        "the frame.",
        unit="Pa",
        minimum=0,
        label="Threshold",
        empty="a fifth of the maximum",
    )
    run: RunConfig = setting(default_factory=RunConfig, help="How the models are run.")


@dataclass(frozen=True)
class Failure:
    """A cell that a model could not predict; the others go on.

    Attributes
    ----------
    model, cell, reason : str
    """

    model: str
    cell: str
    reason: str


class _BrightnessBaseline:
    """The protein image taken for the magnitude of the traction; of directions it knows nothing."""

    record = ModelRecord(BRIGHTNESS_BASELINE, "brightness", relative_to="frame")

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        del pixel_size
        magnitude = np.where(mask, image[0], 0)
        return FrameResult(np.stack([np.zeros_like(magnitude), magnitude]).astype(np.float32))


def evaluate(config: EvaluateConfig) -> Iterator[Progress | FrameScore | Snapshot | Failure]:
    """Predict all usable frames with every model and baseline, and compare them with the measurement.

    Yields
    ------
    Progress, FrameScore, Snapshot or Failure
        Scores of a frame, model by model; and a small picture of the middle frame of the first cells.

    Raises
    ------
    CellForceError
        If the data cannot be found or hold no usable frame, or a model cannot be loaded.
    """
    sources = tuple(
        source
        for path in config.data
        for source in find_cells(path, config.run.pixel_size, patterns=config.patterns)
        if source.cell not in config.exclude
    )
    found = index_cells(sources)
    found.require_usable()
    predictors = _load(config)
    total = len(found.cells) * len(predictors)
    for i, source in enumerate(source for source in sources if source.cell in found.cells):
        cell = open_cell(source)
        for j, (name, predictor) in enumerate(predictors.items()):
            yield Progress(f"{source.cell}, {name}", i * len(predictors) + j, total)
            try:
                yield from _scores(
                    name, predictor, source, cell, found, config, pictured=i < MAX_PICTURED_CELLS
                )
            except CellForceError as error:
                yield Failure(name, source.cell, str(error))


def _load(config: EvaluateConfig) -> dict[str, Predictor]:
    """Return the predictors by name: the models asked for, then the baselines."""
    names = dict.fromkeys((*config.models, *BASELINES))
    return {Path(name).name: _predictor(name, config) for name in names}


def _predictor(name: str, config: EvaluateConfig) -> Predictor:
    if name == BRIGHTNESS_BASELINE:
        return _BrightnessBaseline()
    samples = 0 if name in BASELINES else config.run.samples
    return replace(config.run, model=name, samples=samples).load()


def _scores(
    name: str,
    predictor: Predictor,
    source: CellSource,
    cell: MeasuredCell,
    found: DatasetIndex,
    config: EvaluateConfig,
    *,
    pictured: bool,
) -> Iterator[FrameScore | Snapshot]:
    usable = [row.frame for row in found.usable if row.cell == source.cell]
    job = prepare(cell.image, predictor, cell.mask)
    for result in job.run():
        if not isinstance(result, FrameResult) or result.frame not in usable:
            continue
        yield _score(name, source.cell, cell, job, result, config)
        if pictured and result.frame == usable[len(usable) // 2]:
            yield frame_snapshot(cell, source.cell, result.frame, name, result.traction)


def frame_snapshot(
    cell: MeasuredCell, name: str, frame: int, model: str = "", predicted: FloatArray | None = None
) -> Snapshot:
    """Return a small picture of a frame, with what a model says of it."""
    return snapshot(
        name,
        frame,
        cell.image.frame(frame, (0,))[0],
        cell.mask.frame(frame),
        to_numpy(cell.traction.data[frame]),
        model,
        predicted,
    )


def _score(
    name: str,
    cell_name: str,
    cell: MeasuredCell,
    job: Prediction,
    result: FrameResult,
    config: EvaluateConfig,
) -> FrameScore:
    t = result.frame
    displacement = None if cell.displacement is None else to_numpy(cell.displacement.data[t])
    return score_frame(
        name,
        cell_name,
        t,
        result.traction,
        to_numpy(cell.traction.data[t]),
        cell.mask.frame(t),
        job.pixel_size,
        uncertainty=result.uncertainty,
        displacement=displacement,
        threshold=config.threshold,
        directed=name != BRIGHTNESS_BASELINE,
    )
