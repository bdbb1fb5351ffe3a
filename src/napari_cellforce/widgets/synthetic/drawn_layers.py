"""Layers of drawn cells among all others in the viewer: which are ours, which are shown, where they go."""

from __future__ import annotations

from collections.abc import Iterable

from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_cellforce.layers import METADATA_KEY

CELL = "synthetic cell"
SCAN = "scan of "
BY_HAND = "by hand"
"""How the cells that layers of ours belong to are called, begin and end."""

_HIDDEN = "hidden"


def show_only(viewer: ViewerModel, cell: str) -> None:
    """Hide what we show of other drawn cells, and show this one again.

    What is drawn by hand belongs to the cell that is being drawn, not to a scan.
    """
    for layer in viewer.layers:
        name = _cell_of(layer)
        belongs = CELL if name.endswith(BY_HAND) else name
        if belongs == cell:
            if layer.metadata[METADATA_KEY].pop(_HIDDEN, False):
                layer.visible = True
        elif _is_drawn(belongs) and layer.visible:
            layer.visible = False
            layer.metadata[METADATA_KEY][_HIDDEN] = True


def show_or_hide(layer: Layer, shown: bool) -> None:
    """Show or hide a layer, whatever `show_only` did to it."""
    layer.metadata.get(METADATA_KEY, {}).pop(_HIDDEN, None)
    # To be told what it knows makes napari put a drawing tool away.
    if layer.visible != shown:
        layer.visible = shown


def remove_cell(viewer: ViewerModel, images: set[str]) -> None:
    """Remove a cell drawn before, perhaps by a panel that was closed, and its tractions; copies stay.

    Parameters
    ----------
    viewer : ViewerModel
    images : set of str
        Names of the layers of its image.
    """
    for layer in list(viewer.layers):
        predicted = layer.metadata.get(METADATA_KEY, {}).get("model")
        if _cell_of(layer) == CELL and (predicted or layer.name in images):
            viewer.layers.remove(layer)


def remove_scans(viewer: ViewerModel) -> None:
    """Remove our layers of scans: dozens of them, one scan after the other, would make napari slow."""
    for layer in list(viewer.layers):
        if _cell_of(layer).startswith(SCAN):
            viewer.layers.remove(layer)


def add_images(viewer: ViewerModel, layers: Iterable[Layer]) -> None:
    """Add images of a drawn cell: above all other images, which would hide it, and below drawings.

    What is selected stays selected.
    """
    active = viewer.layers.selection.active
    others = [
        i
        for i, layer in enumerate(viewer.layers)
        if isinstance(layer, Image) and not _is_drawn(_cell_of(layer))
    ]
    for i, layer in enumerate(layers, start=max(others, default=-1) + 1):
        viewer.layers.insert(i, layer)
    if active is not None:
        viewer.layers.selection.active = active


def _is_drawn(cell: str) -> bool:
    return cell == CELL or cell.startswith(SCAN)


def _cell_of(layer: Layer) -> str:
    """Return of which cell or scan a layer of ours tells; empty for others."""
    return str(layer.metadata.get(METADATA_KEY, {}).get("cell", ""))
