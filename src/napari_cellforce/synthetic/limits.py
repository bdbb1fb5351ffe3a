"""What the settings of a synthetic cell may be."""

from __future__ import annotations

import math
from typing import Any

from napari_cellforce.errors import CellForceError


def require_positive(settings: Any, *names: str) -> None:
    """Refuse settings (attributes of a config) that are not positive, finite numbers."""
    for name in names:
        _require(settings, name, 0 < getattr(settings, name) < math.inf, "it must be a positive number")


def require_not_negative(settings: Any, *names: str) -> None:
    """Refuse settings that are negative or not finite."""
    for name in names:
        _require(settings, name, 0 <= getattr(settings, name) < math.inf, "it must not be negative")


def require_fraction(settings: Any, *names: str) -> None:
    """Refuse settings outside 0 to 1."""
    for name in names:
        _require(settings, name, 0 <= getattr(settings, name) <= 1, "it must be from 0 to 1")


def require_finite(settings: Any, *names: str) -> None:
    """Refuse settings that are NaN or infinite."""
    for name in names:
        _require(settings, name, math.isfinite(getattr(settings, name)), "it must be a number")


def require_choice(settings: Any, name: str, choices: tuple[str, ...]) -> None:
    """Refuse a setting that is not one of `choices`."""
    _require(settings, name, getattr(settings, name) in choices, f"the choices are {', '.join(choices)}")


def _require(settings: Any, name: str, holds: bool, rule: str) -> None:
    if not holds:
        words = name.replace("_", " ")
        raise CellForceError(
            f"{words} is {getattr(settings, name)!r} ({type(settings).__name__})",
            rule,
            "Change it.",
            topic=words,
        )
