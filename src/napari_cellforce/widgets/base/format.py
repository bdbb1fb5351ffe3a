"""Numbers, times and file sizes as text."""

from __future__ import annotations

import math

_ROUNDING_ERROR = 1e-6
"""Smaller absolute values, in any unit of the tables, are shown as 0."""


def format_number(value: float) -> str:
    """Return a number with three significant digits; a dash if it is not finite."""
    if not math.isfinite(value):
        return "–"
    if abs(value) < _ROUNDING_ERROR:
        return "0"
    return f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"
