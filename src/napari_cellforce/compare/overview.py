"""What the figures of a comparison show, small enough to be drawn at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.compare.alignment import FieldPair
from napari_cellforce.compare.maps import Maps

Array = npt.NDArray[np.float64]

_POINTS = 4000
_SECTORS = 36


@dataclass(frozen=True, eq=False)
class Overview:
    """Magnitudes and angles of all frames of a comparison.

    Attributes
    ----------
    sizes : (2, N) array
        |A| and |B| of vectors drawn at random, at most 4000.
    top : float
        What only 0.5 % of all magnitudes exceed: the end of the colours.
    angles : (36,) array of int
        How many angles from A to B lie in each sector, from -180° on.
    """

    sizes: Array
    top: float
    angles: npt.NDArray[np.int64]

    @classmethod
    def of(cls, pairs: Sequence[FieldPair], maps: Sequence[Maps]) -> Overview:
        """Look through all frames."""
        sizes = np.concatenate(
            [np.hypot(*np.stack([pair.first, pair.second], axis=1)[:, :, pair.mask]) for pair in pairs],
            axis=1,
        )
        some = np.random.default_rng(0).permutation(sizes.shape[1])[:_POINTS]
        angles = np.concatenate([part.angle[np.isfinite(part.angle)] for part in maps])
        counts = np.histogram(angles, bins=_SECTORS, range=(-180, 180))[0]
        return cls(sizes[:, some], float(np.percentile(sizes, 99.5)) or 1.0, counts)
