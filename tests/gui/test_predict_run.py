"""Predict is pressed: layers appear on the image, frames arrive, and whatever happens is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Image, Labels, Vectors

from napari_cellforce import io, predict
from napari_cellforce.fields import Mask
from napari_cellforce.layers import METADATA_KEY, image_layers
from napari_cellforce.widgets.predict import panel as predict_panel
from napari_cellforce.zoo import DEFAULT_MODEL, load_predictor

MAGNITUDE = f"|F| [normalised] cell 7 ({DEFAULT_MODEL})"
ARROWS = f"F [normalised] cell 7 ({DEFAULT_MODEL})"


def named(viewer) -> set[str]:
    return {layer.name for layer in viewer.layers}


def field(viewer, name=MAGNITUDE):
    """The traction behind a layer."""
    return viewer.layers[name].metadata[METADATA_KEY]["field"]


class TestLayers:
    @pytest.fixture(autouse=True)
    def _predicted(self, viewer, add, make_movie, hand):
        add(make_movie())
        self.hand = hand
        hand.predict()
        hand.wait_until(lambda: "outline cell 7" in viewer.layers)

    def test_they_are_named_by_what_of_which_cell_by_which_model_in_which_unit(self, viewer):
        assert {MAGNITUDE, ARROWS, "outline cell 7"} <= named(viewer)
        assert isinstance(viewer.layers[MAGNITUDE], Image)
        assert isinstance(viewer.layers[ARROWS], Vectors)
        assert isinstance(viewer.layers["outline cell 7"], Labels)
        assert self.hand.reads(f"3 frames predicted with {DEFAULT_MODEL}, in normalised units")

    def test_they_lie_on_the_image(self, viewer):
        image = viewer.layers["cell 7 zyxin"]
        for name in (MAGNITUDE, ARROWS, "outline cell 7"):
            layer = viewer.layers[name]
            np.testing.assert_allclose(layer.scale, image.scale)
            np.testing.assert_allclose(layer.translate, image.translate)
            assert layer.units == image.units
            assert layer.axis_labels == image.axis_labels == ("t", "y", "x")
        assert viewer.layers.index(ARROWS) > viewer.layers.index(MAGNITUDE) > viewer.layers.index(image)
        assert viewer.layers.selection.active == image, "what was selected stays so"
        assert viewer.layers[MAGNITUDE].colorbar.visible

    def test_they_show_what_the_library_predicts(self, viewer, make_movie):
        expected = [
            result.traction for result in predict.predict(make_movie(), load_predictor(DEFAULT_MODEL))
        ]
        np.testing.assert_array_equal(field(viewer).data, expected)
        np.testing.assert_allclose(
            np.asarray(viewer.layers[MAGNITUDE].data)[2], np.hypot(*expected[2]), rtol=1e-6
        )

    def test_the_arrows_are_those_of_the_frame_that_is_shown(self, viewer):
        arrows = viewer.layers[ARROWS]
        seen = []
        for t in (0, 2):
            viewer.dims.set_current_step(0, t)
            assert set(arrows.data[:, 0, 0]) == {t}
            assert 0 < len(arrows.data) <= 64 * 64
            seen.append(arrows.data[:, 1].copy())
        assert seen[0].shape != seen[1].shape or not np.allclose(seen[0], seen[1])

    def test_the_outcome_stays_until_another_image_is_chosen(self, add, make_movie):
        self.hand.control("Device").setCurrentText("CPU")
        self.hand.wait_for("Device: CPU")
        assert self.hand.reads("3 frames predicted")
        add(make_movie(name="cell 8"))
        images = self.hand.control("Zyxin")
        images.setCurrentIndex(images.findText("cell 8 zyxin"))
        assert not self.hand.reads("3 frames predicted")

    def test_their_provenance_is_with_them(self, viewer):
        made = field(viewer).provenance
        assert made.model == DEFAULT_MODEL
        assert made.settings["mask"] == "automatic"
        assert made.settings["pixel_size [µm]"] == pytest.approx(0.68)

    def test_again_replaces(self, viewer):
        before, first = named(viewer), viewer.layers[MAGNITUDE]
        self.hand.predict()
        assert named(viewer) == before
        assert len(viewer.layers) == len(before), "no names with [1]"
        assert viewer.layers[MAGNITUDE] is not first

    def test_layers_that_were_thrown_away_come_back(self, viewer):
        for name in (MAGNITUDE, ARROWS):
            viewer.layers.remove(viewer.layers[name])
        self.hand.predict()
        assert {MAGNITUDE, ARROWS} <= named(viewer)

    def test_another_model_has_its_own_and_the_former_is_hidden(self, viewer):
        """Two fields of arrows over one another cannot be told apart."""
        self.hand.control("Model").setCurrentText("adhesion-filter")
        self.hand.predict()
        other = {name.replace(DEFAULT_MODEL, "adhesion-filter") for name in (MAGNITUDE, ARROWS)}
        assert {MAGNITUDE, ARROWS} | other <= named(viewer)
        assert {layer.name for layer in viewer.layers if "F" in layer.name and layer.visible} == other
        assert viewer.layers.selection.active == viewer.layers["cell 7 zyxin"]

    def test_another_image_has_its_own(self, viewer, add, make_movie):
        add(make_movie(name="cell 8"))
        images = self.hand.control("Zyxin")
        images.setCurrentIndex(images.findText("cell 8 zyxin"))
        self.hand.predict()
        assert {MAGNITUDE, MAGNITUDE.replace("7", "8")} <= named(viewer)


class TestKindsOfImages:
    def test_a_still_image_that_was_moved_has_still_results(self, viewer, make_movie, hand):
        still = make_movie(1).data[0, 0]
        viewer.add_image(still, name="still zyxin", scale=(0.68, 0.68), units="µm", translate=(100, 50))
        hand.predict()
        for layer in viewer.layers:
            assert layer.ndim == 2
            assert layer.translate.tolist() == [100, 50]
        assert viewer.layers[-1].axis_labels == ("y", "x")
        assert hand.reads("One frame predicted")
        magnitude = viewer.layers[f"|F| [normalised] still zyxin ({DEFAULT_MODEL})"]
        assert np.asarray(magnitude.data).max() > 1

    def test_nanometres_are_understood(self, viewer, make_movie, hand):
        viewer.add_image(
            make_movie().data[:, 0], name="zyxin", scale=(120, 680, 680), units=("s", "nm", "nm")
        )
        assert hand.control("Pixel").value() == pytest.approx(0.68)
        hand.predict()
        traction = field(viewer, f"|F| [normalised] zyxin ({DEFAULT_MODEL})")
        assert traction.pixel_size.micron == pytest.approx(0.68)
        assert traction.frame_interval == pytest.approx(2)
        assert str(viewer.layers[-1].units[-1]) == "nanometer", "the layer speaks the image's units"

    def test_a_pixel_size_that_was_typed_in_is_used(self, add, make_movie, hand, viewer):
        add(make_movie(pixel_size=None))
        hand.control("Pixel").setValue(0.5)
        hand.predict()
        traction = field(viewer)
        assert traction.pixel_size.micron == pytest.approx(0.5)
        assert traction.provenance.settings["pixel_size_source"] == "typed"


class TestOnTheWay:
    def test_frames_are_counted_and_stop_keeps_what_is_done(self, viewer, add, make_movie, hand, tug):
        add(make_movie(10))
        tug.waits = True
        hand.press("Predict")
        tug.release(2)
        hand.wait_until(lambda: MAGNITUDE in viewer.layers)
        hand.wait_until(lambda: hand.control("Progress").value() == 2)
        hand.wait_until(lambda: tug.begun == 3)
        assert hand.control("Progress").maximum() == 10
        assert not hand.button("Predict").isEnabled(), "one at a time"
        hand.press("Stop")
        assert hand.reads("Stopping")
        assert not hand.button("Stop").isEnabled()
        tug.release(1)
        hand.wait_for("3 of 10 frames predicted")
        assert hand.reads("Stopped; finished frames are kept")
        assert [frame.any() for frame in field(viewer).data] == [True] * 3 + [False] * 7
        assert hand.button("Predict").isEnabled()

    def test_a_frame_that_cannot_be_predicted_is_told_and_those_before_stay(
        self, viewer, make_movie, add, hand, notifications
    ):
        movie = make_movie()
        movie.data[2] = 7
        (image,) = add(movie)
        place = {"scale": image.scale[1:], "units": image.units[1:]}
        viewer.add_labels(np.pad(np.ones((40, 40), int), 12), name="cell", **place)
        hand.choice("from layer").click()
        hand.choice("already normalised").setChecked(True)
        hand.predict()
        (note,) = notifications
        assert "frame 2 of cell 7 is 7 everywhere: the image must not be constant" in note
        assert hand.reads(note), "and there it stays"
        assert hand.reads("2 of 3 frames predicted")
        assert [frame.any() for frame in field(viewer).data] == [True, True, False]

    def test_layers_removed_on_the_way_do_no_harm(self, viewer, add, make_movie, hand, tug, notifications):
        add(make_movie(4))
        tug.waits = True
        hand.press("Predict")
        tug.release(2)
        hand.wait_until(lambda: MAGNITUDE in viewer.layers)
        viewer.layers.clear()
        tug.release(2)
        hand.wait_until(lambda: not hand.sees(hand.button("Stop")))
        assert notifications == []

    def test_the_image_may_be_changed_while_it_runs(self, viewer, add, make_movie, hand, tug):
        add(make_movie(4))
        tug.waits = True
        hand.press("Predict")
        tug.release(1)
        hand.wait_until(lambda: MAGNITUDE in viewer.layers)
        add(make_movie(2, name="cell 8"))
        images = hand.control("Zyxin")
        images.setCurrentIndex(images.findText("cell 8 zyxin"))
        tug.release(3)
        hand.wait_until(lambda: not hand.sees(hand.button("Stop")))
        assert all(frame.any() for frame in field(viewer).data)
        assert hand.button("Predict").text().startswith("Predict 2 frames")

    @pytest.mark.usefixtures("tug")
    def test_the_pace_is_learnt(self, add, make_movie, hand, monkeypatch):
        """Nine further frames took 90 seconds: ten will take 100."""
        add(make_movie(10))
        clock = SimpleNamespace(monotonic=iter((0.0, 90.0)).__next__)
        monkeypatch.setattr(predict_panel, "time", clock)
        hand.predict()
        assert hand.button("Predict").text().endswith(", about 2 min")

    def test_an_image_that_shows_no_cell(self, viewer, hand, notifications):
        noise = np.random.default_rng(0).poisson(100, (64, 64)).astype(float)
        viewer.add_image(noise, name="noise zyxin", scale=(0.68, 0.68), units="µm")
        hand.wait_for("no cell is visible above the background")
        hand.predict()
        (note,) = notifications
        assert "no cell is visible above the background" in note


def test_what_the_reader_opens_can_be_predicted(viewer, tmp_path, make_movie, hand):
    """From a file, lazily; the fingerprint of the file goes into the result."""
    path = io.write_stack(tmp_path / "cell 7.ome.tif", make_movie())
    for data, attributes, _ in image_layers(io.read(path)):
        viewer.add_image(data, **attributes)
    hand.predict()
    made = field(viewer).provenance
    assert made.input_file == str(path)
    assert made.input_fingerprint["size"] == path.stat().st_size
    assert isinstance(Mask(field(viewer).mask).frame(0), np.ndarray)


def test_forces_of_the_bundled_bottleneck_lie_on_the_image_and_cancel(viewer, add, make_movie, hand):
    add(make_movie())
    hand.control("Model").setCurrentText("pbnn-sim")
    hand.predict()
    shown = {layer.name: layer for layer in viewer.layers}
    assert any(name.startswith("|F|") and "pbnn-sim" in name for name in shown), sorted(shown)
    magnitude = next(layer for name, layer in shown.items() if name.startswith("|F|"))
    force = np.asarray(magnitude.metadata[METADATA_KEY]["field"].data, dtype=np.float64)
    net = np.hypot(*force.sum(axis=(2, 3)).T)
    assert (net < 2e-3 * np.hypot(force[:, 0], force[:, 1]).sum(axis=(1, 2))).all()
