"""A kind of networks that the package does not know: one class, one entry in the registry, and all works.

Where this test has to touch anything else, a new kind is no longer one module and one registration.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from napari_cellforce import zoo
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceWarning
from napari_cellforce.explain import supported_parts
from napari_cellforce.fields import PixelSize
from napari_cellforce.models import checkpoint, registry
from napari_cellforce.models.base import InnerFields, Network
from napari_cellforce.models.kinds import Capabilities, NetworkKind
from napari_cellforce.models.record import ModelRecord

from ..train.conftest import pulling_cell, write_frame


# --8<-- [start:network]
@dataclass(frozen=True)
class PointwiseConfig(Settings):
    """Settings of a `Pointwise` network."""

    in_channels: int = setting(1, help="Channels of the image.", minimum=1, maximum=8)
    bias: bool = setting(False, help="Whether there is force without protein.")


class Pointwise(Network):
    """A 1x1 convolution: every pixel pulls by what it shows itself."""

    config: PointwiseConfig
    config_type = PointwiseConfig

    def __init__(self, config: PointwiseConfig) -> None:
        super().__init__()
        self.config = config
        self.mix = nn.Conv2d(config.in_channels, 2, 1, bias=config.bias)

    def forward(self, x):
        return self.mix(x)

    def head_parameters(self):
        return list(self.mix.parameters())

    def inner_fields(self, x, *, detailed=False):
        scalars = {"activation": x[:, 0]} | ({"squared": x[:, 0] ** 2} if detailed else {})
        return InnerFields(self(x), scalars, {"half": self(x) / 2} if detailed else {})


# --8<-- [end:network]
# --8<-- [start:registration]
POINTWISE = NetworkKind(
    name="pointwise",
    title="pointwise network",
    purpose="Every pixel pulls by what it shows itself.",
    network=lambda: Pointwise,
    capabilities=Capabilities(several_proteins=True),
    inner_fields={"activation": "1", "half_y": "traction", "half_x": "traction"},
    needs_protein=True,
)
# --8<-- [end:registration]


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    monkeypatch.setattr(registry, "REGISTRY", dict(registry.REGISTRY))
    registry.register(POINTWISE)


@pytest.fixture
def cells(tmp_path):
    for cell in range(3):
        write_frame(tmp_path / "cells" / f"cell_{cell}" / "frame_0.npy", *pulling_cell(cell))
    return tmp_path / "cells"


@pytest.fixture
def run_file(tmp_path):
    def write(**settings):
        optimise = {"epochs": 1, "batch": 2, "threads": 1}
        run = {"kind": "pointwise", "inputs": ["zyxin"], "name": "mine", "optimise": optimise} | settings
        path = tmp_path / "run.yaml"
        path.write_text(json.dumps(run))
        return path

    return write


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    module = Pointwise(PointwiseConfig())
    return checkpoint.save(tmp_path / "mine.safetensors", module, ModelRecord("mine", "pointwise"))


def test_it_is_trained_fine_tuned_imported_predicts_and_is_explained(
    cellforce, cells, run_file, movie, tmp_path
):
    trained = cellforce("train", run_file(), "--data", cells, "--pixel-size", 0.68, "--out", tmp_path / "a")
    assert (trained.code, trained.errors) == (0, [])
    model = tmp_path / "a" / "mine.safetensors"
    tuned = cellforce(
        "finetune", model, "--data", cells, "--pixel-size", 0.68, "--epochs", 1, "--name", "tuned", "--out",
        tmp_path / "b",
    )  # fmt: skip
    assert (tuned.code, tuned.errors) == (0, [])
    imported = cellforce("models", "import", tmp_path / "b" / "tuned.safetensors", "--name", "ours")
    assert imported.code == 0
    assert "ours" in cellforce("models", "list").output
    assert "pointwise" in cellforce("models", "kinds").output
    assert "pointwise network" in cellforce("models", "info", "ours").output

    predicted = cellforce("predict", movie, "--model", "ours", "--out", tmp_path / "forces")
    assert predicted.code == 0, predicted.errors
    explained = cellforce(
        "explain", movie, "--model", "ours", "--parts", "fields,probes", "--out", tmp_path / "why"
    )
    assert explained.code == 0, explained.errors
    table = pd.read_csv(next((tmp_path / "why").glob("*_fields.csv")))
    assert {"mean activation [1]", "mean squared [arb. unit]", "mean half_y [Pa]"} <= set(table.columns)


def test_its_record_is_saved_loaded_and_listed(model, tmp_path):
    loaded = checkpoint.load(model)
    assert (loaded.record.kind, loaded.record.architecture["bias"]) == ("pointwise", False)
    entry = zoo.import_checkpoint(model, name="ours", folder=tmp_path / "models")
    assert entry.card == "Imported pointwise network: zyxin in, normalised traction out."
    predictor = zoo.load_predictor("ours", device="cpu", folder=tmp_path / "models")
    mask = np.ones((20, 30), bool)
    image = np.random.default_rng(0).random((1, 20, 30), dtype=np.float32)
    result = predictor.predict_frame(image, mask, PixelSize.square(0.68))
    weight = loaded.module.mix.weight.detach().numpy()[:, 0, 0, 0]
    np.testing.assert_allclose(result.traction, weight[:, None, None] * image, rtol=1e-5)
    np.testing.assert_allclose(result.scalars["activation"], image[0])


def test_a_backend_that_is_named_is_refused_with_a_warning(model):
    """It has no convolutional part, so that only torch computes it."""
    pytest.importorskip("openvino")
    with pytest.warns(CellForceWarning, match="OpenVINO is not used: only PyTorch supports mine"):
        predictor = zoo.load_predictor(model, device="cpu", backend="openvino")
    assert predictor.backend.startswith("eager")


def test_batch_asks_it_for_what_it_has(model):
    record = checkpoint.load(model).record
    assert supported_parts("pointwise") == ("fields", "formula", "decomposition", "probes")
    wanted = BatchConfig("in", "out", ("mine",), explain=("fields", "greens", "probes")).parts_for(record)
    assert wanted == ("predict", "fields", "probes")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"inputs": ["mask"]}, ["the inputs are mask", "pointwise", "zyxin"]),
        ({"inputs": ["zyxin", "zyxin"]}, ["zyxin is there twice"]),
        ({"architecture": {"biass": True}}, ["biass", "Did you mean bias?"]),
        ({"architecture": {"bias": "yes"}}, ["bias is 'yes'", "true or false"]),
        ({"architecture": {"in_channels": 2}}, ["in_channels is 2", "zyxin"]),
        ({"output": "magnitude_angle"}, ["magnitude_angle", "pointwise"]),
        ({"loss": {"green": 0.5}}, ["loss.green is 0.5", "pointwise"]),
        ({"kind": "pointwize"}, ["'pointwize'", "pointwise"]),
    ],
)
def test_settings_that_do_not_belong_to_it_are_refused_by_name(
    cellforce, cells, run_file, tmp_path, settings, words
):
    answer = cellforce("train", run_file(**settings), "--data", cells, "--out", tmp_path / "run")
    assert answer.code == 2
    for word in words:
        assert word in " ".join(" ".join(answer.errors).split())
