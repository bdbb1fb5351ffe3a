"""From plain values to dataclasses of settings and back, strictly; records of files with leave for more.

The types of single values are checked by msgspec, which converts nothing but lists to tuples and whole
numbers to floats. Names, ranges and words are checked here, where the messages are made.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import os
import reprlib
import typing
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar, get_args, get_origin

from napari_cellforce.config_io.metadata import (
    Setting,
    allowed,
    fields_of,
    groups_in,
    is_numeric,
    settings_of,
)
from napari_cellforce.config_io.text import parse_mapping, read_text
from napari_cellforce.errors import CellForceError, CellForceWarning, Topic

T = TypeVar("T")

_TYPE = "type"
"""Key that names the dataclass of a group, where a setting may be one of several."""

_MISSING = dataclasses.MISSING


class Settings:
    """Base of all dataclasses of settings: refuses wrong values however it is built.

    A subclass with a ``__post_init__`` of its own calls ``super().__post_init__()`` first.
    """

    def __post_init__(self) -> None:
        check_settings(self)

    def to_json(self) -> str:
        """Return the settings as a JSON object, which `from_json` reads."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str, *, source: str = "") -> Self:
        """Read the settings from the text of a JSON object; see `from_mapping`."""
        return from_json(cls, text, source=source)


@dataclass(frozen=True)
class _Place:
    """Where a value stands: file, dotted path, and where to put unknown entries that are kept."""

    source: str = ""
    path: str = ""
    unknown: dict[str, Any] | None = None
    topic: Topic | None = None

    def inside(self, name: str) -> _Place:
        joint = "" if not self.path or name.startswith("[") else "."
        return dataclasses.replace(self, path=f"{self.path}{joint}{name}")

    def refusal(self, found: str, rule: str, remedy: str = "") -> CellForceError:
        """Return an error that names file and setting."""
        source = f"{self.source}: " if self.source else ""
        topic = self.topic or Topic.of_setting(self.path.rpartition(".")[2])
        return CellForceError(source + found, rule, remedy or "Correct the setting.", topic=topic)

    def wrong(self, value: Any, kind: Any, info: Setting) -> CellForceError:
        """Return the error for a value that the setting cannot have."""
        remedy = ""
        if isinstance(value, str):
            remedy = _did_you_mean(value, [word for word in info.choices if isinstance(word, str)])
        elif isinstance(value, bool) and info.choices:
            remedy = "YAML reads yes, no, on and off as true and false: put the word in quotes."
        return self.refusal(
            f"{self.path} is {_shown(value, info)}", f"it must be {allowed(kind, info)}", remedy
        )


def from_mapping(cls: type[T], values: Mapping[str, Any], *, source: str = "", path: str = "") -> T:
    """Build a dataclass of settings from nested mappings, strictly.

    Parameters
    ----------
    cls : type
        A dataclass; its groups may be dataclasses, optional ones, unions (chosen by the entry ``type``,
        the name of the class) and tuples of them.
    values : mapping
        Plain values, as from JSON.
    source : str
        Name of the file, for messages.
    path : str
        Dotted path of the mapping in that file, for messages.

    Raises
    ------
    CellForceError
        Naming file and setting: for an unknown or missing key, a wrong type, a word that is no choice, a
        number out of range, or settings that contradict each other.
    """
    return typing.cast("T", _built(cls, values, _Place(source, path)))


def from_json(cls: type[T], text: str, *, source: str = "") -> T:
    """Build a dataclass of settings from the text of a JSON object; see `from_mapping`."""
    return from_mapping(cls, parse_mapping(text, source, yaml_too=False), source=source)


def read_settings(path: str | os.PathLike[str], cls: type[T]) -> T:
    """Read a file of settings in YAML or JSON; see `from_mapping`.

    Raises
    ------
    CellForceError
        Also if the file cannot be read, is neither YAML nor JSON, or holds an entry twice.
    """
    name = os.path.basename(path)  # noqa: PTH119 (str or Path)
    return from_mapping(cls, parse_mapping(read_text(path), str(path)), source=name)


def to_mapping(settings: Any) -> dict[str, Any]:
    """Return a dataclass of settings as plain values, which `from_mapping` reads."""
    return {
        entry.path: _plain(getattr(settings, entry.path), tagged=len(groups_in(entry.type)) > 1)
        for entry in fields_of(type(settings))
    }


def to_json(settings: Any, *, indent: int | None = 2) -> str:
    """Return a dataclass of settings as a JSON object, which `from_json` reads."""
    return json.dumps(to_mapping(settings), indent=indent, ensure_ascii=False)


def check_settings(settings: Any) -> None:
    """Refuse a dataclass whose fields have values that its types and metadata do not allow.

    For ``__post_init__``. Lists become tuples, whole numbers floats where the field is one, and numbers of
    NumPy plain ones.

    Raises
    ------
    CellForceError
        Naming the setting.
    """
    for entry in fields_of(type(settings)):
        value = getattr(settings, entry.path)
        place = _Place(path=entry.setting.label or entry.path.replace("_", " "))
        checked = _value(entry.type, value, entry.setting, place, build=False)
        if checked is not value:
            object.__setattr__(settings, entry.path, checked)


def record_from_mapping(
    cls: type[T],
    values: Mapping[str, Any],
    *,
    source: str = "",
    kept: str = "extra",
    topic: Topic | None = None,
) -> T:
    """Build a dataclass from a record that another version may have written.

    Values are checked as strictly as settings. Unknown entries are kept in the field `kept`, a mapping, and
    reported by a `CellForceWarning`. Errors are about `topic`, by default the entry at fault.

    Raises
    ------
    CellForceError
        As `from_mapping`, but for unknown keys.
    """
    unknown: dict[str, Any] = {}
    known = {key: value for key, value in values.items() if key != kept}
    unknown.update({kept: values[kept]} if kept in values else {})
    record = _built(cls, known, _Place(source, unknown=unknown, topic=topic))
    if not unknown:
        return typing.cast("T", record)
    warnings.warn(
        f"{source or cls.__name__} holds entries that this version does not know: {', '.join(unknown)}. "
        "They are kept; a newer version may have written them.",
        CellForceWarning,
        stacklevel=2,
    )
    return typing.cast("T", dataclasses.replace(typing.cast("Any", record), **{kept: unknown}))


def record_to_mapping(record: Any, *, kept: str = "extra") -> dict[str, Any]:
    """Return a record as plain values, with the entries of other versions that it has kept."""
    values = to_mapping(record)
    return {**values.pop(kept, {}), **values}


def _built(cls: type[Any], values: Any, place: _Place) -> Any:
    if not isinstance(values, Mapping):
        raise place.wrong(values, cls, Setting())
    fields = {entry.path: entry for entry in fields_of(cls)}
    names = {former: name for name, entry in fields.items() for former in entry.setting.earlier_names}
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        name = names.get(key, key) if key not in fields else key
        if name in arguments:
            raise place.refusal(f"{place.inside(name).path} is given twice", f"{key} is its earlier name")
        if name in fields:
            entry = fields[name]
            arguments[name] = _value(entry.type, value, entry.setting, place.inside(str(key)), build=True)
        elif key != _TYPE or value != cls.__name__:
            _unknown(cls, str(key), value, place)
    for name, entry in fields.items():
        if name not in arguments and entry.default is _MISSING:
            rule = f"it must be given: {allowed(entry.type, entry.setting)}"
            raise place.inside(name).refusal(f"{place.inside(name).path} is missing", rule)
    try:
        return cls(**arguments)
    except CellForceError as error:
        group = f"in {place.path}, " if place.path else ""
        source = f"{place.source}: " if place.source else ""
        raise CellForceError(
            source + group + error.value, error.rule, error.remedy, topic=error.topic
        ) from error
    except (TypeError, ValueError) as error:
        raise place.refusal(f"{place.path or 'the settings'} cannot be used", str(error)) from error


def _unknown(cls: type[Any], key: str, value: Any, place: _Place) -> None:
    """Keep an unknown entry of a record; refuse that of settings."""
    path = place.inside(key).path
    if place.unknown is not None:
        place.unknown[path] = value
        return
    names = [entry.path for entry in fields_of(cls)]
    elsewhere = {entry.path.rpartition(".")[2]: entry.path for entry in settings_of(cls)}
    remedy = _did_you_mean(key, names) or _did_you_mean(elsewhere.get(key, ""), elsewhere.values())
    raise place.inside(key).refusal(f"there is no setting {path}", f"there are {', '.join(names)}", remedy)


def _value(kind: Any, value: Any, info: Setting, place: _Place, *, build: bool) -> Any:
    """Return a value as its type wants it, groups of settings built or checked."""
    groups = groups_in(kind)
    origin, parts = get_origin(kind), get_args(kind)
    if groups and value is None and type(None) in parts:
        return None
    if groups:
        return _group(groups, value, place, build=build)
    if origin is tuple and any(groups_in(part) for part in parts):
        if not isinstance(value, list | tuple):
            raise place.wrong(value, kind, info)
        return tuple(
            _value(parts[0], entry, info, place.inside(f"[{i}]"), build=build)
            for i, entry in enumerate(value)
        )
    return _leaf(kind, value, info, place)


def _group(groups: tuple[type[Any], ...], value: Any, place: _Place, *, build: bool) -> Any:
    if isinstance(value, groups):
        return value
    by_name = {group.__name__: group for group in groups}
    if not build or not isinstance(value, Mapping):
        rule = f"it must be {' or '.join(allowed(group, Setting()) for group in groups)}"
        raise place.refusal(f"{place.path} is {reprlib.repr(value)}", rule)
    chosen = groups[0] if len(groups) == 1 else by_name.get(value.get(_TYPE, ""))
    if chosen is None:
        found = f"{place.inside(_TYPE).path} is {value.get(_TYPE)!r}"
        remedy = _did_you_mean(str(value.get(_TYPE)), by_name)
        raise place.inside(_TYPE).refusal(found, f"it must be one of {', '.join(by_name)}", remedy)
    return _built(chosen, value, place)


def _leaf(kind: Any, value: Any, info: Setting, place: _Place) -> Any:
    import msgspec

    value = _without_numpy(value)
    try:
        converted = msgspec.convert(value, kind)
    except (msgspec.ValidationError, TypeError) as error:
        raise place.wrong(value, kind, info) from error
    for number in _numbers(converted) if is_numeric(kind) else ():
        if math.isnan(number) or (info.finite and math.isinf(number)) or not info.contains(number):
            raise place.wrong(value, kind, info)
    words = [word for word in info.choices if isinstance(word, str)]
    if any(text not in words for text in _texts(converted) if words):
        raise place.wrong(value, kind, info)
    return value if type(converted) is type(value) and converted == value else converted


def _shown(value: Any, info: Setting) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g} {info.unit}".rstrip() if info.unit else str(value)
    return reprlib.repr(value)


def _without_numpy(value: Any) -> Any:
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(_without_numpy(entry) for entry in value)
    return value


def _numbers(value: Any) -> Iterable[float]:
    """Yield the numbers in a value, those of its entries included."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield value
    elif isinstance(value, list | tuple | Mapping):
        for entry in value.values() if isinstance(value, Mapping) else value:
            yield from _numbers(entry)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _texts(entry)


def _plain(value: Any, *, tagged: bool = False) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return ({_TYPE: type(value).__name__} if tagged else {}) | to_mapping(value)
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean {close[0]}?" if close else ""
