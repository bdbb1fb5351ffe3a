"""Before and after fine-tuning: the scale first, and at the end no farther from the start than helps.

A model is calibrated on the new cells before anything else changes, for a wrong unit is the largest error and
the easiest to mend. And of all models between the calibrated one and the fine-tuned one, whose weights are
means of theirs, the one is kept that fits the validation cells best: never worse there than the scale alone.
Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, arXiv:2109.01903.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from napari_cellforce.models.base import Network
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.train.augment import Batch
from napari_cellforce.train.config import TrainConfig
from napari_cellforce.train.data import Example, validation_loader
from napari_cellforce.train.examples import Examples
from napari_cellforce.train.initialise import InitialModel
from napari_cellforce.train.lightning_module import network_inputs, validation_metrics
from napari_cellforce.train.losses import as_vectors

INTERPOLATION_SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Of the way from the calibrated model to the fine-tuned one."""

State = Mapping[str, Tensor]


def ordered_batches(examples: Sequence[Example], module: nn.Module, config: TrainConfig) -> Iterable[Batch]:
    """Return frames in order and as they are."""
    return validation_loader(examples, config.optimise.batch, getattr(module.config, "multiple", 1))


def calibrate_initial(initial: InitialModel, examples: Examples) -> dict[str, Tensor]:
    """Bring a network to the unit of the data, one to fine-tune to the best scale; return its weights."""
    module, config = initial.module, initial.config
    module.scale_output(1 / _unit(initial.record, examples.mean_traction), initial.record.output)
    if config.start_from:
        fit_scale(module, initial.record, ordered_batches(examples.train, module, config), config)
    return {name: value.clone() for name, value in module.state_dict().items()}


def _unit(record: ModelRecord, mean_traction: float) -> float:
    """Return the mean traction of the data in the unit that a network speaks before it is trained."""
    return mean_traction if record.output_unit == "Pa" else record.output_scale


def fit_scale(module: Network, record: ModelRecord, batches: Iterable[Batch], config: TrainConfig) -> float:
    """Give a network the scale that fits best, by least squares over the vectors; return the factor.

    A network that points the wrong way keeps its scale, and the factor is 1.
    """
    power, overlap, _ = inner_products(module, batches, config)
    factor = overlap / power if power > 0 and overlap > 0 else 1.0
    module.scale_output(factor, record.output)
    return factor


def interpolate_to_best(
    module: nn.Module, start: State, end: State, batches: Iterable[Batch], config: TrainConfig
) -> float:
    """Load the best model between two into a network; return its share of the way.

    Parameters
    ----------
    module : nn.Module
        Changed in place.
    start, end : state
        Of the calibrated and of the fine-tuned model.
    batches : iterable of Batch
        Validation cells.
    config : TrainConfig
    """
    batches = list(batches)

    def error(share: float) -> float:
        module.load_state_dict(interpolate(start, end, share))
        power, overlap, measured = inner_products(module, batches, config)
        return power - 2 * overlap + measured

    best = min(INTERPOLATION_SHARES, key=error)
    module.load_state_dict(interpolate(start, end, best))
    return best


@torch.no_grad()
def mean_metrics(module: nn.Module, batches: Iterable[Batch], config: TrainConfig) -> dict[str, float]:
    """Return the metrics that are measured after every epoch, means over the frames."""
    module.eval()
    rows = [
        (
            len(batch.mask),
            validation_metrics(
                as_vectors(module(network_inputs(batch, config.inputs)), config.output), batch
            ),
        )
        for batch in batches
    ]
    frames = sum(count for count, _ in rows)
    return {name: sum(count * row[name] for count, row in rows) / frames for name in rows[0][1]}


def interpolate(start: State, end: State, share: float) -> dict[str, Tensor]:
    """Return weights at a share of the way; counters are those of the end."""
    return {
        name: torch.lerp(start[name], last, share) if last.is_floating_point() or last.is_complex() else last
        for name, last in end.items()
    }


@torch.no_grad()
def inner_products(
    module: nn.Module, batches: Iterable[Batch], config: TrainConfig
) -> tuple[float, float, float]:
    """Return the sums over the masks of P², P.M and M², of prediction P and measurement M."""
    found = torch.zeros(3, dtype=torch.float64)
    module.eval()
    for batch in batches:
        predicted = batch.mask * as_vectors(module(network_inputs(batch, config.inputs)), config.output)
        measured = batch.mask * batch.traction
        found += torch.stack(
            [(a * b).sum(dtype=torch.float64) for a, b in
             ((predicted, predicted), (predicted, measured), (measured, measured))]
        )  # fmt: skip
    power, overlap, own = found.tolist()
    return power, overlap, own
