"""A z-stack is shown by its maximum, and by one plane to who asks for it."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Layer

from napari_cellforce import hooks
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.widgets.shared import z_projection


@pytest.fixture
def viewer(tmp_path) -> ViewerModel:
    """Three planes, of which the middle one is brightest."""
    planes = np.zeros((3, 6, 9), np.uint16)
    planes[:, 2, 3] = 10, 30, 20
    metadata = {"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    tifffile.imwrite(tmp_path / "cell.ome.tif", planes, metadata=metadata)
    viewer = ViewerModel()
    with pytest.warns(CellForceWarning, match=r"maximum over 3 planes\. One plane: Layers > Project"):
        layers = hooks.read_layers(str(tmp_path / "cell.ome.tif"))
    for layer in layers:
        viewer.add_layer(Layer.create(*layer))
    return viewer


def answers(monkeypatch, value) -> dict:
    asked: dict = {}

    def ask(**wanted):
        asked.update(wanted)
        return None if value is None else {"plane": value}

    monkeypatch.setattr(z_projection, "request_values", ask)
    return asked


def test_the_plane_asked_for_is_added_where_the_maximum_is(viewer, monkeypatch):
    asked = answers(monkeypatch, 2)
    z_projection.show_plane(viewer)
    maximum, single = viewer.layers
    assert asked["plane"]["options"] == {"max": 2}
    assert (maximum.data[0, 2, 3], single.data[0, 2, 3]) == (30, 20)
    assert single.name == "cell plane 2 channel 0"
    np.testing.assert_array_equal(single.scale, maximum.scale)


def test_who_thinks_better_of_it_gets_nothing(viewer, monkeypatch):
    answers(monkeypatch, None)
    z_projection.show_plane(viewer)
    assert len(viewer.layers) == 1


def test_what_is_no_z_stack_is_told(viewer):
    viewer.add_image(np.zeros((3, 6, 9)), name="flat")
    with pytest.raises(CellForceError, match="No z-stack is selected"):
        z_projection.show_plane(viewer)
    viewer.layers.selection.clear()
    with pytest.raises(CellForceError, match="No z-stack is selected"):
        z_projection.show_plane(viewer)
