"""Sampling of the traction of the sheet on pixels, with exact force and moment balance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.fields import ShortRepr
from napari_cellforce.physics.linear_algebra import Array
from napari_cellforce.physics.mesh import Mesh
from napari_cellforce.physics.sheet.solver import Equilibrium


@dataclass(frozen=True, eq=False, repr=False)
class PixelTraction(ShortRepr):
    """A traction on pixels with zero net force and moment, and the removed resultants.

    Attributes
    ----------
    data : (2, Y, X) array
        (y, x) components, 0 outside the cell, in the unit of Y u times the given scale.
    removed_force : (C, 2) array
        Removed net force of each connected part of the cell, in units of ``data`` times µm².
    removed_moment : (C,) array
        Removed net moment of each part about its centre, ``y F_x - x F_y``, in units of ``data`` times µm³.
    relative_force, relative_moment : (C,) array
        The same, relative to ``sum |F|`` and ``sum |r| |F|`` of that part.
    """

    data: Array
    removed_force: Array
    removed_moment: Array
    relative_force: Array
    relative_moment: Array


def sample_traction(mesh: Mesh, state: Equilibrium, scale: float = 1.0) -> PixelTraction:
    """Sample the traction Y u at the pixels of a mesh, and remove its net force and moment.

    The exact integral of Y u vanishes, but the sum over pixels deviates by about 1e-3 of the summed
    magnitude because pixels resolve the edge in steps. The smallest change that removes force and moment is
    subtracted: the projection of the traction of each part on its rigid motions.

    Parameters
    ----------
    mesh : Mesh
        Mesh of the sheet of `state`.
    state : Equilibrium
    scale : float
        Factor of the traction; `SheetParameters.traction_scale` for Pa.
    """
    values: Array = scale * (mesh.to_pixels @ state.Y)[:, None] * (mesh.to_pixels @ state.u)
    positions: Array = np.argwhere(mesh.inside) * np.float64(mesh.pixel_size.micron)
    part = mesh.component[mesh.to_pixels.indices[mesh.to_pixels.indptr[:-1]]]
    residues = [_balance(values, positions, np.flatnonzero(part == c)) for c in range(part.max() + 1)]
    data = np.zeros((2, *mesh.inside.shape))
    data[:, mesh.inside] = values.T
    force, moment, relative_force, relative_moment = (
        np.array(column) for column in zip(*residues, strict=True)
    )
    area = mesh.pixel_size.area
    return PixelTraction(data, force * area, moment * area, relative_force, relative_moment)


def _balance(
    values: Array, positions: Array, pixels: npt.NDArray[np.intp]
) -> tuple[Array, float, float, float]:
    """Remove net force and moment from the values of one part, in place; return them."""
    traction, arm = values[pixels], positions[pixels] - positions[pixels].mean(axis=0)
    rotation = np.stack([-arm[:, 1], arm[:, 0]], axis=1)
    force, moment = traction.sum(axis=0), float((rotation * traction).sum())
    strength = np.hypot(*traction.T)
    # About the centre, translations and rotation are orthogonal and can be projected out separately.
    values[pixels] -= force / len(pixels) + moment / (rotation**2).sum() * rotation
    tiny = np.finfo(np.float64).tiny
    relative_force = float(np.hypot(*force) / max(strength.sum(), tiny))
    return force, moment, relative_force, abs(moment) / max(float(np.hypot(*arm.T) @ strength), tiny)
