"""Microscope and camera: what becomes of the light on its way into a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from napari_cellforce.config_io import Settings, setting
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
