"""Memory that runs out, in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from napari_cellforce.errors import CellForceError


@contextlib.contextmanager
def memory_errors(shape: tuple[int, ...]) -> Iterator[None]:
    """Turn the several ways in which torch says that memory ran out into one for the user."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        words = ("out of memory", "not enough memory", "can't allocate memory")
        if not isinstance(error, MemoryError) and not any(word in str(error).lower() for word in words):
            raise
        raise CellForceError(
            f"memory ran out while predicting {shape[-2]} x {shape[-1]} pixels",
            "the network needs more than there is",
            "Close other programs, choose the CPU as device, or crop the image to the cell.",
            topic="device",
        ) from error
