"""From two images of beads to a displacement."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_cellforce.physics.displacement._checks import (
    check_drift,
    check_same_size,
    check_trust,
    checked,
)
from napari_cellforce.physics.displacement._config import DisplacementConfig, DisplacementResult, Drift
from napari_cellforce.physics.displacement._correlation import Float32, correlate
from napari_cellforce.physics.displacement._drift import fit_rigid, phase_shift
from napari_cellforce.physics.displacement._flow import optical_flow
from napari_cellforce.physics.displacement._piv import drift_on_pixels, filled, piv, similarity
from napari_cellforce.physics.displacement._sampling import DeformedImage, from_pixels, window_centres


def displacement_field(
    reference: npt.ArrayLike,
    deformed: npt.ArrayLike,
    config: DisplacementConfig | None = None,
    drift: Drift | None = None,
) -> DisplacementResult:
    """Measure how far the beads of a gel have moved.

    Parameters
    ----------
    reference : (Y, X) array
        Beads of the gel at rest (the cell removed).
    deformed : (Y, X) array
        The same beads, pulled by the cell.
    config : DisplacementConfig, optional
    drift : Drift, optional
        If it is known already, see `find_drift`.

    Returns
    -------
    DisplacementResult
        In pixels, on the grid of windows.

    Raises
    ------
    CellForceError
        If the images differ in size, have no beads, are saturated, are shifted farther than can be
        followed, or have too little in common.

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
    found = piv(first, second, config, drift)
    each, whole = similarity(first, second, found, config, drift)
    check_trust(each, whole, float(found.rejected.mean()), drift, shape)
    return DisplacementResult(
        found.displacement.astype(np.float32),
        found.peaks.y,
        found.peaks.x,
        found.peaks.signal_to_noise,
        found.rejected,
        drift,
        shape,
    )


def find_drift(
    reference: npt.ArrayLike, deformed: npt.ArrayLike, config: DisplacementConfig | None = None
) -> Drift:
    """Measure the movement of the stage between two bead images, as ``config.drift`` says.

    Parameters, errors as for `displacement_field`. With ``"none"`` it is zero.
    """
    config = config or DisplacementConfig()
    return _drift(*_images(reference, deformed, config), config)


def _images(
    reference: npt.ArrayLike, deformed: npt.ArrayLike, config: DisplacementConfig
) -> tuple[Float32, Float32]:
    check_same_size(np.asarray(reference), np.asarray(deformed))
    return checked(reference, "reference", config), checked(deformed, "loaded", config)


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
    for _ in range(2):  # the second time on an image that is nearly in place
        aligned, _ = filled(image.at(drift_on_pixels(drift, shape)), first)
        peaks = correlate(first, aligned, window, window // 2, config.threads)
        whole = peaks.shift + drift.at(peaks.y[:, None], peaks.x[None, :], shape)
        drift = fit_rigid(whole, peaks.y, peaks.x, shape)
    return drift
