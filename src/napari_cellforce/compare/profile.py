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
    depths, firsts, seconds = [], [], []
    for pair in pairs:
        inside = np.pad(pair.mask, 1)  # the image's border counts as edge
        depth = distance_transform_edt(inside)[1:-1, 1:-1][pair.mask] * pair.spacing
        depths.append(np.maximum(depth - pair.spacing / 2, 0))
        firsts.append(np.hypot(*pair.first[:, pair.mask]))
        seconds.append(np.hypot(*pair.second[:, pair.mask]))
    ring = (np.concatenate(depths) // width).astype(int)
    count = np.bincount(ring)
    means = [np.bincount(ring, np.concatenate(v)) / np.maximum(count, 1) for v in (firsts, seconds)]
    table = pd.DataFrame(
        {
            "distance from edge [µm]": (np.arange(len(count)) + 0.5) * width,
            "mean |A|": means[0],
            "mean |B|": means[1],
            "vectors": count,
        }
    )
    return table[table["vectors"] > 0].reset_index(drop=True)
