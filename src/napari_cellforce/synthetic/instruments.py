"""What a traction force microscope would have measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.fields import Substrate
from napari_cellforce.physics.halfspace import displacement, fttc
from napari_cellforce.synthetic.outline import Array

_FULL_SCALE = 65535


@dataclass(frozen=True)
class Optics(Settings):
    """The microscope."""

    psf: float = setting(
        0.2, help="Standard deviation of the (Gaussian) point spread function.", unit="µm", minimum=0
    )

    def blur(self, image: Array, pixel_size: float) -> Array:
        """Return the ``(Y, X)`` image as the microscope casts it; `pixel_size` in µm."""
        blurred: Array = gaussian_filter(image, self.psf / pixel_size, mode="nearest")
        return blurred


@dataclass(frozen=True)
class Camera(Settings):
    """The camera: counts = offset + gain * Poisson(electrons) + read noise."""

    exposure: float = setting(
        250.0,
        help="Electrons per pixel at signal 1, the cytosol of a cell of expression level 1.",
        minimum=0,
    )
    background: float = setting(
        12.0, help="Electrons per pixel without a cell (medium, stray light).", minimum=0
    )
    gain: float = setting(1.5, help="Counts per electron.", above=0)
    read_noise: float = setting(3.0, help="Standard deviation of the read noise.", unit="counts", minimum=0)
    offset: float = setting(100.0, help="Counts in the dark.", unit="counts", minimum=0)

    def record(self, signal: Array, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
        """Return the ``(Y, X)`` signal as camera counts, with its noise."""
        electrons = rng.poisson(self.exposure * np.maximum(signal, 0) + self.background)
        counts = self.offset + self.gain * electrons + self.read_noise * rng.standard_normal(signal.shape)
        return np.clip(np.rint(counts), 0, _FULL_SCALE).astype(np.uint16)


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
