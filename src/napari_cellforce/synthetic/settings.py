"""Settings changed by their path."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import is_dataclass
from typing import Any, TypeVar, get_args

from napari_cellforce.config_io import fields_of
from napari_cellforce.errors import CellForceError, Topic

T = TypeVar("T")


def replace_setting(config: T, setting: str, value: Any) -> T:
    """Return `config` with one setting changed.

    Parameters
    ----------
    config : frozen dataclass
    setting : str
        Its path: ``"adhesions.length"``; an entry of a tuple is called by its name or number:
        ``"proteins.zyxin.nucleus"``.
    value
        The new value; a whole number where the setting is one.

    Raises
    ------
    CellForceError
        If there is no such setting, or the value is not allowed.
    """
    name, _, rest = setting.partition(".")
    if isinstance(config, tuple):
        return _changed_entry(config, name, rest, value)  # type: ignore[return-value]
    kinds = {entry.path: entry.type for entry in fields_of(type(config))} if is_dataclass(config) else {}
    if name not in kinds:
        raise CellForceError(
            f"there is no setting {name!r} in {type(config).__name__}",
            "a setting is named by its path, like adhesions.length",
            "Correct the name.",
            topic=Topic.SETTINGS,
        )
    old = getattr(config, name)
    whole = kinds[name] is int or (int in get_args(kinds[name]) and float not in get_args(kinds[name]))
    if not rest and whole and isinstance(value, float) and math.isfinite(value):
        value = round(value)
    return dataclasses.replace(config, **{name: replace_setting(old, rest, value) if rest else value})  # type: ignore[type-var]


def _changed_entry(entries: tuple[Any, ...], name: str, rest: str, value: Any) -> tuple[Any, ...]:
    found = [str(i) == name or getattr(entry, "name", None) == name for i, entry in enumerate(entries)]
    if not any(found) or not rest:
        raise CellForceError(
            f"there is no entry {name!r}",
            f"there are {', '.join(str(getattr(e, 'name', i)) for i, e in enumerate(entries))}",
            "Choose one of these.",
            topic=Topic.SETTINGS,
        )
    return tuple(replace_setting(e, rest, value) if hit else e for e, hit in zip(entries, found, strict=True))
