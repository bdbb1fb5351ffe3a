"""Measurement of the displacement between two images of beads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft

from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.displacement._checks import (
    check_drift,
    check_quality,
    check_same_size,
    checked_image,
)
from napari_cellforce.physics.displacement._config import (
    DisplacementConfig,
    DisplacementResult,
    Drift,
    Method,
)
from napari_cellforce.physics.displacement._correlation import Float32, _vertex, correlate
from napari_cellforce.physics.displacement._piv import drift_on_pixels, filled, piv, similarity
from napari_cellforce.physics.displacement._sampling import DeformedImage, from_pixels, window_centres


def displacement_field(
    reference: npt.ArrayLike,
    deformed: npt.ArrayLike,
    config: DisplacementConfig | None = None,
    drift: Drift | None = None,
) -> DisplacementResult:
    """Measure the displacement of the beads in a gel.

    Parameters
    ----------
    reference : (Y, X) array
        Beads in the relaxed gel (without the cell).
    deformed : (Y, X) array
        The same beads, displaced by the cell.
    config : DisplacementConfig, optional
    drift : Drift, optional
        Drift, if known, see `find_drift`.

    Returns
    -------
    DisplacementResult
        In pixels, on the grid of windows.

    Raises
    ------
    CellForceError
        If the images differ in size, have no beads, are saturated, are shifted too far, or are not
        sufficiently similar.

    References
    ----------
    Window deformation: Scarano (2002), doi:10.1088/0957-0233/13/1/201. Correlation: Knapp & Carter (1976).
    Outliers: Westerweel & Scarano (2005).
    """
    config = config or DisplacementConfig()
    first, second = _images(reference, deformed, config)
    drift = _drift(first, second, config) if drift is None else drift
    shape = (first.shape[0], first.shape[1])
    if config.method != "piv":
        moved = DeformedImage(second, config.threads).at(drift_on_pixels(drift, shape))
        aligned, _ = filled(moved, first)
        flow = optical_flow(first, aligned, config.method, config.windows[-1])
        y, x = (window_centres(side, config.windows[-1], config.step) for side in shape)
        vectors = from_pixels(flow, y, x).astype(np.float32)
        nowhere = np.zeros(vectors.shape[1:], bool)
        return DisplacementResult(
            vectors, y, x, np.full(nowhere.shape, np.nan, np.float32), nowhere, drift, shape
        )
    piv_result = piv(first, second, config, drift)
    each, whole = similarity(first, second, piv_result, config, drift)
    check_quality(each, whole, float(piv_result.rejected.mean()), drift, shape)
    return DisplacementResult(
        piv_result.displacement.astype(np.float32),
        piv_result.peaks.y,
        piv_result.peaks.x,
        piv_result.peaks.signal_to_noise,
        piv_result.rejected,
        drift,
        shape,
    )


def find_drift(
    reference: npt.ArrayLike, deformed: npt.ArrayLike, config: DisplacementConfig | None = None
) -> Drift:
    """Measure the drift of the stage between two bead images by the method ``config.drift``.

    Parameters and errors as for `displacement_field`. With ``"none"`` the drift is zero.
    """
    config = config or DisplacementConfig()
    return _drift(*_images(reference, deformed, config), config)


def _images(
    reference: npt.ArrayLike, deformed: npt.ArrayLike, config: DisplacementConfig
) -> tuple[Float32, Float32]:
    check_same_size(np.asarray(reference), np.asarray(deformed))
    return checked_image(reference, "reference", config), checked_image(deformed, "loaded", config)


def _drift(first: Float32, second: Float32, config: DisplacementConfig) -> Drift:
    shift = phase_shift(first, second)
    if config.drift == "none":
        check_drift(shift, config)
        return Drift()
    if config.drift == "shift":
        return Drift(shift)
    shape = (first.shape[0], first.shape[1])
    drift, image = Drift(shift), DeformedImage(second, config.threads)
    window = max(config.windows)
    for _ in range(2):  # the second iteration uses a nearly aligned image
        aligned, _ = filled(image.at(drift_on_pixels(drift, shape)), first)
        peaks = correlate(first, aligned, window, window // 2, config.threads)
        whole = peaks.shift + drift.at(peaks.y[:, None], peaks.x[None, :], shape)
        drift = fit_rigid(whole, peaks.y, peaks.x, shape)
    return drift


def optical_flow(reference: Float32, aligned: Float32, method: Method, window: int) -> RealArray:
    """Return the displacement of every pixel, ``(2, Y, X)``, between images without drift.

    Parameters
    ----------
    reference, aligned : (Y, X) float32 arrays
    method : {"tv-l1", "ilk"}
    window : int
        Side of the neighbourhood of iterative Lucas-Kanade, in pixels.

    References
    ----------
    TV-L1: Zach, Pock & Bischof (2007), doi:10.1007/978-3-540-74936-3_22.
    Iterative Lucas-Kanade: Le Besnerais & Champagnat (2005), doi:10.1109/ICIP.2005.1529706.
    """
    from skimage.registration import optical_flow_ilk, optical_flow_tvl1  # takes 0.5 s to load

    low = min(float(reference.min()), float(aligned.min()))
    span = max(float(reference.max()), float(aligned.max())) - low
    first, second = ((image - low) / span for image in (reference, aligned))
    if method == "tv-l1":
        flow = optical_flow_tvl1(first, second)
    else:
        flow = optical_flow_ilk(first, second, radius=max(1, window // 2), gaussian=True)
    return np.asarray(flow, dtype=np.float64)


_PEAK_WIDTH = 1.5
"""Standard deviation, in pixels, of the smoothed correlation peak, for sub-pixel localisation."""


def phase_shift(reference: Float32, deformed: Float32) -> tuple[float, float]:
    """Return the shift (y, x), in pixels, of most of the image by phase correlation.

    The Fourier phases give a peak of one pixel at every shift that occurs in the image; that of the
    undeformed gel is the highest. The peak is smoothed to a Gaussian, whose maximum follows exactly from
    three values per axis. A second pass on the overlapping parts removes the effect of the edges.

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
    """Return the rigid motion of the majority of the vectors.

    Least squares (Kabsch), iterated with weights 1 / (1 + (rest / scatter)²) to exclude the displacement by
    the cell.

    Parameters
    ----------
    vectors : (2, Yw, Xw) array
        Displacements in pixels.
    y, x : arrays
        Positions in pixels.
    shape : tuple of int
        Shape of the images.
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
    """Return the part of an image that is also in the other one."""
    cut = []
    for step, side in zip(shift * sign, image.shape, strict=True):
        cut.append(slice(max(0, -int(step)), side - max(0, int(step))))
    return image[cut[0], cut[1]]
