"""Drawn cells in the viewer: one that is redrawn in place, or those of a scan, with their tractions."""

from __future__ import annotations

import dataclasses
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_cellforce.fields import FrameResult, ImageStack, PixelSize
from napari_cellforce.io.scratch import allocate
from napari_cellforce.layers import ArrowLook, Frame, Labelling, image_layers
from napari_cellforce.layers.make import contrast_limits
from napari_cellforce.scan import Answer, ScanConfig, ScanStep
from napari_cellforce.synthetic import SyntheticCell
from napari_cellforce.widgets.synthetic.drawn_layers import (
    CELL,
    SCAN,
    add_images,
    remove_cell,
    remove_scans,
    show_only,
)
from napari_cellforce.widgets.view.result import Result


class CellView:
    """The layers of the cell that is being drawn.

    Parameters
    ----------
    viewer : ViewerModel
    look : ArrowLook
    """

    def __init__(self, viewer: ViewerModel, look: ArrowLook) -> None:
        self._viewer, self._look = viewer, look
        self._layers: tuple[Image, ...] = ()
        self._result: Result | None = None
        self._of: tuple[str, PixelSize, tuple[int, int]] | None = None

    @property
    def shown(self) -> bool:
        """True while the drawn image is in the viewer."""
        return bool(self._layers) and all(layer in self._viewer.layers for layer in self._layers)

    def show_cell(self, cell: SyntheticCell) -> None:
        """Show the image of a cell, in place of the one before."""
        image = cell.image
        tuples = _still(image)
        if self.shown and _alike(self._layers, tuples):
            for layer, (data, _, _) in zip(self._layers, tuples, strict=True):
                layer.data = data
        else:
            remove_cell(self._viewer, {attributes["name"] for _, attributes, _ in tuples})
            self._layers = tuple(Layer.create(*layer) for layer in tuples)
            add_images(self._viewer, self._layers)
            self._viewer.reset_view()
        show_only(self._viewer, CELL)
        self._viewer.canvas.overlays.scale_bar.visible = True

    def show_answer(self, answer: Answer) -> None:
        """Show the traction that a model gives the cell; by the same model in place of the one before.

        Colours and arrows keep their scale, so that a stronger cell looks stronger.
        """
        of = (answer.model, answer.pixel_size, answer.cell.image.shape)
        gone = self._result is None or not all(layer in self._viewer.layers for layer in self._result.layers)
        if gone or of != self._of:
            if self._result is not None:
                self._remove(self._result.layers)
            self._of = of
            self._result = _result(self._viewer, answer, self._look, Labelling(CELL, answer.model))
        assert self._result is not None
        self._result.rows.clear()
        self._result.add(_traction_alone(answer, 0), {"frame": 0, **answer.numbers})

    def forget_answer(self) -> None:
        """Remove the traction: it is not that of the cell that is shown."""
        if self._result is not None:
            self._remove(self._result.layers)
            self._result = None

    def _remove(self, layers: Any) -> None:
        for layer in layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)


class ScanView:
    """The layers of a scan: the drawn cells as a stack with a frame a cell, and their tractions.

    Parameters
    ----------
    viewer : ViewerModel
    config : ScanConfig
    look : ArrowLook
    """

    def __init__(self, viewer: ViewerModel, config: ScanConfig, look: ArrowLook) -> None:
        self._viewer, self._config, self._look = viewer, config, look
        self._name = f"{SCAN}{config.scanned.title}"
        self._layers: list[Image] = []
        self._stack: Any = None
        self._results: dict[str, Result] = {}

    def add(self, step: ScanStep) -> None:
        """Show another cell, and go to it."""
        if step.cell is None:
            return
        if self._stack is None:
            self._stack = self._begin(step.cell.image)
        self._stack[step.index] = step.cell.image.data[0]
        for answer in step.answers:
            self._add_answer(step, answer)
        self.go_to(step.index)
        for layer in self._layers:
            layer.refresh()

    @property
    def shown(self) -> bool:
        """True while there are cells to scroll through."""
        return any(layer in self._viewer.layers for layer in self._layers)

    def go_to(self, index: int) -> None:
        """Look at one of the cells."""
        if self._viewer.dims.ndim > 2:
            self._viewer.dims.set_current_step(self._viewer.dims.ndim - 3, index)

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

    def _add_answer(self, step: ScanStep, answer: Answer) -> None:
        shown = self._results.get(answer.model)
        if shown is None:
            frames = self._config.n_cells
            shown = _result(self._viewer, answer, self._look, Labelling(self._name, answer.model), frames)
            self._results[answer.model] = shown
        shown.add(_traction_alone(answer, step.index), {"frame": step.index, **answer.numbers})
        if len(shown.rows) == 1:
            self._show_first()

    def _show_first(self) -> None:
        """Show what the first model says and hide the others: fields on top of one another cannot be read."""
        for i, result in enumerate(self._results.values()):
            for layer in result.layers:
                layer.visible = i == 0


def _traction_alone(answer: Answer, frame: int) -> FrameResult:
    """Return the traction without the model's inner fields, of which the panel Explain tells."""
    assert answer.result is not None
    return FrameResult(answer.result.traction, frame=frame, mask=answer.result.mask)


def _result(
    viewer: ViewerModel, answer: Answer, look: ArrowLook, label: Labelling, frames: int = 0
) -> Result:
    """Return room for the tractions of several frames, or of a still image."""
    frame = Frame.of(answer.pixel_size, None)
    return Result(
        viewer,
        shape=(frames or 1, *answer.cell.image.shape),
        unit=answer.unit,
        pixel_size=answer.pixel_size,
        frame_interval=None,
        frame=frame if frames else dataclasses.replace(frame, ndim=2),
        label=label,
        provenance=answer.provenance,
        look=look,
    )


def _still(image: ImageStack) -> list[tuple[Any, dict[str, Any], str]]:
    """Return the layers of the first frame, without a time axis."""
    frame = dataclasses.replace(Frame.of(image.pixel_size, None), ndim=2)
    named = dataclasses.replace(image, name=CELL)
    return [
        (data[0], {**attributes, **frame.attributes}, kind) for data, attributes, kind in image_layers(named)
    ]


def _alike(layers: tuple[Image, ...], tuples: list[tuple[Any, dict[str, Any], str]]) -> bool:
    """Say whether layers can take the new data as they are."""
    return len(layers) == len(tuples) and all(
        layer.data.shape == data.shape and tuple(layer.scale) == tuple(attributes["scale"])
        for layer, (data, attributes, _) in zip(layers, tuples, strict=True)
    )
