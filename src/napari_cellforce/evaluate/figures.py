"""The pictures of an evaluation."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_cellforce.evaluate.scores import FrameScore
from napari_cellforce.evaluate.snapshots import Snapshot
from napari_cellforce.fields import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = ("|F| correlation", "angle error [°]", "vector R2", "R2, own scale")
_ARROWS = 14
"""Arrows along the longer side of a picture."""
_INCH = 2.1
_MEASURED = "measured"


def overview_figure(cells: pd.DataFrame) -> str:
    """Return the main figures of every model, a point a cell and a bar at their mean, as SVG text."""
    figure = _figure(12, 0.45 * cells["model"].nunique() + 1.6)
    names = list(dict.fromkeys(cells["model"]))
    for axes, quantity in zip(figure.subplots(1, len(_SHOWN), sharey=True), _SHOWN, strict=True):
        for i, name in enumerate(names):
            values = cells.loc[cells["model"] == name, quantity].dropna()
            axes.plot(values, [i] * len(values), "o", color="#4fc3f7", alpha=0.7, markersize=5)
            if len(values):
                axes.plot([values.mean()] * 2, [i - 0.3, i + 0.3], color="black", linewidth=2)
        axes.set_title(quantity, fontsize=10)
        axes.grid(axis="x", alpha=0.3)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis() if axes is figure.axes[0] else None
    return _svg(figure)


def gallery(snapshots: Sequence[Snapshot], scales: Mapping[str, float]) -> str:
    """Return a frame side by side: image, measured traction, and that of every model, in one colour scale.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        Of one frame, one a model.
    scales : mapping of str to float
        Pa of one unit of each model.

    Returns
    -------
    str
        A data URI of a PNG.
    """
    first = snapshots[0]
    fields = {_MEASURED: first.measured} | {
        snapshot.model: snapshot.predicted * np.float32(scales[snapshot.model])
        for snapshot in snapshots
        if snapshot.predicted is not None
    }
    inside = np.hypot(*first.measured)[first.mask]
    top = float(np.percentile(inside, 99.5)) if inside.size else 1.0
    height, width = first.mask.shape
    figure = _figure(_INCH * (len(fields) + 1), _INCH * height / width + 0.35)
    image, *others = np.atleast_1d(figure.subplots(1, len(fields) + 1))
    image.imshow(first.image, cmap="gray", vmax=float(np.percentile(first.image, 99.7)))
    _outline(image, first)
    image.set_title("image", fontsize=9)
    for axes, (name, field) in zip(others, fields.items(), strict=True):
        shown = axes.imshow(np.hypot(*field), cmap="inferno", vmin=0, vmax=top or 1.0)
        if field[0].any() and field[1].any():
            _arrows(axes, field, top)
        _outline(axes, first)
        axes.set_title(name, fontsize=9)
    figure.colorbar(shown, ax=list(others), label="|F| [Pa]", shrink=0.8, pad=0.01)
    for axes in (image, *others):
        axes.set_axis_off()
    return _png(figure)


def force_time_course(scores: Sequence[FrameScore], scales: Mapping[str, float]) -> str:
    """Return the total force of a cell over its frames, measured and by every model, as SVG text."""
    figure = _figure(6, 2.4)
    axes = figure.subplots()
    by_model: dict[str, list[FrameScore]] = {}
    for score in scores:
        by_model.setdefault(score.model, []).append(score)
    own = next(iter(by_model.values()))
    axes.plot([s.frame for s in own], [s.measured_force for s in own], "k-", linewidth=2, label=_MEASURED)
    for name, of_model in by_model.items():
        axes.plot(
            [s.frame for s in of_model], [scales[name] * s.predicted_force for s in of_model], label=name
        )
    axes.set_xlabel("frame")
    axes.set_ylabel("total force [nN]")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return _svg(figure)


def preview_picture(snapshot: Snapshot) -> str:
    """Return a frame's image and measured traction as a data URI of a PNG."""
    return gallery([snapshot], {})


def histogram(values: Sequence[float], label: str) -> str:
    """Return how often which values occur, as SVG text."""
    from matplotlib.ticker import MaxNLocator

    figure = _figure(4.5, 2)
    axes = figure.subplots()
    axes.hist(values, bins=min(20, max(5, len(values))), color="#2196d3")
    axes.set_xlabel(label)
    axes.set_ylabel("frames")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return _svg(figure)


def _figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches; matplotlib is loaded only where something is drawn."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", dpi=100)


def _outline(axes: Axes, snapshot: Snapshot) -> None:
    if snapshot.mask.any() and not snapshot.mask.all():
        axes.contour(snapshot.mask, [0.5], colors="#00d5ff", linewidths=0.8)


def _arrows(axes: Axes, field: FloatArray, top: float) -> None:
    """Draw arrows where the traction is strong; an arrow of the colour scale's end reaches the next one."""
    step = max(math.ceil(max(field.shape[1:]) / _ARROWS), 1)
    y, x = np.mgrid[step // 2 : field.shape[1] : step, step // 2 : field.shape[2] : step]
    v, u = field[:, y, x]
    strong = np.hypot(u, v) > 0.15 * top
    look = {"angles": "xy", "scale_units": "xy", "scale": (top or 1) / (1.5 * step), "width": 0.006}
    axes.quiver(x[strong], y[strong], u[strong], v[strong], color="white", **look)


def _png(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg")
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
