"""Range checks of settings; they raise ValueError."""

from __future__ import annotations

from collections.abc import Collection


def require_in_range(name: str, value: object, lowest: float, highest: float) -> None:
    """Refuse a setting that is not a number from `lowest` to `highest`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise ValueError(f"{name} is {value!r}, but must be a number from {lowest:g} to {highest:g}")


def require_one_of(name: str, value: object, known: Collection[str]) -> None:
    """Refuse a setting that is not among the known ones."""
    if value not in list(known):
        raise ValueError(f"{name} is {value!r}, but must be one of {', '.join(known)}")
