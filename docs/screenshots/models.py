"""Pictures of the panel "Models"."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget

from screenshots.stage import Stage


def models() -> None:
    """Take the picture of the list, with the card of a model that can be downloaded."""
    stage = Stage("Models")
    listing: QListWidget = stage.one_called("Models")
    (item,) = listing.findItems("gfnn-schmitt2024", Qt.MatchExactly)
    listing.setCurrentItem(item)
    stage.wait(1)
    stage.shoot_panel("models-panel")
    stage.close()
