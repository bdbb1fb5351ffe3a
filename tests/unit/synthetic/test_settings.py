"""Settings survive being written, and are changed by name."""

from __future__ import annotations

import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic import (
    CellConfig,
    Drug,
    FibreMechanics,
    Instrument,
    PopulationConfig,
    Range,
    Recipe,
)
from napari_cellforce.synthetic.settings import replace_setting


def test_a_population_survives_being_written_as_json() -> None:
    config = CellConfig(
        drug=Drug(strength=0.7), mechanics=FibreMechanics(), instrument=Instrument(noise=0.02)
    )
    population = PopulationConfig(
        (Recipe(config, (Range("shape.area", 1000, 3000, True),)),), cells=7, seed=3
    )
    assert PopulationConfig.from_json(population.to_json()) == population
    assert CellConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize("text", ["", '{"type": "Cat"}', '{"type": "CellConfig", "colour": 1}', "[1]"])
def test_text_that_is_no_config_is_refused(text: str) -> None:
    with pytest.raises(CellForceError, match=r"colour|type|JSON|no settings"):
        CellConfig.from_json(text)


def test_settings_written_by_earlier_versions_are_read() -> None:
    """They named the class of every group."""
    text = """{"type": "CellConfig", "shape": {"type": "Shape", "area": 2000}, "proteins":
        [{"type": "ProteinLook", "name": "actin"}], "mechanics": {"type": "FibreMechanics", "gel": 5000.0}}"""
    config = CellConfig.from_json(text)
    assert config.shape.area == 2000
    assert config.mechanics == FibreMechanics(gel=5000.0)


def test_a_setting_is_changed_by_its_path_and_the_rest_stays() -> None:
    config = replace_setting(CellConfig(), "adhesions.length", 9.0)
    assert config.adhesions.length == 9.0
    assert replace_setting(config, "adhesions.length", CellConfig().adhesions.length) == CellConfig()
    assert replace_setting(config, "proteins.zyxin.nucleus", 2.0).proteins[0].nucleus == 2.0
    assert replace_setting(config, "shape.corners", 5.4).shape.corners == 5
    assert replace_setting(config, "adhesions.number", 12.6).adhesions.number == 13


@pytest.mark.parametrize(
    "setting", ["adhesion", "adhesions.colour", "proteins.actin.nucleus", "frames.first"]
)
def test_an_unknown_setting_is_refused(setting: str) -> None:
    with pytest.raises(CellForceError):
        replace_setting(CellConfig(), setting, 1.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "setting", ["shape.angle", "shape.corners", "adhesions.corner_preference", "adhesions.number", "frames"]
)
def test_what_is_no_number_is_refused(setting: str, value: float) -> None:
    with pytest.raises(CellForceError, match=setting.split(".")[-1].replace("_", " ")):
        replace_setting(CellConfig(), setting, value)
