"""In the whole of napari: files dropped and saved, the panel in its dock, the sample in its menu."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Vectors
from qtpy.QtWidgets import QPushButton

from napari_cellforce import io
from napari_cellforce.fields import PixelSize, VectorField, X, Y
from napari_cellforce.hooks import open_predict
from napari_cellforce.widgets.predict.panel import PredictPanel
from napari_cellforce.zoo import DEFAULT_MODEL

PLUGIN = "napari-cellforce"
ARROWS = f"F [normalised] cell 7 ({DEFAULT_MODEL})"


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def result(tmp_path):
    """A written result of two frames: pulls down twice as hard as to the right."""
    data = np.zeros((2, 2, 32, 48), np.float32)
    mask = np.zeros((2, 32, 48), bool)
    mask[:, 4:28, 6:40] = True
    data[:, Y][mask], data[:, X][mask] = 200, 100
    traction = VectorField(data, "traction", "Pa", PixelSize.square(0.68), 2.0, mask=mask, name="cell 7")
    return io.write_field(tmp_path / "cell 7_traction.ome.tif", traction)


def predicted_in_dock(viewer, qtbot) -> PredictPanel:
    """Open the panel by the menu entry, press its button, and wait for the end."""
    open_predict(viewer)
    (panel,) = viewer.window._qt_window.findChildren(PredictPanel)
    (button,) = [b for b in panel.findChildren(QPushButton) if b.text().startswith("Predict")]
    button.click()
    qtbot.waitUntil(lambda: ARROWS in viewer.layers and button.isEnabled(), timeout=20_000)
    return panel


def test_an_image_that_is_opened_has_its_scale(viewer, tmp_path, make_movie):
    path = io.write_stack(tmp_path / "cell 7.ome.tif", make_movie())
    (layer,) = viewer.open(str(path), plugin=PLUGIN)
    assert layer.name == "cell 7 zyxin"
    np.testing.assert_allclose(layer.scale, (2, 0.68, 0.68))
    assert str(layer.units[-1]) == "micrometer"


def test_a_result_that_is_opened_looks_like_one_and_can_be_saved_again(viewer, result, tmp_path):
    layers = viewer.open(str(result), plugin=PLUGIN)
    assert [type(layer) for layer in layers] == [Image, Vectors, Labels]
    assert layers[0].name.startswith("|F| [Pa] cell 7")
    viewer.dims.set_current_step(0, 1)
    for chosen in (layers[:1], layers):
        viewer.layers.selection = set(chosen)
        copy = tmp_path / f"copy{len(chosen)}.ome.tif"
        assert viewer.layers.save(str(copy), selected=True, plugin=PLUGIN) == [str(copy)]
        original, back = io.read_field(result), io.read_field(copy)
        np.testing.assert_array_equal(back.data, original.data)
        np.testing.assert_array_equal(back.mask, original.mask)
        assert (back.unit, back.pixel_size, back.provenance) == (
            original.unit,
            original.pixel_size,
            original.provenance,
        )


def test_the_sample_is_in_the_menu(viewer):
    (layer,) = viewer.open_sample(PLUGIN, "drawn_cell")
    assert layer.data.shape[0] == 5


def test_from_the_dock_to_the_result_and_out_again(viewer, qtbot, tmp_path, make_movie):
    viewer.open(str(io.write_stack(tmp_path / "cell 7.ome.tif", make_movie())), plugin=PLUGIN)
    panel = predicted_in_dock(viewer, qtbot)
    magnitude = viewer.layers[f"|F| [normalised] cell 7 ({DEFAULT_MODEL})"]
    for layer in viewer.layers:
        assert layer.units == magnitude.units, "or napari's scale bar breaks"
    viewer.dims.set_current_step(0, 2)

    viewer.window.remove_dock_widget(panel)
    assert panel.dismantled
    viewer.dims.set_current_step(0, 0)
    viewer.layers.clear()


def test_the_menu_opens_one_panel(viewer):
    open_predict(viewer)
    open_predict(viewer)
    assert len(viewer.window._qt_window.findChildren(PredictPanel)) == 1


def test_a_result_of_the_panel_can_be_saved_by_napari(viewer, qtbot, tmp_path, make_movie):
    viewer.open(str(io.write_stack(tmp_path / "cell 7.ome.tif", make_movie(2))), plugin=PLUGIN)
    panel = predicted_in_dock(viewer, qtbot)
    arrows = viewer.layers[ARROWS]
    (saved,) = arrows.save(str(tmp_path / "saved.ome.tif"), plugin=PLUGIN)
    assert io.read_field(saved).frames == (0, 1)
    viewer.window.remove_dock_widget(panel)
