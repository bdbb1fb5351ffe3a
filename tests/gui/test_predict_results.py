"""After the prediction: read it, walk through time, restyle the arrows, turn it into Pa, save it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QPointF
from qtpy.QtWidgets import QFileDialog, QTableWidget, QTabWidget

from napari_cellforce import io
from napari_cellforce.layers import METADATA_KEY
from napari_cellforce.results import column_names, frame_table
from napari_cellforce.widgets.base.plots import TimePlot
from napari_cellforce.zoo import DEFAULT_MODEL

MAGNITUDE = f"|F| [{{}}] cell 7 ({DEFAULT_MODEL})"
ARROWS = f"F [{{}}] cell 7 ({DEFAULT_MODEL})"

pytestmark = pytest.mark.usefixtures("tug")


@pytest.fixture
def done(add, make_movie, hand):
    """Three frames in which all of the cell pulls 2 to the right, where 0.5 stands for the mean."""
    add(make_movie())
    hand.predict()
    return hand


def arrows(viewer, unit="normalised"):
    return viewer.layers[ARROWS.format(unit)]


def field(viewer, unit="normalised"):
    return viewer.layers[MAGNITUDE.format(unit)].metadata[METADATA_KEY]["field"]


def table_on(hand) -> pd.DataFrame:
    """What the table on the panel says."""
    table = hand.panel.findChild(QTableWidget)
    columns = [table.horizontalHeaderItem(c).text() for c in range(table.columnCount())]
    rows = range(table.rowCount())
    return pd.DataFrame(
        {name: [float(table.item(r, c).text()) for r in rows] for c, name in enumerate(columns)}
    )


class TestNumbers:
    def test_the_table_is_that_of_the_field(self, done, viewer):
        shown = table_on(done)
        assert list(shown.columns) == column_names("normalised")
        pd.testing.assert_frame_equal(
            shown, frame_table(field(viewer)), rtol=5e-3, atol=1e-6, check_dtype=False
        )

    def test_this_frame_is_told_in_words_with_units(self, done, viewer):
        viewer.dims.set_current_step(0, 2)
        assert done.reads("mean traction [normalised]")
        assert done.reads("<b>4</b>\xa0</td><td>time [min]")

    def test_what_lies_under_the_mouse(self, done, viewer):
        middle = SimpleNamespace(position=(2.0, 32 * 0.68, 32 * 0.68))
        for move in viewer.mouse_move_callbacks:
            move(viewer, middle)
        assert done.reads("Under the mouse: 2 [normalised], 0°")
        for move in viewer.mouse_move_callbacks:
            move(viewer, SimpleNamespace(position=(2.0, 0.0, 0.0)))
        assert done.reads("outside the cell")


class TestTime:
    def test_a_click_in_the_plot_moves_the_viewer(self, done, viewer):
        plot = done.panel.findChild(TimePlot)
        for minutes, frame in ((4.0, 2), (0.4, 0), (1.9, 1), (99.0, 2)):
            scene = plot.plot.getViewBox().mapViewToScene(QPointF(minutes, 0.0))
            plot.plot.scene().sigMouseClicked.emit(SimpleNamespace(scenePos=lambda at=scene: at))
            assert viewer.dims.current_step[0] == frame

    def test_the_viewers_slider_moves_the_plots_cursor(self, done, viewer):
        plot = done.panel.findChild(TimePlot)
        for frame in (2, 1):
            viewer.dims.set_current_step(0, frame)
            assert plot.time_cursor.value() == 2.0 * frame, "in minutes"

    def test_a_click_on_a_row_of_the_table_goes_there_too(self, done, viewer):
        done.panel.findChild(QTableWidget).cellClicked.emit(1, 0)
        assert viewer.dims.current_step[0] == 1

    def test_a_still_image_has_no_plot(self, viewer, make_movie, hand):
        viewer.add_image(make_movie(1).data[0, 0], name="zyxin", scale=(0.68, 0.68), units="µm")
        hand.predict()
        tabs = hand.panel.findChild(QTabWidget)
        shown = [tabs.tabText(i) for i in range(tabs.count()) if tabs.isTabVisible(i)]
        assert shown == ["This frame", "Table"]


class TestArrows:
    def test_wider_apart_at_once(self, done, viewer):
        before = len(arrows(viewer).data)
        done.control("Arrows every").setValue(8)
        assert len(arrows(viewer).data) < before / 4
        assert done.reads("5.4 µm")

    def test_only_the_longer_ones_at_once(self, done, viewer):
        done.control("longer than").setValue(0)
        rim = len(arrows(viewer).data)
        done.control("longer than").setValue(90)
        inner = len(arrows(viewer).data)
        assert 0 < inner < rim, "blocks at the rim average the outside too"
        assert (arrows(viewer).features["traction [normalised]"] > 1.8).all()

    def test_the_look_is_kept_for_the_next_prediction(self, done, viewer):
        done.control("Arrows every").setValue(8)
        coarse = len(arrows(viewer).data)
        done.predict()
        assert len(arrows(viewer).data) == coarse


class TestCalibration:
    def test_the_mean_of_measured_cells_makes_it_pa(self, done, viewer):
        """2 is four times the 0.5 that stands for the mean; that is 300 Pa: 1200 Pa."""
        assert not done.button("Convert to Pa").isEnabled(), "there is no number yet"
        done.control("Mean |F|").setValue(300)
        done.press("Convert to Pa")
        done.wait_until(lambda: MAGNITUDE.format("Pa") in viewer.layers)
        assert MAGNITUDE.format("normalised") not in viewer.layers
        traction = field(viewer, "Pa")
        assert traction.unit == "Pa"
        assert np.asarray(traction.data).max() == pytest.approx(1200)
        assert traction.provenance.settings["calibration factor [Pa]"] == pytest.approx(600)
        assert table_on(done)["mean traction [Pa]"].tolist() == pytest.approx([1200] * 3)
        assert not done.sees(done.control("Mean |F|")), "once is enough"
        assert (arrows(viewer, "Pa").features["traction [Pa]"] <= 1200.1).all()

    def test_the_panel_says_so_and_the_next_prediction_can_be_converted_too(self, done):
        done.control("Mean |F|").setValue(300)
        done.press("Convert to Pa")
        done.wait_for("now in Pa")
        assert not done.reads("in normalised units")
        done.predict()
        assert done.reads("in normalised units")
        done.press("Convert to Pa")
        done.wait_for("now in Pa")

    def test_what_is_still_being_predicted_cannot_be_converted(self, add, make_movie, hand, tug):
        """The frames to come would be in another unit than those that are there."""
        add(make_movie(4))
        tug.waits = True
        hand.press("Predict")
        tug.release(1)
        hand.wait_until(lambda: hand.sees(hand.button("Save")))
        assert not hand.sees(hand.button("Convert to Pa"))
        tug.release(3)
        hand.wait_until(lambda: hand.sees(hand.button("Convert to Pa")))

    def test_one_that_is_given_before_is_used_at_once(self, add, hand, viewer):
        add()
        hand.control("Calibration").setValue(300)
        hand.predict()
        assert np.asarray(field(viewer, "Pa").data).max() == pytest.approx(1200)
        assert hand.reads("in Pa")


class TestSaving:
    def save_as(self, hand, path, monkeypatch):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
        hand.press("Save")

    def test_file_and_table_are_what_is_shown(self, done, viewer, tmp_path, monkeypatch, notifications):
        self.save_as(done, tmp_path / "mine.ome.tif", monkeypatch)
        done.wait_until(lambda: notifications)
        assert notifications == [f"Saved {tmp_path / 'mine.ome.tif'} and mine_summary.csv"]
        back, shown = io.read_field(tmp_path / "mine.ome.tif"), field(viewer)
        np.testing.assert_array_equal(back.data, shown.data)
        np.testing.assert_array_equal(back.mask, shown.mask)
        assert (back.unit, back.name, back.frame_interval) == (shown.unit, shown.name, shown.frame_interval)
        assert back.pixel_size.micron == pytest.approx(shown.pixel_size.micron)
        assert back.provenance == shown.provenance
        table = pd.read_csv(tmp_path / "mine_summary.csv")
        pd.testing.assert_frame_equal(table, frame_table(back), check_dtype=False)

    def test_of_a_stopped_job_the_finished_frames(
        self, viewer, add, make_movie, hand, tug, tmp_path, monkeypatch
    ):
        add(make_movie(4))
        tug.waits = True
        hand.press("Predict")
        tug.release(1)
        hand.wait_until(lambda: hand.control("Progress").value() == 1 and tug.begun == 2)
        hand.press("Stop")
        tug.release(1)
        hand.wait_for("2 of 4 frames")
        viewer.dims.set_current_step(0, 3)
        assert hand.reads("This frame has not been predicted.<br>Predicted: frames 0 to 1.")
        self.save_as(hand, tmp_path / "part.ome.tif", monkeypatch)
        hand.wait_until((tmp_path / "part_summary.csv").exists)
        assert io.read_field(tmp_path / "part.ome.tif").frames == (0, 1)
        assert pd.read_csv(tmp_path / "part_summary.csv")["frame"].tolist() == [0, 1]

    def test_a_folder_that_cannot_be_written(self, done, tmp_path, monkeypatch, notifications):
        (tmp_path / "file").touch()
        self.save_as(done, tmp_path / "file" / "mine.ome.tif", monkeypatch)
        done.wait_until(lambda: notifications)
        assert "cannot write" in notifications[0]

    def test_cancelled_nothing_happens(self, done, monkeypatch, notifications):
        self.save_as(done, "", monkeypatch)
        assert notifications == []
