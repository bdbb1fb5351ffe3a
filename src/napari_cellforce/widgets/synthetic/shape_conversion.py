"""From Shapes and Labels layers to outlines and adhesions in µm, and back."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Labels, Layer, Shapes
from skimage.measure import approximate_polygon

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, PixelSize
from napari_cellforce.layers import LayerLabel, Placement
from napari_cellforce.synthetic import Adhesions, Outline
from napari_cellforce.synthetic.outline import Array
from napari_cellforce.viewer.coordinates import to_micron
from napari_cellforce.widgets.synthetic.cell_layers import BY_HAND

INTENSITY = "intensity"
"""Column of a Shapes layer's features that holds how bright each adhesion is."""

ADHESIONS = "adhesions"
"""Role of layers that adhesions are drawn in."""

_BRIGHTEST = 1000.0
_CYAN, _YELLOW = "#00e5ff", "#ffd54f"
_ELLIPSE_POINTS = 120
_HANDLES_PER_RADIUS = 0.02
"""How far an outline made editable may move, relative to the root of the cell's area."""


def outline_of(layer: Shapes, pixel_size: float, *, smooth: bool = False) -> Outline:
    """Return the outline drawn in a layer, in µm.

    Parameters
    ----------
    layer : Shapes
        With one shape.
    pixel_size : float
        In µm; what a pixel of a layer without units stands for.
    smooth : bool
        Round off the corners of polygons and paths.

    Raises
    ------
    CellForceError
        If the layer does not hold exactly one outline, or it is open or crosses itself.
    """
    if len(layer.data) != 1:
        raise CellForceError(
            f"the layer “{layer.name}” has {len(layer.data)} shapes",
            "it must hold the outline of the cell and nothing else",
            "Draw one polygon, ellipse or closed path, and delete others.",
            topic=Topic.OUTLINE,
        )
    kind, points = layer.shape_type[0], to_micron(layer, layer.data[0], pixel_size)
    if kind == "ellipse":
        return Outline(_ellipse_points(points))
    corners = kind in ("polygon", "path")
    return Outline.from_drawing(points, closed=kind not in ("path", "line"), smooth=smooth and corners)


def painted_outline(painted: BoolArray, layer: Labels, pixel_size: float) -> Outline:
    """Return the outline, in µm, of what is painted in one plane ``(Y, X)`` of a layer; see `outline_of`."""
    in_pixels = Outline.from_mask(painted, 1.0)
    return Outline(to_micron(layer, in_pixels.points, pixel_size))


def adhesions_of(
    layer: Shapes, centre: Array, pixel_size: float, *, width: float, intensity: float = 1.0
) -> Adhesions:
    """Return the adhesions drawn in a Shapes layer: lines (their length is meant), ellipses, rectangles.

    Parameters
    ----------
    layer : Shapes
        The column ``intensity`` of its features, if there is one, says how bright each is.
    centre : (2,) array
        Of the cell, (y, x) in µm: adhesions point towards it.
    pixel_size : float
        In µm; what a pixel of a layer without units stands for.
    width : float
        Of those drawn as lines, in µm.
    intensity : float
        Factor on that of the features.

    Raises
    ------
    CellForceError
        If the layer holds other shapes.
    """
    rows = [
        _axes(kind, to_micron(layer, points, pixel_size), width)
        for kind, points in zip(layer.shape_type, layer.data, strict=True)
    ]
    middle, length, widths, angle = (
        (np.array(part) for part in zip(*rows, strict=True))
        if rows
        else (np.empty((0, 2)), *np.empty((3, 0)))
    )
    inward = np.arctan2(*(centre - middle).T)
    angle = np.where(np.cos(angle - inward) < 0, angle + math.pi, angle)
    return Adhesions(middle, length, widths, angle, intensity * _intensities(layer))


def outline_layer(outline: Outline | None, pixel_size: float) -> Layer:
    """Return a Shapes layer to draw an outline in; with the corners of `outline` to be moved, if given."""
    shapes: list[Array] = []
    if outline is not None:
        tolerance = _HANDLES_PER_RADIUS * math.sqrt(outline.area)
        ring = np.concatenate([outline.points, outline.points[:1]])
        shapes = [approximate_polygon(ring, tolerance)[:-1] / pixel_size]
    return _shapes(
        shapes,
        "polygon",
        pixel_size,
        f"outline {BY_HAND}",
        "mask",
        edge_color=_CYAN,
        edge_width=1 / pixel_size,
    )


def adhesion_layer(adhesions: Adhesions | None, pixel_size: float, width: float) -> Layer:
    """Return a Shapes layer to draw adhesions in; with `adhesions` as lines to be moved, if given.

    `width` of new lines, in µm, is only how they are shown.
    """
    shapes: list[Array] = []
    intensity = np.ones(0)
    if adhesions is not None:
        half = np.stack([np.sin(adhesions.angle), np.cos(adhesions.angle)], axis=1)
        half *= adhesions.length[:, None] / 2
        shapes = list(np.stack([adhesions.centre - half, adhesions.centre + half], axis=1) / pixel_size)
        intensity = adhesions.intensity
    layer = _shapes(
        shapes,
        "line",
        pixel_size,
        f"adhesions {BY_HAND}",
        ADHESIONS,
        edge_color=_YELLOW,
        edge_width=width / pixel_size,
    )
    layer.features = {INTENSITY: intensity}
    layer.feature_defaults = {INTENSITY: 1.0}
    return layer


def paint_layer(shape: tuple[int, int], outline: Outline | None, pixel_size: float) -> Layer:
    """Return a Labels layer to paint a cell in; with `outline` filled, if given."""
    painted = np.zeros(shape, np.uint8)
    if outline is not None:
        painted[outline.mask(shape, pixel_size)] = 1
    frame = _frame(pixel_size)
    label = LayerLabel(BY_HAND)
    attributes = {"name": label.name("cell painted"), "metadata": label.metadata("mask"), "opacity": 0.4}
    return Layer.create(painted, {**frame.attributes, **attributes}, "labels")


def _shapes(
    shapes: list[Array], kind: str, pixel_size: float, name: str, role: str, **appearance: Any
) -> Layer:
    metadata = LayerLabel(name).metadata(role)
    attributes = {
        **_frame(pixel_size).attributes,
        **appearance,
        "name": name,
        "ndim": 2,
        "face_color": "transparent",
        "opacity": 0.7,
        "metadata": metadata,
    }
    return Layer.create(shapes, {**attributes, "shape_type": kind}, "shapes")


def _frame(pixel_size: float) -> Placement:
    frame = Placement.of(PixelSize.square(pixel_size), None)
    return dataclasses.replace(frame, ndim=2)


def _ellipse_points(corners: Array) -> Array:
    """Return points on the ellipse inside a (turned) rectangle given by its four corners."""
    centre = corners.mean(axis=0)
    half_a, half_b = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    angle = np.linspace(0, 2 * math.pi, _ELLIPSE_POINTS, endpoint=False)[:, None]
    points: Array = centre + np.cos(angle) * half_a + np.sin(angle) * half_b
    return points


def _axes(kind: str, points: Array, width: float) -> tuple[Array, float, float, float]:
    """Return centre, length, width and direction of one drawn adhesion."""
    if kind in ("line", "path"):
        step = points[-1] - points[0]
        return points[[0, -1]].mean(axis=0), float(np.hypot(*step)), width, math.atan2(*step)
    if kind in ("ellipse", "rectangle"):
        sides = sorted((points[1] - points[0], points[3] - points[0]), key=lambda side: -np.hypot(*side))
        return points.mean(axis=0), *(float(np.hypot(*side)) for side in sides), math.atan2(*sides[0])
    raise CellForceError(
        f"an adhesion is drawn as a {kind}",
        "adhesions are lines or ellipses",
        "Delete it, and draw a line or an ellipse.",
        topic=Topic.ADHESIONS,
    )


def _intensities(layer: Shapes) -> Array:
    """Return the intensity of each shape; 1 where the layer does not say."""
    if INTENSITY not in layer.features:
        return np.ones(len(layer.data))
    intensities = layer.features[INTENSITY].fillna(1.0)
    values: Array = pd.to_numeric(intensities, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~((values >= 0) & (values <= _BRIGHTEST))
    if wrong.any():
        raise CellForceError(
            f"an adhesion in the layer “{layer.name}” has the {INTENSITY} {intensities[wrong].iloc[0]}",
            f"it is a number from 0 to {_BRIGHTEST:g}; 1 is typical",
            "Correct it in the layer's features (Layers > Visualize > Features table widget).",
            topic=Topic.ADHESIONS,
        )
    return values
