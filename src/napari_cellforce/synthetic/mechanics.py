"""Mechanics of a cell as a contractile elastic sheet, held by its adhesions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from scipy.ndimage import gaussian_filter

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.fields import BoolArray, PixelSize
from napari_cellforce.physics.mesh import Mesh, MeshSettings, mesh_cell
from napari_cellforce.physics.sheet import ContractileSheet, sample_traction
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.director import Director
from napari_cellforce.synthetic.fibres import Fibres
from napari_cellforce.synthetic.outline import Array
from napari_cellforce.synthetic.rasterise import Window, draw_adhesions, ellipse

PASCAL_MICROMETRES = 1000.0
"""Pa µm in one nN/µm."""


@dataclass(frozen=True)
class SheetMechanics(Settings):
    """The contractile sheet of Schmitt et al. (2024), see `napari_cellforce.physics.sheet`.

    The springs are ``Y = (floor + grip * adhesion intensity^exponent) / penetration²``. The equations are
    linear in the active stress: with sigma_a = 1 they give Y u in 1/µm, and the traction is `tension` times
    that. With an anisotropy a and the director n, the active stress is ``sigma_a (I + a (2 n n - I))``.
    """

    tension: float = setting(
        10.0, help="Active tension of the sheet (stress times height).", unit="nN/µm", above=0
    )
    penetration: float = setting(
        5.0,
        help="How far a displacement reaches into a sheet that is all adhesion of intensity 1.",
        unit="µm",
        above=0,
    )
    floor: float = setting(
        0.03, help="Hold of the rest of the cell, relative to an adhesion of intensity 1.", above=0
    )
    alpha: float = setting(0.5, help="Resistance to dilation, nu / (1 - nu).", above=-0.5)
    edge_length: float = setting(2.0, help="Edge length of the mesh.", unit="µm", above=0)
    exponent: float = setting(1.0, help="Exponent of the brightness of an adhesion in its hold.", above=0)
    anisotropy: float = setting(
        0.0,
        help="Direction of the tension: 0 alike in all directions, 1 along the director only.",
        minimum=0,
        maximum=1,
    )

    def traction(
        self,
        mask: BoolArray,
        pixel_size: float,
        adhesions: tuple[Adhesions, ...],
        fibres: Fibres,  # noqa: ARG002 - the other mechanics needs them
        activity: Array,
        director: Director | None = None,
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
        director : Director, optional
            Direction of largest tension; any where `anisotropy` is 0.

        Raises
        ------
        CellForceError
            If the cell cannot be meshed or the sheet is not stable.
        """
        mesh, sheet = _meshed(mask.tobytes(), (mask.shape[0], mask.shape[1]), pixel_size, self.edge_length)
        pull = self._directed_pull(sheet, director)
        held = (draw_adhesions(mask.shape, pixel_size, now.with_grip(self.exponent)) for now in adhesions)
        frames = (self._frame(mesh, sheet, pull, springs) for springs in held)
        return np.stack([active * frame for active, frame in zip(activity, frames, strict=True)])

    def _frame(self, mesh: Mesh, sheet: ContractileSheet, pull: Array | None, adhesions: Array) -> Array:
        springs = (self.floor + mesh.sample(adhesions)) / self.penetration**2
        state = sheet.equilibrium(springs, 1.0, self.alpha, pull)
        return sample_traction(mesh, state, self.tension * PASCAL_MICROMETRES).data

    def _directed_pull(self, sheet: ContractileSheet, director: Director | None) -> Array | None:
        """Return the body force (N, 2) that does the same work as the anisotropic part of the stress."""
        if self.anisotropy == 0 or director is None:
            return None
        twice = 2 * director.at(sheet.nodes)
        across = self.anisotropy * np.sin(twice)
        along = -self.anisotropy * np.cos(twice)  # yy, which is minus xx
        stress = np.stack([np.stack([along, across], axis=-1), np.stack([across, -along], axis=-1)], axis=-2)
        return equal_work(sheet, stress)


@lru_cache(maxsize=1)
def _meshed(
    pixels: bytes, shape: tuple[int, int], pixel_size: float, edge_length: float
) -> tuple[Mesh, ContractileSheet]:
    """Return mesh and sheet of a mask; a cell whose adhesions remodel is solved twice."""
    mask = np.frombuffer(pixels, dtype=bool).reshape(shape)
    mesh = mesh_cell(mask, PixelSize.square(pixel_size), MeshSettings(edge_length=edge_length))
    return mesh, ContractileSheet(mesh.nodes, mesh.triangles)


def equal_work(sheet: ContractileSheet, stress: Array) -> Array:
    """Return the nodal body force f with ``int f.v = -int S : grad v`` for all v on the mesh.

    Parameters
    ----------
    sheet : ContractileSheet
    stress : (N, 2, 2) array
        S at the nodes, linear in between.

    Returns
    -------
    (N, 2) array
    """
    corners = sheet.nodes[sheet.triangles]
    edges = np.roll(corners, 1, axis=1) - np.roll(corners, -1, axis=1)  # opposite to each corner
    normals = np.stack([-edges[..., 1], edges[..., 0]], axis=-1) / 2  # grad of its hat function, times area
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    turn = np.sign(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    mean = stress[sheet.triangles].mean(axis=1)
    load = np.zeros_like(sheet.nodes)
    np.add.at(load, sheet.triangles, -np.einsum("tcd,tid->tic", mean, normals * turn[:, None, None]))
    operators = sheet.operators
    mass = operators.from_points @ sp.diags_array(operators.weights) @ operators.at_points
    force: Array = sp.linalg.spsolve(sp.csc_array(mass), load)
    return force


Patch = tuple[Window, Array]


@dataclass(frozen=True)
class FibreMechanics(Settings):
    """Prestressed elastic fibres, each pulling its two adhesions towards each other, on an elastic gel.

    A fibre of Young's modulus E, cross-section A = pi d²/4 and length L between adhesions i and j
    carries the tension ``T = E A (prestrain + e.(u_j - u_i) / L)``, e pointing from i to j, or none where
    that is negative; adhesion i yields to its fibres as ``gel length_i u_i = sum T e``. The tension is
    spread evenly over the two adhesions, then over `spread`. Force and moment cancel fibre by fibre.
    """

    prestrain: float = setting(
        0.08, help="Fraction by which a free fibre would shorten.", minimum=0, maximum=1
    )
    gel: float = setting(
        8000.0,
        help="Young's modulus of the gel; a patch of gel of the size of an adhesion resists by about this "
        "times its length.",
        unit="Pa",
        above=0,
    )
    spread: float = setting(
        1.5,
        help="Standard deviation of the Gaussian over which an adhesion passes its force on.",
        unit="µm",
        minimum=0,
    )

    def traction(
        self,
        mask: BoolArray,
        pixel_size: float,
        adhesions: tuple[Adhesions, ...],
        fibres: Fibres,
        activity: Array,
        director: Director | None = None,  # noqa: ARG002 - the other mechanics needs it
    ) -> Array:
        """Return the traction ``(T, 2, Y, X)`` in Pa.

        Parameters
        ----------
        mask : (Y, X) bool array
        pixel_size : float
            In µm.
        adhesions : tuple of T Adhesions
        fibres : Fibres
        activity : (T,) array
            Factor on the prestrain.
        director : Director, optional
            Not used.
        """
        frames = [
            self._frame(mask.shape, pixel_size, now, fibres, active)
            for now, active in zip(adhesions, activity, strict=True)
        ]
        return np.stack(frames)

    def _frame(
        self, shape: tuple[int, int], pixel_size: float, adhesions: Adhesions, fibres: Fibres, active: float
    ) -> Array:
        patches, centres = _patches(shape, pixel_size, adhesions)
        direction, tension = self.tensions(centres, adhesions, fibres, active)
        force = np.tensordot(tension, _incidence(fibres, direction, len(adhesions)), 1)
        field = np.zeros((2, *shape))
        for (window, weight), pull in zip(patches, force, strict=True):
            field[(slice(None), *window)] += pull[:, None, None] * weight / pixel_size**2
        sigma = self.spread / pixel_size
        spread: Array = gaussian_filter(field, (0, sigma, sigma), mode="constant", truncate=6)
        return spread

    def tensions(
        self, centres: Array, adhesions: Adhesions, fibres: Fibres, active: float = 1.0
    ) -> tuple[Array, Array]:
        """Return the direction (M, 2) of each fibre, first to second adhesion, and its tension in Pa µm²."""
        step = centres[fibres.ends[:, 1]] - centres[fibres.ends[:, 0]]
        length = np.maximum(np.hypot(*step.T), 1e-9)
        direction = step / length[:, None]
        rigidity = fibres.young * math.pi / 4 * fibres.thickness**2
        prestress = rigidity * self.prestrain * active
        stiffness = rigidity / length
        incidence = _incidence(fibres, direction, len(adhesions)).reshape(len(fibres), 2 * len(adhesions))
        ground = np.repeat(self.gel * adhesions.length, 2)
        network = incidence.T @ (stiffness[:, None] * incidence) + np.diag(ground)
        shortening = incidence @ np.linalg.solve(network, incidence.T @ prestress)
        return direction, np.maximum(prestress - stiffness * shortening, 0)


def _incidence(fibres: Fibres, direction: Array, n: int) -> Array:
    """Return the directions in which each fibre pulls at n adhesions, (M, n, 2)."""
    incidence = np.zeros((len(fibres), n, 2))
    fibre = np.arange(len(fibres))
    incidence[fibre, fibres.ends[:, 0]] = direction
    incidence[fibre, fibres.ends[:, 1]] = -direction
    return incidence


def _patches(shape: tuple[int, int], pixel_size: float, adhesions: Adhesions) -> tuple[list[Patch], Array]:
    """Return each adhesion as pixel weights that sum to one, and the centre (y, x) of these in µm."""
    patches, centres = [], []
    for centre, length, width, angle in zip(
        adhesions.centre, adhesions.length, adhesions.width, adhesions.angle, strict=True
    ):
        window, cover = ellipse(shape, pixel_size, centre, length, width, angle)
        cover = cover + 1e-9  # an adhesion too small to cover a pixel acts on those around it
        weight = cover / cover.sum()
        y, x = np.ogrid[window]
        patches.append((window, weight))
        centres.append(((weight * y).sum() * pixel_size, (weight * x).sum() * pixel_size))
    return patches, np.array(centres).reshape(-1, 2)
