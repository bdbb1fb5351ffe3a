"""Pictures of one cell and plots over many, made without a window and from any thread."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_cellforce import files
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize, X, Y
from napari_cellforce.layers import Arrows, ArrowStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 320
"""Most pixels along a side of a thumbnail."""

_DPI = 100
_PLOT_DPI = 200
"""Resolution of plots, which are shown at half that: sharp on any screen."""

_WIDTH = 7.8
"""Width of an overview in inches."""

_PITCH, _BAR_ROOM, _TITLE_ROOM = 1.03, 0.2, 0.1
"""From picture to picture, and room for colour bar and titles, in widths of a picture."""

_SPARKLINE_SIZE = (110, 22)
"""Width and height of a time series beside its numbers, in pixels."""

_NICE_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Lengths of a scale bar in µm."""


@dataclass(frozen=True)
class TimeSeries:
    """Total force of one input over time.

    Attributes
    ----------
    name : str
    condition : str
    times : tuple of float
        In minutes, or frame numbers where the file does not say.
    forces : tuple of float
        In the unit of the page.
    """

    name: str
    condition: str
    times: tuple[float, ...]
    forces: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the frames."""
        return float(np.mean(self.forces))


def draw_overview(
    path: Path,
    image: FloatArray,
    traction: FloatArray,
    mask: BoolArray,
    *,
    pixel_size: PixelSize,
    unit: str,
    protein: str,
) -> Path:
    """Write a PNG of one frame: the protein, the magnitude of the traction, and its arrows.

    Parameters
    ----------
    path : Path
    image : (Y, X) array
    traction : (2, Y, X) array
        (y, x), in `unit`.
    mask : (Y, X) bool array
        Its outline is drawn.
    pixel_size : PixelSize
    unit : str
        Of the traction.
    protein : str
        Name of the channel.
    """
    near = _crop_around(mask)
    image, traction, mask = image[near], traction[:, *near], mask[near]
    step = max(1, -(-max(image.shape) // _SIDE))
    magnitude = np.hypot(traction[Y], traction[X])[::step, ::step]
    image, inside = image[::step, ::step], mask[::step, ::step]
    height, width = image.shape
    panels = _Panels.of(height, width, (protein, f"|F| [{unit}]", "F"))
    low, high = np.percentile(image, (1, 99.8))
    for panel in (0, 2):
        panels.show(panel, image, "gray", low, max(high, low + 1e-9))
    top = _upper(magnitude[inside])
    panels.show(1, magnitude, "inferno", 0, top)
    panels.colour_bar(top)
    for panel in (0, 1):
        panels.outline(panel, inside)
    panels.arrows(2, traction, step)
    panels.scale_bar(0, pixel_size.micron * step)
    with files.atomic_path(path) as temporary:
        temporary.write_bytes(_png(panels.figure))
    return path


def plot_time_series(series: Sequence[TimeSeries], quantity: str, time_label: str) -> bytes:
    """Return a PNG of the total force of all inputs over time, one colour a condition."""
    figure, ax = _plot(7.2, 3.2)
    colours = _colours(series)
    for item in series:
        colour = colours[item.condition]
        ax.plot(item.times, item.forces, "o-" if len(item.times) < 2 else "-", color=colour, lw=1, ms=4)
    for condition, colour in colours.items():
        if condition:
            ax.plot([], [], color=colour, label=condition)
    if any(colours):
        ax.legend(fontsize=8, frameon=False)
    _label(ax, time_label, quantity)
    return _png(figure)


def plot_conditions(series: Sequence[TimeSeries], quantity: str) -> bytes:
    """Return a PNG of the mean total force of each input, by condition; a bar marks the median."""
    colours = _colours(series)
    figure, ax = _plot(max(3.0, 1.2 + 0.9 * len(colours)), 3.2)
    for i, (condition, colour) in enumerate(colours.items()):
        means = [item.mean for item in series if item.condition == condition]
        # Spread sideways by rank, so that equal values stay apart and the picture is the same every time.
        places = i + np.linspace(-0.18, 0.18, len(means)) if len(means) > 1 else [i]
        ax.plot(places, sorted(means), "o", color=colour, ms=5, alpha=0.8)
        ax.hlines(np.median(means), i - 0.3, i + 0.3, color="black", lw=1.5)
    ax.set_xticks(range(len(colours)), [condition or "(none)" for condition in colours], fontsize=8)
    _label(ax, "", f"mean {quantity}")
    return _png(figure)


def sparkline(values: Sequence[float]) -> str:
    """Return an SVG of a time series, as high as a line of text, from 0 to its maximum."""
    if len(values) < 2 or not np.isfinite(values).all():
        return ""
    width, height = _SPARKLINE_SIZE
    x = np.linspace(1, width - 1, len(values))
    y = height - 1 - (height - 2) * np.asarray(values) / (max(values) or 1)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="time series">'
        f'<polyline points="{points}" fill="none" stroke="#0b8ec2" stroke-width="1.4"/></svg>'
    )


@dataclass(frozen=True)
class _Panels:
    """Pictures side by side in one set of axes: several sets would take matplotlib five times as long.

    Attributes
    ----------
    figure : Figure
    ax : Axes
        In pixels of the pictures.
    height, width : int
        Of a picture.
    """

    figure: Figure
    ax: Axes
    height: int
    width: int

    @classmethod
    def of(cls, height: int, width: int, titles: Sequence[str]) -> _Panels:
        """Make room for a picture under each title."""
        span, top = len(titles) * _PITCH * width + _BAR_ROOM * width, _TITLE_ROOM * width
        figure = _figure(_WIDTH, _WIDTH * (height + top) / span)
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        panels = cls(figure, ax, height, width)
        for i, title in enumerate(titles):
            ax.text(panels.left(i), -0.25 * top, title, fontsize=9)
        ax.set_xlim(0, span)
        ax.set_ylim(height, -top)
        return panels

    def left(self, panel: int) -> float:
        """Return the left edge of a picture; the colour bar stands between the second and the third."""
        return panel * _PITCH * self.width + (_BAR_ROOM * self.width if panel == 2 else 0)

    def show(self, panel: int, image: FloatArray, colormap: str, low: float, high: float) -> None:
        """Show a picture."""
        self._show(image, (self.left(panel), self.width), colormap, low, high)

    def colour_bar(self, top: float) -> None:
        """Put a bar from 0 to `top` to the right of the second picture."""
        left = self.left(1) + 1.02 * self.width
        self._show(
            np.linspace(1, 0, 64, dtype=np.float32)[:, None], (left, 0.05 * self.width), "inferno", 0, 1
        )
        for share in (0, 0.5, 1):
            y = (0.97 - 0.94 * share) * self.height
            self.ax.text(left + 0.07 * self.width, y, f"{share * top:.3g}", fontsize=7, va="center")

    def outline(self, panel: int, inside: BoolArray) -> None:
        """Draw the edge of the cell, if it has one."""
        if inside.any() and not inside.all():
            y, x = np.arange(self.height) + 0.5, np.arange(self.width) + 0.5 + self.left(panel)
            self.ax.contour(x, y, inside, levels=[0.5], colors="cyan", linewidths=0.7)

    def arrows(self, panel: int, traction: FloatArray, step: int) -> None:
        """Draw the longer arrows of a field, ``(2, Y, X)`` with pixels `step` times smaller."""
        arrows = Arrows.of(traction[None], spacing=max(traction.shape[1:]) // 28)
        style = ArrowStyle(threshold=0.15 * arrows.reference, length=3.0)
        data, length, _ = arrows.to_vectors(style, ndim=2)
        if len(data):
            (y, x), (dy, dx) = (data[:, 0].T + 0.5) / step, data[:, 1].T / step
            options: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.0022}
            self.ax.quiver(x + self.left(panel), y, dx, dy, length, cmap="GnBu_r", **options)

    def scale_bar(self, panel: int, micron: float) -> None:
        """Draw a bar of a round length; `micron` is the side of a pixel in µm."""
        length = max((n for n in _NICE_LENGTHS if n / micron <= self.width / 3), default=_NICE_LENGTHS[0])
        left, y = self.left(panel) + 0.05 * self.width, 0.95 * self.height
        self.ax.plot([left, left + length / micron], [y, y], "w-", lw=2)
        self.ax.text(left, y - 0.03 * self.height, f"{length} µm", color="white", fontsize=7)

    def _show(
        self, image: FloatArray, across: tuple[float, float], colormap: str, low: float, high: float
    ) -> None:
        left, width = across
        extent = (left, left + width, self.height, 0)
        self.ax.imshow(image, cmap=colormap, vmin=low, vmax=high, extent=extent, aspect="auto")


def _figure(width: float, height: float, **options: Any) -> Figure:
    from matplotlib.figure import Figure  # takes 0.3 s to load; without pyplot, which is not for threads

    return Figure(figsize=(width, height), dpi=_DPI, **options)


def _plot(width: float, height: float) -> tuple[Figure, Axes]:
    figure = _figure(width, height, layout="constrained")
    figure.set_dpi(_PLOT_DPI)
    return figure, figure.subplots()


def _colours(series: Sequence[TimeSeries]) -> dict[str, str]:
    """Return a colour for each condition, in the order of their names."""
    return {name: f"C{i % 10}" for i, name in enumerate(sorted({item.condition for item in series}))}


def _label(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x, fontsize=9)
    ax.set_ylabel(y, fontsize=9)
    ax.tick_params(labelsize=8)
    # From zero: a force that changes by 2 % shall not look as if it collapsed.
    ax.set_ylim(0, ax.dataLim.y1 * 1.08 or 1)
    ax.spines[["top", "right"]].set_visible(False)


def _crop_around(mask: BoolArray) -> tuple[slice, slice]:
    """Return the square around the cell, with some room, as far as the image goes."""
    cells = np.argwhere(mask)
    if not len(cells):
        return slice(None), slice(None)
    low, high = cells.min(axis=0), cells.max(axis=0) + 1
    half = int(0.6 * (high - low).max()) + 1
    starts = np.maximum((low + high) // 2 - half, 0).tolist()
    return slice(starts[0], starts[0] + 2 * half), slice(starts[1], starts[1] + 2 * half)


def _upper(values: npt.NDArray[np.float32]) -> float:
    return float(np.percentile(values, 99.5)) or 1.0 if values.size else 1.0


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure")
    return buffer.getvalue()
