"""Magnitudes from the cell's edge to its centre."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt

from napari_cellforce.compare.alignment import FieldPair


def edge_profile(pairs: Sequence[FieldPair], width: float = 2.0) -> pd.DataFrame:
    """Return the mean magnitudes of both fields at each distance from the cell's edge.

    Parameters
    ----------
    pairs : sequence of FieldPair
    width : float
        Of the rings in µm; not narrower than a pixel of the common grid.

    Returns
    -------
    DataFrame
        ``distance from edge [µm]`` (middle of the ring), ``mean |A|``, ``mean |B|``, ``vectors``.
    """
    width = max(width, *(pair.spacing for pair in pairs))
    deepest = max(max(pair.mask.shape) * pair.spacing for pair in pairs) / 2
    sums = np.zeros((3, int(deepest // width) + 1))
    for pair in pairs:
        inside = np.pad(pair.mask, 1)  # the image's border counts as edge
        depth = distance_transform_edt(inside)[1:-1, 1:-1][pair.mask] * pair.spacing
        ring = (np.maximum(depth - pair.spacing / 2, 0) // width).astype(int)
        lengths = [np.hypot(*field[:, pair.mask]) for field in (pair.first, pair.second)]
        sums += [np.bincount(ring, each, sums.shape[1]) for each in (np.ones(len(ring)), *lengths)]
    count = sums[0].astype(int)
    means = sums[1:] / np.maximum(count, 1)
    table = pd.DataFrame(
        {
            "distance from edge [µm]": (np.arange(len(count)) + 0.5) * width,
            "mean |A|": means[0],
            "mean |B|": means[1],
            "vectors": count,
        }
    )
    return table[table["vectors"] > 0].reset_index(drop=True)
