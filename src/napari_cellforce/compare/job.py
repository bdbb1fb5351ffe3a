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
from napari_cellforce.compare.agreement import Agreement, Calibration, agreement, calibration, cell_table
from napari_cellforce.compare.alignment import FieldPair, pair_fields
from napari_cellforce.compare.figures import save_figures
from napari_cellforce.compare.kept import KeptFrames
from napari_cellforce.compare.maps import Maps, difference_maps
from napari_cellforce.compare.overview import Overview
from napari_cellforce.compare.profile import edge_profile
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize, VectorField
from napari_cellforce.io.write import write_table
from napari_cellforce.predict.config import Progress


@dataclass(frozen=True)
class CompareConfig:
    """Settings of a comparison.

    Attributes
    ----------
    threshold : float
        Vectors shorter than this share of their field's 99th percentile have no angle and no ratio.
    calibrate : bool
        Scale the first field to the second before comparing; always done if their units differ.
    ring : float
        Width in µm of the rings of the profile from edge to centre.
    formats : tuple of str
        Of the figures.
    seed : int
        Of the bootstrap.
    """

    threshold: float = 0.1
    calibrate: bool = False
    ring: float = 2.0
    formats: tuple[str, ...] = ("svg", "png")
    seed: int = 0


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
    maps: Maps


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` ends with.

    Attributes
    ----------
    frames : list of CompareFrame
    numbers : list of Agreement
    calibration : Calibration
        Of the first field as it was given.
    scaled : bool
        Whether it was applied.
    profile, over_time, cells : DataFrame
        By distance from the edge, by frame, by cell.
    overview : Overview
    unit : str
        Of the compared fields.
    names : tuple of 2 str
    """

    frames: list[CompareFrame]
    numbers: list[Agreement]
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
    kept = KeptFrames(count)
    for t in range(count):
        yield Progress("Comparing", t, count)
        own = None if mask is None else mask if mask.ndim == 2 else mask[0 if len(mask) == 1 else t]
        pairs.append(kept.keep(t, pair_fields(first, second, t, own)))
    scaled = config.calibrate or first.unit != second.unit
    fit = _calibration(pairs, config.seed, required=scaled)
    if scaled and fit is not None:
        for pair in pairs:
            pair.first[:] *= fit.factor
    frames = []
    for t, pair in enumerate(pairs):
        yield Progress("Drawing the maps", t, count)
        frames.append(CompareFrame(pair, kept.keep(t, difference_maps(pair, config.threshold))))
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
    write_table(paths.numbers, number_table(comparison))
    write_table(paths.profile, comparison.profile)
    write_table(paths.over_time, comparison.over_time)
    write_table(paths.cells, comparison.cells)
    save_figures(comparison, paths.figures, formats)


def number_table(comparison: Comparison) -> pd.DataFrame:
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
            topic="input",
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
