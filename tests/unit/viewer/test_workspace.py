"""One workspace per viewer: what changes is noticed, and a typed pixel size holds for all that lies there."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_cellforce.viewer.coordinates import pixel_size_of, pixels_to_pixels
from napari_cellforce.viewer.workspace import Workspace

CHANGES: dict[str, Callable[[Any], None]] = {
    "scale": lambda layer: setattr(layer, "scale", (2.0, 2.0)),
    "units": lambda layer: setattr(layer, "units", ("um", "um")),
    "translate": lambda layer: setattr(layer, "translate", (3.0, 0.0)),
    "rotate": lambda layer: setattr(layer, "rotate", 10.0),
    "affine": lambda layer: setattr(layer, "affine", np.diag([2.0, 2.0, 1.0])),
    "data": lambda layer: setattr(layer, "data", np.ones((8, 8), int)),
}


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def test_a_viewer_has_one_workspace(viewer: ViewerModel) -> None:
    assert Workspace.of(viewer) is Workspace.of(viewer)
    assert Workspace.of(viewer) is not Workspace.of(ViewerModel())


def test_it_does_not_outlive_the_viewer() -> None:
    viewer = ViewerModel()
    kept = weakref.ref(Workspace.of(viewer))
    del viewer
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("add", ["add_image", "add_labels"])
def test_each_change_of_a_layer_is_another_state(viewer: ViewerModel, add: str, change: str) -> None:
    layer = getattr(viewer, add)(np.zeros((8, 8), int))
    workspace, heard = Workspace.of(viewer), []
    workspace.layer_changed.connect(lambda changed, what: heard.append((changed, what)))
    before = workspace.state(layer)
    CHANGES[change](layer)
    assert workspace.state(layer) != before
    assert heard[-1] == (layer, "data" if change == "data" else "place")


def test_a_stroke_and_a_shape_are_another_state(viewer: ViewerModel) -> None:
    labels, shapes = viewer.add_labels(np.zeros((8, 8), int)), viewer.add_shapes()
    workspace = Workspace.of(viewer)
    before = workspace.state(labels), workspace.state(shapes)
    labels.paint((4, 4), 1)
    shapes.add_polygons([[0, 0], [0, 5], [5, 5]])
    assert workspace.state(labels) != before[0]
    assert workspace.state(shapes) != before[1]


def test_what_changes_no_result_is_the_same_state(viewer: ViewerModel) -> None:
    layer = viewer.add_image(np.zeros((8, 8)))
    workspace = Workspace.of(viewer)
    before = workspace.state(layer)
    layer.name, layer.opacity, layer.colormap = "other", 0.3, "magma"
    viewer.add_image(np.zeros((8, 8)))
    viewer.layers.move(0, 2)
    assert workspace.state(layer) == before


def test_a_layer_put_in_place_of_another_is_another(viewer: ViewerModel) -> None:
    first = viewer.add_image(np.zeros((8, 8)), name="cell")
    state = Workspace.of(viewer).state(first)
    viewer.layers.remove(first)
    assert Workspace.of(viewer).state(viewer.add_image(np.zeros((8, 8)), name="cell")) != state


def test_a_typed_pixel_size_goes_to_all_that_lies_on_the_image_and_comes_off_again(
    viewer: ViewerModel,
) -> None:
    movie = viewer.add_image(np.zeros((5, 8, 8)))
    mask = viewer.add_labels(np.zeros((8, 8), int))
    apart = viewer.add_image(np.zeros((8, 8)), scale=(0.5, 0.5), units=("um", "um"))
    workspace = Workspace.of(viewer)
    workspace.set_pixel_size(movie, 0.34)
    workspace.set_pixel_size(movie, 0.68)
    for layer in (movie, mask):
        size = pixel_size_of(layer)
        assert size is not None
        assert (size.y, size.x) == pytest.approx((0.68, 0.68))
    assert pixel_size_of(movie).source == "typed"
    assert tuple(movie.scale) == (1.0, 0.68, 0.68), "time stays"
    assert tuple(apart.scale) == (0.5, 0.5)
    assert viewer.layers.extent.units is not None, "napari agrees on units"
    workspace.undo_pixel_size(movie)
    assert pixel_size_of(movie) is None
    assert tuple(mask.scale) == (1.0, 1.0)
    assert not workspace.can_undo_pixel_size(movie)


def test_what_lay_on_each_other_still_does(viewer: ViewerModel) -> None:
    image = viewer.add_image(
        np.zeros((8, 8)), scale=(0.2, 0.2), translate=(3, 4), rotate=20, units=("um",) * 2
    )
    mask = viewer.add_labels(
        np.zeros((8, 8), int), scale=(0.2, 0.2), translate=(3, 4), rotate=20, units=("um",) * 2
    )
    Workspace.of(viewer).set_pixel_size(image, 0.1)
    assert pixels_to_pixels(image, mask) == pytest.approx(np.eye(3), abs=1e-9)


def test_oblong_pixels_become_square(viewer: ViewerModel) -> None:
    image = viewer.add_image(np.zeros((8, 8)), scale=(0.2, 0.4), units=("um", "um"))
    Workspace.of(viewer).set_pixel_size(image, 0.3)
    assert tuple(image.scale) == pytest.approx((0.3, 0.3))
