"""Whole runs of a second: they learn, can be stopped and killed, and go on as if nothing had been."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
import torch

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import FrameResult, ImageStack, Mask, PixelSize
from napari_cellforce.models import checkpoint
from napari_cellforce.predict import prepare
from napari_cellforce.train.augment import augment
from napari_cellforce.train.callbacks import Epoch, OverfittingWatch, Step
from napari_cellforce.train.initialise import freeze, start
from napari_cellforce.train.loop import _quiet, train
from napari_cellforce.zoo import load_predictor

from .conftest import pulling_cell


@pytest.fixture
def run(dataset, small, tmp_path):
    """Train on four small cells; returns the result."""
    data = {"sources": [str(dataset())], "pixel_size": 0.68}

    def make(folder="run", listener=None, should_stop=lambda: False, resume=False, **settings):
        config = small(**{"data": data, **settings})
        return train(config, tmp_path / folder, listener=listener, should_stop=should_stop, resume=resume)

    return make


def test_a_run_learns_and_leaves_a_model_that_predicts_in_pascal(run):
    optimise = {"epochs": 40, "batch": 4, "learning_rate": 0.02, "threads": 1}
    result = run(optimise=optimise, augment={"noise": 0.0, "blur": 0.0, "margin": 0})
    assert result.finished
    assert result.history[-1]["validation loss"] < result.history[0]["validation loss"]
    predictor = load_predictor(result.model)
    assert predictor.record.output_unit == "Pa"
    assert "4 measured cells" in predictor.record.training_data
    zyxin, mask, traction = pulling_cell(77)
    inside, outside = zyxin[mask].mean(), zyxin[~mask].mean()
    image = np.stack([np.maximum(zyxin - outside, 0) / (inside - outside), mask]).astype(np.float32)
    predicted = predictor.predict_frame(image, mask, PixelSize.square(0.68)).traction
    assert np.corrcoef(predicted.ravel(), traction.ravel())[0, 1] > 0.8
    assert np.hypot(*predicted)[mask].mean() == pytest.approx(np.hypot(*traction)[mask].mean(), rel=0.4)


def test_what_a_run_did_is_written_beside_its_model(run, tmp_path):
    events = []
    result = run(listener=events.append)
    assert [type(e) for e in events] == [Step, Step, Epoch, Step, Step, Epoch]
    names = {path.name for path in result.folder.iterdir()}
    assert {"config.json", "split.json", "history.csv", "best.ckpt", "last.ckpt"} <= names
    header, *rows = (result.folder / "history.csv").read_text().splitlines()
    assert header.startswith("epoch,validation loss") or "validation loss" in header
    assert len(rows) == 2
    assert set(json.loads((result.folder / "split.json").read_text())["validation"]) <= {
        f"cell_{i}" for i in range(4)
    }


def test_the_same_seed_gives_the_same_run(run):
    first, second = (run(folder=name) for name in ("one", "two"))
    assert first.history == second.history


def test_a_run_is_not_overwritten(run):
    run()
    with pytest.raises(CellForceError, match="not overwritten"):
        run()


def test_a_stopped_run_keeps_its_best_and_goes_on(run):
    whole = run(folder="whole", optimise={"epochs": 4, "batch": 4, "threads": 1})
    steps = []
    stopped = run(
        folder="stopped",
        listener=steps.append,
        should_stop=lambda: len(steps) > 4,
        optimise={"epochs": 4, "batch": 4, "threads": 1},
    )
    assert not stopped.finished
    assert len(stopped.history) == 1
    assert stopped.model.is_file()
    resumed = run(folder="stopped", resume=True)
    assert resumed.history == whole.history


def test_a_mean_of_the_weights_is_kept_and_survives_going_on(run):
    optimise = {"epochs": 3, "batch": 4, "threads": 1, "average": 0.9}
    whole = run(folder="whole", optimise=optimise)
    steps = []
    run(folder="stopped", listener=steps.append, should_stop=lambda: len(steps) > 4, optimise=optimise)
    assert run(folder="stopped", resume=True).history == whole.history
    plain = run(folder="plain", optimise={**optimise, "average": 0.0})
    assert plain.history != whole.history


def test_gradients_of_several_steps_can_be_added_up(run):
    steps = []
    run(listener=steps.append, optimise={"epochs": 1, "batch": 2, "accumulate": 3, "threads": 1})
    assert [e.step for e in steps if isinstance(e, Step)] == [0, 0, 1]


def test_a_learning_rate_far_too_high_is_told(run):
    with pytest.raises(CellForceError, match="the loss is not finite"):
        run(optimise={"epochs": 20, "batch": 2, "learning_rate": 1e30, "clip": 0.0, "threads": 1})


@pytest.mark.parametrize("ask", [lambda: torch.empty(1 << 52), lambda: bytearray(1 << 62)])
def test_where_memory_runs_out_smaller_steps_are_proposed(run, monkeypatch, ask):
    """More is asked for than any computer has: PyTorch and Python refuse it, each in its own way."""
    epochs = []

    def greedy(batch, config):
        if epochs:
            ask()
        return augment(batch, config)

    monkeypatch.setattr("napari_cellforce.train.lightning_module.augment", greedy)
    with pytest.raises(CellForceError, match=r"memory ran out with 4 frames.*Halve .*optimise\.batch"):
        run(listener=lambda event: epochs.append(event) if isinstance(event, Epoch) else None)
    monkeypatch.undo()
    assert len(run(resume=True).history) == 2, "what was learnt before is there, and goes on"


def test_a_disk_that_fills_up_loses_nothing(run, tmp_path, full_disk):
    optimise = {"epochs": 3, "batch": 4, "threads": 1}
    whole = run(folder="whole", optimise=optimise)
    with contextlib.ExitStack() as stack:

        def fill(event):
            if isinstance(event, Epoch):
                stack.enter_context(full_disk(2000))

        with pytest.raises(CellForceError, match=r"cannot write .*\.ckpt"):
            run(folder="full", listener=fill, optimise=optimise)
    left = {path.name for path in (tmp_path / "full").iterdir() if path.is_file()}
    assert {"last.ckpt", "best.ckpt"} <= left
    assert not [name for name in left if name.endswith(".partial")]
    assert run(folder="full", resume=True).history == whole.history


def test_lightnings_own_quick_check_passes(dataset, small, tmp_path):
    config = small(data={"sources": [str(dataset())], "pixel_size": 0.68})
    train(config, tmp_path / "run", fast_dev_run=True)


@pytest.mark.parametrize("part", ["head", "normalisation"])
def test_only_the_chosen_part_of_a_pretrained_model_changes(run, small, part):
    first = run(folder="first")
    before = first.model.read_bytes()
    second = run(folder="second", name="tuned", start_from=str(first.model), trainable=part)
    assert first.model.read_bytes() == before
    old, new = (checkpoint.load(path).module.state_dict() for path in (first.model, second.model))
    scaled = {"pull", "unet.appended_layers.1.weight", "unet.appended_layers.1.bias"}
    changed = {name for name in old if not torch.allclose(old[name], new[name], rtol=1e-5)}
    assert changed
    if part == "head":
        assert changed <= scaled
    else:
        assert all("bn" in name for name in changed - scaled)


def test_going_on_from_a_model_in_pascal_starts_where_it_was(run):
    first = run(folder="first")
    optimise = {"epochs": 1, "batch": 4, "learning_rate": 1e-12, "threads": 1}
    second = run(
        folder="second", name="tuned", start_from=str(first.model), optimise=optimise, trainable="head"
    )
    scaled, before = "vector R2 scaled", first.best["vector R2 scaled"]
    assert second.history[0][scaled] == pytest.approx(before, abs=1e-3), "the pattern is as it was"
    assert second.history[0]["vector R2"] > first.best["vector R2"] - 1e-3, "at a better scale"
    assert second.figures[scaled] == pytest.approx(before, abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "output"),
    [("adhesion-unet", "vector"), ("unet", "vector"), ("unet", "magnitude_angle"), ("gfnn", "vector")],
)
def test_a_model_can_be_scaled_for_good(kind, output, small):
    begun = start(small(kind=kind, output=output, architecture={}))
    module = begun.module.eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    image = torch.rand(1, 2, 64, 64)
    with torch.no_grad():
        before = module(image)
        module.scale_output(2.5, begun.record.output)
        after = module(image)
    part = slice(0, 1) if output == "magnitude_angle" else slice(None)
    assert torch.allclose(after[:, part], 2.5 * before[:, part], rtol=1e-3, atol=1e-5)


OUTLINE_NETWORKS = {
    "unet": {"width": 4, "levels": 1, "encoder_blocks": 1, "skip_blocks": 0, "decoder_blocks": 0},
    "gfnn": {"width": 4, "padding": 8},
}


@pytest.mark.parametrize(("kind", "architecture"), OUTLINE_NETWORKS.items())
def test_a_network_of_the_outline_alone_is_trained_and_predicts(kind, architecture, run):
    result = run(kind=kind, architecture=architecture, inputs=["mask"], optimise={"epochs": 1, "threads": 1})
    predictor = load_predictor(result.model, device="cpu")
    zyxin, mask, _ = pulling_cell(5)
    stack = ImageStack(zyxin[None, None].astype(np.float32), ("zyxin",), PixelSize.square(0.68))
    job = prepare(stack, predictor, Mask(mask[None], "given"))
    (frame,) = (item for item in job.run() if isinstance(item, FrameResult))
    assert np.abs(frame.traction[:, mask]).max() > 0


def test_a_model_without_the_wanted_layers_is_refused(small):
    with pytest.raises(CellForceError, match="nothing to train"):
        freeze(start(small(kind="gfnn", architecture={})).module, "normalisation")


def test_an_architecture_that_makes_no_sense_is_refused(small):
    with pytest.raises(CellForceError, match="from 1 to 4"):
        start(small(architecture={"halvings": 99}))
    with pytest.raises(CellForceError, match="adhesion-unet returns vector"):
        start(small(output="magnitude_angle"))
    with pytest.raises(CellForceError, match="known are"):
        start(small(kind="oracle"))


def test_overfitting_is_warned_of():
    class Trainer:
        callback_metrics: dict

    watch, trainer = OverfittingWatch(epochs=2), Trainer()
    curve = [(1.0, 1.0), (0.9, 0.8), (0.5, 0.95), (0.4, 1.0)]

    def follow(curve):
        for loss, validation in curve:
            trainer.callback_metrics = {"loss": loss, "validation loss": validation}
            watch.on_train_epoch_end(trainer, None)

    with pytest.warns(CellForceWarning, match="overfits"):
        follow(curve)


def test_lightnings_chatter_is_kept_back_and_our_warnings_are_not():
    @_quiet()
    def say():
        for category in (UserWarning, CellForceWarning):
            warnings.warn_explicit("words", category, "x.py", 1, module="pytorch_lightning.loops")

    with pytest.warns(CellForceWarning) as heard:
        say()
    assert [type(warning.message) for warning in heard] == [CellForceWarning]


KILLED = """
    import os, sys
    from napari_cellforce.config_io import read_settings
    from napari_cellforce.train.config import TrainConfig
    from napari_cellforce.train.loop import _quiet, train
    steps = []
    def listener(event):
        steps.append(event)
        if len(steps) == 8:
            os.kill(os.getpid(), 9)
    train(read_settings(sys.argv[1], TrainConfig), sys.argv[2], listener=listener)
"""


@pytest.mark.slow
def test_a_run_killed_in_mid_epoch_goes_on_to_the_same_losses(run, tmp_path, dataset):
    optimise = {"epochs": 4, "batch": 4, "threads": 1, "average": 0.9}
    whole = run(folder="whole", optimise=optimise)
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(KILLED))
    config = whole.folder / "config.json"
    done = subprocess.run(
        [sys.executable, script, config, tmp_path / "killed"], check=False, capture_output=True
    )
    assert done.returncode == -9
    assert run(folder="killed", resume=True).history == whole.history
