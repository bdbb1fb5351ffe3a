"""Displacement by optical flow, as scikit-image computes it."""

from __future__ import annotations

import numpy as np

from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.displacement._config import Method
from napari_cellforce.physics.displacement._correlation import Float32


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
