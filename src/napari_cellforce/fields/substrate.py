"""The elastic gel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Substrate:
    """The elastic gel a cell stands on.

    Attributes
    ----------
    young : float
        Young's modulus (stiffness) in Pa.
    poisson : float
        Poisson's ratio.
    thickness : float or None
        Thickness in µm; None for a half-space.
    """

    young: float
    poisson: float = 0.5
    thickness: float | None = None
