"""From what a settings file says to dataclasses, with errors that name the setting."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from napari_cellforce.errors import CellForceError

T = TypeVar("T")


def built(kind: type[T], values: Mapping[str, Any], groups: Mapping[str, type[Any]], path: str = "") -> T:
    """Return a dataclass of settings from a mapping.

    Parameters
    ----------
    kind : type
    values : mapping
    groups : mapping of str to type
        Settings that are dataclasses themselves.
    path : str
        What goes before the names in messages.

    Raises
    ------
    CellForceError
        Naming the first key that is not known, or the value that makes no sense.
    """
    known = {entry.name: entry for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise refusal(f"there is no setting {path}{key}", f"there are {', '.join(known)}")
    entries: dict[str, Any] = {}
    for key, value in values.items():
        if key in groups:
            require(isinstance(value, Mapping), f"{key} is {value!r}", "it is a group of settings")
            entries[key] = built(groups[key], value, {}, f"{key}.")
        else:
            entries[key] = _checked(path + key, value, known[key])
    return kind(**entries)


def _checked(name: str, value: Any, entry: dataclasses.Field[Any]) -> Any:
    """Return a value of the kind that its default has."""
    default = entry.default if entry.default is not dataclasses.MISSING else None
    if isinstance(value, list):
        return tuple(value)
    if isinstance(default, bool):
        right = isinstance(value, bool)
    elif isinstance(default, int | float):
        right = isinstance(value, int | float) and not isinstance(value, bool)
        right = right and (isinstance(default, float) or float(value).is_integer())
    elif isinstance(default, str):
        right = isinstance(value, str)
    else:
        right = True
    require(right, f"{name} is {value!r}", f"it must be like {default!r}")
    return value


def require(condition: bool, found: str, rule: str) -> None:
    """Refuse settings unless a condition holds."""
    if not condition:
        raise refusal(found, rule)


def refusal(found: str, rule: str) -> CellForceError:
    """Return the error for settings that make no sense."""
    return CellForceError(found, rule, "Correct the settings of the run.", topic="settings")
