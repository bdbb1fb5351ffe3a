"""Options of the command line, derived from the dataclasses of settings.

A command that is decorated by `with_settings` has an option for every setting of a dataclass, and a parameter
of type `Given` that builds the dataclass from those that were given. The dataclass is imported when its
command is run or its help is asked for: ``cellforce --help`` stays quick.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import keyword
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import typer
from typer.core import TyperGroup

from napari_cellforce.cli.hints import remember_options
from napari_cellforce.errors import CellForceError

if TYPE_CHECKING:
    from napari_cellforce.config_io import CommandOption, SettingEntry

WHERE_IT_RUNS = "Where it runs"
"""Heading in the help."""

_RUNS = ("device", "backend", "threads", "workers", "scheduler", "cluster", "model_folder")
"""Settings under this heading."""

_COUNTED = ("passes", "threads", "frames")
"""Units that the help of a setting names by itself."""

_DERIVATION = "_cellforce_settings"
"""Attribute of a command's function that holds its `_Derivation`."""


@dataclass(frozen=True)
class Given:
    """The settings that were given as options; the others keep their defaults.

    Attributes
    ----------
    cls : type
        The dataclass of settings.
    values : mapping of str to object
        By dotted path.
    names : mapping of str to str
        Options by dotted path.
    """

    cls: type[Any]
    values: Mapping[str, Any]
    names: Mapping[str, str]

    def build(self, base: Any = None, **values: Any) -> Any:
        """Return the settings.

        Parameters
        ----------
        base : dataclass, optional
            Settings that the options replace; by default the defaults.
        **values
            Further settings, with ``__`` for the point in their paths; those that are None are not given.

        Raises
        ------
        CellForceError
            Naming the option whose value is not allowed.
        """
        from napari_cellforce.config_io import from_mapping, to_mapping

        nested: dict[str, Any] = {} if base is None else to_mapping(base)
        own = {name.replace("__", "."): value for name, value in values.items() if value is not None}
        for path, value in {**self.values, **own}.items():
            *groups, name = path.split(".")
            functools.reduce(lambda group, key: group.setdefault(key, {}), groups, nested)[name] = value
        try:
            return from_mapping(self.cls, nested)
        except CellForceError as error:
            raise self._with_option(error) from error

    def _with_option(self, error: CellForceError) -> CellForceError:
        """Return an error that names the option, where it comes from one."""
        for path in self.values:
            if error.value.startswith(f"{path} "):
                found = self.names[path] + error.value.removeprefix(path)
                return CellForceError(found, error.rule, error.remedy, topic=error.topic)
        return error


def with_settings(
    source: str, *, leave_out: Collection[str] = (), only: Collection[str] = (), name: str = "given"
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for every setting of a dataclass; it receives them as a parameter, `Given`.

    Parameters
    ----------
    source : str
        Module and name of the dataclass, ``"napari_cellforce.predict:PredictConfig"``.
    leave_out, only : collection of str
        Dotted paths of the settings (or groups of settings) that have no option; of those that have one.
    name : str
        Name of the parameter. A command with several dataclasses is decorated once for each.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        before: _Derivation | None = getattr(command, _DERIVATION, None)
        inner = command if before is None else before.command
        sources = () if before is None else before.sources
        own = _Source(name, source, frozenset(leave_out), frozenset(only))
        derivation = _Derivation(inner, (own, *sources))
        plain = _with_parameters(inner, (), {given.name for given in derivation.sources} | {"given"})
        setattr(plain, _DERIVATION, derivation)
        return plain

    return decorate


class SettingsGroup(TyperGroup):
    """Commands, completed by the options of their settings when one is run or its help is asked for."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the complete command and the arguments of what is run."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            command = complete(command)
            remember_options(command)
        return name, command, rest


def complete(command: Any) -> Any:
    """Return a command with the options of its settings; itself if there are none."""
    derivation: _Derivation | None = getattr(command.callback, _DERIVATION, None)
    if derivation is None:
        return command
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name=command.name)(derivation.function())
    return typer.main.get_command(single)


@dataclass(frozen=True)
class _Source:
    """A dataclass whose settings are options; see `with_settings`."""

    name: str
    source: str
    leave_out: frozenset[str]
    only: frozenset[str]

    @property
    def cls(self) -> type[Any]:
        """The dataclass, imported now."""
        module, _, name = self.source.partition(":")
        cls: type[Any] = getattr(importlib.import_module(module), name)
        return cls

    def options(self) -> Iterator[CommandOption]:
        """Yield the options of its settings."""
        from napari_cellforce.config_io import options_of

        for option in options_of(self.cls):
            path = option.entry.path
            parents = {path[:i] for i, letter in enumerate(path) if letter == "."} | {path}
            if not parents & self.leave_out and (not self.only or parents & self.only):
                yield option

    def given(self, values: dict[str, Any]) -> Given:
        """Take the settings out of the values of all options and return those that were given."""
        options = {_parameter_name(option.name): option for option in self.options()}
        chosen = {options[name].entry: values.pop(name) for name in tuple(values) if name in options}
        return Given(
            self.cls,
            {
                entry.path: _converted(entry, value)
                for entry, value in chosen.items()
                if value is not None and value is not False and value != []
            },
            {option.entry.path: option.name.split()[0] for option in options.values()},
        )


@dataclass(frozen=True)
class _Derivation:
    """From which settings a command has options; see `with_settings`."""

    command: Callable[..., None]
    sources: tuple[_Source, ...]

    def function(self) -> Callable[..., None]:
        """Return the function that typer makes the complete command of."""

        def run(**values: Any) -> None:
            given = {source.name: source.given(values) for source in self.sources}
            self.command(**given, **values)

        derived = tuple(_parameter(option) for source in self.sources for option in source.options())
        return _with_parameters(self.command, derived, {source.name for source in self.sources}, run)


def _with_parameters(
    command: Callable[..., None],
    derived: tuple[inspect.Parameter, ...],
    given: Collection[str],
    run: Callable[..., None] | None = None,
) -> Callable[..., None]:
    """Return a function with the parameters of a command, without those `given`, and the derived ones."""
    signature = inspect.signature(command, eval_str=True)
    own = [p.replace(kind=p.KEYWORD_ONLY) for p in signature.parameters.values() if p.name not in given]

    @functools.wraps(command)
    def function(**values: Any) -> None:
        if run is not None:
            run(**values)

    parameters = (*own, *derived)
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters}
    return function


def _parameter_name(option: str) -> str:
    """Return the name of the parameter of ``"--model -m"``: its first name."""
    name = option.split()[0].removeprefix("--").replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def _parameter(option: CommandOption) -> inspect.Parameter:
    """Return the parameter that typer makes an option of."""
    entry = option.entry
    leaf = entry.path.rpartition(".")[2]
    choices = [str(word) for word in entry.setting.choices]
    info = typer.Option(
        *option.name.split(),
        help=help_of(entry),
        show_default=default_text(entry) or False,
        rich_help_panel=WHERE_IT_RUNS if leaf in _RUNS else None,
        autocompletion=(lambda: choices) if choices else None,
    )
    kind, default = _option_type(entry)
    annotation: Any = Annotated[kind, info]
    name = _parameter_name(option.name)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _option_type(entry: SettingEntry) -> tuple[Any, Any]:
    """Return the type that typer reads, and its default: None or False for what is not given."""
    from napari_cellforce.config_io.options import is_repeated

    if entry.type is bool:
        return bool, False
    if is_repeated(entry):
        kind: Any = list[int] if get_args(entry.type)[0] is int else list[str]
        return (
            (kind, inspect.Parameter.empty) if entry.default is dataclasses.MISSING else (kind | None, None)
        )
    parts = {part for part in (get_args(entry.type) or (entry.type,)) if part is not type(None)}
    if get_origin(entry.type) is not tuple and len(parts) == 1 and parts <= {int, float}:
        return parts.pop() | None, None
    return str | None, None


def _converted(entry: SettingEntry, value: Any) -> Any:
    """Return the value of a setting from that of its option."""
    if entry.type is bool:
        return not entry.default
    if not isinstance(value, str):
        return value
    if _is_list(entry.type):
        return [_number(part.strip()) for part in value.split(",") if part.strip()]
    return _number(value) if _takes(entry.type, int) else value


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple or any(get_origin(part) is tuple for part in get_args(kind))


def _takes(kind: Any, number: type) -> bool:
    return number in (kind, *get_args(kind))


def _number(text: str) -> Any:
    """Return the number that a text is, or the text, which is then refused as what it is."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def default_text(entry: SettingEntry) -> str:
    """Return the default of a setting for people; empty for switches and where it is required."""
    if entry.default is dataclasses.MISSING or isinstance(entry.default, bool):
        return ""
    if entry.default in (None, "", ()):
        return entry.setting.empty
    return ",".join(map(str, entry.default)) if isinstance(entry.default, tuple) else str(entry.default)


def help_of(entry: SettingEntry) -> str:
    """Return the help of an option: what it does, its words or its unit and range."""
    setting = entry.setting
    words = f"One of {', '.join(map(str, setting.choices))}" if len(setting.choices) > 1 else ""
    unit = f"in {setting.unit}" if setting.unit and setting.unit not in _COUNTED else ""
    facts = ", ".join(filter(None, (unit, setting.range_text)))
    facts = facts[:1].upper() + facts[1:]
    return " ".join(f"{text.rstrip('.')}." for text in (setting.help, words, facts) if text)
