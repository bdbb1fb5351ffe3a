"""Adhesions sit where the rule puts them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic import PAPER_ADHESIONS, AdhesionRule, Adhesions, Outline, Shape

DISC = Shape(kind="circle", area=np.pi * 40.0**2).outline((0.0, 0.0))


def place(outline: Outline = DISC, **settings: float) -> tuple[np.ndarray, np.ndarray]:
    """Return distance from the centre, and angle to the inward direction, of many adhesions."""
    rule = AdhesionRule(**{"number": 400, "jitter": 0.0, "inside": 0.0, "length_spread": 0.0, **settings})
    adhesions = rule.place(outline, np.random.default_rng(1))
    inward = np.arctan2(*-(adhesions.centre - outline.centroid).T)
    return np.hypot(*(adhesions.centre - outline.centroid).T), np.angle(
        np.exp(1j * (adhesions.angle - inward))
    )


def test_the_authors_rule_covers_the_edge_evenly_with_radial_adhesions() -> None:
    adhesions = PAPER_ADHESIONS.place(DISC, np.random.default_rng(0))
    assert len(adhesions) == round(round(DISC.length / 1.7) * 0.5)
    distance = np.hypot(*adhesions.centre.T)
    assert distance == pytest.approx(40.0 - 8.5, abs=0.02)
    direction = np.sort(np.arctan2(*adhesions.centre.T))
    assert np.diff(direction) == pytest.approx(2 * np.pi / len(adhesions), abs=0.02)


def test_without_jitter_adhesions_point_to_the_centre() -> None:
    assert np.abs(place()[1]).max() < 1e-9


def test_jitter_is_the_spread_of_the_orientation() -> None:
    assert place(jitter=0.3)[1].std() == pytest.approx(0.3, rel=0.15)


def test_depth_moves_adhesions_inward_from_the_edge() -> None:
    assert place(depth=0.0)[0] == pytest.approx(40.0 - 3.5 / 2, abs=0.02)
    assert place(depth=4.0)[0].mean() == pytest.approx(40.0 - 3.5 / 2 - 4.0, abs=0.6)


def test_adhesions_inside_are_spread_evenly_over_the_area() -> None:
    assert (place(inside=1.0)[0] < 40.0 / np.sqrt(2)).mean() == pytest.approx(0.5, abs=0.08)


def test_corners_attract_adhesions() -> None:
    star = Shape(kind="star", corners=4, depth=0.5).outline((0.0, 0.0))
    assert place(star, corner_preference=4.0)[0].mean() > 1.1 * place(star, corner_preference=0.0)[0].mean()


def test_aligned_adhesions_lie_along_the_cell() -> None:
    long = Shape(kind="ellipse", aspect=3.0, angle=0.5).outline((0.0, 0.0))
    rule = AdhesionRule(number=50, jitter=0.0, alignment=1.0)
    adhesions = rule.place(long, np.random.default_rng(2))
    edge = np.abs(np.sin(adhesions.angle - 0.5))
    assert np.median(edge) < 0.01


def test_a_higher_density_adds_adhesions_and_leaves_the_others_in_place() -> None:
    few, many = (AdhesionRule(number=n).place(DISC, np.random.default_rng(4)) for n in (20, 30))
    assert np.array_equal(many.centre[: len(few)], few.centre)
    assert np.array_equal(many.length[: len(few)], few.length)


@pytest.mark.parametrize("kind", ["star", "spread", "blob"])
def test_every_adhesion_lies_in_the_cell(kind: str) -> None:
    outline = Shape(kind=kind).outline((0.0, 0.0), np.random.default_rng(8))
    adhesions = AdhesionRule(number=200).place(outline, np.random.default_rng(8))
    assert outline.contains(adhesions.centre).all()
    assert len(adhesions) > 190


def test_a_cell_smaller_than_an_adhesion_is_refused() -> None:
    tiny = Shape(kind="circle", area=2.0).outline()
    with pytest.raises(CellForceError, match="smaller than one adhesion"):
        AdhesionRule().place(tiny, np.random.default_rng(0))


@pytest.mark.parametrize("setting", [f.name for f in dataclasses.fields(AdhesionRule) if f.type == "float"])
def test_senseless_settings_are_refused(setting: str) -> None:
    if setting != "corner_preference":  # any number makes sense there
        with pytest.raises(CellForceError, match=setting.replace("_", " ")):
            AdhesionRule(**{setting: -1.0})


def test_an_adhesion_drawn_without_length_is_refused() -> None:
    with pytest.raises(CellForceError, match="no length"):
        Adhesions(np.zeros((1, 2)), np.zeros(1), np.ones(1), np.zeros(1), np.ones(1))
