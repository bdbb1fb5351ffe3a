"""Figures of a comparison, drawn with matplotlib without a window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_cellforce.files import atomic_path

if TYPE_CHECKING:
    from napari_cellforce.compare.job import Comparison

_ARROWS = 32


def save_figures(comparison: Comparison, stem: Path, formats: tuple[str, ...]) -> list[Path]:
    """Write ``STEM_maps``, ``STEM_agreement`` and ``STEM_profile`` in each format; returns the paths."""
    from matplotlib.figure import Figure  # takes 0.3 s to load

    written = []
    for name, draw in (("maps", _maps), ("agreement", _agreement), ("profile", _profile)):
        figure = Figure(figsize=(12, 7 if name == "maps" else 4), layout="constrained")
        draw(figure, comparison)
        for suffix in formats:
            path = stem.with_name(f"{stem.name}_{name}.{suffix}")
            with atomic_path(path) as temporary:
                figure.savefig(temporary, format=suffix, dpi=120)
            written.append(path)
    return written


def _maps(figure: Any, comparison: Comparison) -> None:
    """Draw both fields on one scale, and their difference, angle and ratio; the first frame."""
    frame = comparison.frames[0]
    pair, maps = frame.pair, frame.maps
    sizes = [np.where(pair.mask, np.hypot(*field), np.nan) for field in (pair.first, pair.second)]
    top = float(np.nanpercentile(np.stack(sizes), 99.5))
    extent = (0, pair.mask.shape[1] * pair.spacing, pair.mask.shape[0] * pair.spacing, 0)
    unit = comparison.unit
    panels = [
        (f"|A| {comparison.names[0]} [{unit}]", sizes[0], "inferno", 0, top, pair.first),
        (f"|B| {comparison.names[1]} [{unit}]", sizes[1], "inferno", 0, top, pair.second),
        (f"|B - A| [{unit}]", maps.length, "inferno", 0, top, None),
        ("angle from A to B [°]", maps.angle, "twilight_shifted", -180, 180, None),
        ("|B| / |A|, log2", np.log2(np.where(maps.ratio > 0, maps.ratio, np.nan)), "coolwarm", -2, 2, None),
    ]
    axes = figure.subplots(2, 3).ravel()
    for axis, (title, values, colours, low, high, arrows) in zip(axes, panels, strict=False):
        image = axis.imshow(values, cmap=colours, vmin=low, vmax=high, extent=extent, interpolation="nearest")
        figure.colorbar(image, ax=axis, shrink=0.8)
        axis.set(title=title, xlabel="x [µm]", ylabel="y [µm]", **_limits(pair.mask, pair.spacing))
        if arrows is not None:
            _draw_arrows(axis, arrows, pair.mask, pair.spacing, top)
    axes[-1].set_axis_off()
    lines = [f"{n.name}: {n.value:.3g} ({n.low:.3g} to {n.high:.3g})" for n in comparison.numbers]
    fit = comparison.calibration
    if fit is not None:
        lines.append(f"scale A to B: {fit.factor:.3g} ({fit.low:.3g} to {fit.high:.3g})")
    axes[-1].text(0, 0.95, "\n".join(["With 95 % intervals", *lines]), va="top", fontsize=9)


def _limits(mask: Any, spacing: float) -> dict[str, tuple[float, float]]:
    """Return the axes' limits around the cell, y downward."""
    rows, columns = np.nonzero(mask)
    room = 0.05 * max(mask.shape)
    return {
        "xlim": ((columns.min() - room) * spacing, (columns.max() + 1 + room) * spacing),
        "ylim": ((rows.max() + 1 + room) * spacing, (rows.min() - room) * spacing),
    }


def _draw_arrows(axis: Any, field: Any, mask: Any, spacing: float, top: float) -> None:
    step = max(1, max(mask.shape) // _ARROWS)
    rows, columns = np.nonzero(mask[::step, ::step])
    y, x = rows * step, columns * step
    axis.quiver(
        (x + 0.5) * spacing,
        (y + 0.5) * spacing,
        field[1, y, x],
        field[0, y, x],
        color="white",
        angles="xy",
        scale_units="xy",
        scale=top / (2 * step * spacing),
        width=0.003,
    )


def _agreement(figure: Any, comparison: Comparison) -> None:
    """Draw the 2-D histogram of magnitudes, and the rose of angles."""
    a, b = (
        np.concatenate([np.hypot(*getattr(f.pair, which)[:, f.pair.mask]) for f in comparison.frames])
        for which in ("first", "second")
    )
    top = float(np.percentile(np.concatenate([a, b]), 99.8)) or 1.0
    left = figure.add_subplot(1, 2, 1)
    image = left.hexbin(b, a, gridsize=50, extent=(0, top, 0, top), bins="log", cmap="viridis", mincnt=1)
    left.plot([0, top], [0, top], color="black", linewidth=0.8)
    figure.colorbar(image, ax=left, label="vectors")
    left.set(xlabel=f"|B| [{comparison.unit}]", ylabel=f"|A| [{comparison.unit}]", aspect="equal")
    rose = figure.add_subplot(1, 2, 2, projection="polar")
    angles = np.concatenate([f.maps.angle[np.isfinite(f.maps.angle)] for f in comparison.frames])
    counts, edges = np.histogram(np.radians(angles), bins=36, range=(-np.pi, np.pi))
    rose.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color="tab:blue")
    rose.set(title="angle from A to B", yticklabels=[])


def _profile(figure: Any, comparison: Comparison) -> None:
    """Draw the profile from edge to centre, and the sums over time where there are several frames."""
    left, right = figure.subplots(1, 2)
    profile = comparison.profile
    for name, label in (("mean |A|", comparison.names[0]), ("mean |B|", comparison.names[1])):
        left.plot(profile["distance from edge [µm]"], profile[name], label=label)
    left.set(
        xlabel="distance from the edge [µm]", ylabel=f"mean magnitude [{comparison.unit}]", ylim=(0, None)
    )
    left.legend()
    times = comparison.over_time
    for column, label in zip(times.columns[2:], comparison.names, strict=True):
        right.plot(times["frame"], times[column], marker="o", label=label)
    right.set(xlabel="frame", ylabel=times.columns[2].replace("|A|", "magnitude"), ylim=(0, None))
    right.legend()
