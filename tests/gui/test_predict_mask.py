"""Where the cell is: as found, as painted, as drawn; in every frame of a movie."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox

from napari_cellforce.layers import METADATA_KEY
from napari_cellforce.zoo import DEFAULT_MODEL

pytestmark = pytest.mark.usefixtures("tug")

MAGNITUDE = f"|F| [normalised] cell 7 ({DEFAULT_MODEL})"
SIDE = 64
MICRON = 0.68


def predicted_in(viewer) -> np.ndarray:
    """The mask of the prediction, (T, Y, X)."""
    return np.asarray(viewer.layers[MAGNITUDE].metadata[METADATA_KEY]["field"].mask)


def box_of(mask) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return rows.min(), rows.max(), columns.min(), columns.max()


@pytest.fixture
def drawing(viewer, add, hand):
    """A movie is open; the cell shall come from a layer, which is to be drawn."""
    add()
    hand.choice("from layer").click()
    return viewer


class TestLabels:
    def test_one_of_two(self, drawing, viewer, hand):
        labels = np.zeros((SIDE, SIDE), int)
        labels[6:32, 6:58], labels[32:58, 6:58] = 3, 5
        drawing.add_labels(labels, name="cells")
        hand.list_of("label 5").setCurrentText("label 5")
        hand.predict()
        np.testing.assert_array_equal(predicted_in(viewer), np.repeat((labels == 5)[None], 3, axis=0))
        field = viewer.layers[MAGNITUDE].metadata[METADATA_KEY]["field"]
        assert not field.data[:, :, labels != 5].any()
        assert field.provenance.settings["mask"] == "cells"

    def test_one_that_is_painted_is_offered_and_the_chosen_one_stays(self, drawing, hand):
        layer = drawing.add_labels(np.zeros((SIDE, SIDE), int), name="cells")

        def paint(rows: range, label: int) -> None:
            layer.data_setitem(
                np.nonzero(np.isin(np.arange(SIDE), rows)[:, None] & np.ones(SIDE, bool)), label
            )

        paint(range(6, 32), 3)
        paint(range(40, 58), 5)
        hand.wait_until(lambda: any(c.findText("label 5") >= 0 for c in hand.panel.findChildren(QComboBox)))
        labels = hand.list_of("label 5")
        labels.setCurrentText("label 5")
        paint(range(60, 62), 9)
        hand.wait_until(lambda: labels.findText("label 9") >= 0)
        assert labels.currentText() == "label 5"

    def test_an_empty_layer_is_told(self, drawing, hand, notifications):
        drawing.add_labels(np.zeros((SIDE, SIDE), int), name="empty")
        hand.predict()
        assert any("empty is empty: the cell must be marked in it" in note for note in notifications)

    def test_frames_that_are_not_marked_take_the_nearest_mark(
        self, viewer, add, make_movie, hand, notifications
    ):
        (image,) = add(make_movie(5))
        hand.choice("from layer").click()
        labels = np.zeros((5, SIDE, SIDE), int)
        labels[1, 10:30, 10:50], labels[4, 20:40, 10:50] = 1, 1
        viewer.add_labels(labels, name="cells", scale=image.scale, units=image.units)
        hand.predict()
        found = predicted_in(viewer)
        assert [box_of(mask)[0] for mask in found] == [10, 10, 10, 20, 20]
        assert notifications == [
            "cells marks the cell in 2 of 5 frames; the others take the mark of the nearest one"
        ]

    def test_without_a_layer_it_says_what_to_do(self, drawing, hand):
        assert hand.reads("a Labels or Shapes layer is needed")
        assert not hand.button("Predict").isEnabled()
        drawing.add_points(np.zeros((1, 2)))
        drawing.add_labels(np.zeros((2, 2, SIDE, SIDE), int), name="of four axes")
        assert not hand.button("Predict").isEnabled()


@pytest.mark.usefixtures("drawing")
class TestShapes:
    CORNERS = np.array([[10, 10], [10, 50], [40, 50], [40, 10]])

    def test_one_that_was_drawn_on_the_image(self, viewer, hand):
        viewer.add_shapes([self.CORNERS], shape_type="polygon", scale=(MICRON, MICRON), ndim=2)
        hand.predict()
        assert box_of(predicted_in(viewer)[2]) == pytest.approx((10, 40, 10, 50), abs=1)

    def test_one_that_was_drawn_on_another_grid_is_taken_where_it_is_seen(self, viewer, hand):
        """In micrometers, and moved by 5 of them."""
        viewer.add_shapes([self.CORNERS * MICRON - 5], shape_type="polygon", translate=(5, 5), ndim=2)
        hand.predict()
        assert box_of(predicted_in(viewer)[2]) == pytest.approx((10, 40, 10, 50), abs=1)

    @pytest.mark.usefixtures("notifications")
    def test_one_in_one_frame_of_a_movie_counts_in_all(self, viewer, hand):
        """As napari's own button makes it."""
        corners = np.insert(self.CORNERS, 0, 1, axis=1)
        viewer.add_shapes([corners], shape_type="polygon", scale=(2, MICRON, MICRON), ndim=3)
        hand.predict()
        assert [box_of(mask) for mask in predicted_in(viewer)] == [box_of(predicted_in(viewer)[1])] * 3
        assert box_of(predicted_in(viewer)[1]) == pytest.approx((10, 40, 10, 50), abs=1)


class TestOutline:
    def test_it_can_be_painted_in_in_every_frame(self, viewer, add, make_movie, hand):
        """Also in the frames that nobody has looked at."""
        add(make_movie(6))
        viewer.dims.set_current_step(0, 0)
        hand.wait_until(lambda: "outline cell 7" in viewer.layers)
        hand.press("Edit")
        hand.wait_until(lambda: "cell cell 7" in viewer.layers)
        painted = viewer.layers["cell cell 7"]
        assert [frame.any() for frame in painted.data] == [True] * 6
        assert painted.mode == "paint"
        assert not hand.reads("Finding the cell")
        painted.data[:, :32] = 0
        hand.predict()
        assert not predicted_in(viewer)[:, :32].any()
        assert predicted_in(viewer)[:, 32:].any(axis=(1, 2)).all()

    def test_where_the_cell_is_lost_it_can_be_painted_in_what_was_found(self, viewer, add, make_movie, hand):
        movie = make_movie(4)
        movie.data[2] = 7
        add(movie)
        viewer.dims.set_current_step(0, 0)
        hand.press("Edit")
        hand.wait_until(lambda: "cell cell 7" in viewer.layers)
        assert [frame.any() for frame in viewer.layers["cell cell 7"].data] == [True, True, False, False]
        assert hand.reads("frame 2: no cell is visible")

    def test_a_wider_one_is_drawn_and_used(self, viewer, add, hand):
        add()

        def area() -> int:
            return int(np.asarray(viewer.layers["outline cell 7"].data[0]).astype(bool).sum())

        hand.wait_until(lambda: "outline cell 7" in viewer.layers and area())
        usual = area()
        hand.control("Outline").setValue(100)
        hand.wait_until(lambda: area() > usual)
        hand.predict()
        assert predicted_in(viewer)[0].sum() == area()
