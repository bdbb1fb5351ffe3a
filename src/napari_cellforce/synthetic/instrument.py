"""What a traction force microscope would have measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.fields import Substrate
from napari_cellforce.physics.halfspace import displacement, fttc
from napari_cellforce.synthetic.outline import Array

_PADDING = 1.0
"""Border of the gel around the image, in image sides, when it is pulled. The inversion has none, as usual."""


@dataclass(frozen=True)
class Instrument(Settings):
    """A gel, the tracking of its beads, and the inversion."""

    substrate: Substrate = setting(default_factory=lambda: Substrate(8000.0), help="The gel.")
    window: float = setting(
        0.8,
        help="Standard deviation of the Gaussian average that stands for the interrogation window "
        "of particle "
        "image velocimetry.",
        unit="µm",
        minimum=0,
    )
    noise: float = setting(
        0.01,
        help="Standard deviation of the error of each component of the displacement, correlated "
        "over the window.",
        unit="µm",
        minimum=0,
    )
    regularisation: float = setting(2e-4, help="Tikhonov's lambda of the inversion.", unit="µm/Pa", minimum=0)

    def measure(self, traction: Array, pixel_size: float, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return measured displacement (µm) and traction (Pa) for a true traction, all ``(T, 2, Y, X)``."""
        gel = self.substrate.young, self.substrate.poisson
        thickness = self.substrate.thickness
        true = displacement(traction, pixel_size, *gel, thickness, padding=_PADDING)
        measured = self._blur(true, pixel_size) + self._error(traction.shape, pixel_size, rng)
        return measured, fttc(measured, pixel_size, *gel, self.regularisation, thickness)

    def _blur(self, field: Array, pixel_size: float) -> Array:
        sigma = self.window / pixel_size
        blurred: Array = gaussian_filter(field, (0, 0, sigma, sigma), mode="wrap")
        return blurred

    def _error(self, shape: tuple[int, ...], pixel_size: float, rng: np.random.Generator) -> Array:
        error = self._blur(rng.standard_normal(shape), pixel_size)
        scaled: Array = self.noise * error / error.std()
        return scaled
