"""Configs as text, and changed by the name of a setting."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, TypeVar

from napari_cellforce.errors import CellForceError

T = TypeVar("T")


def changed(config: T, setting: str, value: Any) -> T:
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
    if not dataclasses.is_dataclass(config) or name not in (f.name for f in dataclasses.fields(config)):
        raise CellForceError(
            f"there is no setting {name!r} in {type(config).__name__}",
            "a setting is named by its path, like adhesions.length",
            "Correct the name.",
            topic="setting",
        )
    old = getattr(config, name)
    if not rest and isinstance(old, int) and not isinstance(old, bool) and math.isfinite(value):
        value = round(value)
    return dataclasses.replace(config, **{name: changed(old, rest, value) if rest else value})  # type: ignore[type-var]


def to_json(config: Any) -> str:
    """Return a config, a frozen dataclass of numbers, texts, tuples and such dataclasses, as JSON."""
    return json.dumps(_plain(config), indent=2, ensure_ascii=False)


def from_json(text: str, kind: type[T], *parts: type[Any]) -> T:
    """Return the config that `to_json` wrote.

    Parameters
    ----------
    text : str
    kind : type
        Of the config.
    *parts : types
        Dataclasses that may occur in it.

    Raises
    ------
    CellForceError
        If the text is not such a config.
    """
    known = {part.__name__: part for part in (kind, *parts)}
    try:
        config = _rebuilt(json.loads(text), known)
        if not isinstance(config, kind):
            raise TypeError(f"no {kind.__name__}")
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        raise CellForceError(
            f"the settings cannot be read ({error})",
            "they must be as written by this version",
            "Write them again, or correct the entry.",
            topic="settings",
        ) from error
    return config


def _changed_entry(entries: tuple[Any, ...], name: str, rest: str, value: Any) -> tuple[Any, ...]:
    found = [str(i) == name or getattr(entry, "name", None) == name for i, entry in enumerate(entries)]
    if not any(found) or not rest:
        raise CellForceError(
            f"there is no entry {name!r}",
            f"there are {', '.join(str(getattr(e, 'name', i)) for i, e in enumerate(entries))}",
            "Choose one of these.",
            topic="setting",
        )
    return tuple(changed(e, rest, value) if hit else e for e, hit in zip(entries, found, strict=True))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        entries = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **entries}
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value


def _rebuilt(value: Any, known: dict[str, type[Any]]) -> Any:
    if isinstance(value, list):
        return tuple(_rebuilt(entry, known) for entry in value)
    if isinstance(value, dict):
        kind = known[value["type"]]
        return kind(**{key: _rebuilt(entry, known) for key, entry in value.items() if key != "type"})
    return value
