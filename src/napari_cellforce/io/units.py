"""Conversion of lengths and times in files to µm and minutes."""

from __future__ import annotations

import math
import re
from typing import Any

_MICRON_PER = {
    "pm": 1e-6,
    "picometer": 1e-6,
    "å": 1e-4,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "micrometer": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "inch": 25400.0,
    "in": 25400.0,
    "m": 1e6,
    "meter": 1e6,
}
_MINUTES_PER = {
    "µs": 1 / 60e6,
    "us": 1 / 60e6,
    "microsecond": 1 / 60e6,
    "ms": 1 / 60e3,
    "msec": 1 / 60e3,
    "millisecond": 1 / 60e3,
    "s": 1 / 60,
    "sec": 1 / 60,
    "second": 1 / 60,
    "min": 1.0,
    "minute": 1.0,
    "h": 60.0,
    "hr": 60.0,
    "hour": 60.0,
    "d": 1440.0,
    "day": 1440.0,
}


def micron(value: Any, unit: str) -> float | None:
    """Return a length in µm; None unless it is a positive number in a known unit."""
    return _scaled(value, unit, _MICRON_PER)


def minutes(value: Any, unit: str) -> float | None:
    """Return a time in minutes; None unless it is a positive number in a known unit."""
    return _scaled(value, unit, _MINUTES_PER)


def normal_unit(unit: str) -> str:
    r"""Return a unit in lower case and the singular, spelt as above, with the micro sign U+00B5.

    ImageJ writes the escape ``\u00B5``; others write the Greek letter, UTF-8 that was read as Latin-1, or
    words.
    """
    micro = re.sub(r"\\u00b5|\u03bc|\u00e2\u00b5", "\u00b5", unit.strip().lower())
    return re.sub(r"(?<=..)s$", "", micro).replace("metre", "meter")


def _scaled(value: Any, unit: str, table: dict[str, float]) -> float | None:
    factor = table.get(normal_unit(unit))
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if factor is None or not (math.isfinite(number) and number > 0):
        return None
    return number * factor
