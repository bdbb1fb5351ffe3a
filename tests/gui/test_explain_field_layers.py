"""Fields as layers: one scale for fields of a group and for all frames, nothing outside the cell."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.layers import LayerLabel, Placement
from napari_cellforce.widgets.explain.result_layers import DIVERGING, SEQUENTIAL, FieldLayers

MASK = np.zeros((8, 8), bool)
MASK[2:6, 2:6] = True


@pytest.fixture
def fields(viewer):
    return FieldLayers(viewer, LayerLabel("cell 7", "a model"), Placement(), (2, 8, 8))


def ramp(top):
    return np.where(MASK, np.linspace(0, top, 64).reshape(8, 8), 99.0)


def test_nothing_is_shown_outside_the_cell_nor_before_it_is_known(fields, viewer):
    fields.put("Y", ramp(1.0), MASK, 0, "µm^-2")
    (layer,) = viewer.layers
    assert layer.name == "Y [µm^-2] cell 7 (a model)"
    assert np.isfinite(layer.data[0]).sum() == MASK.sum()
    assert np.isnan(layer.data[1]).all()
    assert layer.colorbar.visible
    assert layer.name_overlay.visible, "the colour bar has no title of its own"


def test_colours_hold_all_frames_and_are_centred_once_a_field_has_both_signs(fields, viewer):
    fields.put("phi", ramp(1.0), MASK, 0)
    (layer,) = viewer.layers
    assert layer.colormap.name == SEQUENTIAL
    assert layer.contrast_limits[0] == 0
    fields.put("phi", -ramp(3.0), MASK, 1)
    assert layer.colormap.name == DIVERGING
    assert layer.contrast_limits[0] == -layer.contrast_limits[1] < -2


def test_rounding_errors_are_no_second_sign(fields, viewer):
    fields.put("phi", ramp(1.0) - 1e-7, MASK, 0)
    assert viewer.layers[0].colormap.name == SEQUENTIAL


def test_kin_share_one_scale_also_when_a_person_changes_it(fields, viewer):
    fields.put("u_y", ramp(1.0), MASK, 0, colour_group="u")
    fields.put("u_x", ramp(5.0), MASK, 0, colour_group="u")
    first, second = viewer.layers
    assert first.contrast_limits == second.contrast_limits
    first.contrast_limits = (0.0, 2.0)
    assert tuple(second.contrast_limits) == (0.0, 2.0)


def test_one_field_is_seen_at_a_time(fields, viewer):
    fields.put("a", ramp(1.0), MASK, 0, visible=True)
    fields.put("b", ramp(1.0), MASK, 0)
    fields.put("c", ramp(1.0), MASK, 0, visible=True)
    assert [layer.visible for layer in viewer.layers] == [False, False, True]


def test_a_layer_that_was_deleted_comes_back(fields, viewer):
    fields.put("a", ramp(1.0), MASK, 0)
    viewer.layers.clear()
    fields.put("a", ramp(1.0), MASK, 1)
    assert np.isfinite(viewer.layers[0].data[1]).any()
