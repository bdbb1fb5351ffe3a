"""Why does the model say so? A person asks, and clicks on an adhesion."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from qtpy.QtCore import QCoreApplication, QEvent

from napari_cellforce import zoo
from napari_cellforce.fields import PixelSize, VectorField
from napari_cellforce.layers import METADATA_KEY, ArrowStyle
from napari_cellforce.models import checkpoint
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic import FitConfig, Kernel, Library
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.explain.panel import ExplainPanel
from napari_cellforce.widgets.explain.probe_section import BRIGHTNESS, LAYER_NAMES, LOW_PASS, OCCLUSION
from napari_cellforce.widgets.explain.result_layers import FORCE, FORMULA
from napari_cellforce.widgets.shared.measured_fields import show_field

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
    panel.model_section.fill("adhesion-filter")
    yield hand_for(panel)
    panel.dispose()
    panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def shown(viewer, name):
    (layer,) = [x for x in viewer.layers if x.metadata.get(METADATA_KEY, {}).get("name") == name]
    return layer


def explain(hand):
    hand.press("Explain forces")
    hand.wait_until(lambda: not hand.sees(hand.button("Stop")) and not hand.panel.drafts.busy)


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
    hand.panel.model_section.fill(network)
    hand.choice("Green's functions").setChecked(True)
    explain(hand)
    assert hand.sees(hand.panel.greens)


@pytest.fixture
def explained_by_formula(hand, add):
    """A formula of the adhesion filter's forces."""
    add()
    hand.choice("inner fields").setChecked(False)
    hand.choice("one formula").setChecked(True)
    explain(hand)
    return hand


def test_the_slider_picks_the_formula_and_its_force_follows(explained_by_formula, viewer):
    hand = explained_by_formula
    picture = hand.panel.formula_section.picture
    t = viewer.dims.current_step[0]
    layer, force = shown(viewer, FORMULA), shown(viewer, FORCE)
    assert layer.contrast_limits == force.contrast_limits, "model and formula are on one scale"
    before, written = layer.data[t].copy(), picture.accessibleName()
    assert written.startswith("F = ")
    assert not picture.pixmap().isNull()
    slider = hand.control("Terms")
    slider.setValue(slider.minimum() if slider.value() > slider.minimum() else slider.maximum())
    assert not np.allclose(layer.data[t], before, equal_nan=True)
    assert picture.accessibleName() != written
    assert hand.reads(f"{slider.value()}, R²")


def test_a_formula_is_saved_and_becomes_a_model(explained_by_formula, tmp_path):
    hand = explained_by_formula
    section = hand.panel.formula_section
    for ending, begins in ((".txt", "F = "), (".tex", r"\mathbf{F}"), (".json", "{")):
        section.save(tmp_path / f"mine{ending}")
        assert (tmp_path / f"mine{ending}").read_text().lstrip().startswith(begins)
    hand.press("Use as model")
    hand.press("Use as model")
    count = len(section.formula.terms)
    names = [entry.name for entry in zoo.entries() if entry.kind == "formula"]
    stem = f"formula-of-adhesion-filter-{count}-terms"
    assert stem in names
    assert hand.list_of(stem) is hand.list_of("adhesion-filter"), "it can be chosen at once"
    record = zoo.load_predictor(stem).record
    assert record.architecture["terms"] == zoo.load_predictor(names[-1]).record.architecture["terms"]


def test_y_is_plotted_against_brightness_and_distance(hand, add, viewer):
    add()
    hand.panel.model_section.fill("sheet-filter")
    explain(hand)
    assert shown(viewer, "Y").name.startswith("Y [µm^-2]")
    plots = hand.panel.hold_curves.plots
    assert all(hand.sees(plot) for plot in plots.values())
    (curve,) = plots["intensity"].plot.listDataItems()
    _, held = curve.getData()
    assert held[-1] > 2 * held[0], "it is held where it is bright"


def test_brightness_is_probed_as_a_curve_and_a_layer(hand, add, viewer):
    add()
    explain(hand)
    probes = hand.panel.probe_section
    what = hand.control("What if")
    what.setCurrentIndex(what.findData(BRIGHTNESS))
    hand.press("Run the probe")
    hand.wait_until(lambda: not probes.job.running)
    hand.wait_for("At 3 times the brightness: correlation of the vectors 1.00")
    layer = shown(viewer, LAYER_NAMES[BRIGHTNESS])
    change = layer.data[viewer.dims.current_step[0]]
    assert np.nanmax(np.abs(change)) < 1e-4, "the filter's force is divided by its mean"
    hand.control("At").setValue(0)
    assert hand.reads("0.25 times the brightness")


def test_fine_structure_is_all_that_the_filter_sees(hand, add, viewer):
    add()
    explain(hand)
    what = hand.control("What if")
    what.setCurrentIndex(what.findData(LOW_PASS))
    hand.press("Run the probe")
    hand.wait_for("Blurred over 11.2 µm")
    responses = hand.panel.probe_section.result.responses
    assert [r.correlation for r in responses] == sorted((r.correlation for r in responses), reverse=True)
    limits = shown(viewer, LAYER_NAMES[LOW_PASS]).contrast_limits
    assert limits[0] == -limits[1], "colours are centred on no change"


def test_a_measured_field_is_taken_apart(hand, viewer):
    y, x = np.indices((40, 48))
    mask = ((y - 20) / 15) ** 2 + ((x - 24) / 18) ** 2 < 1
    pull = (-np.stack([y - 20.0, x - 24.0]) * mask)[None].astype(np.float32)
    size = PixelSize.square(0.5)
    field = VectorField(pull, "traction", "Pa", size, mask=mask[None], name="measured")
    assert hand.reads("open a measured field")
    show_field(viewer, field, ArrowStyle())
    hand.press("Decompose")
    hand.wait_for("100 % gradient")
    layer = shown(viewer, "Helmholtz φ")
    assert layer.name.startswith("Helmholtz φ [Pa µm]")
    assert np.isnan(layer.data[0, 0]), "nothing is shown outside the cell"
    assert layer.data[20, 24] == pytest.approx(np.nanmax(layer.data)), "it pulls to the middle"
    assert tuple(layer.scale) == (0.5, 0.5)


def test_what_a_model_predicts_is_taken_apart(hand, add, viewer):
    add()
    explain(hand)
    hand.press("Decompose")
    hand.wait_for("Mean of 3 frames")
    assert shown(viewer, "Clebsch ψ").data.shape[0] == 3


def test_layers_outside_the_frame_that_failed_are_kept(hand, add, viewer, make_movie, notifications):
    movie = make_movie()
    data = movie.data.astype(np.float32)
    data[2, 0, 32, 32] = np.nan
    add(dataclasses.replace(movie, data=data))
    hand.choice("already normalised").setChecked(True)
    explain(hand)
    hand.wait_until(lambda: any("NaN" in told for told in notifications))
    layer = shown(viewer, "adhesion")
    assert np.isfinite(layer.data[1]).any()


def test_reset_asks_for_inner_fields_only(hand, add):
    add()
    hand.choice("one formula").setChecked(True)
    hand.choice("inner fields").setChecked(False)
    hand.press("Reset")
    assert hand.panel.parts_section.chosen == ("fields",)


def test_an_adhesion_is_taken_out(hand, add, viewer):
    add()
    explain(hand)
    hand.panel.probe_section.occlude_at((32.0, 52.0))
    hand.wait_for("Without that adhesion")
    change = shown(viewer, LAYER_NAMES[OCCLUSION]).data[viewer.dims.current_step[0]]
    assert change[32, 52] < 0
    assert abs(change[32, 52]) == pytest.approx(np.nanmax(np.abs(change)), rel=0.5)


def test_a_click_beside_all_adhesions_is_refused_in_words(hand, add, notifications):
    add()
    explain(hand)
    hand.panel.probe_section.occlude_at((32.0, 32.0))
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
    hand.button("Click on an adhesion").click()
    assert len(viewer.mouse_drag_callbacks) == len(before) + 1
    hand.panel.dispose()
    assert viewer.mouse_drag_callbacks == before
