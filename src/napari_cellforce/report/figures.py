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
from napari_cellforce.layers import ArrowLook, Arrows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 320
"""Most pixels along a side of a thumbnail."""

_DPI = 100
_NICE_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Of a scale bar, in µm."""


@dataclass(frozen=True)
class Course:
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
    step = max(1, -(-max(image.shape) // _SIDE))
    magnitude = np.hypot(traction[Y], traction[X])[::step, ::step]
    image, inside = image[::step, ::step], mask[::step, ::step]
    figure, axes = _figure(7.8, 2.7, columns=3)
    for ax, title in zip(axes, (protein, f"|F| [{unit}]", "F"), strict=True):
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
    low, high = np.percentile(image, (1, 99.8))
    for ax in (axes[0], axes[2]):
        ax.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-9))
    shown = axes[1].imshow(magnitude, cmap="inferno", vmin=0, vmax=_upper(magnitude[inside]))
    figure.colorbar(shown, ax=axes[1], fraction=0.046, pad=0.03).ax.tick_params(labelsize=7)
    if inside.any() and not inside.all():
        for ax in axes[:2]:
            ax.contour(inside, levels=[0.5], colors="cyan", linewidths=0.7)
    _draw_arrows(axes[2], traction, step)
    _draw_scale_bar(axes[0], pixel_size.micron * step, image.shape[1])
    return _save(figure, path)


def plot_courses(courses: Sequence[Course], quantity: str, time_label: str) -> bytes:
    """Return a PNG of the total force of all inputs over time, one colour a condition."""
    figure, (ax,) = _figure(7.2, 3.2)
    colours = _colours(courses)
    for course in courses:
        colour = colours[course.condition]
        ax.plot(course.times, course.forces, "o-" if len(course.times) < 2 else "-", color=colour, lw=1, ms=4)
    for condition, colour in colours.items():
        if condition:
            ax.plot([], [], color=colour, label=condition)
    if any(colours):
        ax.legend(fontsize=8, frameon=False)
    _label(ax, time_label, quantity)
    return _png(figure)


def plot_conditions(courses: Sequence[Course], quantity: str) -> bytes:
    """Return a PNG of the mean total force of each input, by condition; a bar marks the median."""
    colours = _colours(courses)
    figure, (ax,) = _figure(max(3.0, 1.2 + 0.9 * len(colours)), 3.2)
    for i, (condition, colour) in enumerate(colours.items()):
        means = [course.mean for course in courses if course.condition == condition]
        # Spread sideways by rank, so that equal values stay apart and the picture is the same every time.
        places = i + np.linspace(-0.18, 0.18, len(means)) if len(means) > 1 else [i]
        ax.plot(places, sorted(means), "o", color=colour, ms=5, alpha=0.8)
        ax.hlines(np.median(means), i - 0.3, i + 0.3, color="black", lw=1.5)
    ax.set_xticks(range(len(colours)), [condition or "(none)" for condition in colours], fontsize=8)
    _label(ax, "", f"mean {quantity}")
    return _png(figure)


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure  # takes 0.3 s to load; without pyplot, which is not for threads

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def _colours(courses: Sequence[Course]) -> dict[str, str]:
    """Return a colour for each condition, in the order of their names."""
    return {name: f"C{i % 10}" for i, name in enumerate(sorted({course.condition for course in courses}))}


def _label(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x, fontsize=9)
    ax.set_ylabel(y, fontsize=9)
    ax.tick_params(labelsize=8)
    ax.set_ylim(bottom=0)
    ax.spines[["top", "right"]].set_visible(False)


def _upper(values: npt.NDArray[np.float32]) -> float:
    return float(np.percentile(values, 99.5)) or 1.0 if values.size else 1.0


def _draw_arrows(ax: Axes, traction: FloatArray, step: int) -> None:
    arrows = Arrows.of(traction[None], spacing=max(traction.shape[1:]) // 28)
    data, length, _ = arrows.drawn(ArrowLook(threshold=0.15 * arrows.reference, length=3.0), ndim=2)
    if len(data):
        (y, x), (dy, dx) = data[:, 0].T / step, data[:, 1].T / step
        ax.quiver(x, y, dx, dy, length, cmap="GnBu_r", angles="xy", scale_units="xy", scale=1, width=0.006)


def _draw_scale_bar(ax: Axes, micron: float, width: int) -> None:
    length = max((n for n in _NICE_LENGTHS if n / micron <= width / 3), default=_NICE_LENGTHS[0])
    ax.plot([width * 0.05, width * 0.05 + length / micron], [ax.get_ylim()[0] * 0.95] * 2, "w-", lw=2)
    ax.text(width * 0.05, ax.get_ylim()[0] * 0.92, f"{length} µm", color="white", fontsize=7)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _save(figure: Figure, path: Path) -> Path:
    with files.atomic_path(path) as temporary:
        temporary.write_bytes(_png(figure))
    return path
