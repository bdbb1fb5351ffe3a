"""Images too large to predict at once: overlapping tiles, blended."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_cellforce.fields import FloatArray


def in_tiles(
    image: FloatArray, run: Callable[[FloatArray], FloatArray], side: int, overlap: int, multiple: int = 1
) -> FloatArray:
    """Apply a function to overlapping tiles of an image and blend the results linearly.

    Parameters
    ----------
    image : (..., Y, X) array
        Y and X multiples of `multiple`.
    run : callable
        Takes ``(..., y, x)`` to ``(K, y, x)``, or with more axes before.
    side : int
        Largest side of a tile in pixels.
    overlap : int
        Least overlap of neighbouring tiles in pixels, smaller than `side`.
    multiple : int
        Tiles begin and end at multiples of this, so that a network's coarse grids stay in place.

    Returns
    -------
    (K, Y, X) float32 array
        With as many axes before as `run` returns.
    """
    height, width = image.shape[-2:]
    rows, columns = (_spans(n, side, overlap, multiple) for n in (height, width))
    total: FloatArray | None = None
    for (top, bottom), row_weight in zip(rows, _weights(rows, height), strict=True):
        for (left, right), column_weight in zip(columns, _weights(columns, width), strict=True):
            part = run(image[..., top:bottom, left:right])
            if total is None:
                total = np.zeros((*part.shape[:-2], height, width), np.float32)
            total[..., top:bottom, left:right] += part * (row_weight[:, None] * column_weight)
    assert total is not None
    return total


def _spans(length: int, side: int, overlap: int, multiple: int) -> list[tuple[int, int]]:
    """Return the evenly spread stretches ``[start, stop)`` that cover ``[0, length)``."""
    if length <= side:
        return [(0, length)]
    side -= side % multiple
    count = -(-(length - overlap) // max(side - overlap, multiple))
    starts = [round(i * (length - side) / (count - 1) / multiple) * multiple for i in range(count)]
    return [(start, start + side) for start in starts]


def _weights(spans: list[tuple[int, int]], length: int) -> list[FloatArray]:
    """Return every span's weight: 1 alone, a ramp where it overlaps the next; together 1 everywhere."""
    tents = [np.interp(np.arange(a, b) + 0.5, [a, (a + b) / 2, b], [0.0, 1.0, 0.0]) for a, b in spans]
    total = np.zeros(length)
    for (a, b), tent in zip(spans, tents, strict=True):
        total[a:b] += tent
    return [(tent / total[a:b]).astype(np.float32) for (a, b), tent in zip(spans, tents, strict=True)]
