"""Arrows: a vector field averaged over blocks, and how it is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.fields import FloatArray, ShortRepr, X, Y

MAX_ARROWS = 64
"""Most arrows along a side of a frame; full resolution is in the magnitude layer."""

DEFAULT_ARROWS = 30
"""Arrows along a side of a frame unless the user asks: legible, and quick to step through in time."""


@dataclass(frozen=True)
class ArrowStyle:
    """How arrows are shown.

    Attributes
    ----------
    spacing : int
        Pixels between arrows; 0 chooses one that gives about `DEFAULT_ARROWS` a side.
    threshold : float
        Arrows shorter than this, in the field's unit, are left out.
    length : float
        Length of the longest arrows (99th percentile), in spacings.
    width : float
        In pixels of the image, per spacing.
    colormap : str
    """

    spacing: int = 0
    threshold: float = 0.0
    length: float = 4.0
    width: float = 0.18
    colormap: str = "GnBu_r"


@dataclass(frozen=True, eq=False, repr=False)
class Arrows(ShortRepr):
    """A vector field averaged over blocks, one arrow each.

    Attributes
    ----------
    positions : (M, 2) array
        Centres of the blocks, (y, x) in pixels.
    vectors : (T, M, 2) float32 array
        Mean vector of each block, in the field's unit.
    spacing : int
        Side of a block in pixels.
    reference : float
        99th percentile of the length of all arrows that are not zero; 1 where there is none.
    """

    positions: npt.NDArray[np.float64]
    vectors: FloatArray
    spacing: int
    reference: float

    @classmethod
    def of(cls, data: Any, spacing: int = 0, reference: float | None = None) -> Arrows:
        """Average `data`, ``(T, 2, Y, X)``, over blocks of `spacing` pixels, frame by frame.

        `reference` is that of the data themselves, unless it is given.
        """
        height, width = data.shape[-2:]
        spacing = max(spacing or default_spacing((height, width)), smallest_spacing((height, width)))
        rows, columns = max(height // spacing, 1), max(width // spacing, 1)
        y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
        sides = np.minimum((height, width), spacing)
        positions = (np.stack([y.ravel(), x.ravel()], axis=1) + 0.5) * sides - 0.5
        vectors = np.stack([_block_means(np.asarray(frame), rows, columns, spacing) for frame in data])
        return cls(positions, vectors, spacing, reference or reference_length(vectors))

    def to_vectors(self, style: ArrowStyle, ndim: int = 3) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the arrows longer than ``style.threshold``, for a napari Vectors layer.

        Returns
        -------
        data : (N, 2, ndim) array
            Start and projection; arrows are centred on their block.
        magnitude : (N,) array
            In the field's unit.
        angle : (N,) array
            Degrees, counter-clockwise from the right as seen on screen.
        """
        lengths = np.hypot(self.vectors[..., Y], self.vectors[..., X])
        t, m = np.nonzero((lengths > max(style.threshold, 0)) & np.isfinite(lengths))
        vectors = self.vectors[t, m]
        projected = vectors * (style.length * self.spacing / self.reference)
        data = np.zeros((len(t), 2, 3), np.float32)
        data[:, 0, 0] = t
        data[:, 0, 1:] = self.positions[m] - projected / 2
        data[:, 1, 1:] = projected
        return data[..., 3 - ndim :], lengths[t, m], screen_angle(vectors[:, Y], vectors[:, X])


def reference_length(vectors: FloatArray) -> float:
    """Return the 99th percentile of the lengths of ``(..., 2)`` vectors, finite and not zero, else 1."""
    lengths = np.hypot(vectors[..., Y], vectors[..., X])
    present = lengths[(lengths > 0) & np.isfinite(lengths)]
    return float(np.percentile(present, 99)) if present.size else 1.0


def smallest_spacing(shape: tuple[int, int]) -> int:
    """Return the smallest spacing in pixels that keeps a frame to `MAX_ARROWS` arrows a side."""
    return max(1, math.ceil(max(shape) / MAX_ARROWS))


def default_spacing(shape: tuple[int, int]) -> int:
    """Return the spacing in pixels that gives about `DEFAULT_ARROWS` arrows a side."""
    return max(1, round(max(shape) / DEFAULT_ARROWS))


def screen_angle(y: Any, x: Any) -> FloatArray:
    """Return the direction of vectors in degrees, counter-clockwise as seen on screen (y is down)."""
    angle: FloatArray = np.degrees(np.arctan2(-np.asarray(y), np.asarray(x))).astype(np.float32)
    return angle


def _block_means(frame: FloatArray, rows: int, columns: int, spacing: int) -> FloatArray:
    """Return the means of ``(2, Y, X)`` over blocks, ``(rows * columns, 2)``."""
    whole = frame[:, : rows * spacing, : columns * spacing]
    side_y, side_x = whole.shape[1] // rows, whole.shape[2] // columns
    blocks = whole.reshape(2, rows, side_y, columns, side_x).mean(axis=(2, 4), dtype=np.float32)
    means: FloatArray = blocks.reshape(2, rows * columns).T
    return means
