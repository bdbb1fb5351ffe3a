"""A mask is where it lies on the image, whatever layer it comes in."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels, Shapes

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.viewer.masks import cell_mask, label_numbers

SIZE = (60, 80)
UM, NM = ("micrometer",) * 2, ("nanometer",) * 2


def blob(shape: tuple[int, int] = SIZE, middle: tuple[float, float] = (25, 45), radii: Any = (12, 20)) -> Any:
    y, x = np.indices(shape)
    return (((y - middle[0]) / radii[0]) ** 2 + ((x - middle[1]) / radii[1]) ** 2 < 1).astype(np.uint16)


def image(**placing: Any) -> Image:
    return Image(np.zeros(SIZE), name="cell", **{"scale": (0.1, 0.1), "units": UM, **placing})


EXACT = {
    "as the image": (blob(), {"scale": (0.1, 0.1), "units": UM}),
    "in nm": (blob(), {"scale": (100.0, 100.0), "units": NM}),
    "dask": (da.from_array(blob(), chunks=16), {"scale": (0.1, 0.1), "units": UM}),
    "cut out": (blob()[10:45, 20:70], {"scale": (0.1, 0.1), "units": UM, "translate": (1.0, 2.0)}),
    "mirrored": (blob()[:, ::-1], {"scale": (0.1, -0.1), "units": UM, "translate": (0.0, 7.9)}),
    "turned": (np.rot90(blob()), {"affine": [[0, 0.1, 0], [-0.1, 0, 7.9], [0, 0, 1]], "units": UM}),
    "several resolutions": (
        [blob(), blob()[::2, ::2]],
        {"scale": (0.1, 0.1), "units": UM, "multiscale": True},
    ),
    "twice as fine": (
        np.kron(blob(), np.ones((2, 2), np.uint16)),
        {"scale": (0.05, 0.05), "units": UM, "translate": (-0.025, -0.025)},
    ),
}


@pytest.mark.parametrize("how", EXACT)
def test_the_same_cell_is_the_same_mask(how: str) -> None:
    data, placing = EXACT[how]
    found = cell_mask(Labels(data, **placing), image())
    assert np.array_equal(found.frame(0), blob() > 0)


def test_shifted_by_whole_pixels_it_is_shifted() -> None:
    shifted = Labels(blob(), scale=(0.1, 0.1), units=UM, translate=(0.5, -1.0))
    assert np.array_equal(cell_mask(shifted, image()).frame(0), np.roll(blob(), (5, -10), (0, 1)) > 0)


@pytest.mark.parametrize(
    "placing", [{"scale": (0.37, 0.37), "units": UM}, {"scale": (0.1, 0.1), "units": UM, "rotate": 25}]
)
def test_on_another_grid_the_border_is_right_to_a_pixel_and_the_area_to_2_percent(placing: Any) -> None:
    """A disc is drawn by its formula on the other grid, at the place of that grid's pixels."""
    other = Labels(np.zeros((200, 200), int), **{**placing, "translate": (-6.0, -6.0)})
    rows, columns = np.indices((200, 200))
    world = np.stack(
        [other.data_to_world((y, x)) for y, x in zip(rows.ravel(), columns.ravel(), strict=True)]
    )
    other.data = (np.hypot(world[:, 0] - 3.0, world[:, 1] - 4.0) < 2.0).reshape(200, 200).astype(int)
    y, x = np.indices(SIZE)
    distance = np.hypot(y * 0.1 - 3.0, x * 0.1 - 4.0) - 2.0
    found = cell_mask(other, image()).frame(0)
    border = max(0.1, placing["scale"][0])
    assert found[distance < -border].all()
    assert not found[distance > border].any()
    assert found.sum() == pytest.approx((distance < 0).sum(), rel=0.02)


@pytest.mark.parametrize("unit", ["um", "nm"])
def test_a_shape_drawn_over_beads_of_another_pixel_size(unit: str) -> None:
    factor = {"um": 1.0, "nm": 1000.0}[unit]
    corners = (np.array([[1.0, 2.0], [1.0, 6.0], [4.0, 6.0], [4.0, 2.0]]) + 0.03) / 0.25  # between pixels
    drawn = Shapes([corners], shape_type="polygon", scale=(0.25 * factor,) * 2, units=(unit, unit))
    found = cell_mask(drawn, image()).frame(0)
    assert found.sum() == pytest.approx(30 * 40, rel=0.05)
    assert found[11:39, 21:59].all()


def test_frames_are_paired_by_time_not_by_number() -> None:
    movie = Image(np.zeros((6, *SIZE)), scale=(2.0, 0.1, 0.1), units=("minute", *UM))
    steps = np.stack([np.roll(blob(), 5 * t, axis=1) for t in range(3)])
    coarse = Labels(steps, scale=(240.0, 0.1, 0.1), units=("second", *UM))
    found = cell_mask(coarse, movie)
    assert found.data.shape == (6, *SIZE)
    for t in (0, 2, 4):
        assert np.array_equal(found.frame(t), steps[t // 2] > 0)


def test_a_closed_path_is_an_area_and_a_line_is_none() -> None:
    angle = np.linspace(0, 2 * np.pi * 0.98, 60)
    loop = np.stack([30 + 15 * np.sin(angle), 40 + 15 * np.cos(angle)], axis=1)
    found = cell_mask(Shapes([loop], shape_type="path", scale=(0.1, 0.1), units=UM), image())
    assert found.frame(0).sum() == pytest.approx(np.pi * 15**2, rel=0.03)
    for open_shape, kind in ((loop[:30], "path"), (loop[[0, 20]], "line")):
        with pytest.raises(CellForceError, match="an area"):
            cell_mask(Shapes([open_shape], shape_type=kind, scale=(0.1, 0.1), units=UM), image())


def test_two_polygons_are_two_cells() -> None:
    square = np.array([[0, 0], [0, 20], [20, 20], [20, 0]])
    drawn = Shapes([square + 2, square + 30], shape_type="polygon", scale=(0.1, 0.1), units=UM)
    assert label_numbers(drawn) == [1, 2]
    first, second = (cell_mask(drawn, image(), label).frame(0) for label in (1, 2))
    assert not (first & second).any()
    assert first[5, 5]
    assert second[40, 40]


def test_a_cell_whose_number_changes_is_followed() -> None:
    one, other = blob(middle=(15, 20), radii=(8, 10)), blob(middle=(40, 60), radii=(8, 10))
    frames = np.stack([one + 2 * other, one + 2 * other, 2 * one + other])
    with pytest.warns(CellForceWarning, match="2 in frame 2"):
        found = cell_mask(
            Labels(frames, scale=(1, 0.1, 0.1), units=("minute", *UM)),
            Image(np.zeros(frames.shape), scale=(1, 0.1, 0.1), units=("minute", *UM)),
        )
    assert np.array_equal(found.frame(2), one > 0)


def test_a_mask_without_pixel_size_and_of_equal_shape_is_taken_pixel_by_pixel_and_this_is_reported() -> None:
    with pytest.warns(CellForceWarning, match="no pixel size"):
        found = cell_mask(Labels(blob(), name="cellpose"), image())
    assert np.array_equal(found.frame(0), blob() > 0)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (Labels(np.zeros(SIZE, int), scale=(0.1, 0.1), units=UM), "is empty"),
        (Labels(blob(), scale=(0.1, 0.1), units=UM, translate=(90, 0)), "does not lie over cell"),
        (
            Labels((blob() > 0) * np.eye(*SIZE, 5, dtype=int), scale=(0.1, 0.1), units=UM, name="dots"),
            "dots covers",
        ),
        (Labels(np.stack([blob()] * 3), scale=(1, 0.1, 0.1), units=("minute", *UM)), "3 frames"),
        (Shapes(scale=(0.1, 0.1), units=UM), "is empty"),
    ],
)
def test_what_is_no_cell_is_refused_in_words(layer: Any, named: str) -> None:
    with pytest.raises(CellForceError, match=named):
        cell_mask(layer, image())
