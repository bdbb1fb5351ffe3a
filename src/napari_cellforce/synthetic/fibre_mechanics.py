"""Mechanics of a cell that pulls by its stress fibres alone: a network of fibres on elastic adhesions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.fields import BoolArray
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.director import Director
from napari_cellforce.synthetic.drawing import Window, ellipse
from napari_cellforce.synthetic.fibres import Fibres
from napari_cellforce.synthetic.outline import Array

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
