"""The outline of a cell, made by a rule, by hand or from a mask."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic import Outline, Shape

KINDS = ("circle", "ellipse", "square", "polygon", "star", "spread", "blob")
SQUARE = np.array([[10.0, 10.0], [10.0, 30.0], [30.0, 30.0], [30.0, 10.0]])
HOURGLASS = np.array([[0.0, 0.0], [10.0, 10.0], [0.0, 20.0], [20.0, 20.0], [10.0, 10.0], [20.0, 0.0]])


@pytest.mark.parametrize("kind", KINDS)
def test_every_shape_has_the_area_it_was_asked_for_also_in_pixels(kind: str) -> None:
    outline = Shape(kind=kind, area=2000.0, aspect=1.5, angle=0.4).outline(
        (50.0, 50.0), np.random.default_rng(3)
    )
    assert outline.area == pytest.approx(2000.0)
    assert outline.mask((256, 256), 0.4).sum() * 0.4**2 == pytest.approx(2000.0, rel=2e-3)
    assert outline.centroid == pytest.approx([50.0, 50.0])


def test_an_ellipse_has_its_aspect_ratio_and_lies_along_its_angle() -> None:
    outline = Shape(kind="ellipse", aspect=2.5, angle=0.7).outline((0.0, 0.0))
    offsets = np.hypot(*outline.points.T)
    assert offsets.max() / offsets.min() == pytest.approx(2.5, rel=1e-3)
    furthest = outline.points[offsets.argmax()]
    assert math.tan(math.atan2(*furthest)) == pytest.approx(math.tan(0.7), rel=0.02)
    assert math.tan(outline.long_axis) == pytest.approx(math.tan(0.7), rel=0.02)


def test_a_square_is_a_square() -> None:
    outline = Shape(kind="square", area=400.0).outline((0.0, 0.0))
    assert outline.length == pytest.approx(80.0)
    assert np.ptp(outline.points, axis=0) == pytest.approx([20.0, 20.0])


def test_the_arcs_of_a_star_are_hollow() -> None:
    straight, hollow = (Shape(kind="star", corners=5, depth=depth).outline() for depth in (0.0, 0.5))
    assert hollow.length > 1.1 * straight.length


def test_the_inward_normal_points_into_the_cell_whichever_way_it_was_drawn() -> None:
    for points in (SQUARE, SQUARE[::-1]):
        outline = Outline(points)
        at = np.array([0.1, 0.4, 0.6, 0.9])
        assert outline.contains(outline.along(at) + outline.inward_normal(at)).all()


def test_a_mask_gives_back_its_outline() -> None:
    drawn = Shape(kind="blob", area=1500.0).outline((40.0, 40.0))
    mask = drawn.mask((200, 200), 0.4)
    found = Outline.from_mask(mask, 0.4)
    assert found.area == pytest.approx(1500.0, rel=0.01)
    assert (found.mask((200, 200), 0.4) == mask).mean() > 0.999


def test_of_a_mask_with_several_pieces_the_largest_counts() -> None:
    mask = np.zeros((60, 60), dtype=bool)
    mask[5:10, 5:10] = True
    mask[20:50, 20:50] = True
    assert Outline.from_mask(mask, 1.0).centroid == pytest.approx([34.5, 34.5])


def test_a_smooth_drawing_runs_through_its_points() -> None:
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    corners = 10 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    smooth = Outline.from_drawing(corners, smooth=True)
    gaps = np.hypot(*(smooth.points[:, None] - corners).transpose(2, 0, 1)).min(axis=0)
    assert gaps.max() < 0.1
    assert smooth.area == pytest.approx(100 * np.pi, rel=0.01)


def test_a_path_whose_ends_meet_is_closed() -> None:
    for overshoot in (0.0, 0.5, -0.5):
        path = np.concatenate([SQUARE, SQUARE[:1] + np.array([0.0, overshoot])])
        assert Outline.from_drawing(path, closed=False).area == pytest.approx(400.0)


@pytest.mark.parametrize(
    ("points", "closed", "complaint"),
    [
        (SQUARE[[0, 2, 1, 3]], True, "crosses itself"),
        (SQUARE, False, "open: its ends are 20.0 µm apart"),
        (SQUARE[:2], True, "encloses no area"),
        (np.full((4, 2), 3.0), True, "encloses no area"),
        (SQUARE * np.nan, True, "4 of the 4 points of the outline are NaN"),
        (np.concatenate([SQUARE, [[10.0, np.inf]]]), True, "1 of the 5 points of the outline are NaN"),
        (HOURGLASS, True, "touches itself"),
        (np.concatenate([SQUARE, SQUARE]), True, "touches itself"),
        (np.concatenate([SQUARE, [[10.0, 20.0], [30.0, 5.0]]]), True, "touches itself"),
    ],
    ids=[
        "bow tie",
        "open",
        "line",
        "point",
        "no numbers",
        "infinite",
        "waist",
        "twice round",
        "through an edge",
    ],
)
def test_a_careless_drawing_is_refused(points: np.ndarray, closed: bool, complaint: str) -> None:
    with pytest.raises(CellForceError, match=complaint):
        Outline.from_drawing(points, closed=closed)


def test_corners_on_a_straight_edge_are_no_fault_nor_are_corners_drawn_twice() -> None:
    halfway = (SQUARE + np.roll(SQUARE, -1, axis=0)) / 2
    many = np.stack([SQUARE, SQUARE, halfway], axis=1).reshape(-1, 2)
    assert Outline(many).area == Outline.from_drawing(many).area == pytest.approx(400.0)


def test_a_painted_cell_never_meets_itself_however_ragged() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        Outline.from_mask(rng.random((40, 40)) > 0.4, 0.3)


def test_a_cell_that_leaves_the_image_is_refused() -> None:
    with pytest.raises(CellForceError, match="leaves the image"):
        Outline(SQUARE - 15.0).mask((100, 100), 1.0)
    with pytest.raises(CellForceError, match="leaves the image"):
        Outline(SQUARE).mask((30, 100), 1.0)


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(CellForceError, match="empty"):
        Outline.from_mask(np.zeros((5, 5), dtype=bool), 0.5)


@pytest.mark.parametrize(
    "settings", [{"kind": "heart"}, {"area": 0.0}, {"aspect": -1.0}, {"corners": 2}, {"depth": 1.5}]
)
def test_an_impossible_shape_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(CellForceError):
        Shape(**settings)
