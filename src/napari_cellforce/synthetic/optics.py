"""Microscope and camera: what becomes of the light on its way into a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from napari_cellforce.synthetic.limits import require_not_negative, require_positive
from napari_cellforce.synthetic.outline import Array

_FULL_SCALE = 65535


@dataclass(frozen=True)
class Optics:
    """The microscope.

    Attributes
    ----------
    psf : float
        Standard deviation of the (Gaussian) point spread function in µm.
    """

    psf: float = 0.2

    def __post_init__(self) -> None:
        require_not_negative(self, "psf")

    def blur(self, image: Array, pixel_size: float) -> Array:
        """Return the ``(Y, X)`` image as the microscope casts it; `pixel_size` in µm."""
        blurred: Array = gaussian_filter(image, self.psf / pixel_size, mode="nearest")
        return blurred


@dataclass(frozen=True)
class Camera:
    """The camera: counts = offset + gain * Poisson(electrons) + read noise.

    Attributes
    ----------
    exposure : float
        Electrons a pixel at signal 1, the cytosol of a cell of expression level 1.
    background : float
        Electrons a pixel without a cell (medium, stray light).
    gain : float
        Counts an electron.
    read_noise : float
        Standard deviation in counts.
    offset : float
        Counts in the dark.
    """

    exposure: float = 250.0
    background: float = 12.0
    gain: float = 1.5
    read_noise: float = 3.0
    offset: float = 100.0

    def __post_init__(self) -> None:
        require_positive(self, "gain")
        require_not_negative(self, "exposure", "background", "read_noise", "offset")

    def record(self, signal: Array, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
        """Return the ``(Y, X)`` signal as camera counts, with its noise."""
        electrons = rng.poisson(self.exposure * np.maximum(signal, 0) + self.background)
        counts = self.offset + self.gain * electrons + self.read_noise * rng.standard_normal(signal.shape)
        return np.clip(np.rint(counts), 0, _FULL_SCALE).astype(np.uint16)
