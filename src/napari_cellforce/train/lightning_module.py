"""What happens in a step: augment, predict, compare; and what is measured on the validation cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from napari_cellforce import metrics
from napari_cellforce.models.base import Network, TrainingStep
from napari_cellforce.models.record import MASK_INPUT
from napari_cellforce.train.augment import Batch, augment
from napari_cellforce.train.config import OptimiseConfig, TrainConfig
from napari_cellforce.train.initialise import freeze_batchnorm
from napari_cellforce.train.losses import as_vectors, imbalance, loss_terms

STRONG = 0.2
"""Angles count where |F| is above this share of the frame's maximum."""


class TrainingModule(pl.LightningModule):
    """A network and its loss, as Lightning wants them.

    Chance in a step depends on the seed and the number of the step alone, so that a run which was killed
    and goes on takes the same steps as one that was not.

    Parameters
    ----------
    module : Network
    config : TrainConfig
    """

    def __init__(self, module: Network, config: TrainConfig) -> None:
        super().__init__()
        self.module: Network = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.config = config

    def forward(self, batch: Batch) -> Tensor:
        """Return what the network says of a batch, ``(N, 2, Y, X)``."""
        result: Tensor = self.module(network_inputs(batch, self.config.inputs))
        return result

    def on_train_epoch_start(self) -> None:
        """Keep frozen batch norms as they are."""
        freeze_batchnorm(self.module)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Start the step's own chance."""
        del batch
        step = self.trainer.current_epoch * max(int(self.trainer.num_training_batches), 1) + batch_idx
        torch.manual_seed(self.config.optimise.seed * 1_000_003 + step)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the loss of a step."""
        del batch_idx
        with torch.no_grad():
            batch = augment(batch, self.config.augment)
        epoch = math.inf if self.config.start_from else self.trainer.current_epoch
        terms = self.module.training_step(step_of(batch, self.config, epoch)).terms
        loss = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(loss):
            raise FloatingPointError("the loss is not finite")
        self.log("loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.mask))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the validation loss and the metrics of a batch."""
        del batch_idx
        raw, terms = self.module.training_step(step_of(batch, self.config, math.inf))
        assert raw is not None, "only first stages of training predict no traction"
        loss = torch.stack(list(terms.values())).sum()
        measured = validation_metrics(as_vectors(raw, self.config.output), batch)
        self.log_dict({"validation loss": loss, **measured}, on_epoch=True, batch_size=len(batch.mask))

    def configure_optimizers(self) -> Any:
        """Return AdamW and a learning rate that rises, then falls as a cosine."""
        settings = self.config.optimise
        trained = [p for p in self.module.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(trained, settings.learning_rate, weight_decay=settings.weight_decay)
        steps = max(int(self.trainer.estimated_stepping_batches), 1)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda s: learning_rate_factor(s, steps, settings)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Move a batch."""
        del dataloader_idx
        return batch.to(device)


def step_of(batch: Batch, config: TrainConfig, epoch: float) -> TrainingStep:
    """Return a batch as a network sees it; the epoch is infinite where no first stage of training is due."""
    return TrainingStep(
        network_inputs(batch, config.inputs),
        batch.traction,
        batch.mask,
        config.loss,
        lambda raw: loss_terms(raw, batch, config.loss, config.output),
        epoch,
        config.optimise.epochs,
    )


def network_inputs(batch: Batch, inputs: tuple[str, ...]) -> Tensor:
    """Return the network's input channels, ``(N, C, Y, X)``: proteins in order, the mask in its place."""
    proteins = iter(torch.split(batch.proteins, 1, dim=1))
    channels = [batch.mask if name == MASK_INPUT else next(proteins) for name in inputs]
    return torch.cat(channels, dim=1).contiguous(memory_format=torch.channels_last)


def learning_rate_factor(step: int, steps: int, settings: OptimiseConfig) -> float:
    """Return the learning rate of a step, relative to the highest."""
    rise = max(settings.warm_up * steps, 1)
    if step < rise:
        return (step + 1) / (rise + 1)
    fallen = min((step - rise) / max(steps - rise, 1), 1)
    return (1 + math.cos(math.pi * fallen)) / 2


def validation_metrics(vectors: Tensor, batch: Batch) -> dict[str, float]:
    """Return means over the frames: vector R², without and with one scale a frame, r of |F|, angle, balance.

    Parameters
    ----------
    vectors : (N, 2, Y, X) tensor
        Predicted.
    batch : Batch
    """
    predicted, reference = vectors.detach().float().cpu().numpy(), batch.traction.cpu().numpy()
    mask = batch.mask[:, 0].cpu().numpy() > 0.5
    rows = [_frame_metrics(p, r, m) for p, r, m in zip(predicted, reference, mask, strict=True)]
    named = {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}
    return named | {"net over summed force": float(imbalance(vectors.detach()).mean())}


def _frame_metrics(predicted: Any, reference: Any, mask: Any) -> dict[str, float]:
    strong = STRONG * float(metrics.percentile_traction(reference, mask, 100))
    scale = metrics.best_scale(predicted, reference, mask)
    return {
        "vector R2": float(metrics.r_squared(predicted, reference, mask)),
        "vector R2 scaled": float(metrics.r_squared(scale * predicted, reference, mask)),
        "r of |F|": float(metrics.pearson(predicted, reference, mask)),
        "angle error [deg]": float(metrics.angle_error(predicted, reference, mask, strong)),
    }
