"""Loss terms of the two training stages of a physical bottleneck (Schmitt et al. 2024).

With uniform springs, the gradients through the sheet are not informative: tractions are restricted to the
edge. The springs are therefore first fitted to the magnitude of the traction, without the sheet; then all
parameters are trained through the sheet.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_TINY = 1e-6


class TractionParts(NamedTuple):
    """The two contributions to a traction, each ``(N, 2, Y, X)``.

    Attributes
    ----------
    sheet : tensor
        Traction of the contractile sheet.
    residual : tensor or None
        Additional traction predicted by the network.
    """

    sheet: Tensor
    residual: Tensor | None

    @property
    def traction(self) -> Tensor:
        """Their sum."""
        return self.sheet if self.residual is None else self.sheet + self.residual


def springs_terms(springs: Tensor, traction: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Return the deviation of the springs from the magnitude of the traction, each relative to its mean.

    The mean of the springs keeps its initial value: the penetration length is trained in the second stage.

    Parameters
    ----------
    springs : (N, Y, X) tensor
        Y times the square of the initial penetration length.
    traction : (N, 2, Y, X) tensor
    mask : (N, 1, Y, X) tensor
    """
    inside = mask[:, 0]
    magnitude = torch.linalg.vector_norm(traction, dim=1)
    count = inside.sum(dim=(-2, -1), keepdim=True).clamp(min=1)
    mean = (magnitude * inside).sum(dim=(-2, -1), keepdim=True) / count
    misfit = (springs - magnitude / mean.clamp(min=_TINY)) * inside
    return {"springs": misfit.square().sum() / inside.sum().clamp(min=1)}


def mechanics_terms(
    parts: TractionParts, traction: Tensor, mask: Tensor, residual: float
) -> dict[str, Tensor]:
    """Return the error of the traction in the cells, and the magnitude of the residual.

    Both are sums of squares relative to that of the measured traction of the cell (the first is 1 - R²):
    weak and strong cells have equal weight.

    Parameters
    ----------
    parts : Parts
    traction : (N, 2, Y, X) tensor
    mask : (N, 1, Y, X) tensor
    residual : float
        Weight of the second term.
    """
    energy = (traction * mask).square().sum(dim=(1, 2, 3)).clamp(min=_TINY)
    misfit = ((parts.traction - traction) * mask).square().sum(dim=(1, 2, 3))
    terms = {"relative error": (misfit / energy).mean()}
    if parts.residual is not None:
        size = (parts.residual * mask).square().sum(dim=(1, 2, 3)) / energy
        terms["residual"] = residual * size.mean()
    return terms
