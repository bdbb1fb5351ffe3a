"""Watching an acquisition while it runs: new frames are predicted as they are written."""

from napari_cellforce.watch.config import WatchConfig, WatchEvent
from napari_cellforce.watch.run import load, watch

__all__ = ["WatchConfig", "WatchEvent", "load", "watch"]
