"""The movement of the stage between two images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft

from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.displacement._config import Drift
from napari_cellforce.physics.displacement._correlation import Float32, _vertex

_PEAK_WIDTH = 1.5
"""Standard deviation, in pixels, given to the correlation's peak so that it can be found between pixels."""


def phase_shift(reference: Float32, deformed: Float32) -> tuple[float, float]:
    """Return the shift (y, x), in pixels, that most of the image has made: phase correlation.

    The Fourier phases alone make a peak at every shift that part of the image has made, as sharp as a
    pixel; that of the resting gel is the highest. It is smoothed to a Gaussian, whose top three values a
    side give exactly. A second look at the overlapping parts takes away what the edges did.

    Parameters
    ----------
    reference, deformed : (Y, X) float32 arrays

    References
    ----------
    Kuglin & Hines (1975), Proc. IEEE Int. Conf. Cybernetics and Society, 163.
    """
    coarse = np.rint(_phase_peak(reference, deformed)).astype(int)
    first, second = _overlap(reference, coarse, 1), _overlap(deformed, coarse, -1)
    if min(first.shape) < 8:
        return float(coarse[0]), float(coarse[1])
    y, x = coarse + _phase_peak(first, second)
    return float(y), float(x)


def fit_rigid(vectors: RealArray, y: RealArray, x: RealArray, shape: tuple[int, int]) -> Drift:
    """Return the rigid movement that most vectors agree on.

    Least squares (Kabsch), repeated with weights 1 / (1 + (rest / scatter)²) so that the cell's own pull
    does not count.

    Parameters
    ----------
    vectors : (2, Yw, Xw) array
        In pixels.
    y, x : arrays
        Their places in pixels.
    shape : tuple of int
        Of the images.
    """
    places = np.stack(np.meshgrid(y, x, indexing="ij")).reshape(2, -1)
    goals = places + vectors.reshape(2, -1)
    centre = (np.array(shape)[:, None] - 1) / 2
    weights = np.ones(places.shape[1])
    drift = Drift()
    for _ in range(20):
        drift = _kabsch(places - centre, goals - centre, weights)
        rest = np.linalg.norm(places + drift.at(places[0], places[1], shape) - goals, axis=0)
        scatter = max(float(np.median(rest)), 1e-6)
        weights = 1 / (1 + (rest / scatter) ** 2)
    return drift


def _kabsch(start: RealArray, goal: RealArray, weights: RealArray) -> Drift:
    weights = weights / weights.sum()
    a, b = ((points * weights).sum(axis=1, keepdims=True) for points in (start, goal))
    (yy, yx), (xy, xx) = ((start - a) * weights) @ (goal - b).T
    angle = float(np.arctan2(yx - xy, yy + xx))
    cosine, sine = np.cos(angle), np.sin(angle)
    shift = b - np.array([[cosine, -sine], [sine, cosine]]) @ a
    return Drift((float(shift[0, 0]), float(shift[1, 0])), angle)


def _phase_peak(first: Float32, second: Float32) -> npt.NDArray[np.float64]:
    taper = np.outer(np.hanning(first.shape[0] + 2)[1:-1], np.hanning(first.shape[1] + 2)[1:-1])
    a, b = (scipy.fft.rfft2((image - image.mean()) * taper) for image in (first, second))
    cross = np.conj(a) * b
    size = np.abs(cross)
    ky = scipy.fft.fftfreq(first.shape[0])[:, None]
    kx = scipy.fft.rfftfreq(first.shape[1])
    cross *= np.exp(-2 * (np.pi * _PEAK_WIDTH) ** 2 * (ky**2 + kx**2)) / np.maximum(
        size, 1e-12 * size.max() + 1e-300
    )
    peak = scipy.fft.irfft2(cross, s=first.shape)
    top = np.unravel_index(peak.argmax(), peak.shape)
    place = []
    for axis, side in enumerate(peak.shape):
        line = peak[:, top[1]] if axis == 0 else peak[top[0]]
        three = line[(int(top[axis]) + np.arange(-1, 2)) % side][None]
        place.append((top[axis] + _vertex(three)[0] + side / 2) % side - side / 2)
    return np.array(place)


def _overlap(image: Float32, shift: npt.NDArray[np.int_], sign: int) -> Float32:
    """Return the part of an image that the other one shows, too."""
    cut = []
    for step, side in zip(shift * sign, image.shape, strict=True):
        cut.append(slice(max(0, -int(step)), side - max(0, int(step))))
    return image[cut[0], cut[1]]
