"""Results lie on their image, wherever that lies in napari's world, and at its times."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.widgets.base.plots import TimePlot
from napari_cellforce.zoo import DEFAULT_MODEL

pytestmark = pytest.mark.usefixtures("tug")

UNITS = ("min", "µm", "µm")


@pytest.fixture
def predicted(viewer, make_movie, hand):
    """Open a movie of four frames, placed as asked, and predict it."""

    def predict(**place):
        image = viewer.add_image(make_movie(4).data[:, 0], name="zyxin", units=UNITS, **place)
        hand.predict()
        hand.wait_until(lambda: "outline zyxin" in viewer.layers)
        return image

    return predict


@pytest.mark.parametrize(
    "place",
    [
        {"scale": (2, 0.68, 0.68), "translate": (6, 100, -50)},
        {"scale": (2, 0.68, 0.68), "rotate": 30, "translate": (0, 10, 20)},
        {"scale": (2, -0.68, 0.68)},
        {"scale": (2, 0.34, 0.34), "affine": np.diag([1, 2, 2, 1])},
    ],
    ids=["moved", "rotated", "flipped", "enlarged"],
)
def test_results_lie_on_the_image(viewer, predicted, hand, place):
    image = predicted(**place)
    assert hand.control("Pixel").value() == pytest.approx(0.68)
    points = np.array([[0, 0, 0], [1, 3, 40], [3, 63, 7]])
    for layer in viewer.layers:
        for point in points:
            np.testing.assert_allclose(layer.data_to_world(point), image.data_to_world(point), atol=1e-4)


class TestTime:
    """Beside a movie with a frame a minute, one with a frame every five: napari's slider goes by minutes."""

    @pytest.fixture(params=[0, 10], ids=["from the start", "later"])
    def arrows(self, request, viewer, make_movie, predicted):
        self.start = request.param
        viewer.add_image(make_movie(20).data[:, 0], name="actin", scale=(1, 0.68, 0.68), units=UNITS)
        predicted(scale=(5, 0.68, 0.68), translate=(self.start, 0, 0))
        return viewer.layers[f"F [normalised] zyxin ({DEFAULT_MODEL})"]

    def test_arrows_numbers_and_plot_are_of_the_frame_that_is_seen(self, viewer, hand, arrows):
        for minutes, frame in ((0, 0), (5, 1), (15, 3), (10, 2)):
            viewer.dims.set_point(0, self.start + minutes)
            assert set(arrows.data[:, 0, 0]) == {frame}
            assert hand.reads(f"<b>{minutes}</b>\xa0</td><td>time [min]")
            assert hand.panel.findChild(TimePlot).time_cursor.value() == minutes

    @pytest.mark.usefixtures("arrows")
    def test_a_click_in_the_plot_leads_to_that_frame(self, viewer, hand):
        hand.panel.findChild(TimePlot).frame_chosen.emit(2)
        assert viewer.dims.point[0] == self.start + 10
