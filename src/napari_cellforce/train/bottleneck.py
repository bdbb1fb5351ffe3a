"""The two stages in which a physical bottleneck is trained (Schmitt et al. 2024).

Started cold, the solve gives no useful gradient: springs that are the same everywhere hold the cell's edge
only. So the springs are first fitted to the magnitude of the traction, which needs no solve, and then
everything through the sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_cellforce.models.bottleneck.network import PhysicalBottleneck
from napari_cellforce.train.augment import Batch


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes
    ----------
    name : str
    loss : callable
        Takes the network, its inputs ``(N, C, Y, X)`` and the batch; returns a number.
    learning_rate : float
    """

    name: str
    loss: Callable[[PhysicalBottleneck, Tensor, Batch], Tensor]
    learning_rate: float


def adhesion_loss(module: PhysicalBottleneck, inputs: Tensor, batch: Batch) -> Tensor:
    """Return how far the springs are from the traction's magnitude, both over their mean in the cell.

    The springs keep the mean that they start from: how far a pull reaches is learned in the second stage.
    """
    inside = batch.mask[:, 0]
    magnitude = torch.linalg.vector_norm(batch.traction, dim=1)
    count = inside.sum(dim=(-2, -1), keepdim=True).clamp(min=1)
    mean = (magnitude * inside).sum(dim=(-2, -1), keepdim=True) / count
    springs = module.sheet_inputs(inputs).Y * module.config.penetration**2
    misfit = (springs - magnitude / mean.clamp(min=1e-6)) * inside
    loss: Tensor = misfit.square().sum() / inside.sum().clamp(min=1)
    return loss


def mechanics_loss(module: PhysicalBottleneck, inputs: Tensor, batch: Batch) -> Tensor:
    """Return the squared error of the sheet's traction, per pixel of the cells."""
    misfit = (module(inputs) - batch.traction) * batch.mask
    loss: Tensor = misfit.square().sum() / batch.mask.sum().clamp(min=1)
    return loss


STAGES = (Stage("adhesion", adhesion_loss, 3e-3), Stage("mechanics", mechanics_loss, 2e-3))
"""In this order."""


def run_stage(
    module: PhysicalBottleneck,
    batches: Iterable[tuple[Tensor, Batch]],
    stage: Stage,
    steps: int,
    told: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Take the steps of a stage; returns their losses.

    Parameters
    ----------
    module : PhysicalBottleneck
        Changed in place.
    batches : iterable of (inputs, Batch)
        Ends the stage early where it ends.
    stage : Stage
    steps : int
    told : callable, optional
        Told number and loss of every step.
    """
    optimiser = torch.optim.AdamW(module.parameters(), stage.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, stage.learning_rate, total_steps=max(steps, 2))
    losses: list[float] = []
    module.train()
    for step, (inputs, batch) in zip(range(steps), batches, strict=False):
        loss = stage.loss(module, inputs, batch)
        if not torch.isfinite(loss):
            raise FloatingPointError("the loss is not finite")
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if told:
            told(step, losses[-1])
    module.eval()
    return losses
