"""From one panel on to another, as a person would: by napari's menu."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel

from napari_cellforce.widgets.base.preferences import PLUGIN


def can_open(viewer: ViewerModel) -> bool:
    """Return True if there is a window in which panels can be opened."""
    return getattr(viewer, "window", None) is not None


def open_panel(viewer: ViewerModel, name: str) -> Any:
    """Open a panel, or bring it to the front, and return it; None where there is no window for it."""
    window = getattr(viewer, "window", None)
    if window is None:
        return None
    dock, panel = window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    dock.show()
    dock.raise_()
    return panel


def predict_with(viewer: ViewerModel, model: str) -> None:
    """Open the panel "Predict forces" with a model chosen, where there is a window for it.

    Parameters
    ----------
    viewer : ViewerModel
    model : str
        Name in the zoo; it may be new.
    """
    panel = open_panel(viewer, "Predict forces")
    if panel is not None:
        panel.use_model(model)
