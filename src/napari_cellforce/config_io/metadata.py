"""What is known of each setting besides its type: help, unit, range, choices; and lists of all settings."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple, get_args, get_origin

_KEY = "setting"
"""Key of a `Setting` in the metadata of a dataclass field."""


@dataclass(frozen=True)
class Setting:
    """Metadata of one setting, from which options, panel rows and the reference page are derived.

    Attributes
    ----------
    help : str
        One sentence for people.
    unit : str
        Unit of the number, such as ``"µm"``; empty if it has none.
    minimum, maximum : float or None
        Range of the number, ends included.
    above, below : float or None
        Range of the number, ends excluded.
    choices : tuple
        Allowed words; taken from a ``Literal`` type where not given.
    label : str
        Name for people; derived from the field's name where not given.
    empty : str
        What a panel shows in the place of ``None``: ``"from the file"``.
    option : str
        Option of the command line; derived from the field's name where not given. Of a group: what goes
        before the names of its options. A flag whose setting is true by default turns it off.
    finite : bool
        Whether infinite numbers are refused. NaN always is.
    earlier_names : tuple of str
        Keys under which files of earlier versions hold the setting.
    """

    help: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] = ()
    label: str = ""
    finite: bool = True
    earlier_names: tuple[str, ...] = ()
    empty: str = ""
    option: str = ""

    @property
    def range_text(self) -> str:
        """Range for people: ``"from 0 to 1"``, ``"above 0"``; empty if there is none."""
        low = f"above {self.above:g}" if self.above is not None else ""
        high = f"below {self.below:g}" if self.below is not None else ""
        if self.minimum is not None and self.maximum is not None:
            return f"from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            low = f"at least {self.minimum:g}"
        if self.maximum is not None:
            high = f"at most {self.maximum:g}"
        return " and ".join(part for part in (low, high) if part)

    def contains(self, number: float) -> bool:
        """Return whether a number is within the range."""
        return (
            (self.minimum is None or number >= self.minimum)
            and (self.maximum is None or number <= self.maximum)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )


class SettingEntry(NamedTuple):
    """One setting of a dataclass of settings.

    Attributes
    ----------
    path : str
        Dotted path: ``"optimise.epochs"``.
    setting : Setting
        Help, unit, range and choices; choices of a ``Literal`` type filled in.
    type : type
        Resolved type of the field.
    default : object
        Default value; ``dataclasses.MISSING`` if the setting is required.
    """

    path: str
    setting: Setting
    type: Any
    default: Any


def setting(
    default: Any = dataclasses.MISSING,
    *,
    help: str,  # noqa: A002 (the word that argparse and typer use)
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: tuple[Any, ...] = (),
    label: str = "",
    empty: str = "",
    option: str = "",
    finite: bool = True,
    earlier_names: tuple[str, ...] = (),
    default_factory: Any = dataclasses.MISSING,
) -> Any:
    """Return a dataclass field with the metadata of a setting; see `Setting` for the arguments.

    Parameters
    ----------
    default : object, optional
        Default value. Without it and without `default_factory` the setting is required.
    default_factory : callable, optional
        Makes the default value, for groups and mappings.
    """
    info = Setting(
        help, unit, minimum, maximum, above, below, choices, label, finite, earlier_names, empty, option
    )
    return dataclasses.field(default=default, default_factory=default_factory, metadata={_KEY: info})


def settings_of(cls: Any, prefix: str = "") -> Iterator[SettingEntry]:
    """Yield all settings of a dataclass, those of its groups included.

    A group is a field that is itself a dataclass. Optional groups and tuples of groups are yielded as one
    entry each.
    """
    for entry in fields_of(cls):
        if dataclasses.is_dataclass(entry.type):
            yield from settings_of(entry.type, f"{prefix}{entry.path}.")
        else:
            yield entry._replace(path=prefix + entry.path)


def fields_of(cls: Any) -> tuple[SettingEntry, ...]:
    """Return the fields that the constructor of a dataclass takes, with resolved types."""
    return _fields_of(cls)


@cache
def _fields_of(cls: Any) -> tuple[SettingEntry, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(_entry(f, hints[f.name]) for f in dataclasses.fields(cls) if f.init)


def _entry(field: dataclasses.Field[Any], kind: Any) -> SettingEntry:
    info: Setting = field.metadata.get(_KEY) or Setting()
    if not info.choices:
        info = dataclasses.replace(info, choices=_words(kind))
    default = field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    return SettingEntry(field.name, info, kind, default)


def _words(kind: Any) -> tuple[Any, ...]:
    """Return the values of the ``Literal`` types in a type."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(word for part in get_args(kind) for word in _words(part))


def groups_in(kind: Any) -> tuple[type[Any], ...]:
    """Return the dataclasses that a type stands for: itself, or those of a union."""
    if dataclasses.is_dataclass(kind):
        return (typing.cast("type[Any]", kind),)
    if get_origin(kind) in (typing.Union, types.UnionType):
        return tuple(group for part in get_args(kind) for group in groups_in(part))
    return ()


def is_numeric(kind: Any) -> bool:
    """Return whether a type stands for numbers, or holds some."""
    return kind in (int, float) or any(is_numeric(part) for part in get_args(kind))


def allowed(kind: Any, info: Setting) -> str:
    """Return what values a setting takes, for people: ``"a whole number of at least 1"``."""
    words = ", ".join(map(str, info.choices))
    text = _kind_text(kind, f"one of {words}" if words else "text")
    if not info.range_text:
        return text
    of = " of" if info.range_text.startswith("at ") else ""
    return f"{text}{of} {info.range_text} {info.unit}".rstrip()


def _kind_text(kind: Any, word: str) -> str:
    origin, parts = get_origin(kind), get_args(kind)
    simple = {bool: "true or false", int: "a whole number", float: "a number", str: word}
    if kind in simple:
        return simple[kind]
    if kind is type(None):
        return "null"
    if origin is Literal:
        return word
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind_text(part, word) for part in parts))
    if origin is tuple:
        return _list_text(parts, word)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "entries of the form name: value"
    if dataclasses.is_dataclass(kind):
        return f"a group of settings ({', '.join(entry.path for entry in fields_of(kind))})"
    return getattr(kind, "__name__", "a value")


def _list_text(parts: tuple[Any, ...], word: str) -> str:
    if parts and parts[-1] is not Ellipsis:
        return f"a list of {len(parts)}: {', '.join(_kind_text(part, word) for part in parts)}"
    return f"a list, each entry {_kind_text(parts[0], word)}" if parts else "a list"
