"""Cross-correlation of all windows of two images by Fourier transform, with sub-pixel peaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.ndimage import gaussian_filter

from napari_cellforce.fields import ShortRepr
from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.displacement._sampling import window_centres

Float32 = npt.NDArray[np.float32]

_BATCH_BYTES = 16 << 20
"""Size of the windows transformed in one batch, which should fit into the processor cache."""
_PEAK_RADIUS = 2
"""Radius in pixels around the highest peak that is excluded from the search for the second."""
_TAPER_WIDTH = 0.4
"""Standard deviation of the window weights, in windows. Without weights the frequency response becomes
negative, so that iterations amplify those frequencies; narrower weights give more noise."""
_SAMPLES = 1024
"""Approximate number of windows over which the coherence is averaged."""
_HIGHEST_COHERENCE = 0.98
"""Upper limit: beyond it, deformation within the windows makes the estimate unreliable."""
_SMOOTHING = 0.7
"""Standard deviation of the smoothing of the spectra, in wave numbers."""


@dataclass(frozen=True, eq=False, repr=False)
class Peaks(ShortRepr):
    """Peaks of the correlation of each pair of windows.

    Attributes
    ----------
    shift : (2, Yw, Xw) array
        Shift (y, x) in pixels.
    signal_to_noise : (Yw, Xw) float32 array
        Ratio of the highest to the second peak; 0 for windows without structure.
    y, x : (Yw,) and (Xw,) arrays
        Centres of the windows in pixels.
    """

    shift: RealArray
    signal_to_noise: Float32
    y: RealArray
    x: RealArray


def correlate(
    first: Float32,
    second: Float32,
    window: int,
    step: int,
    threads: int,
    weights: Float32 | None = None,
) -> Peaks:
    """Find the shift of each window of `first` in `second`.

    Parameters
    ----------
    first, second : (Y, X) float32 arrays
    window, step : int
        Side and distance of the windows in pixels.
    threads : int
        Threads of the Fourier transform.
    weights : (w, w // 2 + 1) float32 array, optional
        Weights of the wave vectors, see `coherence_weights`.
    """
    windows = tiles(first, window, step), tiles(second, window, step)
    height, width = windows[0].shape[:2]
    shift = np.zeros((2, height, width))
    ratio = np.zeros((height, width), np.float32)
    rows = max(1, _BATCH_BYTES // (4 * window**2 * width))
    for top in range(0, height, rows):
        some = slice(top, min(top + rows, height))
        a, b = (_spectra(tile[some].reshape(-1, window, window), threads) for tile in windows)
        product = np.multiply(np.conj(a, out=a), b, out=a)
        if weights is not None:
            product *= weights
        maps = scipy.fft.irfft2(product, s=(window, window), workers=threads, overwrite_x=True)
        found, quality = _peaks(np.asarray(maps, dtype=np.float32))
        shift[:, some] = found.reshape(2, -1, width)
        ratio[some] = quality.reshape(-1, width)
    y, x = (window_centres(side, window, step) for side in first.shape)
    return Peaks(shift, ratio, y, x)


def coherence_weights(first: Float32, second: Float32, window: int, threads: int) -> Float32 | None:
    """Return the Hannan-Thomson weights: the information of each wave vector on the shift of a window.

    With C² the coherence of both images, averaged over windows, the weight of the cross-spectrum S is
    C² / (1 - C²) / |S|: structures in only one image (camera noise, lost beads) are suppressed, and common
    structures are whitened, which gives the sharpest peak for this noise. The images must be nearly aligned.

    Returns
    -------
    (w, w // 2 + 1) float32 array
        None if there is no coherence.

    References
    ----------
    Knapp & Carter (1976), IEEE Trans. Acoust. Speech Signal Process. 24:320,
    doi:10.1109/TASSP.1976.1162830.
    """
    step = max(window // 2, int(np.sqrt(first.size / _SAMPLES)))
    a, b = (
        _spectra(tiles(image, window, step).reshape(-1, window, window), threads) for image in (first, second)
    )
    cross = _smooth((np.conj(a) * b).mean(axis=0).real)
    power = _smooth((np.abs(a) ** 2).mean(axis=0)) * _smooth((np.abs(b) ** 2).mean(axis=0))
    coherence = np.divide(np.maximum(cross, 0) ** 2, power, out=np.zeros_like(power), where=power > 0)
    coherence = np.clip(coherence - 1 / len(a), 0, _HIGHEST_COHERENCE)  # 1 / N is the expectation by chance
    coherence[0, 0] = 0  # the means of the windows are subtracted
    coherent = coherence > 0
    if not coherent.any():
        return None
    size = np.sqrt(coherence * power)
    weights = np.divide(coherence / (1 - coherence), size, out=np.zeros_like(size), where=coherent)
    scaled: Float32 = (weights / weights.max()).astype(np.float32)
    return scaled


def tiles(image: npt.NDArray[Any], window: int, step: int) -> npt.NDArray[Any]:
    """Return the windows of an image, (Yw, Xw, w, w), as a view."""
    return np.lib.stride_tricks.sliding_window_view(image, (window, window))[::step, ::step]


def _spectra(windows: Float32, threads: int) -> npt.NDArray[np.complex64]:
    """Transform (N, w, w) windows after subtracting the mean and applying a Gaussian taper."""
    side = windows.shape[-1]
    place = (np.arange(side) - (side - 1) / 2) / (_TAPER_WIDTH * side)
    profile = np.exp(-(place**2) / 2).astype(np.float32)
    windows = windows - windows.mean(axis=(1, 2), keepdims=True)
    windows *= profile[:, None] * profile
    spectra: npt.NDArray[np.complex64] = scipy.fft.rfft2(windows, workers=threads, overwrite_x=True)
    return spectra


def _smooth(spectrum: Float32) -> Float32:
    smoothed: Float32 = gaussian_filter(spectrum, _SMOOTHING, mode=("wrap", "mirror"))
    return smoothed


def _peaks(maps: Float32) -> tuple[RealArray, Float32]:
    """Return the peak positions of (N, w, w) correlations, (2, N), and the ratio to the second peak."""
    count, side = maps.shape[0], maps.shape[1]
    flat = maps.reshape(count, -1)
    each = np.arange(count)
    best = flat.argmax(axis=1)
    row, column = np.divmod(best, side)
    around = np.arange(-_PEAK_RADIUS, _PEAK_RADIUS + 1)
    rows = (row[:, None] + around) % side
    columns = (column[:, None] + around) % side
    block = each[:, None, None], rows[:, :, None], columns[:, None, :]
    patch = maps[block].astype(np.float64)
    maps[block] = -np.inf
    second = flat.max(axis=1)
    height = patch[:, _PEAK_RADIUS, _PEAK_RADIUS]
    ratio = np.divide(height, second, out=np.full(count, np.inf), where=second > 0)
    ratio[height <= 0] = 0
    middle = slice(_PEAK_RADIUS - 1, _PEAK_RADIUS + 2)
    place = np.stack(
        [
            row + _vertex(patch[:, middle, _PEAK_RADIUS]),
            column + _vertex(patch[:, _PEAK_RADIUS, middle]),
        ]
    )
    return (place + side / 2) % side - side / 2, ratio.astype(np.float32)


def _vertex(three: RealArray) -> RealArray:
    """Return the maximum of a Gaussian through three neighbouring values, (N, 3): -1/2 to 1/2."""
    height = np.log(np.maximum(three, 1e-6 * np.maximum(three[:, 1:2], 1e-30)))
    curvature = height[:, 0] - 2 * height[:, 1] + height[:, 2]
    slope = height[:, 0] - height[:, 2]
    vertex: RealArray = np.divide(slope, 2 * curvature, out=np.zeros(len(slope)), where=curvature < 0)
    return vertex.clip(-0.5, 0.5)
