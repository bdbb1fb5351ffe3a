"""Mechanics of a cell as a contractile elastic sheet, held by its adhesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_cellforce.fields import BoolArray, PixelSize
from napari_cellforce.physics.mesh import Mesh, MeshSettings, mesh_cell
from napari_cellforce.physics.sheet import ContractileSheet, sample_traction
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.drawing import draw_adhesions
from napari_cellforce.synthetic.fibres import Fibres
from napari_cellforce.synthetic.limits import require_positive
from napari_cellforce.synthetic.outline import Array

PASCAL_MICROMETRES = 1000.0
"""Pa µm in one nN/µm."""


@dataclass(frozen=True)
class SheetMechanics:
    """The contractile sheet of Schmitt et al. (2024), see `napari_cellforce.physics.sheet`.

    The springs are ``Y = (floor + adhesion intensity) / penetration²``. The equations are linear in the
    active stress: with sigma_a = 1 they give Y u in 1/µm, and the traction is `tension` times that.

    Attributes
    ----------
    tension : float
        Active tension of the sheet (stress times height) in nN/µm.
    penetration : float
        How far, in µm, a displacement reaches into the sheet where it is all adhesion of intensity 1.
    floor : float
        Hold of the rest of the cell, relative to an adhesion of intensity 1.
    alpha : float
        Resistance to dilation.
    edge_length : float
        Of the mesh, in µm.
    """

    tension: float = 10.0
    penetration: float = 5.0
    floor: float = 0.03
    alpha: float = 0.5
    edge_length: float = 2.0

    def __post_init__(self) -> None:
        require_positive(self, "tension", "penetration", "floor", "edge_length")

    def traction(
        self,
        mask: BoolArray,
        pixel_size: float,
        adhesions: tuple[Adhesions, ...],
        fibres: Fibres,  # noqa: ARG002 - the other mechanics needs them
        activity: Array,
    ) -> Array:
        """Return the traction ``(T, 2, Y, X)`` in Pa; its forces and moments cancel on the pixels.

        Parameters
        ----------
        mask : (Y, X) bool array
        pixel_size : float
            In µm.
        adhesions : tuple of T Adhesions
        fibres : Fibres
            Not used.
        activity : (T,) array
            Factor on the tension.

        Raises
        ------
        CellForceError
            If the cell cannot be meshed or the sheet is not stable.
        """
        mesh = mesh_cell(mask, PixelSize.square(pixel_size), MeshSettings(edge_length=self.edge_length))
        sheet = ContractileSheet(mesh.nodes, mesh.triangles)
        return np.stack(
            [
                active * self._frame(mesh, sheet, draw_adhesions(mask.shape, pixel_size, now))
                for now, active in zip(adhesions, activity, strict=True)
            ]
        )

    def _frame(self, mesh: Mesh, sheet: ContractileSheet, adhesions: Array) -> Array:
        springs = (self.floor + mesh.sample(adhesions)) / self.penetration**2
        state = sheet.equilibrium(springs, 1.0, self.alpha)
        return sample_traction(mesh, state, self.tension * PASCAL_MICROMETRES).data
