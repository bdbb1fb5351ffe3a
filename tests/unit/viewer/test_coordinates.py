"""Places in napari's world, in layers of any unit, scale, turn and order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_cellforce.viewer.coordinates import (
    distorted,
    frame_interval_of,
    pixel_size_of,
    pixels_to_pixels,
    show_frame,
    shown_frame,
    to_pixels,
    to_world,
)

MOVIE = np.zeros((7, 20, 30), np.float32)
MICRON = {"scale": (2.0, 0.25, 0.25), "units": ("minute", "micrometer", "micrometer")}
NANOMETRE = {"scale": (120.0, 250.0, 250.0), "units": ("second", "nanometer", "nanometer")}


def turned(degrees: float) -> dict[str, Any]:
    return {"rotate": degrees, "scale": (0.5, 0.5), "translate": (3.0, -4.0), "units": ("micrometer",) * 2}


def test_the_same_place_in_nm_and_in_um_is_the_same_pixel() -> None:
    there_and_back = pixels_to_pixels(Image(MOVIE, **NANOMETRE), Image(MOVIE, **MICRON))
    assert there_and_back == pytest.approx(np.eye(4), abs=1e-12)


@pytest.mark.parametrize("degrees", [0.0, 17.0, 90.0])
def test_a_click_is_found_where_it_was_made(degrees: float) -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(MOVIE[0], **turned(degrees))
    viewer.add_image(MOVIE[0], scale=(40.0, 40.0), units=("nanometer",) * 2)  # the world counts in nm now
    position = to_world(viewer, layer, (4.0, 11.0))
    assert to_pixels(viewer, layer, position) == pytest.approx((4.0, 11.0))
    assert np.hypot(*(to_world(viewer, layer, (5.0, 11.0)) - position)) == pytest.approx(500.0)  # nm


@pytest.mark.parametrize(
    "other", [None, NANOMETRE, {"scale": (5.0, 1.0, 1.0), "units": ("second", "um", "um")}]
)
def test_the_frame_on_screen_is_the_frame_of_the_layer(other: dict[str, Any] | None) -> None:
    """Whatever steps other layers give to the slider."""
    viewer = ViewerModel()
    layer = viewer.add_image(MOVIE, **MICRON)
    if other is not None:
        viewer.add_image(np.zeros((300, 4, 4)), **other)
    for t in (0, 3, 6):
        show_frame(viewer, layer, t)
        assert shown_frame(viewer, layer, 7) == t


def test_steps_of_the_slider_are_not_frames() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(MOVIE, **MICRON)
    viewer.add_image(MOVIE, **{**MICRON, "scale": (24.0, 0.25, 0.25), "units": ("second", "um", "um")})
    show_frame(viewer, layer, 2)
    assert viewer.dims.current_step[0] == 10
    assert shown_frame(viewer, layer, 7) == 2


def test_pixel_size_and_interval_in_our_units() -> None:
    layer = Image(MOVIE, **NANOMETRE)
    size = pixel_size_of(layer)
    assert size is not None
    assert (size.y, size.x, frame_interval_of(layer)) == pytest.approx((0.25, 0.25, 2.0))
    assert pixel_size_of(Image(MOVIE)) is None
    assert frame_interval_of(Image(MOVIE)) is None


@pytest.mark.parametrize("degrees", [0.0, 30.0])
def test_turning_and_mirroring_keep_the_pixel_size(degrees: float) -> None:
    layer = Image(MOVIE[0], affine=np.diag([1.0, -1.0, 1.0]), **turned(degrees))
    size = pixel_size_of(layer)
    assert size is not None
    assert (size.y, size.x) == pytest.approx((0.5, 0.5))
    assert distorted(layer) is None


@pytest.mark.parametrize(
    ("placing", "named"),
    [
        ({"shear": (0.3,), "units": ("um", "um")}, "sheared"),
        ({"shear": (-0.1,), "scale": (0.2, 0.2)}, "sheared"),
        ({"affine": [[0.2, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]}, "without extent"),
    ],
)
def test_what_is_no_square_pixel_is_refused_by_name(placing: dict[str, Any], named: str) -> None:
    problem = distorted(Image(MOVIE[0], name="cell", **placing))
    assert problem is not None
    assert named in str(problem)
    assert problem.value.startswith("cell ")
