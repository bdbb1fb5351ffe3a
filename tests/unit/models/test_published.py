from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_cellforce.errors import CellForceError
from napari_cellforce.models.checkpoint import load
from napari_cellforce.models.gfnn import GFNN, GFNNConfig


def read(content, tmp_path):
    torch.save(content, tmp_path / "theirs.pt")
    return load(tmp_path / "theirs.pt")


def test_the_record_says_what_the_file_and_the_paper_say(published_dict, tmp_path):
    record = read(published_dict, tmp_path).record
    assert (record.inputs, record.pixel_size, record.mask_margin) == (("zyxin",), 0.17, 8.5)
    assert (record.normalisation, record.shared_baselines) == ("outside_inside", False)
    assert (record.output, record.output_order) == ("magnitude_angle", "xy")
    assert record.output_unit == "normalised"
    assert "none stated" in record.licence
    assert "10.1016/j.cell.2023.11.041" in record.citation
    assert "derived" in record.limits


@pytest.mark.parametrize(("rescale", "scale"), [(0.25, 0.4), (0.5, 0.2), (None, 0.1)])
def test_the_force_scale_is_that_of_the_authors_loader(rescale, scale, published_dict, tmp_path):
    mean, force = 267.0, 1200.0
    norm_output = {} if rescale is None else {"rescale": rescale}
    published_dict["dataset_kwargs"]["transform_kwargs"]["norm_output"] = norm_output
    record = read(published_dict, tmp_path).record
    target = force / (10 * mean) / (rescale or 1)
    assert record.output_scale == pytest.approx(scale)
    assert target / record.output_scale * mean == pytest.approx(force)


def test_without_a_force_baseline_the_scale_is_unknown(published_dict, tmp_path):
    published_dict["dataset_kwargs"]["output_baseline_normalization"] = None
    assert "only their pattern" in read(published_dict, tmp_path).record.limits


@pytest.mark.parametrize("loss", ["xy", "r_mse"])
def test_other_losses_train_vectors(loss, published_dict, tmp_path):
    published_dict["model_kwargs"]["loss_hparams"]["loss_type"] = loss
    assert read(published_dict, tmp_path).record.output == "vector"


def set_in(content, *path_and_value):
    *path, key, value = path_and_value
    for step in path:
        content = content[step]
    content[key] = value


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("model_kwargs", "prepend_hparams", "stride", 2), "stride"),
        (("model_kwargs", "loss_hparams", "loss_type", "hinge"), "hinge"),
        (("dataset_kwargs", "transform_kwargs", "magnitude_only", True), "magnitudes"),
        (("dataset_kwargs", "input_baseline_normalization", "lifetime"), "lifetime"),
        (("model_kwargs", "decoder_hparams", "n_layers", 3), "n_layers"),
        (("model_kwargs", "encoder_hparams", "n_ch", 8), "n_ch"),
        (("model_kwargs", "decoder_hparams", "upsample_kernel", 4), "kernel"),
        (("model_kwargs", "encoder_hparams", "n_layers", "many"), "n_layers"),
        (("model_kwargs", "encoder_hparams", None), "make no sense"),
        (("model", None), "theirs.pt"),
        (("model", {"a": 1}), "not a tensor"),
        (("model_kwargs", "input_type", "zyxin,actin"), "inputs"),
    ],
)
def test_settings_that_are_not_understood_are_refused_by_name(change, word, published_dict, tmp_path):
    set_in(published_dict, *change)
    with pytest.raises(CellForceError, match=word):
        read(published_dict, tmp_path)


def test_a_missing_setting_is_named(published_dict, tmp_path):
    del published_dict["model_kwargs"]["decoder_hparams"]["upsample_kernel"]
    with pytest.raises(CellForceError, match="upsample_kernel"):
        read(published_dict, tmp_path)


def test_two_proteins_share_baselines_as_in_the_released_loader(shared_data):
    record = load(shared_data / "cases" / "unet_case_1.pt").record
    assert record.inputs == ("zyxin", "actin")
    assert record.shared_baselines
    assert not load(shared_data / "cases" / "unet_case_0.pt").record.shared_baselines


@pytest.fixture
def gfnn_dict():
    module = GFNN(GFNNConfig(form="published", width=4, size=32))
    torch.nn.init.normal_(module.conv_in[2].weight)
    settings = {"downsample": 2, "size": 32, "nmax": 7, "real": True, "coulomb": False}
    return {"state_dict": module.state_dict(), "hparams": settings}


def test_the_greens_function_network_keeps_the_authors_quirks_to_itself(gfnn_dict, tmp_path):
    loaded = read(gfnn_dict, tmp_path)
    record = loaded.record
    assert (record.pixel_size, record.grid, record.low_pass) == (0.34, 32, 7)
    assert (record.output_order, record.output_scale) == ("xy", 0.4)
    with torch.inference_mode():
        fields = loaded.module.fields(torch.rand(1, 1, 32, 32))
    phi = fields["phi"][0].double().numpy()
    down_rows = np.fft.ifft(2j * np.pi * np.fft.fftfreq(32)[:, None] * np.fft.fft(phi, axis=0), axis=0).real
    first = fields["grad_phi"][0, 0].numpy()
    assert np.corrcoef(first.ravel(), -down_rows.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("variant", [{"real": False}, {"coulomb": True}, {"linear": True}, {"size": 10**6}])
def test_variants_that_are_not_known_are_refused(variant, gfnn_dict, tmp_path):
    gfnn_dict["hparams"].update(variant)
    with pytest.raises(CellForceError, match=next(iter(variant))):
        read(gfnn_dict, tmp_path)
