"""What a network is punished for. Every term is a mean over the batch; their weights are in `LossConfig`."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor

from napari_cellforce.models.record import OutputKind
from napari_cellforce.train.augment import Batch
from napari_cellforce.train.config import LossConfig

_STRONGEST = 8.0
"""Magnitude beyond which the weight of a pixel grows no more (Schmitt et al. 2024)."""
_TINY = 1e-6


def loss_terms(raw: Tensor, batch: Batch, config: LossConfig, output: OutputKind) -> dict[str, Tensor]:
    """Return the weighted terms of the error of a traction, each a number; the loss is their sum.

    What a kind of networks adds, or does instead, is in `napari_cellforce.models.base.Network.training_step`.

    Parameters
    ----------
    raw : (N, 2, Y, X) tensor
        What the network returns: (y, x), or magnitude and angle from x towards y.
    batch : Batch
    config : LossConfig
    output : {"vector", "magnitude_angle"}
        What `raw` is.
    """
    vectors = as_vectors(raw, output)
    weight = _pixel_weight(batch, config)
    if config.kind == "vector":
        error = (vectors - batch.traction).square().sum(dim=1)
        if config.relative:
            error = error / _mean_square(batch.traction, weight) ** config.relative
        terms = {"vector": _mean(error, weight)}
    else:
        terms = _magnitude_angle(*_polar(raw, output), batch.traction, weight)
    if config.magnitude:
        difference = vector_length(vectors) - vector_length(batch.traction)
        terms["magnitude"] = config.magnitude * _mean(difference.square(), weight)
    if config.correlation:
        r = correlation(vector_length(vectors), vector_length(batch.traction), batch.mask[:, 0])
        terms["correlation"] = config.correlation * (1 - r).mean()
    if config.balance:
        terms["balance"] = config.balance * imbalance(vectors).square().mean()
    if config.strain_energy and batch.displacement is not None:
        terms["strain energy"] = config.strain_energy * _strain_energy(vectors, batch)
    return terms


def as_vectors(raw: Tensor, output: OutputKind) -> Tensor:
    """Return (y, x) vectors, ``(N, 2, Y, X)``, of what a network returns."""
    if output == "vector":
        return raw
    magnitude, angle = raw.unbind(1)
    return torch.stack([magnitude * angle.sin(), magnitude * angle.cos()], dim=1)


def vector_length(vectors: Tensor) -> Tensor:
    """Return |F|, ``(N, Y, X)``, with a gradient also where it vanishes."""
    return (vectors.square().sum(dim=1) + _TINY**2).sqrt()


def imbalance(vectors: Tensor) -> Tensor:
    """Return net over summed force of every frame, ``(N,)``."""
    net = vectors.sum(dim=(-2, -1))
    summed = vector_length(vectors).sum(dim=(-2, -1)).clamp(min=_TINY)
    return cast("Tensor", torch.linalg.vector_norm(net, dim=1) / summed)


def correlation(one: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """Return Pearson's r of two images over each frame's weight, ``(N,)``."""
    total = weight.sum(dim=(-2, -1)).clamp(min=_TINY)

    def mean(image: Tensor) -> Tensor:
        return (image * weight).sum(dim=(-2, -1)) / total

    one, other = (image - mean(image)[:, None, None] for image in (one, other))
    spread = (mean(one.square()) * mean(other.square())).clamp(min=_TINY**2).sqrt()
    return mean(one * other) / spread


def _pixel_weight(batch: Batch, config: LossConfig) -> Tensor:
    """Return how much each pixel counts, ``(N, Y, X)``."""
    weight = config.outside + (1 - config.outside) * batch.mask[:, 0]
    if config.magnitude_weight:
        strength = vector_length(batch.traction).clamp(max=_STRONGEST)
        weight = weight * torch.exp(config.magnitude_weight * strength)
    return weight


def _magnitude_angle(magnitude: Tensor, angle: Tensor, target: Tensor, weight: Tensor) -> dict[str, Tensor]:
    """Return the two terms of the published loss; the angle counts where there is traction."""
    strength = vector_length(target)
    turn = angle - torch.atan2(target[:, 0], target[:, 1])
    turn = torch.remainder(turn + math.pi, 2 * math.pi) - math.pi
    somewhere = weight * (strength > 2 * _TINY)
    return {
        "magnitude": 10 * _mean((magnitude - strength).square(), weight),
        "angle": _mean(turn.square(), somewhere),
    }


def _polar(raw: Tensor, output: OutputKind) -> tuple[Tensor, Tensor]:
    if output == "magnitude_angle":
        return raw[:, 0], raw[:, 1]
    return vector_length(raw), torch.atan2(raw[:, 0], raw[:, 1] + _TINY)


def _strain_energy(vectors: Tensor, batch: Batch) -> Tensor:
    assert batch.displacement is not None
    work = ((vectors - batch.traction) * batch.displacement).sum(dim=1)
    return work.mean(dim=(-2, -1)).square().mean()


def _mean_square(vectors: Tensor, weight: Tensor) -> Tensor:
    """Return the mean squared length in each frame, ``(N, 1, 1)``."""
    summed = (vectors.square().sum(dim=1) * weight).sum(dim=(-2, -1), keepdim=True)
    return (summed / weight.sum(dim=(-2, -1), keepdim=True).clamp(min=_TINY)).clamp(min=_TINY)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=_TINY)
