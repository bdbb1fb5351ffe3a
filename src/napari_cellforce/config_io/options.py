"""Settings as options of the command line: their names, and the options that a changed setting needs."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Collection, Iterator
from operator import attrgetter
from typing import Any, NamedTuple, get_args, get_origin

from napari_cellforce.config_io.metadata import SettingEntry, fields_of


class CommandOption(NamedTuple):
    """A setting and its option.

    Attributes
    ----------
    name : str
        ``"--pixel-size"``; with a short name ``"--model -m"``.
    entry : SettingEntry
        The setting, its path counted from the dataclass that was asked for.
    """

    name: str
    entry: SettingEntry


def options_of(cls: Any) -> Iterator[CommandOption]:
    """Yield the options of all settings of a dataclass, those of its groups included."""
    yield from _options(cls, "", "")


def changed_options(settings: Any, *, leave_out: Collection[str] = ()) -> Iterator[str]:
    """Yield the options by which a command builds the same settings: ``"--pixel-size=0.2"``.

    Parameters
    ----------
    settings : dataclass of settings
    leave_out : collection of str
        Paths of the settings that the command has for arguments.
    """
    for name, entry in options_of(type(settings)):
        value = attrgetter(entry.path)(settings)
        if entry.path not in leave_out and value != entry.default:
            yield from _as_options(name.split()[0], entry, value)


def command_line(command: str, argument: str, options: Iterator[str]) -> str:
    """Return ``cellforce COMMAND ARGUMENT OPTIONS``, quoted for the shell.

    An argument that begins with a hyphen comes last, where it cannot be taken for an option.
    """
    words = (*options, "--", argument) if argument.startswith("-") else (argument, *options)
    return shlex.join(["cellforce", command, *words])


def is_repeated(entry: SettingEntry) -> bool:
    """Return whether several values are given by one option each; words of a list are separated by commas."""
    parts = get_args(entry.type)
    return get_origin(entry.type) is tuple and parts[-1] is Ellipsis and not entry.setting.choices


def _as_options(name: str, entry: SettingEntry, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield name
    elif isinstance(value, tuple) and is_repeated(entry):
        yield from (f"{name}={one}" for one in value)
    elif isinstance(value, tuple):
        yield f"{name}={','.join(map(str, value))}"
    else:
        yield f"{name}={value}"


def _options(cls: Any, path: str, prefix: str) -> Iterator[CommandOption]:
    for entry in fields_of(cls):
        own = entry.setting.option.removeprefix("--")
        if dataclasses.is_dataclass(entry.type):
            yield from _options(entry.type, f"{path}{entry.path}.", prefix + own)
        else:
            name = own or entry.path.replace("_", "-")
            yield CommandOption(f"--{prefix}{name}", entry._replace(path=path + entry.path))
