"""From the viewer's layers to our fields: which layers are images, where they lie, and their pixel size."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np
import pint
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io.from_layers import as_dask
from napari_cellforce.layers import METADATA_KEY, Placement

_PIXEL = pint.Unit("pixel")


@dataclass(frozen=True)
class ChosenImage:
    """What a panel works on; equal to another if the layers, their shape and the pixel size are.

    Attributes
    ----------
    layers : tuple of Image
        One for each protein.
    stack : ImageStack
    pixel_size : PixelSize or None
    frame : Frame
        Where results belong.
    """

    layers: tuple[Image, ...]
    stack: ImageStack = field(compare=False)
    pixel_size: PixelSize | None
    frame: Placement


@dataclass(frozen=True)
class AffinePlacement(Placement):
    """Where results of a layer belong that is rotated or sheared, too.

    Attributes
    ----------
    affine : nested tuple of float
        From scaled pixels to napari's world, the translation included.
    """

    affine: tuple[tuple[float, ...], ...] = ()

    @property
    def attributes(self) -> dict[str, Any]:
        """All that places a layer, as napari's layers take it."""
        return {**super().attributes, "translate": (0.0,) * self.ndim, "affine": np.array(self.affine)}


def layer_role(layer: Layer) -> str:
    """Return what we made the layer for (``"magnitude"``, ``"outline"`` ...); empty for others' layers."""
    return str(layer.metadata.get(METADATA_KEY, {}).get("role", ""))


def input_images(viewer: ViewerModel) -> list[Image]:
    """Return the layers that may be protein images, topmost first: no results, no RGB."""
    return [
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Image) and not layer.rgb and layer_role(layer) in ("", "image")
    ]


def pixel_size_of(layer: Layer) -> PixelSize | None:
    """Return the layer's pixel size, or None where its units are pixels."""
    stretch = (
        np.ones(layer.ndim)
        if _is_axis_aligned(layer)
        else np.linalg.norm(_affine_matrix(layer)[:-1, :-1], axis=0)
    )
    sides = np.abs(layer.scale) * stretch
    y, x = (_in_unit(sides[i], layer.units[i], "micrometer") for i in (-2, -1))
    return None if y is None or x is None else PixelSize(y, x, "layer")


def frame_interval_of(layer: Layer) -> float | None:
    """Return the minutes between frames, or None where the layer does not say."""
    return _in_unit(layer.scale[0], layer.units[0], "minute") if layer.ndim == 3 else None


def current_frame(viewer: ViewerModel, frame: Placement, n_frames: int) -> int:
    """Return which frame of a movie with `n_frames` the viewer shows: the nearest, where it shows none."""
    if frame.ndim == 2 or viewer.dims.ndim < 3:
        return 0
    t = (viewer.dims.point[-3] - frame.translate[0]) / frame.scale[0]
    return int(min(max(round(t), 0), n_frames - 1))


def go_to_frame(viewer: ViewerModel, frame: Placement, t: int) -> None:
    """Let the viewer show a frame of a movie."""
    if frame.ndim == 3 and viewer.dims.ndim >= 3:
        viewer.dims.set_point(viewer.dims.ndim - 3, frame.translate[0] + t * frame.scale[0])


def placement_of(layer: Layer) -> Placement:
    """Return where results of this layer belong: on top of it."""
    missing = 3 - layer.ndim
    frame = Placement(
        scale=(1.0,) * missing + tuple(float(s) for s in layer.scale),
        translate=(0.0,) * missing + tuple(float(s) for s in layer.translate),
        units=("pixel",) * missing + tuple(str(u) for u in layer.units),
        ndim=layer.ndim,
    )
    if _is_axis_aligned(layer):
        return frame
    rows = tuple(tuple(float(value) for value in row) for row in _affine_matrix(layer))
    return AffinePlacement(**dataclasses.asdict(frame), affine=rows)


def _is_axis_aligned(layer: Layer) -> bool:
    """Return True if a layer is placed by its scale and translation alone."""
    turns = layer.rotate, layer.affine.affine_matrix
    return not np.any(layer.shear) and all(np.array_equal(turn, np.eye(len(turn))) for turn in turns)


def _affine_matrix(layer: Layer) -> Any:
    """Return the matrix from scaled pixels of a layer to napari's world, ``(ndim + 1, ndim + 1)``."""
    matrix = np.eye(layer.ndim + 1)
    matrix[:-1, -1] = layer.data_to_world(np.zeros(layer.ndim))
    for i, step in enumerate(np.eye(layer.ndim)):
        matrix[:-1, i] = (layer.data_to_world(step) - matrix[:-1, -1]) / layer.scale[i]
    return matrix


def problem_with(layer: Image) -> CellForceError | None:
    """Return why a layer cannot be predicted as it is, or None."""
    if layer.ndim in (2, 3) and "z" not in tuple(str(a).lower() for a in layer.axis_labels):
        return None
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
    if layer.ndim < 3 or _in_unit(1.0, layer.units[0], "micrometer") is None:
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
        if data_of(layer).shape != data_of(first).shape:
            raise CellForceError(
                f"{first.name} has shape {data_of(first).shape} and {layer.name} {data_of(layer).shape}",
                "the proteins of a cell must be imaged alike",
                "Choose channels of the same movie.",
                topic=Topic.CHANNEL,
            )
    channels = [as_dask(data_of(layer)) for layer in layers]
    ours = first.metadata.get(METADATA_KEY, {})
    return ImageStack(
        data=da.stack(channels, axis=1),
        channel_names=tuple(layer.name for layer in layers),
        pixel_size=pixel_size_of(first),
        frame_interval=frame_interval_of(first),
        name=str(ours.get("cell") or first.name),
        path=str(ours.get("path") or first.source.path or ""),
    )


def data_of(layer: Image | Labels) -> Any:
    """Return the layer's data at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def _in_unit(scale: float, unit: Any, target: str) -> float | None:
    """Return a scale in the target unit; None where the layer counts in pixels or something else."""
    if unit == _PIXEL:
        return None
    try:
        return float((float(scale) * unit).to(target).magnitude)
    except pint.DimensionalityError:
        return None
