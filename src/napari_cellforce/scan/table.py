"""From the steps of a scan to a table, and to how each quantity follows the scanned property."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from napari_cellforce.scan.evaluate_cell import QUANTITIES
from napari_cellforce.scan.job import ScanConfig, ScanStep

_UNCHANGED = 1e-5
"""Relative differences that single precision alone makes."""


def scan_table(config: ScanConfig, steps: Iterable[ScanStep]) -> pd.DataFrame:
    """Return one row for each cell and model, units in the column names.

    Models in different units have columns of their own, empty for the others.
    """
    scanned = config.scanned.column
    return pd.DataFrame(
        [
            {"model": evaluation.model, scanned: step.value, "seed": step.seed, **evaluation.numbers}
            for step in steps
            for evaluation in step.evaluations
        ]
    )


def find_column(table: pd.DataFrame, quantity: str) -> str | None:
    """Return the column of one of `QUANTITIES` that this model's table fills; None if it has none."""
    for name in table.columns:
        if name.split(" [")[0] == quantity and table[name].notna().any():
            return str(name)
    return None


def column_unit(column: str) -> str:
    """Return the unit in a column's name; empty for a pure number."""
    return column.partition(" [")[2].rstrip("]")


def mean_curve(table: pd.DataFrame, parameter: str, quantity: str) -> pd.Series[float] | None:
    """Return the mean of a quantity over the cells at each value of the parameter, for one model.

    Parameters
    ----------
    table : DataFrame
        Rows of one model.
    parameter : str
        Column of the scanned property.
    quantity : str
        One of `QUANTITIES`.

    Returns
    -------
    Series or None
        Indexed by the parameter, in increasing order and named as the column; None if there is none.
    """
    column = find_column(table, quantity)
    return None if column is None else table.groupby(parameter)[column].mean()


def trends(table: pd.DataFrame, parameter: str) -> pd.DataFrame:
    """Sum up how each quantity of each model follows the scanned property.

    Returns
    -------
    DataFrame
        ``model``, ``quantity`` with its unit, its mean over the cells ``at the lowest`` and
        ``at the highest`` value of the parameter, their ``ratio``, the ``exponent`` p of the power law
        (parameter^p) through all steps (least squares of the logarithms; NaN where one is not positive),
        and the rank ``correlation`` (Spearman) over all cells.
    """
    rows = []
    for model, own in table.groupby("model", sort=False):
        for quantity in QUANTITIES:
            values = mean_curve(own, parameter, quantity)
            if values is None:
                continue
            first, last = float(values.iloc[0]), float(values.iloc[-1])
            rows.append(
                {
                    "model": model,
                    "quantity": values.name,
                    "at the lowest": first,
                    "at the highest": last,
                    "ratio": last / first if first else math.nan,
                    "exponent": _exponent(values),
                    "correlation": _rank_correlation(own[parameter], own[str(values.name)]),
                }
            )
    return pd.DataFrame(rows)


def _exponent(values: pd.Series[float]) -> float:
    x, y = np.asarray(values.index, dtype=np.float64), values.to_numpy(dtype=np.float64)
    if len(x) < 2 or not ((x > 0).all() and (y > 0).all()):
        return math.nan
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _rank_correlation(x: pd.Series[float], y: pd.Series[float]) -> float:
    """Return Spearman's correlation; 0 for a quantity that does not change."""
    known = y.notna()
    if known.sum() < 2 or np.ptp(y[known]) <= _UNCHANGED * np.abs(y[known]).max():
        return 0.0
    from scipy.stats import spearmanr  # loads all of scipy

    return float(spearmanr(x[known], y[known]).statistic)
