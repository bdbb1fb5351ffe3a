"""Masks of the automatically detected cell, computed frame by frame on access."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator

import numpy as np

from napari_cellforce.fields import BoolArray, FloatArray, ImageStack, PixelSize
from napari_cellforce.preprocess.mask import find_cell_over_time


class LazyCellMask:
    """Lazy ``(T, Y, X)`` masks of one cell, which is tracked from the first frame.

    Takes the place of the array in a `Mask`: frame t is computed on access, together with the frames before
    it, and cached in compressed form, so that a thousand frames need little memory.

    Parameters
    ----------
    stack : ImageStack
    channel : int
        Channel in which the cell is detected.
    pixel_size : PixelSize, optional
    sensitivity : float
        Values above 1 give a larger cell.
    at : (y, x), optional
        Position in pixels on the cell in the first frame; by default the largest object is taken.
    """

    ndim = 3

    def __init__(
        self,
        stack: ImageStack,
        channel: int = 0,
        *,
        pixel_size: PixelSize | None = None,
        sensitivity: float = 1.0,
        at: tuple[float, float] | None = None,
    ) -> None:
        self.shape = (stack.n_frames, *stack.shape)
        self._packed: list[bytes] = []
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        self._search = find_cell_over_time(
            _frames(stack, channel), pixel_size=pixel_size, sensitivity=sensitivity, at=at
        )

    @property
    def n_computed(self) -> int:
        """Number of frames computed so far."""
        return len(self._packed)

    def __getitem__(self, t: int) -> BoolArray:
        with self._lock:
            while self.n_computed <= t:
                self._packed.append(zlib.compress(np.packbits(self._next()).tobytes(), level=1))
            bits = np.frombuffer(zlib.decompress(self._packed[t]), np.uint8)
        height, width = self.shape[1:]
        return np.unpackbits(bits, count=height * width).reshape(height, width).astype(np.bool_)

    def _next(self) -> BoolArray:
        """Detect the cell in the next frame; after a failure, raise the same error again."""
        if self._failure is not None:
            raise self._failure
        try:
            return next(self._search)
        except Exception as error:
            self._failure = error
            raise


def _frames(stack: ImageStack, channel: int) -> Iterator[FloatArray]:
    for t in range(stack.n_frames):
        yield stack.frame(t, (channel,))[0]
