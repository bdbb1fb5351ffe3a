"""From one panel on to another, as a person would: by napari's menu."""

from __future__ import annotations

from napari.components import ViewerModel

from napari_cellforce.widgets.base.preferences import PLUGIN


def predict_with(viewer: ViewerModel, model: str) -> None:
    """Open the panel "Predict forces" with a model chosen, where there is a window for it.

    Parameters
    ----------
    viewer : ViewerModel
    model : str
        Name in the zoo; it may be new.
    """
    window = getattr(viewer, "window", None)
    if window is not None:
        dock, panel = window.add_plugin_dock_widget(PLUGIN, "Predict forces", tabify=True)
        panel.use_model(model)
        dock.show()
        dock.raise_()
