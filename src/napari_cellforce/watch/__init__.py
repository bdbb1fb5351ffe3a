"""Watching an acquisition while it runs: new frames are predicted as they are written."""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names

if TYPE_CHECKING:
    from napari_cellforce.watch.config import WatchConfig, WatchEvent
    from napari_cellforce.watch.run import load, watch

__all__ = ["WatchConfig", "WatchEvent", "load", "watch"]

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.watch.config": (
            "WatchConfig",
            "WatchEvent",
        ),
        "napari_cellforce.watch.run": (
            "load",
            "watch",
        ),
    },
)
