"""Pictures of the beads in a gel, before and after it was moved by a known displacement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates
from scipy.special import erf

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ShortRepr
from napari_cellforce.synthetic.instruments import Camera, Optics
from napari_cellforce.synthetic.outline import Array

_REACH = 4.0
"""How far a bead's light is drawn, in standard deviations of the point spread function."""
_AROUND = 0.25
"""Width of the gel around the image from where beads may move in, in image sides. It does not depend on the
displacement, so that a seed gives the same beads for each frame of a movie."""
_BATCH = 20_000
"""Beads drawn at once: some 30 MB."""


@dataclass(frozen=True)
class BeadConfig(Settings):
    """Beads on the surface of a gel, and the microscope that looks at them."""

    density: float = setting(1.0, help="Beads per area.", unit="µm⁻²", above=0)
    spread: float = setting(
        0.4, help="Standard deviation of the logarithm of their brightness; 0 makes all alike.", minimum=0
    )
    lost: float = setting(
        0.0,
        help="Fraction of the beads in each image that the other image lacks (out of focus, washed away).",
        minimum=0,
        maximum=1,
    )
    optics: Optics = setting(default_factory=Optics, help="The microscope.")
    camera: Camera = setting(
        default_factory=Camera, help="The camera; a bead of brightness 1 has its peak at signal 1."
    )
    pixel_size: float = setting(0.17, help="Pixel size.", unit="µm", above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.optics.psf <= 0:
            raise CellForceError(
                f"psf is {self.optics.psf:g} µm",
                "a bead has the shape of the point spread function, which must be above 0",
                "Change it.",
                topic=Topic.SETTINGS,
            )


@dataclass(frozen=True, eq=False, repr=False)
class BeadPair(ShortRepr):
    """Two images of the same beads.

    Attributes
    ----------
    reference, loaded : (Y, X) uint16 arrays
        The gel at rest, and pulled by the cell; camera counts.
    displacement : (2, Y, X) array
        That moved the beads, (y, x) in µm, at the places of the reference; without the drift.
    """

    reference: npt.NDArray[np.uint16]
    loaded: npt.NDArray[np.uint16]
    displacement: Array


def bead_pair(
    displacement: npt.ArrayLike,
    config: BeadConfig | None = None,
    *,
    drift: tuple[float, float] = (0.0, 0.0),
    seed: int = 0,
) -> BeadPair:
    """Draw beads at random places, and once more where the displacement takes them.

    Parameters
    ----------
    displacement : (2, Y, X) array
        Components (y, x), in µm; a bead at r is seen at r + u(r) in the loaded image.
    config : BeadConfig, optional
    drift : tuple of 2 float
        (y, x) in µm: how far the stage has moved all beads of the loaded image.
    seed : int
    """
    config = config or BeadConfig()
    moved = np.asarray(displacement, dtype=np.float64)
    if moved.ndim != 3 or moved.shape[0] != 2:
        raise ValueError(f"expected (2, Y, X), got an array of shape {moved.shape}")
    rng = np.random.default_rng(seed)
    places, brightness = _scatter(moved.shape[1:], config, rng)
    steps = np.stack([map_coordinates(part, places, order=3, mode="nearest") for part in moved])
    elsewhere = places + (steps + np.array(drift)[:, None]) / config.pixel_size
    images = [
        _record(at, brightness * (rng.random(len(brightness)) >= config.lost), moved.shape[1:], config, rng)
        for at in (places, elsewhere)
    ]
    return BeadPair(images[0], images[1], moved)


def _scatter(shape: tuple[int, ...], config: BeadConfig, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return places, (2, N) in pixels, also those from where beads may move in, and brightness."""
    margin = _AROUND * max(shape)
    sides = np.array(shape) + 2 * margin
    count = rng.poisson(config.density * config.pixel_size**2 * sides.prod())
    places = rng.random((2, count)) * sides[:, None] - margin - 0.5
    return places, np.exp(config.spread * rng.standard_normal(count))


def _record(
    places: Array,
    brightness: Array,
    shape: tuple[int, ...],
    config: BeadConfig,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint16]:
    sigma = config.optics.psf / config.pixel_size
    return config.camera.record(_draw_spots(places, brightness, (shape[0], shape[1]), sigma), rng)


def _draw_spots(places: Array, brightness: Array, shape: tuple[int, int], sigma: float) -> Array:
    """Add up Gaussian spots of standard deviation `sigma` pixels, each integrated over the pixels."""
    reach = int(np.ceil(_REACH * sigma)) + 1
    border = 2 * reach
    padded = shape[0] + 2 * border, shape[1] + 2 * border
    image = np.zeros(padded[0] * padded[1])
    centre = np.rint(places).astype(np.int64)
    near = ((centre >= -reach) & (centre < np.array(shape)[:, None] + reach)).all(axis=0)
    offsets = np.arange(-reach, reach + 1)
    for some in np.array_split(np.flatnonzero(near), max(1, near.sum() // _BATCH)):
        pixels = centre[:, some, None] + offsets
        spot_y, spot_x = _pixel_integral(pixels - places[:, some, None], sigma)
        rows, columns = pixels + border
        light = brightness[some, None, None] * spot_y[:, :, None] * spot_x[:, None]
        flat = rows[:, :, None] * padded[1] + columns[:, None]
        image += np.bincount(flat.ravel(), light.ravel(), minlength=image.size)
    result: Array = image.reshape(padded)[border:-border, border:-border]
    return result


def _pixel_integral(offset: Array, sigma: float) -> Array:
    """Return the mean over a pixel, centred at `offset`, of a Gaussian of peak 1."""
    scale = sigma * np.sqrt(2)
    integral: Array = np.sqrt(np.pi / 2) * sigma * (erf((offset + 0.5) / scale) - erf((offset - 0.5) / scale))
    return integral
