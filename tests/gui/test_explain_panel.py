"""Why does the model say so? A person asks, and clicks on an adhesion."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QSlider

from napari_cellforce import zoo
from napari_cellforce.layers import METADATA_KEY
from napari_cellforce.models import checkpoint
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic import FitConfig, Kernel, Library
from napari_cellforce.widgets.explain_panel import ExplainPanel
from napari_cellforce.widgets.explanation import CHANGE, FORMULA
from napari_cellforce.widgets.preferences import Memory, Preferences

SMALL = FitConfig(
    library=Library(("z", "|∇z|²"), (Kernel("r"), Kernel("exp", 3.4))), bootstraps=0, most_terms=6
)


@pytest.fixture
def network(tmp_path):
    """A Green's-function network that somebody imported."""
    torch.manual_seed(0)
    module = GFNN(GFNNConfig(width=4, padding=16))
    path = checkpoint.save(tmp_path / "my-gfnn.safetensors", module, ModelRecord("my-gfnn", "gfnn"))
    return zoo.import_checkpoint(path).name


@pytest.fixture
def hand(hand_for, viewer, tmp_path):
    panel = ExplainPanel(
        viewer, memory=Memory(tmp_path / "panels.json"), preferences=Preferences(), fit=SMALL
    )
    yield hand_for(panel)
    panel.dismantle()
    panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def shown(viewer, name):
    (layer,) = [x for x in viewer.layers if x.metadata.get(METADATA_KEY, {}).get("name") == name]
    return layer


def explain(hand):
    hand.press("Explain forces")
    hand.wait_until(lambda: not hand.sees(hand.button("Stop")))


def test_inner_fields_become_layers_on_top_of_the_image(hand, add, viewer):
    (image,) = add()
    explain(hand)
    layer = shown(viewer, "adhesion")
    assert layer.data.shape == image.data.shape
    assert np.allclose(layer.scale, image.scale)
    assert layer.units == image.units
    assert np.nanmax(layer.data[1]) > 0
    assert np.isnan(layer.data[1][0, 0]), "nothing is shown outside the cell"
    assert hand.reads("Explained")


def test_green_functions_are_offered_of_a_network_that_has_them(hand, add, network):
    add()
    assert not hand.choice("Green's functions").isEnabled()
    hand.panel._model.fill(network)
    hand.choice("Green's functions").setChecked(True)
    explain(hand)
    assert hand.sees(hand.panel._greens)


def test_the_slider_picks_the_formula_and_its_force_follows(hand, add, viewer):
    add()
    hand.choice("inner fields").setChecked(False)
    hand.choice("one formula").setChecked(True)
    explain(hand)
    assert hand.reads("F = ")
    layer = shown(viewer, FORMULA)
    before = layer.data[viewer.dims.current_step[0]].copy()
    (slider,) = [s for s in hand.panel.findChildren(QSlider) if s.accessibleName() == "Terms"]
    slider.setValue(slider.minimum() if slider.value() > slider.minimum() else slider.maximum())
    assert not np.allclose(layer.data[viewer.dims.current_step[0]], before, equal_nan=True)
    assert hand.reads(f"{slider.value()}, R²")


def test_an_adhesion_is_taken_out(hand, add, viewer):
    add()
    explain(hand)
    hand.panel.take_out((32.0, 52.0))
    hand.wait_for("Without that adhesion")
    change = shown(viewer, CHANGE).data[viewer.dims.current_step[0]]
    assert change[32, 52] < 0
    assert abs(change[32, 52]) == pytest.approx(np.nanmax(np.abs(change)), rel=0.5)


def test_a_click_beside_all_adhesions_is_refused_in_words(hand, add, notifications):
    add()
    explain(hand)
    hand.panel.take_out((32.0, 32.0))
    hand.wait_until(lambda: any("µm away" in told for told in notifications))


def test_without_an_image_nothing_can_be_explained(hand):
    assert not hand.button("Explain forces").isEnabled()


def test_nothing_ticked_is_nothing_to_do(hand, add):
    add()
    hand.choice("inner fields").setChecked(False)
    assert not hand.button("Explain forces").isEnabled()
    assert hand.reads("Choose what to explain")


def test_the_viewer_is_let_go(hand, add, viewer):
    add()
    explain(hand)
    before = list(viewer.mouse_drag_callbacks)
    hand.button("Take out").setChecked(True)
    assert len(viewer.mouse_drag_callbacks) == len(before) + 1
    hand.panel.dismantle()
    assert viewer.mouse_drag_callbacks == before
