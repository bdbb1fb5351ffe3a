"""Before the button is pressed: the panel finds what it needs, asks for what it lacks, and says why."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from napari.layers import Image

from napari_cellforce import zoo
from napari_cellforce.models import checkpoint
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.unet import StackConfig, UNet, UNetConfig
from napari_cellforce.viewer.images import stack_of


@pytest.fixture
def network(tmp_path) -> Callable[[str, tuple[str, ...]], str]:
    """Import a network of a colleague that reads these inputs; returns its name."""

    def make(name: str, inputs: tuple[str, ...]) -> str:
        torch.manual_seed(0)
        ends = {"prepend": StackConfig(4, 1), "append": StackConfig(4, 1)}
        module = UNet(UNetConfig(in_channels=len(inputs), levels=1, **ends))
        record = ModelRecord(name, "unet", inputs, output="magnitude_angle")
        return zoo.import_checkpoint(checkpoint.save(tmp_path / f"{name}.safetensors", module, record)).name

    return make


@pytest.fixture
def two_proteins(network) -> str:
    return network("both", ("zyxin", "actin"))


def entries(combo) -> list[str]:
    return [combo.itemText(i) for i in range(combo.count())]


class TestFirstSteps:
    def test_an_empty_viewer_is_offered_a_sample(self, hand, viewer):
        assert hand.sees(hand.button("Try it on a sample cell"))
        assert not hand.button("Predict").isEnabled()
        assert hand.reads("No image is open")
        hand.press("Try it on a sample cell")
        assert not hand.button("Drawing the sample cell").isEnabled(), "once is enough"
        hand.wait_until(lambda: viewer.layers)
        assert "zyxin" in viewer.layers[0].name
        hand.wait_until(lambda: not hand.sees(hand.button("Try it")))
        assert hand.button("Predict").text().startswith("Predict 5 frames")
        assert hand.button("Predict").isEnabled()

    def test_an_image_that_is_there_is_chosen_at_once(self, add, make_panel):
        add()
        hand = make_panel()
        assert hand.control("Zyxin").currentText() == "cell 7 zyxin"
        assert hand.control("Pixel").value() == pytest.approx(0.68)
        assert hand.reads("3 frames, 44 x 44 µm; pixel size from the file")
        assert hand.button("Predict").isEnabled()

    def test_the_button_says_what_will_happen(self, add, hand):
        add()
        hand.wait_until(lambda: "on CPU" in hand.button("Predict").text())
        assert hand.button("Predict").text() == "Predict 3 frames on CPU"

    def test_a_still_image_is_one_frame(self, viewer, make_movie, hand):
        viewer.add_image(make_movie(1).data[0, 0], name="still zyxin", scale=(0.68, 0.68), units=("µm", "µm"))
        assert hand.button("Predict").text().startswith("Predict this frame")


class TestImage:
    def test_the_protein_is_found_by_its_name_then_by_the_selection(self, viewer, add, hand):
        add()
        viewer.add_image(np.zeros((3, 64, 64)), name="actin")
        assert hand.control("Zyxin").currentText() == "cell 7 zyxin", "though actin came later"
        assert entries(hand.control("Zyxin")) == ["actin", "cell 7 zyxin"]

    def test_the_one_of_that_name_is_taken_also_if_it_comes_later(self, viewer, add, hand):
        """A file's channels become layers one after the other."""
        actin = viewer.add_image(np.zeros((3, 64, 64)), name="actin")
        assert hand.control("Zyxin").currentText() == "actin"
        add()
        assert hand.control("Zyxin").currentText() == "cell 7 zyxin"
        hand.control("Zyxin").setCurrentIndex(hand.control("Zyxin").findData(actin))
        viewer.add_image(np.zeros((3, 64, 64)), name="more zyxin")
        assert hand.control("Zyxin").currentText() == "actin", "chosen by hand"

    def test_pictures_in_colour_and_our_own_results_are_not_offered(self, viewer, add, hand):
        add()
        viewer.add_image(np.zeros((64, 64, 3), np.uint8), rgb=True)
        hand.predict()
        assert len(viewer.layers) > 3
        assert entries(hand.control("Zyxin")) == ["cell 7 zyxin"]

    def test_a_layer_that_is_renamed_or_removed(self, viewer, add, hand):
        (layer,) = add()
        layer.name = "other"
        assert entries(hand.control("Zyxin")) == ["other"]
        viewer.layers.remove(layer)
        assert entries(hand.control("Zyxin")) == []
        assert not hand.button("Predict").isEnabled()

    def test_a_layer_called_by_another_name_is_doubted(self, viewer, add, hand):
        add()
        actin = viewer.add_image(np.zeros((3, 64, 64)), name="actin", scale=(1, 0.68, 0.68), units="µm")
        actin.units = ("min", "µm", "µm")
        hand.control("Zyxin").setCurrentIndex(hand.control("Zyxin").findData(actin))
        assert hand.reads("Is actin the image of zyxin? cell 7 zyxin is also open.")
        assert hand.button("Predict").isEnabled(), "it may be meant"

    def test_pictures_in_colour_alone_are_explained(self, viewer, hand):
        viewer.add_image(np.zeros((64, 64, 3), np.uint8), rgb=True, name="figure 3")
        assert hand.reads("figure 3 is a picture in colour (RGB)")
        assert not hand.button("Predict").isEnabled()

    def test_frames_that_are_apart_in_space_are_doubted(self, viewer, make_movie, hand):
        """Units were given, the names of axes were not."""
        viewer.add_image(make_movie().data[:, 0], name="zyxin", scale=(1, 0.68, 0.68), units="µm")
        assert hand.reads("The frames of zyxin are micrometers apart: is it a z-stack?")
        assert hand.button("Predict").isEnabled(), "it may be a movie all the same"

    def test_it_is_read_where_it_lies(self, tmp_path):
        """A movie on the disk must not be copied into memory each time that something is clicked."""
        movie = np.lib.format.open_memmap(tmp_path / "movie.npy", "w+", np.uint16, (3, 64, 64))
        stack = stack_of([Image(movie, contrast_limits=(0, 9))])
        movie[1] = 7
        assert [stack.frame(t).max() for t in range(3)] == [0, 7, 0]

    def test_a_stack_of_planes_is_explained(self, viewer, hand):
        viewer.add_image(
            np.zeros((4, 64, 64)),
            name="planes",
            axis_labels=("z", "y", "x"),
            scale=(1, 0.68, 0.68),
            units="µm",
        )
        assert hand.reads("planes is a z-stack")
        assert not hand.button("Predict").isEnabled()

    def test_a_layer_of_too_many_axes_is_explained(self, viewer, hand):
        viewer.add_image(np.zeros((2, 3, 4, 64, 64)), name="everything", units="µm")
        assert hand.reads("everything has 5 axes")
        assert not hand.button("Predict").isEnabled()


class TestPixelSize:
    def test_one_that_is_missing_is_asked_for(self, add, make_movie, hand):
        add(make_movie(pixel_size=None))
        box = hand.control("Pixel")
        assert box.text() == "type it in"
        assert "border" in box.styleSheet(), "marked, not only said"
        assert hand.reads("The image has no pixel size")
        assert hand.reads("Type it in (for a 60x objective")
        assert not hand.button("Predict").isEnabled()
        box.setValue(0.68)
        assert box.styleSheet() == ""
        assert hand.reads("pixel size entered")
        assert hand.button("Predict").isEnabled()

    def test_what_was_typed_for_an_image_is_not_forgotten_nor_used_for_another(self, add, make_movie, hand):
        (first,) = add(make_movie(pixel_size=None, name="first"))
        hand.control("Pixel").setValue(0.4)
        add(make_movie(pixel_size=None, name="second"))
        images = hand.control("Zyxin")
        images.setCurrentIndex(images.findText("second zyxin"))
        assert hand.control("Pixel").value() == 0
        images.setCurrentIndex(images.findData(first))
        assert hand.control("Pixel").value() == pytest.approx(0.4)

    def test_one_far_off_is_doubted(self, add, hand):
        add()
        hand.control("Pixel").setValue(0.068)
        assert hand.reads("10 times apart")
        assert hand.button("Predict").isEnabled(), "it may be meant"

    def test_oblong_pixels_are_explained(self, viewer, hand):
        viewer.add_image(np.eye(64), name="oblong zyxin", scale=(0.5, 0.6), units="µm")
        assert hand.reads("pixels are 0.5 µm high and 0.6 µm wide")
        assert not hand.button("Predict").isEnabled()
        hand.control("Pixel").setValue(0.55)
        assert hand.button("Predict").isEnabled()


class TestModel:
    def test_the_first_one_works_offline_and_says_what_it_is(self, hand):
        assert hand.control("Model").currentText() == zoo.DEFAULT_MODEL
        assert hand.reads("The mean of unet-sim")

    def test_one_that_is_not_here_can_be_downloaded(self, add, hand):
        add()
        hand.control("Model").setCurrentText("gfnn-schmitt2024")
        assert hand.sees(hand.button("Download ("))
        assert not hand.button("Predict").isEnabled()
        assert hand.reads("gfnn-schmitt2024 has not been downloaded yet")

    def test_one_that_reads_two_proteins_asks_for_two_images(self, viewer, add, make_panel, two_proteins):
        hand = make_panel()
        (zyxin,) = add()
        viewer.add_image(np.asarray(zyxin.data), name="actin", scale=zyxin.scale, units=zyxin.units)
        hand.control("Model").setCurrentText(two_proteins)
        assert hand.control("Zyxin").currentText() == "cell 7 zyxin"
        assert hand.control("Actin").currentText() == "actin"
        hand.control("Model").setCurrentText(zoo.DEFAULT_MODEL)
        assert hand.control("Zyxin").currentText() == "cell 7 zyxin"

    def test_one_layer_for_two_proteins_is_doubted(self, add, make_panel, two_proteins):
        hand = make_panel()
        add()
        hand.control("Model").setCurrentText(two_proteins)
        assert hand.reads("cell 7 zyxin is chosen for zyxin and actin: please confirm.")

    def test_proteins_of_different_movies_do_not_go_together(self, viewer, add, make_panel, two_proteins):
        hand = make_panel()
        add()
        viewer.add_image(np.zeros((2, 64, 64)), name="actin")
        hand.control("Model").setCurrentText(two_proteins)
        assert hand.reads("the proteins of a cell must be imaged alike")
        assert not hand.button("Predict").isEnabled()

    def test_one_that_reads_the_outline_alone_asks_where_to_find_it(self, add, make_panel, network, viewer):
        shape_reader = network("shape", ("mask",))
        hand = make_panel()
        add()
        hand.control("Model").setCurrentText(shape_reader)
        assert hand.control("Image").currentText() == "cell 7 zyxin"
        hand.predict()
        assert f"|F| [normalised] cell 7 ({shape_reader})" in viewer.layers

    @pytest.mark.parametrize("device", ["cpu", "auto"])
    def test_the_device_is_the_preferred_one(self, make_panel, device):
        hand = make_panel(device=device)
        assert hand.control("Device").currentData() == device
        hand.wait_for("Device: CPU")

    def test_a_device_that_is_not_there_is_told_at_once(self, make_panel):
        hand = make_panel(device="mps")
        hand.wait_for("device 'mps' is not available")

    def test_that_torch_is_being_loaded_is_told_until_it_is(self, add, make_panel):
        add()
        for device in ("auto", "mps"):
            hand = make_panel(device=device)
            hand.wait_until(lambda hand=hand: not hand.reads("Loading PyTorch"))
            assert not hand.panel.run_section.status

    def test_the_backend_is_chosen_told_and_remembered(self, make_panel):
        hand = make_panel()
        hand.wait_for("networks:")
        hand.control("Backend").setCurrentText("PyTorch")
        hand.wait_for("networks: PyTorch")
        hand.control("Backend").setCurrentText("PyTorch, mixed precision (GPU)")
        hand.wait_for("it supports only cuda and mps")
        hand.panel.dispose()
        assert make_panel().control("Backend").currentData() == "amp"
