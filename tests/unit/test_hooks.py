"""napari asks the hooks: what is this file, show it, write this."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from napari_cellforce import hooks, io
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import ImageStack, PixelSize, Provenance, ScalarField, VectorField, X, Y
from napari_cellforce.layers import field_layers, image_layers

SIDE = 16


@pytest.fixture
def traction() -> VectorField:
    """Two frames of a cell that pulls down twice as hard as to the right."""
    data = np.zeros((2, 2, SIDE, SIDE), np.float32)
    data[:, Y], data[:, X] = 200, 100
    mask = np.zeros((2, SIDE, SIDE), bool)
    mask[:, 4:12, 4:12] = True
    return VectorField(data, "traction", "Pa", PixelSize.square(0.5), 2.0, mask=mask, name="cell 7")


@pytest.fixture
def image() -> ImageStack:
    rng = np.random.default_rng(0)
    data = rng.integers(0, 4000, (2, 2, SIDE, SIDE), dtype=np.uint16)
    return ImageStack(data, ("zyxin", "actin"), PixelSize.square(0.5), 2.0, name="cell 7")


def one_frame(folder: Path, cell: str = "cell_1", t: int = 0) -> Path:
    """A frame as the authors store it: x before y, zyxin last."""
    planes = np.random.default_rng(t).random((7, SIDE, SIDE))
    planes[4:6] = 0
    planes[4:6, 4:12, 4:12] = 1
    path = folder / cell / f"frame_{t}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, planes)
    return path


def kinds(layers) -> list[str]:
    return [kind for _, _, kind in layers]


def open_file(path: Path):
    reader = hooks.get_reader(str(path))
    assert reader is not None
    return reader(str(path))


class TestReading:
    def test_an_image_comes_as_a_layer_a_channel(self, tmp_path, image):
        layers = open_file(io.write_stack(tmp_path / "cell 7.ome.tif", image))
        assert [attributes["name"] for _, attributes, _ in layers] == ["cell 7 zyxin", "cell 7 actin"]
        np.testing.assert_array_equal(layers[1][0], image.data[:, 1])
        assert layers[0][1]["scale"] == (2.0, 0.5, 0.5)

    def test_a_written_field_comes_as_it_was_predicted(self, tmp_path, traction):
        layers = open_file(io.write_field(tmp_path / "cell 7_traction.ome.tif", traction))
        assert kinds(layers) == ["image", "vectors", "labels"]
        np.testing.assert_allclose(np.asarray(layers[0][0]), np.hypot(200, 100))

    def test_a_frame_of_the_authors_comes_with_what_was_measured(self, tmp_path):
        for path in (one_frame(tmp_path), tmp_path / "cell_1"):
            assert kinds(open_file(path)) == ["image", "image", "vectors", "labels"]

    def test_a_pixel_size_that_no_file_says_is_not_made_up(self, tmp_path):
        for _, attributes, _ in open_file(one_frame(tmp_path)):
            assert attributes["units"] == ("pixel", "pixel", "pixel")

    def test_of_a_folder_of_several_cells_the_first_is_shown_and_the_others_are_named(self, tmp_path):
        for cell in ("cell_10", "cell_9"):
            one_frame(tmp_path, cell)
        with pytest.warns(CellForceWarning, match="2 cells; cell_9 is shown"):
            layers = open_file(tmp_path)
        assert layers[0][1]["name"].startswith("cell_9")

    def test_several_files_at_once(self, tmp_path, image, traction):
        paths = [
            str(io.write_stack(tmp_path / "a.ome.tif", image)),
            str(io.write_field(tmp_path / "b.ome.tif", traction)),
        ]
        assert kinds(hooks.get_reader(paths)(paths)) == ["image", "image", "image", "vectors", "labels"]

    def test_a_stack_of_planes_is_projected_for_a_look(self, tmp_path):
        planes = np.arange(3 * SIDE * SIDE, dtype=np.uint16).reshape(3, SIDE, SIDE)
        tifffile.imwrite(tmp_path / "z.ome.tif", planes, metadata={"axes": "ZYX"})
        with pytest.warns(CellForceWarning, match="z: maximum over 3 planes"):
            ((data, attributes, _),) = open_file(tmp_path / "z.ome.tif")
        np.testing.assert_array_equal(np.asarray(data)[0], planes[2])
        assert any("3 planes" in note for note in attributes["metadata"]["cellforce"]["notes"])

    def test_an_ome_zarr_and_a_folder_of_frames_are_images_too(self, tmp_path, image):
        (tmp_path / "run").mkdir()
        for t in range(2):
            tifffile.imwrite(tmp_path / "run" / f"t{t}.tif", image.data[t, 0])
        layers = open_file(io.write_stack(tmp_path / "a.zarr", image))
        np.testing.assert_array_equal(layers[1][0], image.data[:, 1])
        ((data, _, _),) = open_file(tmp_path / "run")
        np.testing.assert_array_equal(data, image.data[:, 0])

    def test_all_images_in_a_file_are_shown(self, tmp_path, image):
        with tifffile.TiffWriter(tmp_path / "two.ome.tif", ome=True) as tiff:
            for t in range(2):
                tiff.write(image.data[t, 0], photometric="minisblack", metadata={"axes": "YX"})
        layers = open_file(tmp_path / "two.ome.tif")
        assert [attributes["name"].split()[0] for _, attributes, _ in layers] == ["two_0", "two_1"]

    def test_an_uncertainty_comes_as_what_it_is(self, tmp_path):
        """And is not offered as an image of a protein."""
        spread = np.random.default_rng(0).random((2, SIDE, SIDE)).astype(np.float32)
        provenance = Provenance(model="unet", settings={"samples": 20})
        scalar = ScalarField(spread, "uncertainty", "Pa", PixelSize.square(0.5), 2.0, provenance)
        path = io.write_scalar(tmp_path / "cell 7_uncertainty.ome.tif", scalar)
        ((data, attributes, kind),) = open_file(path)
        assert (kind, attributes["name"]) == ("image", "uncertainty [Pa] cell 7 (unet)")
        assert attributes["metadata"]["cellforce"]["role"] == "scalar"
        assert attributes["visible"]
        np.testing.assert_array_equal(data, spread)
        back = io.read_scalar(path)
        assert (back.unit, back.frame_interval, back.provenance) == ("Pa", 2.0, provenance)
        with pytest.raises(CellForceError, match="is not a field written by"):
            io.read_scalar(io.write_stack(tmp_path / "a.ome.tif", ImageStack(spread[:, None], ("a",))))

    def test_frames_that_a_field_lacks_are_told(self, tmp_path, traction):
        stopped = dataclasses.replace(traction, frames=(0, 1))
        skipped = dataclasses.replace(traction, frames=(0, 4))
        open_file(io.write_field(tmp_path / "a.ome.tif", stopped))
        with pytest.warns(CellForceWarning, match="3 of the movie's first 5 frames are not in this file"):
            open_file(io.write_field(tmp_path / "b.ome.tif", skipped))

    def test_a_folder_of_other_arrays_is_left_to_others(self, tmp_path):
        (tmp_path / "run").mkdir()
        np.save(tmp_path / "run" / "weights.npy", np.zeros((5, 5)))
        assert hooks.get_reader(str(tmp_path)) is None
        one_frame(tmp_path, "run")
        assert hooks.get_reader(str(tmp_path)) is not None

    @pytest.mark.parametrize("name", ["notes.txt", "numbers.npy", "pictures"])
    def test_what_is_not_ours_is_left_to_others(self, tmp_path, name):
        path = tmp_path / name
        if path.suffix == ".npy":
            np.save(path, np.zeros((5, 5)))
        elif path.suffix:
            path.write_text("buy milk")
        else:
            path.mkdir()
        assert hooks.get_reader(str(path)) is None
        assert hooks.get_reader([str(path)]) is None


class TestWriting:
    @pytest.mark.parametrize("chosen", [slice(0, 1), slice(1, 2), slice(None)])
    def test_any_layer_of_a_prediction_stands_for_the_field(self, tmp_path, traction, chosen):
        layers = field_layers(traction)[chosen]
        (path,) = hooks.write_layers(str(tmp_path / "saved.ome.tif"), layers)
        back = io.read_field(path)
        np.testing.assert_array_equal(back.data, traction.data)
        assert (back.unit, back.pixel_size.micron, back.name) == ("Pa", 0.5, "cell 7")

    def test_layers_that_do_not_fit_beside_a_field_are_named(self, tmp_path, traction, image):
        with pytest.warns(CellForceWarning, match="not cell 7 zyxin, cell 7 actin: save these on their own"):
            hooks.write_layers(str(tmp_path / "a.ome.tif"), [*image_layers(image), *field_layers(traction)])

    def test_a_name_that_ends_in_zarr_gives_an_ome_zarr(self, tmp_path, traction):
        (path,) = hooks.write_layers(str(tmp_path / "saved.ome.zarr"), field_layers(traction))
        np.testing.assert_array_equal(io.read_field(path).data, traction.data)

    def test_plain_images_keep_their_pixel_size(self, tmp_path, image):
        """napari asks us for every .ome.tif, whoever made the layers."""
        (path,) = hooks.write_layers(str(tmp_path / "a.ome.tif"), image_layers(image))
        back = io.read(path)
        np.testing.assert_array_equal(back.data, image.data)
        assert (back.pixel_size.micron, back.frame_interval) == (0.5, 2.0)
        assert back.channel_names == ("cell 7 zyxin", "cell 7 actin")

    def test_labels_of_others_are_written_as_they_are(self, tmp_path):
        labels = np.zeros((SIDE, SIDE), np.int64)
        labels[2:5] = 70_000
        (path,) = hooks.write_layers(str(tmp_path / "a.ome.tif"), [(labels, {"name": "cells"}, "labels")])
        back = io.read(path)
        np.testing.assert_array_equal(back.data[0, 0], labels)
        assert back.pixel_size is None

    @pytest.mark.parametrize(
        ("shape", "attributes", "kind"),
        [((5, 2, 2), {}, "vectors"), ((2, 3, 4, 5), {}, "image"), ((4, 5, 3), {"rgb": True}, "image")],
    )
    def test_what_is_no_flat_image_is_refused_in_our_words(self, tmp_path, shape, attributes, kind):
        """As napari hides those of a ValueError."""
        layer = (np.zeros(shape), {"name": "mine", **attributes}, kind)
        with pytest.raises(RuntimeError, match=r"mine .*as \.tif"):
            hooks.write_layers(str(tmp_path / "a.ome.tif"), [layer])
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_is_told(self, tmp_path, traction, full_disk):
        with full_disk(100), pytest.raises(RuntimeError, match=r"cannot write frame 0 of .*a\.ome\.tif"):
            hooks.write_layers(str(tmp_path / "a.ome.tif"), field_layers(traction))

    def test_two_fields_do_not_fit_into_one_file(self, tmp_path, traction):
        other = VectorField(traction.data * 2, "traction", "Pa", traction.pixel_size)
        with pytest.raises(RuntimeError, match=r"show 2 .* a file holds one"):
            hooks.write_layers(str(tmp_path / "a.ome.tif"), [*field_layers(traction), *field_layers(other)])


def test_the_sample_is_a_cell_with_a_pixel_size():
    ((data, attributes, kind),) = hooks.sample_cell()
    assert kind == "image"
    assert len(data) == 5
    assert "zyxin" in attributes["name"]
    assert attributes["units"][-1] == "micrometer"


def test_the_menu_entry_opens_the_panel():
    opened = []
    window = SimpleNamespace(add_plugin_dock_widget=lambda *names: opened.append(names))
    hooks.open_predict(SimpleNamespace(window=window))
    assert opened == [("napari-cellforce", "Predict forces")]
