"""The whole comparison of two fields, and its files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellforce import metrics
from napari_cellforce.compare.alignment import FieldPair, pair_fields
from napari_cellforce.compare.maps import DifferenceMaps, Overview, difference_maps, edge_profile
from napari_cellforce.compare.statistics import Calibration, Estimate, agreement, calibration, cell_table
from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize, Progress, ShortRepr, VectorField
from napari_cellforce.files import atomic_path
from napari_cellforce.io.temp_arrays import FrameStore
from napari_cellforce.io.write import write_table

_ARROWS = 32
"""Most arrows along the longer side of a figure."""


@dataclass(frozen=True)
class CompareConfig(Settings):
    """Settings of a comparison; panel, command line and library build this same object."""

    threshold: float = setting(
        0.1,
        help="Share of the 99th percentile of a field below which its vectors have no angle and no ratio.",
        minimum=0,
        below=1,
        label="Threshold",
    )
    calibrate: bool = setting(
        False,
        help="Scale field A to field B before comparing; always done if their units differ.",
        label="scale A to B",
    )
    ring: float = setting(
        2.0, help="Width of the rings of the profile from edge to centre.", unit="µm", above=0, label="Ring"
    )
    formats: tuple[str, ...] = setting(
        ("svg", "png"), help="Formats of the figures.", choices=("svg", "png", "pdf"), label="Formats"
    )
    seed: int = setting(0, help="Seed of the bootstrap.", minimum=0, label="Seed")


@dataclass(frozen=True, eq=False)
class CompareFrame:
    """One frame of a comparison.

    Attributes
    ----------
    pair : FieldPair
        Both fields on one grid, the first scaled if so configured.
    maps : Maps
    """

    pair: FieldPair
    maps: DifferenceMaps


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ShortRepr):
    """What `compare` ends with.

    Attributes
    ----------
    frames : list of CompareFrame
    numbers : list of Agreement
    calibration : Calibration
        Calibration of the first field as it was given.
    scaled : bool
        Whether it was applied.
    profile, over_time, cells : DataFrame
        By distance from the edge, by frame, by cell.
    overview : Overview
    unit : str
        Unit of the compared fields.
    names : tuple of 2 str
    """

    frames: list[CompareFrame]
    numbers: list[Estimate]
    calibration: Calibration | None
    scaled: bool
    profile: pd.DataFrame
    over_time: pd.DataFrame
    cells: pd.DataFrame
    overview: Overview
    unit: str
    names: tuple[str, str]


@dataclass(frozen=True)
class ComparePaths:
    """Where the results go.

    Attributes
    ----------
    numbers, profile, over_time, cells : Path
        CSV.
    figures : Path
        Without suffix; one file a figure and format.
    """

    numbers: Path
    profile: Path
    over_time: Path
    cells: Path
    figures: Path

    @classmethod
    def of(cls, folder: Path) -> ComparePaths:
        """Return the paths in a folder."""
        return cls(
            folder / "agreement.csv",
            folder / "edge_profile.csv",
            folder / "over_time.csv",
            folder / "cells.csv",
            folder / "figure",
        )


def compare(
    first: VectorField,
    second: VectorField,
    mask: npt.NDArray[Any] | None = None,
    config: CompareConfig | None = None,
) -> Iterator[Progress | Comparison]:
    """Compare two fields, as a rule predicted (A) and measured (B).

    Parameters
    ----------
    first, second : VectorField
        Of one quantity and place; grids, pixel sizes and units may differ. One frame stands for all.
    mask : (Y, X) or (T, Y, X) array of bool or int, optional
        The cell, or the labels of several, on the grid of `first`.
    config : CompareConfig, optional

    Yields
    ------
    Progress
        Before each frame.
    Comparison
        At the end.

    Raises
    ------
    CellForceError
        If the fields cannot be laid over each other, have different numbers of frames, or no scale fits.
    """
    config = config or CompareConfig()
    pairs = []
    count = _frame_count(first, second)
    kept = FrameStore(count)
    for t in range(count):
        yield Progress("Comparing", t, count)
        own = None if mask is None else mask if mask.ndim == 2 else mask[0 if len(mask) == 1 else t]
        pairs.append(kept.store(t, pair_fields(first, second, t, own)))
    scaled = config.calibrate or first.unit != second.unit
    fit = _calibration(pairs, config.seed, required=scaled)
    if scaled and fit is not None:
        for pair in pairs:
            pair.first[:] *= fit.factor
    frames = []
    for t, pair in enumerate(pairs):
        yield Progress("Drawing the maps", t, count)
        frames.append(CompareFrame(pair, kept.store(t, difference_maps(pair, config.threshold))))
    yield Progress("Numbers and their intervals", count, count)
    yield Comparison(
        frames,
        agreement(pairs, second.unit, seed=config.seed),
        fit,
        scaled,
        edge_profile(pairs, config.ring),
        _over_time(pairs, second),
        cell_table(pairs, second.unit, seed=config.seed),
        Overview.of(pairs, [frame.maps for frame in frames]),
        second.unit,
        (first.name or "A", second.name or "B"),
    )


def compare_to_files(
    first: VectorField,
    second: VectorField,
    paths: ComparePaths,
    mask: npt.NDArray[Any] | None = None,
    config: CompareConfig | None = None,
) -> Iterator[Progress | Comparison]:
    """Compare two fields and write tables and figures; parameters, yields and errors as `compare`."""
    config = config or CompareConfig()
    for record in compare(first, second, mask, config):
        if isinstance(record, Comparison):
            write_comparison(record, paths, config.formats)
        yield record


def write_comparison(comparison: Comparison, paths: ComparePaths, formats: tuple[str, ...]) -> None:
    """Write tables and figures of a comparison; raises `CellForceError` if that cannot be."""
    write_table(paths.numbers, estimate_table(comparison))
    write_table(paths.profile, comparison.profile)
    write_table(paths.over_time, comparison.over_time)
    write_table(paths.cells, comparison.cells)
    save_figures(comparison, paths.figures, formats)


def estimate_table(comparison: Comparison) -> pd.DataFrame:
    """Return all numbers with their 95 % intervals, the calibration last."""
    rows: list[tuple[str, float, float, float]] = [
        (n.name, n.value, n.low, n.high) for n in comparison.numbers
    ]
    fit = comparison.calibration
    if fit is not None:
        applied = ", applied" if comparison.scaled else ""
        rows.append((f"calibration of A [{comparison.unit} a unit{applied}]", fit.factor, fit.low, fit.high))
        rows.append(("share of B explained by scaled A", fit.explained, np.nan, np.nan))
    return pd.DataFrame(rows, columns=["quantity", "value", "95 % from", "95 % to"])


def _frame_count(first: VectorField, second: VectorField) -> int:
    counts = len(first.frames), len(second.frames)
    if counts[0] != counts[1] and 1 not in counts:
        raise CellForceError(
            f"one field has {counts[0]} frames, the other {counts[1]}",
            "frames are compared one with one",
            "Cut the longer movie to the frames of the shorter.",
            topic=Topic.INPUT,
        )
    return max(counts)


def _calibration(pairs: list[FieldPair], seed: int, *, required: bool) -> Calibration | None:
    """Return the calibration; None if there is none and none is needed."""
    try:
        return calibration(pairs, seed=seed)
    except CellForceError:
        if required:
            raise
        return None


def _over_time(pairs: list[FieldPair], field: VectorField) -> pd.DataFrame:
    rows = []
    for pair in pairs:
        size = PixelSize.square(pair.spacing)
        totals = [float(metrics.total_force(f, pair.mask, size)) for f in (pair.first, pair.second)]
        rows.append((pair.frame, pair.frame * (field.frame_interval or np.nan), *totals))
    force = "summed |{}| [nN]" if field.unit == "Pa" else "summed |{}| × area / 1000"
    return pd.DataFrame(rows, columns=["frame", "time [min]", force.format("A"), force.format("B")])


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
