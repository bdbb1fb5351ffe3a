"""How a physical bottleneck is trained: springs first, then the mechanics (Schmitt et al. 2024).

Started cold, the solve gives no useful gradient: springs that are the same everywhere hold the cell's edge
only. So the springs are first fitted to the magnitude of the traction, which needs no solve, and then
everything through the sheet.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_TINY = 1e-6


class TractionParts(NamedTuple):
    """What a traction is made of, both ``(N, 2, Y, X)``.

    Attributes
    ----------
    sheet : tensor
        Of the contractile sheet.
    residual : tensor or None
        Beside it, of the network itself.
    """

    sheet: Tensor
    residual: Tensor | None

    @property
    def traction(self) -> Tensor:
        """Their sum."""
        return self.sheet if self.residual is None else self.sheet + self.residual


def springs_terms(springs: Tensor, traction: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Return how far the springs are from the traction's magnitude, both over their mean in the cell.

    The springs keep the mean that they start from: how far a pull reaches is learned in the second stage.

    Parameters
    ----------
    springs : (N, Y, X) tensor
        Y times the square of the penetration that the network starts from.
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
    """Return the error of the traction in the cells, and the size of what the sheet does not explain.

    Both are sums of squares over that of the cell's measured traction, 1 - R² the first of them: a cell that
    pulls weakly counts as much as one that pulls hard.

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
