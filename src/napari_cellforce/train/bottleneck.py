"""How a physical bottleneck is trained: springs first, then the mechanics (Schmitt et al. 2024).

Started cold, the solve gives no useful gradient: springs that are the same everywhere hold the cell's edge
only. So the springs are first fitted to the magnitude of the traction, which needs no solve, and then
everything through the sheet.
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_cellforce.models.bottleneck.network import PhysicalBottleneck, TractionParts
from napari_cellforce.train.augment import Batch
from napari_cellforce.train.losses import LossConfig

_TINY = 1e-6


def springs_terms(module: PhysicalBottleneck, inputs: Tensor, batch: Batch) -> dict[str, Tensor]:
    """Return how far the springs are from the traction's magnitude, both over their mean in the cell.

    The springs keep the mean that they start from: how far a pull reaches is learned in the second stage.
    """
    inside = batch.mask[:, 0]
    magnitude = torch.linalg.vector_norm(batch.traction, dim=1)
    count = inside.sum(dim=(-2, -1), keepdim=True).clamp(min=1)
    mean = (magnitude * inside).sum(dim=(-2, -1), keepdim=True) / count
    springs = module.sheet_inputs(inputs).Y * module.config.penetration**2
    misfit = (springs - magnitude / mean.clamp(min=_TINY)) * inside
    return {"springs": misfit.square().sum() / inside.sum().clamp(min=1)}


def mechanics_terms(parts: TractionParts, batch: Batch, config: LossConfig) -> dict[str, Tensor]:
    """Return the error of the traction in the cells, and the size of what the sheet does not explain.

    Both are sums of squares over that of the cell's measured traction, 1 - R² the first of them: a cell that
    pulls weakly counts as much as one that pulls hard.
    """
    inside = batch.mask
    energy = (batch.traction * inside).square().sum(dim=(1, 2, 3)).clamp(min=_TINY)
    misfit = ((parts.traction - batch.traction) * inside).square().sum(dim=(1, 2, 3))
    terms = {"relative error": (misfit / energy).mean()}
    if parts.residual is not None:
        size = (parts.residual * inside).square().sum(dim=(1, 2, 3)) / energy
        terms["residual"] = config.residual * size.mean()
    return terms
