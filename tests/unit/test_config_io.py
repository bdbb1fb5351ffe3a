"""One strict reader of settings: whatever is wrong is refused with the name of the setting."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from napari_cellforce.config_io import (
    Settings,
    from_json,
    from_mapping,
    read_settings,
    record_from_mapping,
    record_to_mapping,
    setting,
    settings_of,
    to_json,
    to_mapping,
)
from napari_cellforce.errors import CellForceError, CellForceWarning, Topic


@dataclass(frozen=True)
class Lamp(Settings):
    power: float = setting(1.0, help="Power of the lamp.", unit="mW", above=0, maximum=10)
    colour: Literal["blue", "green"] = setting("blue", help="Colour of the light.")


@dataclass(frozen=True)
class Laser(Settings):
    wavelength: int = setting(488, help="Wavelength.", unit="nm", minimum=300)


@dataclass(frozen=True)
class Recording(Settings):
    name: str = setting(help="Name of the recording.")
    frames: int = setting(1, help="Number of frames.", minimum=1, earlier_names=("count",))
    fast: bool = setting(False, help="Whether frames overlap.")
    size: tuple[int, int] = setting((8, 8), help="Height and width.", unit="pixels", minimum=1)
    channels: tuple[str, ...] = setting((), help="Names of the channels.")
    z: Literal["max"] | int | None = setting(None, help="Plane.")
    limits: Mapping[str, tuple[float, float]] = setting(default_factory=dict, help="Limits by name.")
    lamp: Lamp = setting(default_factory=Lamp, help="The lamp.")
    source: Lamp | Laser | None = setting(None, help="The light source.")
    lamps: tuple[Lamp, ...] = setting((), help="More lamps.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fast and self.frames == 1:
            raise CellForceError(
                "fast is true with one frame", "frames overlap", "Take two.", topic=Topic.SAMPLES
            )


WRONG = {
    "text for a whole number": ("frames", "7"),
    "fraction for a whole number": ("frames", 2.7),
    "word for true or false": ("fast", "no"),
    "text for a list": ("size", "12"),
    "text for a list of words": ("channels", "ab"),
    "truth for a number": ("frames", True),
    "number for truth": ("fast", 1),
    "wrong length": ("size", [1, 2, 3]),
    "out of range": ("frames", 0),
    "entry out of range": ("size", [1, 0]),
    "wrong word": ("z", "maxx"),
    "number for a text": ("name", 3),
    "null": ("frames", None),
    "entry of a mapping": ("limits", {"a": [1, "2"]}),
    "not a number": ("limits", {"a": [1, math.nan]}),
    "infinite": ("lamp.power", math.inf),
    "nested word": ("lamp.colour", "bleu"),
    "nested range": ("lamp.power", 0.0),
    "group given as a number": ("lamp", 3),
    "no such type": ("source", {"type": "Sun"}),
    "type missing": ("source", {"power": 1.0}),
    "entry of a list of groups": ("lamps", [{"power": 11.0}]),
}


def nested(path: str, value: Any) -> dict[str, Any]:
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_are_refused_by_name(case: str) -> None:
    path, value = WRONG[case]
    with pytest.raises(CellForceError) as refused:
        from_mapping(Recording, {"name": "a"} | nested(path, value), source="run.yaml")
    assert refused.value.value.startswith("run.yaml: ")
    assert path in refused.value.value
    assert refused.value.rule


@pytest.mark.parametrize("case", [case for case, (path, _) in WRONG.items() if "." not in path])
def test_wrong_values_are_refused_in_python(case: str) -> None:
    path, value = WRONG[case]
    with pytest.raises(CellForceError, match=path):
        Recording(**{"name": "a", path: value})
    with pytest.raises(CellForceError, match=path):
        dataclasses.replace(Recording("a"), **{path: value})


@pytest.mark.parametrize(
    ("values", "found", "remedy"),
    [
        ({"name": "a", "framse": 3}, "framse", "Did you mean frames?"),
        ({"name": "a", "lamp": {"powr": 3}}, "lamp.powr", "Did you mean power?"),
        ({"name": "a", "power": 3.0}, "power", "Did you mean lamp.power?"),
        ({"name": "a", "lamp": {"colour": "gren"}}, "lamp.colour", "Did you mean green?"),
        ({"name": "a", "lamp": {"colour": False}}, "lamp.colour", "quotes"),
        ({"name": "a", "source": {"type": "Laserr"}}, "source.type", "Did you mean Laser?"),
        ({"name": "a", "frames": 2, "count": 3}, "frames", ""),
        ({"frames": 3}, "name is missing", ""),
    ],
)
def test_the_nearest_name_is_offered(values: dict[str, Any], found: str, remedy: str) -> None:
    with pytest.raises(CellForceError) as refused:
        from_mapping(Recording, values)
    assert found in refused.value.value
    assert remedy in refused.value.remedy


def test_contradictions_name_the_file() -> None:
    with pytest.raises(CellForceError, match=r"run\.json: fast is true with one frame") as refused:
        from_mapping(Recording, {"name": "a", "fast": True}, source="run.json")
    assert refused.value.topic == Topic.SAMPLES


def test_what_is_written_is_read_again() -> None:
    recording = Recording(
        "a",
        frames=3,
        limits={"x": (0.0, 1.0)},
        source=Laser(561),
        lamps=(Lamp(2.0), Lamp(colour="green")),
        z="max",
    )
    assert from_mapping(Recording, to_mapping(recording)) == recording
    assert from_json(Recording, to_json(recording)) == recording


def test_numbers_are_made_alike() -> None:
    recording = Recording("a", frames=np.int64(3), size=[np.int32(4), 5], lamp=Lamp(power=2))  # type: ignore[arg-type]
    assert recording == Recording("a", frames=3, size=(4, 5), lamp=Lamp(2.0))
    assert type(recording.frames) is int
    assert type(recording.lamp.power) is float


def test_earlier_names_are_read() -> None:
    assert from_mapping(Recording, {"name": "a", "count": 4}).frames == 4


def test_settings_are_listed_with_their_metadata() -> None:
    entries = {entry.path: entry for entry in settings_of(Recording)}
    assert {"name", "lamp.power", "lamp.colour", "source"} <= set(entries)
    assert entries["lamp.power"].setting.unit == "mW"
    assert entries["lamp.power"].setting.range_text == "above 0 and at most 10"
    assert entries["lamp.colour"].setting.choices == ("blue", "green")
    assert entries["name"].default is dataclasses.MISSING
    assert entries["frames"].default == 1


FILES = {
    "neither": ("a: [1", "neither YAML nor JSON"),
    "twice in YAML": ("name: a\nframes: 1\nframes: 2\n", "frames is there twice"),
    "twice in JSON": ('{"name": "a", "frames": 1, "frames": 2}', "frames twice"),
    "nested twice": ("name: a\nlamp: {power: 1, power: 2}\n", "power is there twice"),
    "no mapping": ("- a\n- b\n", "holds no settings"),
    "empty": ("", "holds no settings"),
    "deep": ("[" * 20000, "nested too deeply"),
    "code": ("name: !!python/object/apply:os.getcwd []\n", "neither YAML nor JSON"),
}


@pytest.mark.parametrize("case", FILES)
def test_broken_files_are_refused(case: str, tmp_path: Path) -> None:
    text, message = FILES[case]
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(CellForceError, match=message) as refused:
        read_settings(path, Recording)
    assert "run.yaml" in str(refused.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CellForceError, match="no such file"):
        read_settings(tmp_path / "none.yaml", Recording)
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(CellForceError, match="is no text"):
        read_settings(tmp_path / "picture.yaml", Recording)


def test_yaml_reads_powers_of_ten_as_numbers_and_times_as_texts(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("name: 08:00:00\nlamp: {power: 1e-3}\nchannels: [2024-01-01]\nframes: 1_000\n")
    recording = read_settings(path, Recording)
    assert recording == Recording("08:00:00", 1000, channels=("2024-01-01",), lamp=Lamp(1e-3))


@dataclass(frozen=True)
class Record:
    name: str = ""
    size: float = setting(1.0, help="Size.", above=0)
    extra: Mapping[str, Any] = field(default_factory=dict)


def test_records_of_later_versions_are_kept_and_reported() -> None:
    values = {"name": "a", "size": 2, "gpu": {"memory": 3}}
    with pytest.warns(CellForceWarning, match="gpu"):
        record = record_from_mapping(Record, values, source="model.json")
    assert record == Record("a", 2.0, {"gpu": {"memory": 3}})
    assert record_to_mapping(record) == values


def test_records_are_strict_about_values() -> None:
    with pytest.raises(CellForceError, match=r"model\.json: size is '2'"):
        record_from_mapping(Record, {"size": "2"}, source="model.json")
