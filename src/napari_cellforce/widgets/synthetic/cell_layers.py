"""Drawn cells in the viewer: one that is redrawn in place, or those of a scan, with their tractions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_cellforce.fields import FrameResult, ImageStack, PixelSize
from napari_cellforce.io.temp_arrays import allocate
from napari_cellforce.layers import METADATA_KEY, ArrowStyle, LayerLabel, Placement, image_layers
from napari_cellforce.layers.layer_tuples import contrast_limits
from napari_cellforce.scan import CellEvaluation, ScanConfig, ScanStep
from napari_cellforce.synthetic import SyntheticCell
from napari_cellforce.viewer.coordinates import pixel_size_of, show_frame, shown_frame
from napari_cellforce.widgets.shared.prediction_layers import PredictionLayers

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
    # Setting the same value again makes napari leave its drawing tool.
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


class CellLayers:
    """The layers of the cell that is being drawn.

    Parameters
    ----------
    viewer : ViewerModel
    arrow_style : ArrowStyle
    """

    def __init__(self, viewer: ViewerModel, arrow_style: ArrowStyle) -> None:
        self._viewer, self._arrow_style = viewer, arrow_style
        self._layers: tuple[Image, ...] = ()
        self._result: PredictionLayers | None = None
        self._shown_for: tuple[str, PixelSize, tuple[int, int]] | None = None

    @property
    def shown(self) -> bool:
        """True while the drawn image is in the viewer."""
        return bool(self._layers) and all(layer in self._viewer.layers for layer in self._layers)

    def show_cell(self, cell: SyntheticCell) -> None:
        """Show the image of a cell, in place of the one before."""
        image = cell.image
        tuples = _still(image)
        if self.shown and _can_reuse(self._layers, tuples, image.pixel_size):
            for layer, (data, _, _) in zip(self._layers, tuples, strict=True):
                layer.data = data
        else:
            remove_cell(self._viewer, {attributes["name"] for _, attributes, _ in tuples})
            self._layers = tuple(Layer.create(*layer) for layer in tuples)
            add_images(self._viewer, self._layers)
            self._viewer.reset_view()
        show_only(self._viewer, CELL)
        self._viewer.canvas.overlays.scale_bar.visible = True

    def show_result(self, evaluation: CellEvaluation) -> None:
        """Show the traction that a model gives the cell; by the same model in place of the one before.

        Colours and arrows keep their scale, so that a stronger cell looks stronger.
        """
        of = (evaluation.model, evaluation.pixel_size, evaluation.cell.image.shape)
        gone = self._result is None or not all(layer in self._viewer.layers for layer in self._result.layers)
        if gone or of != self._shown_for:
            if self._result is not None:
                self._remove(self._result.layers)
            self._shown_for = of
            self._result = _result(
                self._viewer, evaluation, self._arrow_style, LayerLabel(CELL, evaluation.model)
            )
        assert self._result is not None
        self._result.rows.clear()
        self._result.add(_traction_alone(evaluation, 0), {"frame": 0, **evaluation.numbers})

    def remove_result(self) -> None:
        """Remove the traction: it is not that of the cell that is shown."""
        if self._result is not None:
            self._remove(self._result.layers)
            self._result = None

    def _remove(self, layers: Any) -> None:
        for layer in layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)


class ScanLayers:
    """The layers of a scan: the drawn cells as a stack with a frame a cell, and their tractions.

    Parameters
    ----------
    viewer : ViewerModel
    config : ScanConfig
    arrow_style : ArrowStyle
    """

    def __init__(self, viewer: ViewerModel, config: ScanConfig, arrow_style: ArrowStyle) -> None:
        self._viewer, self._config, self._arrow_style = viewer, config, arrow_style
        self._name = f"{SCAN}{config.scanned.title}"
        self._layers: list[Image] = []
        self._stack: Any = None
        self._results: dict[str, PredictionLayers] = {}

    def add(self, step: ScanStep) -> None:
        """Show another cell, and go to it."""
        if step.cell is None:
            return
        if self._stack is None:
            self._stack = self._begin(step.cell.image)
        self._stack[step.index] = step.cell.image.data[0]
        for evaluation in step.evaluations:
            self._add_answer(step, evaluation)
        self.go_to(step.index)
        for layer in self._layers:
            layer.refresh()

    @property
    def shown(self) -> bool:
        """True while there are cells to scroll through."""
        return any(layer in self._viewer.layers for layer in self._layers)

    @property
    def current(self) -> int | None:
        """Index of the cell that the viewer shows; None if there is none."""
        if not self.shown:
            return None
        return shown_frame(self._viewer, self._layers[0], self._config.n_cells)

    def go_to(self, index: int) -> None:
        """Show one of the cells."""
        if self.shown:
            show_frame(self._viewer, self._layers[0], index)

    def _begin(self, image: ImageStack) -> Any:
        """Make room for all cells, in place of an earlier scan; returns it."""
        remove_scans(self._viewer)
        stack = dataclasses.replace(
            image,
            data=allocate((self._config.n_cells, *image.data.shape[1:]), image.data.dtype),
            frame_interval=None,
            name=self._name,
        )
        for c, (data, attributes, kind) in enumerate(image_layers(stack)):
            attributes["contrast_limits"] = contrast_limits(image.frame(0, (c,)))
            self._layers.append(Layer.create(data, attributes, kind))
        add_images(self._viewer, self._layers)
        show_only(self._viewer, self._name)
        return stack.data

    def _add_answer(self, step: ScanStep, evaluation: CellEvaluation) -> None:
        shown = self._results.get(evaluation.model)
        if shown is None:
            frames = self._config.n_cells
            shown = _result(
                self._viewer, evaluation, self._arrow_style, LayerLabel(self._name, evaluation.model), frames
            )
            self._results[evaluation.model] = shown
        shown.add(_traction_alone(evaluation, step.index), {"frame": step.index, **evaluation.numbers})
        if len(shown.rows) == 1:
            self._show_first()

    def _show_first(self) -> None:
        """Show what the first model says and hide the others: fields on top of one another cannot be read."""
        for i, result in enumerate(self._results.values()):
            for layer in result.layers:
                layer.visible = i == 0


def _traction_alone(evaluation: CellEvaluation, frame: int) -> FrameResult:
    """Return the traction without the model's inner fields, of which the panel Explain tells."""
    assert evaluation.result is not None
    return FrameResult(evaluation.result.traction, frame=frame, mask=evaluation.result.mask)


def _result(
    viewer: ViewerModel,
    evaluation: CellEvaluation,
    arrow_style: ArrowStyle,
    label: LayerLabel,
    frames: int = 0,
) -> PredictionLayers:
    """Return room for the tractions of several frames, or of a still image."""
    frame = Placement.of(evaluation.pixel_size, None)
    return PredictionLayers(
        viewer,
        shape=(frames or 1, *evaluation.cell.image.shape),
        unit=evaluation.unit,
        pixel_size=evaluation.pixel_size,
        frame_interval=None,
        frame=frame if frames else dataclasses.replace(frame, ndim=2),
        label=label,
        provenance=evaluation.provenance,
        arrow_style=arrow_style,
    )


def _still(image: ImageStack) -> list[tuple[Any, dict[str, Any], str]]:
    """Return the layers of the first frame, without a time axis."""
    frame = dataclasses.replace(Placement.of(image.pixel_size, None), ndim=2)
    named = dataclasses.replace(image, name=CELL)
    return [
        (data[0], {**attributes, **frame.attributes}, kind) for data, attributes, kind in image_layers(named)
    ]


def _can_reuse(
    layers: tuple[Image, ...], tuples: list[tuple[Any, dict[str, Any], str]], pixel_size: PixelSize | None
) -> bool:
    """Return True if layers can take the new data: same number of pixels, same pixel size."""
    sizes = [pixel_size_of(layer) for layer in layers]
    return (
        pixel_size is not None
        and len(layers) == len(tuples)
        and all(layer.data.shape == data.shape for layer, (data, _, _) in zip(layers, tuples, strict=True))
        and all(
            size is not None and np.allclose((size.y, size.x), (pixel_size.y, pixel_size.x)) for size in sizes
        )
    )
