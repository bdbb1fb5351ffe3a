"""Layers of a comparison: both fields on a common scale, alternating display, and difference maps."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.experimental import link_layers
from napari.layers import Image, Layer
from qtpy.QtCore import QObject, QTimer, Signal

from napari_cellforce.compare import Comparison
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize, ShortRepr, VectorField
from napari_cellforce.io.temp_arrays import MEMORY_LIMIT_EACH, allocate
from napari_cellforce.layers import (
    DEFAULT_THRESHOLD,
    METADATA_KEY,
    ArrowStyle,
    LayerLabel,
    MagnitudeStyle,
    Placement,
    magnitude_layer,
)
from napari_cellforce.widgets.shared.live_arrows import LiveArrows
from napari_cellforce.widgets.shared.measured_fields import COMPARED, DisplayedField, origin_of, place_beside

A, B, DIFFERENCE, ANGLE, RATIO = "A", "B", "B − A", "angle from A to B", "ratio |B| / |A|"
VIEWS = (A, B, DIFFERENCE, ANGLE, RATIO)
BLINK = 700
"""Milliseconds that each field is shown; slow enough to be safe with photosensitivity."""

_LARGEST_RATIO = 2.0
"""Limit of the colour scale in powers of two."""


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonStacks(ShortRepr):
    """All frames of a comparison as stacks for layers.

    Attributes
    ----------
    fields : dict
        A, B and their difference, (T, 2, Y, X), 0 outside the cell.
    mask : (T, Y, X) bool array
    angle, log_ratio : (T, Y, X) arrays
        Angle in degrees, and log2 of the ratio.
    """

    fields: dict[str, FloatArray]
    mask: BoolArray
    angle: FloatArray
    log_ratio: FloatArray

    @classmethod
    def of(cls, comparison: Comparison) -> ComparisonStacks:
        """Stack the frames; call it in a thread, long movies take some time."""
        shape = (len(comparison.frames), *comparison.frames[0].pair.mask.shape)
        vectors = (shape[0], 2, *shape[1:])
        fields = {which: allocate(vectors, memory_limit=MEMORY_LIMIT_EACH) for which in (A, B, DIFFERENCE)}
        mask, (angle, ratio) = allocate(shape, bool), (allocate(shape) for _ in range(2))
        for t, frame in enumerate(comparison.frames):
            pair, maps = frame.pair, frame.maps
            mask[t], angle[t] = pair.mask, maps.angle
            ratio[t] = np.log2(np.where(maps.ratio > 0, maps.ratio, np.nan))
            shown: dict[str, Any] = {A: pair.first, B: pair.second, DIFFERENCE: maps.difference}
            for which, values in shown.items():
                fields[which][t] = np.where(mask[t], values, 0)
        return cls(fields, mask, angle, ratio)


class ComparisonLayers(QObject):
    """The layers of the last comparison, of which one view is visible at a time.

    Parameters
    ----------
    viewer : ViewerModel
    arrow_style : ArrowStyle
    parent : QObject, optional

    Signals
    -------
    turned : str
        Another view is shown.
    """

    view_changed = Signal(str)

    def __init__(self, viewer: ViewerModel, arrow_style: ArrowStyle, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer, self._arrow_style = viewer, arrow_style
        self._layers: dict[str, list[Layer]] = {}
        self._view = A
        self._timer = QTimer(self)
        self._timer.setInterval(BLINK)
        self._timer.timeout.connect(lambda: self.show_view(B if self._view == A else A))

    @property
    def view(self) -> str:
        """The visible view, one of `VIEWS`."""
        return self._view

    @property
    def blinking(self) -> bool:
        """True while A and B alternate."""
        return bool(self._timer.isActive())

    def layers(self, view: str) -> list[Layer]:
        """Return the layers of a view that are in the viewer."""
        return [layer for layer in self._layers.get(view, []) if layer in self._viewer.layers]

    def show(
        self, comparison: Comparison, stacks: ComparisonStacks, first: DisplayedField, second: DisplayedField
    ) -> None:
        """Show a comparison, replacing the previous one; the layers of the fields are hidden."""
        self._remove()
        for layer in (*first.layers, *second.layers):
            layer.visible = False
        coarse = (
            first if np.isclose(comparison.frames[0].pair.spacing, first.field.pixel_size.micron) else second
        )
        fields = [_field(comparison, stacks, which, coarse) for which in (A, B, DIFFERENCE)]
        place = place_beside(first, fields[0], origin_of(coarse.field), still=len(comparison.frames) == 1)
        top = comparison.overview.top
        active = self._viewer.layers.selection.active
        for view, field in zip((A, B, DIFFERENCE), fields, strict=True):
            self._layers[view] = self._vectors(view, field, place, top)
        link_layers([layers[0] for layers in self._layers.values()], ("contrast_limits",))
        self._layers[ANGLE] = [_map(stacks.angle, "angle from A to B [°]", place, 180.0)]
        self._layers[RATIO] = [_map(stacks.log_ratio, "log2 |B| / |A|", place, _LARGEST_RATIO)]
        self._viewer.layers.extend([layer for layers in self._layers.values() for layer in layers])
        self._viewer.layers.selection.active = active
        self._viewer.canvas.overlays.scale_bar.visible = True
        self.show_view(A)

    def show_view(self, view: str) -> None:
        """Show the layers of one view and hide those of the others."""
        self._view = view
        for name in self._layers:
            for layer in self.layers(name):
                layer.visible = name == view
        self.view_changed.emit(view)

    def blink(self, on: bool) -> None:
        """Start or stop alternating between A and B."""
        if on and self._layers:
            self._timer.start()
            self.show_view(B if self._view == A else A)
        else:
            self._timer.stop()

    def _remove(self) -> None:
        self._timer.stop()
        for view in VIEWS:
            for layer in self.layers(view):
                self._viewer.layers.remove(layer)
        self._layers = {}

    def _vectors(self, view: str, field: VectorField, place: Placement, top: float) -> list[Layer]:
        label = LayerLabel(field.name, "", {COMPARED: True})
        magnitude = Layer.create(*magnitude_layer(field, place, label, MagnitudeStyle()))
        symbol = f"|{view}|" if view == DIFFERENCE else f"{view}: |F|"
        magnitude.name = f"{symbol} [{field.unit}]"
        magnitude.contrast_limits = (0.0, top)
        magnitude.colorbar.visible = True
        arrow_style = dataclasses.replace(self._arrow_style, threshold=DEFAULT_THRESHOLD * top)
        arrows = LiveArrows(self._viewer, field, place, label, arrow_style, top).layer
        arrows.name = f"{view} [{field.unit}]" if view == DIFFERENCE else f"{view}: F [{field.unit}]"
        return [magnitude, arrows]


def _field(
    comparison: Comparison, stacks: ComparisonStacks, which: str, coarse: DisplayedField
) -> VectorField:
    """Return A, B or their difference on the common grid."""
    return VectorField(
        stacks.fields[which],
        coarse.field.quantity,
        comparison.unit,  # type: ignore[arg-type]
        PixelSize.square(comparison.frames[0].pair.spacing),
        coarse.field.frame_interval,
        mask=stacks.mask,
        name={A: comparison.names[0], B: comparison.names[1]}.get(which, which),
    )


def _map(data: Any, name: str, place: Placement, limit: float) -> Image:
    """Return a map with colours centred on 0, cyclic for angles, and transparent where undefined."""
    layer = Image(
        place.fit(data),
        **place.attributes,
        name=name,
        colormap="twilight_shifted" if limit == 180 else "coolwarm",
        contrast_limits=(-limit, limit),
        metadata={METADATA_KEY: {"role": "scalar", COMPARED: True}},
    )
    layer.colorbar.visible = True
    return layer
