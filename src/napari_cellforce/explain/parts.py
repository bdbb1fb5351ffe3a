"""How much of a traction is grad(phi), and how much psi grad(chi)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.fields import BoolArray, FrameResult

Array = npt.NDArray[np.floating]

GRADIENT, PRODUCT = "grad_phi", "psi_grad_chi"
"""The two parts of a Clebsch form, as they are called in the scalars of a `FrameResult`."""


@dataclass(frozen=True)
class ClebschShares:
    """What the two parts contribute to F = grad(phi) + psi grad(chi), over a cell.

    Attributes
    ----------
    grad_phi, psi_grad_chi : float
        ``sum F . part / sum |F|²``; they add up to 1. One is negative where it works against the other.
    residual_without_grad_phi : float
        ``sum |F - psi grad chi|² / sum |F|²``: what is lost by leaving grad(phi) out.
    """

    grad_phi: float
    psi_grad_chi: float
    residual_without_grad_phi: float


def clebsch_shares(gradient: Array, product: Array, mask: BoolArray | None = None) -> ClebschShares:
    """Return the shares of the two parts.

    Parameters
    ----------
    gradient, product : (2, Y, X) array
        grad(phi) and psi grad(chi), in one unit.
    mask : (Y, X) bool array, optional
        Where to look; everywhere by default.
    """
    kept = np.s_[:] if mask is None else mask
    first, second = (np.asarray(part, dtype=np.float64)[:, kept] for part in (gradient, product))
    whole = first + second
    energy = float(np.sum(whole**2)) or 1.0
    return ClebschShares(
        float(np.sum(whole * first)) / energy,
        float(np.sum(whole * second)) / energy,
        float(np.sum(first**2)) / energy,
    )


def vector_scalar(result: FrameResult, name: str) -> Array:
    """Return a vector that a result holds as the scalars ``name_y`` and ``name_x``, ``(2, Y, X)``."""
    return np.stack([result.scalars[f"{name}_{axis}"] for axis in "yx"])
