"""Fields become layers that napari accepts, that sit where the image is, and say what they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from napari.layers import Image, Labels, Layer, Vectors

from napari_cellforce.fields import ImageStack, PixelSize, Provenance, ScalarField, VectorField, X, Y
from napari_cellforce.layers import (
    METADATA_KEY,
    Arrows,
    Edges,
    LayerLabel,
    Magnitude,
    Placement,
    arrow_layer,
    field_layers,
    image_layers,
    magnitude_layer,
    mask_layer,
    scalar_layer,
)
from napari_cellforce.layers.layer_tuples import contrast_limits, upper_limit

PIXEL = PixelSize(0.2, 0.3)
WORLD = {"t": (2.5, "minute"), "y": (0.2, "micrometer"), "x": (0.3, "micrometer")}


@pytest.fixture
def traction() -> VectorField:
    """Three frames, 24 x 40: the cell pulls 300 Pa up and 400 Pa to the right, twice that in the last."""
    mask = np.zeros((3, 24, 40), bool)
    mask[:, 4:20, 8:36] = True
    data = np.zeros((3, 2, 24, 40), np.float32)
    data[:, Y][mask], data[:, X][mask] = -300, 400
    data[2] *= 2
    made_by = Provenance(model="adhesion-filter")
    return VectorField(data, "traction", "Pa", PIXEL, 2.5, mask=mask, name="cell 7", provenance=made_by)


@pytest.fixture
def image() -> ImageStack:
    t, c, y, x = np.indices((3, 2, 24, 40))
    return ImageStack(
        (c + 1) * 1000 + t + y + x, ("zyxin", "actin"), PIXEL, 2.5, "cell 7", "/data/cell 7.tif"
    )


def accepted(layer_tuple) -> Layer:
    return Layer.create(*layer_tuple)


def world_of(layer: Layer) -> dict[str, tuple[float, str]]:
    axes = zip(layer.axis_labels, layer.scale, layer.units, strict=True)
    return {label: (pytest.approx(scale), str(unit)) for label, scale, unit in axes}


def test_a_field_becomes_three_layers_on_the_images_scale(traction):
    magnitude, arrows, outline = (accepted(layer) for layer in field_layers(traction))
    assert (type(magnitude), type(arrows), type(outline)) == (Image, Vectors, Labels)
    for layer in (magnitude, arrows, outline):
        assert world_of(layer) == WORLD
        assert layer.metadata[METADATA_KEY]["model"] == "adhesion-filter"
    assert [layer.name for layer in (magnitude, arrows, outline)] == [
        "|F| [Pa] cell 7 (adhesion-filter)",
        "F [Pa] cell 7 (adhesion-filter)",
        "outline cell 7 (adhesion-filter)",
    ]
    np.testing.assert_allclose(np.asarray(magnitude.data)[2, 10, 20], 1000)
    assert magnitude.metadata[METADATA_KEY]["field"] is traction, "so that it can be saved in full"


def test_arrows_point_up_and_to_the_right_and_say_how_hard(traction):
    arrows = accepted(field_layers(traction)[1])
    in_first = arrows.data[:, 0, 0] == 0
    assert in_first.any()
    assert (arrows.data[in_first, 1, 1] < 0).all()
    assert (arrows.data[in_first, 1, 2] > 0).all()
    row = arrows.features[in_first].iloc[len(arrows.features[in_first]) // 2]
    assert row["traction [Pa]"] == pytest.approx(500)
    assert row["direction [°, counter-clockwise]"] == pytest.approx(np.degrees(np.arctan2(3, 4)))


def test_displacements_are_called_u(traction):
    moved = dataclasses.replace(traction, quantity="displacement", unit="µm")
    names = [attributes["name"] for _, attributes, _ in field_layers(moved)[:2]]
    assert names == ["|u| [µm] cell 7 (adhesion-filter)", "u [µm] cell 7 (adhesion-filter)"]


def test_a_field_without_mask_has_no_outline(traction):
    assert [kind for *_, kind in field_layers(dataclasses.replace(traction, mask=None))] == [
        "image",
        "vectors",
    ]


def test_a_field_at_rest_can_be_shown(traction):
    at_rest = dataclasses.replace(traction, data=np.zeros_like(traction.data))
    magnitude, arrows, _ = (accepted(layer) for layer in field_layers(at_rest))
    assert tuple(magnitude.contrast_limits) == (0, 1)
    assert len(arrows.data) == 0


def test_an_image_becomes_a_layer_a_channel(image):
    zyxin, actin = (accepted(layer) for layer in image_layers(image))
    assert (zyxin.name, actin.name) == ("cell 7 zyxin", "cell 7 actin")
    np.testing.assert_array_equal(actin.data, image.data[:, 1])
    assert world_of(zyxin) == WORLD
    assert zyxin.colormap.name != actin.colormap.name
    low, high = actin.contrast_limits
    assert 2000 <= low < high <= 2000 + 2 + 23 + 39
    assert actin.metadata[METADATA_KEY]["path"] == "/data/cell 7.tif"


def test_what_the_file_does_not_say_is_counted_in_pixels(image):
    bare = dataclasses.replace(image, pixel_size=None, frame_interval=None)
    for unsaid in (bare, dataclasses.replace(bare, pixel_size=PixelSize.unknown())):
        layer = accepted(image_layers(unsaid)[0])
        assert world_of(layer) == dict.fromkeys("tyx", (1.0, "pixel"))


def test_more_channels_than_colours(image):
    many = dataclasses.replace(
        image, data=np.repeat(image.data, 4, axis=1), channel_names=tuple(map(str, range(8)))
    )
    assert len([accepted(layer) for layer in image_layers(many)]) == 8


def test_a_result_lies_on_a_still_image_where_that_was_moved_to(traction):
    still = dataclasses.replace(traction, data=traction.data[:1], frame_interval=None, mask=traction.mask[:1])
    frame = Placement((1, 0.2, 0.3), (0, 50, 60), ("pixel", "micrometer", "micrometer"), ndim=2)
    label = LayerLabel("cell 7")
    layers = [
        magnitude_layer(still, frame, label),
        arrow_layer(still, Arrows.of(still.data), frame, label),
        mask_layer(still.mask, frame, label),
    ]
    for layer in map(accepted, layers):
        assert layer.ndim == 2
        assert layer.translate.tolist() == [50, 60]
        assert layer.axis_labels == ("y", "x")


@pytest.mark.parametrize(("low", "colormap", "limits"), [(0, "inferno", (0, 2)), (-2, "coolwarm", (-2, 2))])
def test_scalars_of_both_signs_are_centred_on_zero(low, colormap, limits):
    values = np.linspace(low, 2, 24 * 40, dtype=np.float32).reshape(1, 24, 40)
    layer = accepted(
        scalar_layer(ScalarField(values, "phi", "Pa·µm", PIXEL), Placement.of(PIXEL, None), LayerLabel("c"))
    )
    assert layer.name == "phi [Pa·µm] c"
    assert layer.colormap.name == colormap
    assert tuple(layer.contrast_limits) == pytest.approx(limits, abs=0.02)


def test_the_outline_of_a_square_is_its_rim():
    mask = np.zeros((1, 5, 6), bool)
    mask[0, 1:4, 1:5] = True
    rim = mask.copy()
    rim[0, 2, 2:4] = False
    assert Edges(mask).dtype == np.uint8
    np.testing.assert_array_equal(Edges(mask), rim)
    np.testing.assert_array_equal(Edges(mask)[0, 2], rim[0, 2])
    np.testing.assert_array_equal(Edges(np.ones((1, 3, 3)))[0], [[1, 1, 1], [1, 0, 1], [1, 1, 1]])


def test_opening_a_long_movie_computes_no_edges(traction):
    class Untouched:
        shape, ndim = (3, 24, 40), 3

    outline = field_layers(dataclasses.replace(traction, mask=Untouched()))[-1]
    assert outline[0].shape == (3, 24, 40)


def test_limits_pass_over_hot_pixels_and_numbers_that_are_none():
    image = np.arange(10000, dtype=np.float32).reshape(100, 100)
    image[0, :2] = np.nan, 1e9
    low, high = contrast_limits(image)
    assert 50 < low < 150
    assert 9900 < high < 10000
    assert contrast_limits(np.full((3, 3), np.nan)) == (0, 1)
    assert contrast_limits(np.full((3, 3), 7.0)) == (7, 8)
    assert upper_limit(np.zeros((3, 3))) == 1


class TestMagnitude:
    def test_only_the_frame_that_is_looked_at_is_computed(self, traction):
        asked = []

        class Recorder:
            shape = traction.data.shape

            def __getitem__(self, index):
                asked.append(index)
                return traction.data[index]

        magnitude = Magnitude(Recorder())
        np.testing.assert_allclose(magnitude[1], np.hypot(*traction.data[1]))
        assert [index[0] for index in asked] == [1], "both components in one go"

    @pytest.mark.parametrize(
        "index", [2, (2,), (0, slice(3, 9)), (slice(None), 5, 6), slice(1, 3), ..., (..., 7), (0, ..., 7)]
    )
    def test_it_is_indexed_as_the_array_it_stands_for(self, traction, index):
        np.testing.assert_array_equal(Magnitude(traction.data)[index], traction.magnitude()[index])

    def test_it_looks_like_that_array(self, traction):
        magnitude = Magnitude(traction.data)
        assert (magnitude.shape, magnitude.ndim, magnitude.size, len(magnitude)) == ((3, 24, 40), 3, 2880, 3)
        np.testing.assert_array_equal(np.asarray(magnitude), traction.magnitude())

    def test_vectors_that_arrive_later_are_seen(self, traction):
        magnitude = Magnitude(traction.data)
        traction.data[0] = 0
        assert magnitude[0].max() == 0
