"""A training run, from its settings to a model file."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, EMAWeightAveraging

from napari_cellforce import files
from napari_cellforce.config_io import read_settings
from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.models import checkpoint
from napari_cellforce.train.callbacks import (
    BEST,
    LAST,
    Event,
    Listener,
    OverfittingWatch,
    RunRecorder,
)
from napari_cellforce.train.config import TrainConfig
from napari_cellforce.train.data import train_loader, validation_loader
from napari_cellforce.train.examples import Examples, ProgressCallback, prepare
from napari_cellforce.train.initialise import InitialModel, start
from napari_cellforce.train.lightning_module import TrainingModule
from napari_cellforce.train.weight_interpolation import (
    State,
    calibrate_initial,
    interpolate_to_best,
    mean_metrics,
    ordered_batches,
)

CONFIG, SPLIT = "config.json", "split.json"


@dataclass(frozen=True)
class TrainResult:
    """What a run leaves behind.

    Attributes
    ----------
    model : Path
        Weights and record, to be used like any model.
    folder : Path
        With ``config.json``, ``split.json``, ``history.csv`` and the checkpoints.
    history : tuple of mapping
        Losses and metrics of every epoch.
    finished : bool
        False if it was stopped; it can then go on.
    share : float
        Of a fine-tuned model: how far from the calibrated model to the best epoch its weights are, see
        `napari_cellforce.train.weight_interpolation`.
    measured : mapping
        Of a fine-tuned model: metrics of the weights that are kept, on the validation cells.
    """

    model: Path
    folder: Path
    history: tuple[Mapping[str, float], ...]
    finished: bool
    share: float = 1.0
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def best(self) -> Mapping[str, float]:
        """The epoch with the lowest validation loss."""
        return min(self.history, key=lambda row: row["validation loss"])

    @property
    def figures(self) -> Mapping[str, float]:
        """What is known of the model: losses of the best epoch, metrics of the weights that are kept."""
        return {**self.best, **self.measured}


def train(
    config: TrainConfig,
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    listener: Listener | None = None,
    progress: ProgressCallback | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    examples: Examples | None = None,
    **trainer_settings: Any,
) -> TrainResult:
    """Train a predictor.

    Parameters
    ----------
    config : TrainConfig
    folder : path-like
        Where the run is kept; must not hold another run, unless it is to go on.
    resume : bool
        Go on after the last whole epoch of the run in `folder`, whose config is then used.
    listener : callable, optional
        Receives every `Step` and `Epoch`.
    progress : callable, optional
        Receives the progress of the preparations: step, number done, total.
    should_stop : callable, optional
        Asked after every step; True ends the run, which keeps its best and can go on.
    examples : Examples, optional
        What to learn from, where it is at hand; else `prepare` reads or simulates it.
    **trainer_settings
        For Lightning's trainer: several GPUs, strategies, ``fast_dev_run``.

    Raises
    ------
    CellForceError
        If the settings or the data do not allow it, `folder` holds another run, memory runs out, or the
        loss is not finite.
    """
    folder = Path(folder)
    if resume:
        config = _config_of(folder)
    elif (folder / CONFIG).exists():
        raise CellForceError(
            f"{folder} holds a training run",
            "a run is not overwritten",
            "Choose another folder, or resume that run.",
            topic=Topic.RUN,
        )
    if config.optimise.threads:
        torch.set_num_threads(config.optimise.threads)
    initial = start(config)
    with _failures(initial.config):
        examples = examples or prepare(initial.config, progress)
    calibrated = calibrate_initial(initial, examples)
    files.write_text(folder / CONFIG, config.to_json())
    examples.split.write(folder / SPLIT)
    keeper = RunRecorder(folder, listener or _ignore, should_stop)
    learner = TrainingModule(initial.module, initial.config)
    trainer = _trainer(initial.config, keeper, folder, trainer_settings)
    with _failures(initial.config), _quiet():
        _fit(trainer, learner, initial, examples, folder / LAST if resume else None)
    share, measured = _take_best(folder, learner, initial, examples, calibrated)
    model = _export(folder, learner, initial, examples, share)
    finished = not should_stop()
    return TrainResult(model, folder, tuple(keeper.rows), finished, share, measured)


def _config_of(folder: Path) -> TrainConfig:
    for name in (CONFIG, LAST):
        if not (folder / name).is_file():
            raise CellForceError(
                f"{folder / name} is not there",
                "a run can go on after its first whole epoch",
                "Start it anew.",
                topic=Topic.OUTPUT,
            )
    return read_settings(folder / CONFIG, TrainConfig)


def _trainer(
    config: TrainConfig, keeper: RunRecorder, folder: Path, settings: Mapping[str, Any]
) -> pl.Trainer:
    optimise = config.optimise
    callbacks: list[pl.Callback] = [keeper, OverfittingWatch()]
    if optimise.average:
        callbacks.append(EMAWeightAveraging(decay=optimise.average))
    if optimise.patience:
        callbacks.append(EarlyStopping("validation loss", patience=optimise.patience))
    precision: Any = optimise.precision
    if precision == "auto":
        precision = "16-mixed" if torch.cuda.is_available() else "32-true"
    with _quiet():
        return pl.Trainer(
            **{
                "max_epochs": optimise.epochs,
                "accumulate_grad_batches": optimise.accumulate,
                "gradient_clip_val": optimise.clip,
                "precision": precision,
                "callbacks": callbacks,
                "logger": _tensorboard(folder),
                "default_root_dir": folder,
                "enable_progress_bar": False,
                "enable_model_summary": False,
                "num_sanity_val_steps": 0,
                "use_distributed_sampler": False,
                **settings,
            }
        )


def _tensorboard(folder: Path) -> Any:
    """Return a TensorBoard logger if that is installed, else False; `RunRecorder` writes the CSV."""
    try:
        return pl.loggers.TensorBoardLogger(folder, name="", version="tensorboard")
    except ModuleNotFoundError:
        return False


def _fit(
    trainer: pl.Trainer,
    learner: TrainingModule,
    initial: InitialModel,
    examples: Examples,
    checkpoint_path: Path | None,
) -> None:
    optimise = initial.config.optimise
    multiple: int = getattr(initial.module.config, "multiple", 1)
    trainer.fit(
        learner,
        train_loader(examples.train, optimise.batch, optimise.seed, multiple),
        validation_loader(examples.validation, optimise.batch, multiple),
        ckpt_path=checkpoint_path,
        weights_only=True,
    )


def _take_best(
    folder: Path, learner: TrainingModule, initial: InitialModel, examples: Examples, calibrated: State
) -> tuple[float, dict[str, float]]:
    """Give the learner the best weights; return their share of the way from `calibrated`, and metrics."""
    best = folder / BEST
    learner.cpu()
    if best.is_file():
        state = torch.load(best, map_location="cpu", weights_only=True)["state_dict"]
        learner.load_state_dict(state)
    if not initial.config.start_from:
        return 1.0, {}
    module, config = learner.module, initial.config
    end = {name: value.clone() for name, value in module.state_dict().items()}
    batches = list(ordered_batches(examples.validation, module, config))
    return interpolate_to_best(module, calibrated, end, batches, config), mean_metrics(
        module, batches, config
    )


def _export(
    folder: Path, learner: TrainingModule, initial: InitialModel, examples: Examples, share: float
) -> Path:
    """Write the weights with a whole record; the original file is not modified."""
    config = initial.config
    origin = f" Started from {config.start_from}" if config.start_from else ""
    kept = (
        "." if share == 1 else f", and kept {share:.0%} of the change, which is best on the validation cells."
    )
    record = dataclasses.replace(
        initial.record,
        name=config.name,
        output_scale=1.0,
        output_unit="normalised",
        output_offset=0.0,
        training_data=examples.description + (origin + kept if origin else ""),
        source="trained with napari-cellforce",
    )
    module = learner.module.cpu().eval()
    if config.data.sources:
        module.scale_output(examples.mean_traction, record.output)
        record = dataclasses.replace(record, output_unit="Pa")
    return checkpoint.save(folder / f"{config.name}.safetensors", module, record)


@contextlib.contextmanager
def _failures(config: TrainConfig) -> Iterator[None]:
    """Turn what goes wrong in training into errors that say what to do."""
    try:
        yield
    except FloatingPointError as error:
        raise CellForceError(
            "training diverged: the loss is not finite",
            f"the learning rate of {config.optimise.learning_rate:g} is too high for these data",
            "Lower it by a factor of 3, or look at the targets for extreme values.",
            topic=Topic.SETTINGS,
        ) from error
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error).lower():
            raise
        raise CellForceError(
            f"memory ran out with {config.optimise.batch} frames of {config.data.side} pixels in a step",
            "the network needs more than there is",
            "Halve the number of frames per step (optimise.batch), or lower the largest side (data.side).",
            topic=Topic.MEMORY,
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's chatter from the user; our own warnings pass."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pytorch_lightning|lightning_fabric|torch")
        warnings.simplefilter("default", CellForceWarning)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _ignore(event: Event) -> None:
    del event
