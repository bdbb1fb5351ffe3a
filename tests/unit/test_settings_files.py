"""Every setting of the package: a wrong word, a wrong type, a value out of range, a misspelt "
"name are refused."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import typer
import yaml

import napari_cellforce
from napari_cellforce.batch.jobqueue_config import JobQueueConfig
from napari_cellforce.cli import main
from napari_cellforce.config_io import SettingEntry, Settings, fields_of, read_settings, settings_of
from napari_cellforce.errors import CellForceError
from napari_cellforce.scan import Drawing
from napari_cellforce.synthetic import CellConfig
from napari_cellforce.tfm import TfmConfig
from napari_cellforce.train import TrainConfig

SOURCE = Path(napari_cellforce.__file__).parent


def _settings_classes() -> list[type[Settings]]:
    """Return all dataclasses of settings, wherever in the package they are."""
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).with_suffix("").parts
        if name[0] not in ("widgets", "viewer", "hooks", "__main__"):
            importlib.import_module(".".join(("napari_cellforce", *name)).removesuffix(".__init__"))

    def below(cls: type) -> Iterator[type]:
        for sub in cls.__subclasses__():
            yield sub
            yield from below(sub)

    return [cls for cls in below(Settings) if cls.__module__.startswith("napari_cellforce.")]


CLASSES = _settings_classes()
FIELDS = [(cls, entry) for cls in CLASSES for entry in fields_of(cls)]


def _wrong_types(kind: Any) -> list[Any]:
    """Return values of another type than `kind`, such as a careless reader would convert."""
    if get_origin(kind) in (typing.Union, types.UnionType):
        parts = get_args(kind)
        every = [_wrong_types(part) for part in parts if part is not type(None)]
        wrong = [value for value in every[0] if all(value in other for other in every[1:])]
        return wrong if type(None) in parts else [*wrong, None]
    if kind is Any:
        return []
    simple: dict[Any, list[Any]] = {
        bool: ["no", 1, 0.5, [True], {}],
        int: ["7", 2.7, True, [1], {}],
        float: ["2.7", True, [1.0], {}],
        str: [7, True, 2.7, ["a"], {}],
    }
    if kind in simple:
        return simple[kind]
    if get_origin(kind) is Literal:
        return simple[str] if isinstance(get_args(kind)[0], str) else simple[int]
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        return ["12", 12, 2.7, True, *([value] for value in _wrong_types(parts[0]))]
    return ["a", 7, 2.7, True, [1]]  # mappings and groups of settings


def _out_of_range(entry: SettingEntry) -> list[Any]:
    info, kind = entry.setting, entry.type
    whole = "int" in str(kind) and "float" not in str(kind)
    step = 1 if whole else 0.01
    wrong = [
        bound + sign * step for bound, sign in ((info.minimum, -1), (info.maximum, 1)) if bound is not None
    ] + [bound for bound in (info.above, info.below) if bound is not None]
    numbers = [round(value) if whole else value for value in wrong]
    if get_origin(kind) is not tuple:
        return numbers
    length = 1 if Ellipsis in get_args(kind) else len(get_args(kind))
    return [[number] * length for number in numbers]


def _wrong_words(entry: SettingEntry) -> list[Any]:
    words = [word for word in entry.setting.choices if isinstance(word, str)]
    wrong = [words[0] + "x", words[0].upper() + "!"] if words else []
    return [[word] for word in wrong] if get_origin(entry.type) is tuple else wrong


def _wrong_values(entry: SettingEntry) -> list[Any]:
    return _wrong_types(entry.type) + _out_of_range(entry) + _wrong_words(entry)


NOT_IN_FILES = (Drawing,)
"""Groups that are made by hand, on the screen, and are in no file of settings."""


def _name(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else getattr(value, "path", "")


@pytest.mark.parametrize(("cls", "entry"), FIELDS, ids=_name)
def test_a_file_with_a_wrong_value_or_name_is_refused_by_name(
    cls: type[Settings], entry: SettingEntry, tmp_path: Path
) -> None:
    path = tmp_path / "settings.yaml"
    wrong = [{entry.path: value} for value in _wrong_values(entry)]
    for values in [*wrong, {entry.path + "x": 1}, {entry.path[:-1] + "_": 1}]:
        path.write_text(yaml.safe_dump(values))
        with pytest.raises(CellForceError) as refused:
            read_settings(path, cls)
        (key,) = values
        assert "settings.yaml" in refused.value.value
        assert re.search(rf"\b{key}\b", refused.value.value), (values, str(refused.value))
        assert refused.value.rule


@pytest.mark.parametrize("cls", CLASSES, ids=_name)
def test_a_wrong_value_is_refused_in_python(cls: type[Settings]) -> None:
    if any(entry.default is dataclasses.MISSING for entry in fields_of(cls)):
        pytest.skip("a setting has no default")
    for entry in fields_of(cls):
        shown = entry.setting.label or entry.path.replace("_", " ")
        for value in _wrong_values(entry):
            with pytest.raises(CellForceError, match=re.escape(shown)):
                cls(**{entry.path: value})


@pytest.mark.parametrize("cls", CLASSES, ids=_name)
def test_every_setting_has_help(cls: type[Settings]) -> None:
    for entry in fields_of(cls):
        text = entry.setting.help
        assert text, f"{cls.__name__}.{entry.path}"
        assert text[0].isupper() or not text[0].isalpha(), text
        assert text.endswith((".", ")", "?")), text


@pytest.mark.parametrize("cls", CLASSES, ids=_name)
def test_every_group_of_settings_is_read_by_the_same_rules(cls: type[Settings]) -> None:
    for entry in fields_of(cls):
        for part in _leaves(entry.type):
            assert not dataclasses.is_dataclass(part) or issubclass(part, (Settings, *NOT_IN_FILES))


def _leaves(kind: Any) -> Iterator[Any]:
    if get_args(kind) and get_origin(kind) is not Literal:
        for part in get_args(kind):
            yield from _leaves(part)
    elif isinstance(kind, type):
        yield kind


def test_every_config_of_the_package_is_checked() -> None:
    named = [
        cls
        for name, module in list(sys.modules.items())
        if name.startswith("napari_cellforce.")
        for cls in vars(module).values()
        if isinstance(cls, type) and dataclasses.is_dataclass(cls) and cls.__module__ == name
    ]
    configs = [cls for cls in named if cls.__name__.endswith(("Config", "Settings"))]
    assert [cls.__name__ for cls in configs if not issubclass(cls, Settings)] == []


def test_only_config_io_reads_yaml_and_builds_settings() -> None:
    for path in SOURCE.rglob("*.py"):
        if path.is_relative_to(SOURCE / "config_io") or path == SOURCE / "batch" / "completion.py":
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\byaml\b.*\bload|^import yaml", text, re.MULTILINE), path
        assert not re.search(r"(Config|Settings|cls)\(\*\*\w*(json|entries|values)", text), path


def _nested(path: str, value: Any) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    return typing.cast("dict[str, Any]", value)


COMMANDS = {
    "train": (TrainConfig, ["train"]),
    "tfm": (TfmConfig, ["tfm", "beads.tif", "pulled.tif", "--preset"]),
    "scan": (CellConfig, ["scan", "area", "--cell"]),
    "batch": (JobQueueConfig, ["batch", ".", "--out=out", "--model=adhesion-filter", "--cluster"]),
}
"""Every command that reads a file of settings: the settings, and its arguments up to the file."""


@pytest.fixture(scope="module", autouse=True)
def _one_parser() -> Iterator[None]:
    """Build the parser of the command line once, which takes a tenth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


@pytest.mark.parametrize(
    ("command", "entry"),
    [(name, entry) for name, (cls, _) in COMMANDS.items() for entry in settings_of(cls)],
    ids=lambda value: getattr(value, "path", value),
)
def test_the_command_line_refuses_it_in_one_line_with_exit_code_2(
    command: str,
    entry: SettingEntry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CELLFORCE_MODEL_DIR", str(tmp_path / "models"))
    file = tmp_path / "settings.json"
    for values in (_nested(entry.path, _wrong_types(entry.type)[0]), _nested(entry.path + "x", 1)):
        file.write_text(json.dumps(values))
        monkeypatch.setattr(sys, "argv", ["cellforce", *COMMANDS[command][1], str(file)])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert entry.path in line
