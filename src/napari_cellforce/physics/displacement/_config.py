"""Settings and result of a displacement measurement."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray, ShortRepr
from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.displacement._sampling import to_pixels

Method = Literal["piv", "tv-l1", "ilk"]
DriftCorrection = Literal["shift", "rigid", "none"]

_SMALLEST_WINDOW = 8


@dataclass(frozen=True)
class DisplacementConfig(Settings):
    """Settings of the measurement of a displacement from two images of beads.

    The images are deformed by what the passes before have found; their windows overlap by at most 3/4.
    `method` is particle image velocimetry, or optical flow by scikit-image, sampled on the same grid: total
    variation with L1 norm, or iterative Lucas-Kanade with a window of ``windows[-1]``.

    `median_threshold` is that of the normalised median test. Flows have 2; the displacement under an adhesion
    is a peak a few windows wide, which 2 cuts off.
    """

    windows: tuple[int, ...] = setting(
        (64, 32, 32, 32),
        help="Sides of the square interrogation windows, one per pass, with some ten beads in the last.",
        unit="px",
        minimum=_SMALLEST_WINDOW,
        label="Windows",
        option="--window",
    )
    overlap: int | None = setting(
        None,
        help="Overlap of neighbouring windows in the last pass; by default three quarters of their side.",
        unit="px",
        minimum=0,
        label="Overlap",
        empty="three quarters",
    )
    drift: DriftCorrection = setting(
        "shift",
        help="Movement of the stage that is corrected: a shift, a shift and a rotation, or none.",
        label="Drift",
    )
    method: Method = setting(
        "piv", help="Particle image velocimetry, or one of two optical flows.", label="Tracking method"
    )
    median_threshold: float = setting(
        4.0,
        help="Vectors farther from the median of their neighbours than this, in units of the scatter of the "
        "neighbours, are replaced.",
        above=0,
    )
    median_noise: float = setting(
        0.1, help="Scatter that is always allowed for in the median test.", unit="px", minimum=0
    )
    signal_to_noise: float = setting(
        1.05,
        help="Vectors whose correlation peak is lower than this times the next peak are replaced.",
        minimum=0,
    )
    workers: int | None = setting(None, help="Threads; empty: one per processor.", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.windows:
            raise CellForceError(
                "no window is given",
                f"each pass needs one, of at least {_SMALLEST_WINDOW} pixels",
                "Choose windows that hold some ten beads each, 32 to 64 pixels as a rule.",
                topic=Topic.WINDOW,
            )
        if not self.last_overlap < self.windows[-1]:
            raise CellForceError(
                f"the overlap is {self.overlap} pixels",
                f"it must be from 0 to less than the last window, {self.windows[-1]}",
                "Take three quarters of the window.",
                topic=Topic.OVERLAP,
            )

    @property
    def step(self) -> int:
        """Distance of neighbouring vectors in pixels."""
        return self.windows[-1] - self.last_overlap

    @property
    def last_overlap(self) -> int:
        """Overlap of neighbouring windows in the last pass, in pixels."""
        return 3 * self.windows[-1] // 4 if self.overlap is None else self.overlap

    @property
    def threads(self) -> int:
        """Number of threads to use."""
        return self.workers or os.cpu_count() or 1


@dataclass(frozen=True)
class Drift:
    """A rigid motion of the whole image about its centre: r -> R(angle) (r - c) + c + shift.

    Attributes
    ----------
    shift : tuple of 2 float
        Translation (y, x) in pixels.
    angle : float
        Angle in radians, positive from y towards x: R = [[cos, -sin], [sin, cos]] on (y, x).
    """

    shift: tuple[float, float] = (0.0, 0.0)
    angle: float = 0.0

    def at(self, y: npt.ArrayLike, x: npt.ArrayLike, shape: tuple[int, int]) -> RealArray:
        """Return the displacement of the points (y, x), ``(2, ...)`` in pixels, of images of `shape`."""
        dy, dx = np.asarray(y) - (shape[0] - 1) / 2, np.asarray(x) - (shape[1] - 1) / 2
        cosine, sine = np.cos(self.angle) - 1, np.sin(self.angle)
        moved: RealArray = np.stack(
            [cosine * dy - sine * dx + self.shift[0], sine * dy + cosine * dx + self.shift[1]]
        )
        return moved


@dataclass(frozen=True, eq=False, repr=False)
class DisplacementResult(ShortRepr):
    """Measured displacement of the beads, on the grid of the window centres.

    Attributes
    ----------
    displacement : (2, Yw, Xw) float32 array
        (y, x) in pixels, without the drift: a bead at r in the reference is at r + u(r) in the deformed
        image.
    y, x : (Yw,) and (Xw,) arrays
        Positions of the window centres in pixels.
    signal_to_noise : (Yw, Xw) float32 array
        Ratio of the highest to the second peak of the correlation; NaN for optical flow.
    replaced : (Yw, Xw) bool array
        True where the measured vector was rejected and replaced by its neighbours.
    drift : Drift
    shape : tuple of int
        Height and width of the images.
    """

    displacement: FloatArray
    y: RealArray
    x: RealArray
    signal_to_noise: FloatArray
    replaced: BoolArray
    drift: Drift
    shape: tuple[int, int]

    @property
    def replaced_fraction(self) -> float:
        """Fraction of the vectors that were replaced."""
        return float(self.replaced.mean())

    @property
    def step(self) -> float:
        """Distance of neighbouring vectors in pixels; the size of the image if there is only one vector."""
        return float(self.y[1] - self.y[0] if len(self.y) > 1 else max(self.shape))

    def on_pixels(self) -> FloatArray:
        """Interpolate to the grid of the images, ``(2, Y, X)``: cubic splines, constant beyond the edge."""
        return to_pixels(self.displacement, self.y, self.x, self.shape).astype(np.float32)
