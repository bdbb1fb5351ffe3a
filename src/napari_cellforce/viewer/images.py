"""From the viewer's layers to our fields: which layers are images, where they lie, and their pixel size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import dask.array as da
import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io.from_layers import as_dask
from napari_cellforce.layers import METADATA_KEY, Placement
from napari_cellforce.viewer.coordinates import (
    distorted,
    frame_interval_of,
    pixel_size_of,
    pixels_to_pixels,
    place_of,
    spatial_steps,
)
from napari_cellforce.viewer.masks import full_resolution

_SAME_PLACE = 0.01
"""Pixels by which the channels of one cell may lie apart."""


@dataclass(frozen=True, eq=False)
class ChosenImage:
    """What a panel works on; equal to another if its layers, their data, place and pixel size are.

    Attributes
    ----------
    layers : tuple of Image
        One for each protein.
    stack : ImageStack
    pixel_size : PixelSize or None
    frame : Placement
        Where results belong.
    data : tuple of array
        The data of the layers, which napari may replace.
    """

    layers: tuple[Image, ...]
    stack: ImageStack
    pixel_size: PixelSize | None
    frame: Placement
    data: tuple[object, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, layers: Sequence[Image], pixel_size: PixelSize | None) -> ChosenImage:
        """Return layers as one image.

        Raises
        ------
        CellForceError
            As `stack_of`.
        """
        data = tuple(full_resolution(layer) for layer in layers)
        return cls(tuple(layers), stack_of(layers), pixel_size, place_of(layers[0]), data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChosenImage):
            return NotImplemented
        same = len(self.layers) == len(other.layers)
        same = same and all(a is b for a, b in zip(self.layers, other.layers, strict=True))
        same = same and all(a is b for a, b in zip(self.data, other.data, strict=True))
        return same and (self.pixel_size, self.frame) == (other.pixel_size, other.frame)

    __hash__ = object.__hash__


def layer_role(layer: Layer) -> str:
    """Return what we made the layer for (``"magnitude"``, ``"outline"`` ...); empty for others' layers."""
    return str(layer.metadata.get(METADATA_KEY, {}).get("role", ""))


def path_of(layer: Layer) -> str:
    """Return the file that a layer came from; empty for data made in memory."""
    return str(layer.metadata.get(METADATA_KEY, {}).get("path") or layer.source.path or "")


def input_images(viewer: ViewerModel) -> list[Image]:
    """Return the layers that may be protein images, topmost first: no results, no RGB."""
    return [
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Image) and not layer.rgb and layer_role(layer) in ("", "image")
    ]


def problem_with(layer: Image) -> CellForceError | None:
    """Return why a layer cannot be predicted as it is, or None."""
    if layer.ndim in (2, 3) and "z" not in tuple(str(a).lower() for a in layer.axis_labels):
        return distorted(layer)
    if layer.ndim == 3:
        return CellForceError(
            f"{layer.name} is a z-stack",
            "tractions are predicted from one plane or a projection",
            "Project it (right-click the layer > Projections > Max), then choose the projection.",
            topic=Topic.IMAGE,
        )
    return CellForceError(
        f"{layer.name} has {layer.ndim} axes",
        "an image has (time, y, x), one layer a channel",
        "Right-click the layer > Split Stack, then choose the layer of the protein.",
        topic=Topic.IMAGE,
    )


def check_time_axis(layer: Image) -> str:
    """Return a doubt about a movie whose frames are apart in space, not in time; empty if there is none."""
    if layer.ndim < 3 or not spatial_steps(layer):
        return ""
    return (
        f"The frames of {layer.name} are {layer.units[0]}s apart: is it a z-stack? Then project it first "
        "(right-click the layer > Projections > Max), and choose the projection."
    )


def no_image_error(viewer: ViewerModel) -> CellForceError:
    """Return what is said where there is no image to choose."""
    colour = [layer for layer in viewer.layers if isinstance(layer, Image) and layer.rgb]
    if not colour:
        return CellForceError(
            "No image is open",
            "an image of an adhesion protein is needed",
            "Open one (File > Open), or try it on a sample cell.",
            topic=Topic.IMAGE,
        )
    return CellForceError(
        f"{colour[-1].name} is a picture in colour (RGB)",
        "forces are predicted from the intensity of one protein",
        "Open the microscope's own file, or right-click the layer > Split RGB and choose a channel.",
        topic=Topic.IMAGE,
    )


def stack_of(layers: Sequence[Image]) -> ImageStack:
    """Return the chosen layers as channels of one stack, without copying them.

    Raises
    ------
    CellForceError
        If a layer is no (time, y, x) image, or they differ in size.
    """
    for layer in layers:
        problem = problem_with(layer)
        if problem:
            raise problem
    first = layers[0]
    for layer in layers[1:]:
        _require_alike(first, layer)
    channels = [as_dask(full_resolution(layer)) for layer in layers]
    return ImageStack(
        data=da.stack(channels, axis=1),
        channel_names=tuple(layer.name for layer in layers),
        pixel_size=pixel_size_of(first),
        frame_interval=frame_interval_of(first),
        name=str(first.metadata.get(METADATA_KEY, {}).get("cell") or first.name),
        path=path_of(first),
    )


def _require_alike(first: Image, other: Image) -> None:
    """Refuse a channel of another shape or place, for channels are taken pixel by pixel."""
    shape, wanted = full_resolution(other).shape, full_resolution(first).shape
    if shape != wanted:
        raise CellForceError(
            f"{first.name} has shape {wanted} and {other.name} {shape}",
            "the proteins of a cell must be imaged alike",
            "Choose channels of the same movie.",
            topic=Topic.CHANNEL,
        )
    corners = np.array([[0.0, 0.0, 1.0], [wanted[-2], 0.0, 1.0], [0.0, wanted[-1], 1.0]])
    moved = corners @ pixels_to_pixels(first, other)[-3:, -3:].T
    apart = float(np.abs(moved - corners).max())
    if apart > _SAME_PLACE:
        raise CellForceError(
            f"{other.name} lies up to {apart:.3g} pixels from {first.name}",
            "the channels of a cell are taken pixel by pixel",
            "Give both layers the same scale, units and translation, or resample one onto the other.",
            topic=Topic.CHANNEL,
        )
