"""What a sheet cannot be made of or solved with, in words."""

from __future__ import annotations

import math

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.physics.banded import Array, Indices
from napari_cellforce.physics.mesh.refine import areas
from napari_cellforce.physics.sheet.assembly import SheetOperators

WEAKEST_SPRINGS = 1e-9
"""Smallest integral of Y over a connected part: below, double precision cannot hold it in place."""


def require_mesh(nodes: Array, triangles: Indices) -> None:
    """Refuse arrays that make no mesh: a mistake of the program, not of its user."""
    if nodes.ndim != 2 or nodes.shape[1] != 2 or triangles.ndim != 2 or triangles.shape[1] != 3:
        raise ValueError(f"expected nodes (N, 2) and triangles (M, 3), got {nodes.shape}, {triangles.shape}")
    if not triangles.size or triangles.min() < 0 or triangles.max() >= len(nodes):
        raise ValueError("triangles must name nodes of the mesh, and there must be some")
    area = areas(nodes[triangles])
    if not area.min() > 1e-12 * area.max():
        raise ValueError("a triangle of the mesh has no area")


def require_numbers(values: Array, what: str) -> None:
    """Refuse a field with a value that is no number; the last word of `what` is the topic."""
    if not np.isfinite(values).all():
        raise CellForceError(
            f"{what} is NaN or infinite at {int((~np.isfinite(values)).sum())} nodes",
            "every value must be a number",
            "Look for NaN in the image, or lower the learning rate if a network made it.",
            topic=what.split()[-1],
        )


def require_springs(springs: Array) -> None:
    """Refuse springs that push."""
    require_numbers(springs, "the adhesion field Y")
    if (springs < 0).any():
        raise CellForceError(
            f"the adhesion field Y is negative at {int((springs < 0).sum())} nodes",
            "springs that hold a cell pull back, so Y must not be negative",
            "Use a field that is positive, such as the exponential of a network's output.",
            topic="Y",
        )


def require_hold(operators: SheetOperators, springs: Array) -> None:
    """Refuse a part of the cell that no spring holds: it could drift and turn freely."""
    held = np.bincount(operators.component, operators.area * springs)
    if held.min() < WEAKEST_SPRINGS:
        raise CellForceError(
            f"the adhesion field Y adds up to {held.min():g} over part {int(held.argmin()) + 1} "
            f"of {held.size} of the cell",
            f"without springs the equations are singular; its integral must exceed {WEAKEST_SPRINGS:g}",
            "Give every separate part of the cell some adhesion, or leave that part out of the mask.",
            topic="Y",
        )


def stable(alpha: float) -> float:
    """Return alpha as a float, having checked that the sheet does not collapse."""
    if not (math.isfinite(alpha) and alpha > -0.5):
        raise CellForceError(
            f"alpha is {alpha:g}",
            "the sheet is stable only for alpha above -0.5",
            "Use alpha = nu / (1 - nu) of a thin sheet: 0.43 for Poisson ratio 0.3.",
            topic="alpha",
        )
    return float(alpha)


def singular(what: str) -> CellForceError:
    """Return the error of equations that cannot be solved."""
    return CellForceError(
        f"the sheet's equations are singular ({what})",
        "they have one solution only if springs hold every part and alpha is not close to -0.5",
        "Raise Y, or alpha.",
        topic="Y",
    )
