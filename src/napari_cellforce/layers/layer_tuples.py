"""Fields to napari layer tuples: what a result looks like, decided here and without napari.

A layer tuple is ``(data, attributes, layer type)``, as napari's readers return it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_cellforce.fields import BoolArray, FloatArray, ImageStack, PixelSize, ScalarField, VectorField
from napari_cellforce.layers.arrows import Arrows, ArrowStyle
from napari_cellforce.layers.lazy_arrays import Edges, Magnitude

METADATA_KEY = "cellforce"
"""Where our layers keep what they are in napari's ``layer.metadata``."""


@dataclass(frozen=True)
class Placement:
    """Where layers sit in napari's world: copied from the input layer, or made from a field.

    Attributes
    ----------
    scale, translate : tuple of 3 float
        Along (T, Y, X).
    units : tuple of 3 str
        Pint names, for example ``("minute", "micrometer", "micrometer")``.
    ndim : int
        3 for movies; 2 if the input layer is a single image.
    affine : nested tuple of float
        ``(ndim + 1, ndim + 1)``, from scaled pixels to napari's world, the translation included, for layers
        that are turned or mirrored; empty for all others.
    """

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    translate: tuple[float, float, float] = (0.0, 0.0, 0.0)
    units: tuple[str, str, str] = ("pixel", "pixel", "pixel")
    ndim: int = 3
    affine: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, pixel_size: PixelSize | None, frame_interval: float | None) -> Placement:
        """Return the frame of data with that pixel size (µm) and frame interval (minutes), where known."""
        if pixel_size is not None and pixel_size.known:
            space, length = (pixel_size.y, pixel_size.x), "micrometer"
        else:
            space, length = (1.0, 1.0), "pixel"
        time, clock = (1.0, "pixel") if frame_interval is None else (frame_interval, "minute")
        return cls((time, *space), units=(clock, length, length))

    @property
    def attributes(self) -> dict[str, Any]:
        """All that places a layer, and its axis labels, as napari's layers take them."""
        last = slice(3 - self.ndim, 3)
        turn = {"affine": np.array(self.affine)} if self.affine else {}
        return {
            "scale": self.scale[last],
            "translate": self.translate[last],
            "units": self.units[last],
            "axis_labels": ("t", "y", "x")[last],
            **turn,
        }

    def without_time(self) -> Placement:
        """Return the place of one frame: the time axis is left out, if there is one."""
        if self.ndim == 2:
            return self
        return dataclasses.replace(self, ndim=2, affine=tuple(row[1:] for row in self.affine[1:]))

    def fit(self, data: Any) -> Any:
        """Drop the time axis of ``(1, Y, X)`` data where the input layer has none."""
        return data[0] if self.ndim == 2 else data


@dataclass(frozen=True)
class LayerLabel:
    """What a layer is of: goes into its name and metadata."""

    cell: str
    model: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def name(self, what: str) -> str:
        """Return the layer's name: what, of which cell, by which model."""
        return f"{what} {self.cell}" + (f" ({self.model})" if self.model else "")

    def metadata(self, role: str, **entries: Any) -> dict[str, Any]:
        """Return the layer's metadata under our own key."""
        return {METADATA_KEY: {"role": role, "cell": self.cell, "model": self.model, **self.extra, **entries}}


# Ten steps of matplotlib's inferno (van der Walt & Smith, CC0), red, green and blue.
_INFERNO = (
    (0.001, 0.000, 0.014),
    (0.087, 0.045, 0.225),
    (0.258, 0.039, 0.406),
    (0.416, 0.090, 0.433),
    (0.578, 0.148, 0.404),
    (0.736, 0.216, 0.330),
    (0.866, 0.317, 0.226),
    (0.955, 0.464, 0.099),
    (0.988, 0.645, 0.040),
    (0.961, 0.840, 0.260),
    (0.988, 0.998, 0.645),
)
_OPAQUE_FROM = 0.4

TRANSPARENT_INFERNO = {
    "name": "inferno, clear at 0",
    "colors": tuple(
        (*rgb, min(i / (len(_INFERNO) - 1) / _OPAQUE_FROM, 1.0)) for i, rgb in enumerate(_INFERNO)
    ),
}
"""Inferno that lets the image below be seen where there is no force."""

DEFAULT_THRESHOLD = 0.1
"""Shortest arrows drawn unless the user asks, as a part of the longest."""

LayerTuple = tuple[Any, dict[str, Any], str]

# Proteins in the order of their channels.
_CHANNEL_COLOURS = ("gray", "magenta", "green", "cyan", "yellow")


@dataclass(frozen=True)
class MagnitudeStyle:
    """How the length of the traction is shown."""

    colormap: Any = field(default_factory=lambda: TRANSPARENT_INFERNO)
    opacity: float = 0.85
    blending: str = "translucent"


def image_layers(stack: ImageStack) -> list[LayerTuple]:
    """Return one Image layer a channel, with contrast limits that fit the first frame."""
    frame = Placement.of(stack.pixel_size, stack.frame_interval)
    colours = _CHANNEL_COLOURS * (1 + len(stack.channel_names) // len(_CHANNEL_COLOURS))
    label = LayerLabel(stack.name)
    several = len(stack.channel_names) > 1
    return [
        (
            stack.data[:, c],
            {
                **frame.attributes,
                "name": f"{stack.name} {channel}",
                "colormap": colours[c],
                "blending": "additive" if several else "translucent",
                "contrast_limits": contrast_limits(stack.frame(0, (c,))),
                "metadata": label.metadata(
                    "image", channel=channel, path=stack.path, notes=stack.notes, planes=stack.n_planes
                ),
            },
            "image",
        )
        for c, channel in enumerate(stack.channel_names)
    ]


def magnitude_layer(
    traction: VectorField, frame: Placement, label: LayerLabel, style: MagnitudeStyle | None = None
) -> LayerTuple:
    """Return the length of the vectors as an Image layer.

    Parameters
    ----------
    traction : VectorField
        Kept in the metadata, so that the layer can be saved in full.
    frame : Placement
    label : LayerLabel
    style : MagnitudeStyle, optional
    """
    style = style or MagnitudeStyle()
    magnitude = Magnitude(traction.data)
    symbol = "|F|" if traction.quantity == "traction" else "|u|"
    attributes = {
        **frame.attributes,
        "name": label.name(f"{symbol} [{traction.unit}]"),
        "colormap": style.colormap,
        "opacity": style.opacity,
        "blending": style.blending,
        "contrast_limits": (0.0, upper_limit(magnitude[0])),
        "rgb": False,
        "multiscale": False,
        "metadata": label.metadata("magnitude", field=traction, unit=traction.unit),
    }
    return (magnitude[0] if frame.ndim == 2 else magnitude), attributes, "image"


def arrow_layer(
    traction: VectorField,
    arrows: Arrows,
    frame: Placement,
    label: LayerLabel,
    style: ArrowStyle | None = None,
) -> LayerTuple:
    """Return the vectors as a Vectors layer, coloured by their length."""
    style = style or ArrowStyle(threshold=DEFAULT_THRESHOLD * arrows.reference)
    symbol = "F" if traction.quantity == "traction" else "u"
    data, magnitude, angle = arrows.to_vectors(style, frame.ndim)
    attributes = {
        **frame.attributes,
        "name": label.name(f"{symbol} [{traction.unit}]"),
        "features": arrow_features(magnitude, angle, traction),
        "edge_color": _length_name(traction),
        "edge_colormap": style.colormap,
        "edge_contrast_limits": (0.0, arrows.reference),
        "edge_width": style.width * arrows.spacing,
        "vector_style": "arrow",
        "opacity": 1.0,
        "metadata": label.metadata("arrows", field=traction, unit=traction.unit),
    }
    return data, attributes, "vectors"


def arrow_features(magnitude: FloatArray, angle: FloatArray, traction: VectorField) -> dict[str, FloatArray]:
    """Return the table that colours the arrows and is shown under the cursor."""
    return {_length_name(traction): magnitude, "direction [°, counter-clockwise]": angle}


def mask_layer(mask: Any, frame: Placement, label: LayerLabel) -> LayerTuple:
    """Return a mask ``(T, Y, X)`` as a Labels layer in cyan, which a panel draws as an outline."""
    attributes = {
        **frame.attributes,
        "name": label.name("outline"),
        "colormap": {None: "transparent", 0: "transparent", 1: "cyan"},
        "opacity": 0.9,
        "metadata": label.metadata("outline"),
    }
    return frame.fit(mask), attributes, "labels"


def scalar_layer(scalar: ScalarField, frame: Placement, label: LayerLabel) -> LayerTuple:
    """Return a scalar field: inferno from 0 if it has one sign, else a diverging map centred on 0."""
    first = np.asarray(scalar.data[0])
    limit = upper_limit(np.abs(first))
    signed = bool((first < 0).any())
    unit = f" [{scalar.unit}]" if scalar.unit else ""
    attributes = {
        **frame.attributes,
        "name": label.name(f"{scalar.name}{unit}"),
        "colormap": "coolwarm" if signed else "inferno",
        "contrast_limits": (-limit if signed else 0.0, limit),
        "blending": "translucent",
        "visible": False,
        "metadata": label.metadata("scalar", name=scalar.name, unit=scalar.unit),
    }
    return frame.fit(scalar.data), attributes, "image"


def field_layers(traction: VectorField) -> list[LayerTuple]:
    """Return magnitude, arrows and (where known) outline of a field read from a file."""
    frame = Placement.of(traction.pixel_size, traction.frame_interval)
    label = LayerLabel(traction.name, traction.provenance.model)
    layers = [
        magnitude_layer(traction, frame, label),
        arrow_layer(traction, Arrows.of(traction.data), frame, label),
    ]
    if traction.mask is not None:
        # Readers cannot ask napari for contours, so the file's mask comes as its edge.
        layers.append(mask_layer(Edges(traction.mask), frame, label))
    return layers


def contrast_limits(image: FloatArray) -> tuple[float, float]:
    """Return limits that show the bulk of an image: the 1st and the 99.8th percentile."""
    finite = image[np.isfinite(image)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(finite, (1, 99.8)))
    return (low, high) if high > low else (low, low + 1.0)


def upper_limit(magnitude: FloatArray | BoolArray) -> float:
    """Return an upper contrast limit: the 99.5th percentile of what is finite and not zero."""
    present = magnitude[(magnitude > 0) & np.isfinite(magnitude)]
    return float(np.percentile(present, 99.5)) if present.size else 1.0


def _length_name(traction: VectorField) -> str:
    return f"{traction.quantity} [{traction.unit}]"
