"""Frames for a network are what the predictor would show it, and batches depend on seed and epoch alone."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.network import NetworkPredictor
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.train import data
from napari_cellforce.train.config import DataConfig
from napari_cellforce.train.data import ModelGrid, SizeBatchSampler, stack_frames, train_loader
from napari_cellforce.train.examples import population, prepare

from .conftest import pulling_cell


class Spy(nn.Module):
    """Remembers what it was shown."""

    config = None
    seen: list = []  # noqa: RUF012 - the predictor works on a copy of the module, which shares it

    def forward(self, x):
        self.seen.append(x[0].numpy())
        return x.expand(-1, 2, -1, -1)


def test_an_example_shows_the_network_what_the_predictor_will_show_it():
    zyxin, mask, traction = pulling_cell(3, side=128)
    size = PixelSize.square(0.34)
    image = (zyxin[None] / 100).astype(np.float32)
    example = ModelGrid(0.68, 8.5, 256).example("a", image, mask, traction, size)
    record = ModelRecord("spy", "unet", pixel_size=0.68)
    NetworkPredictor(LoadedModel(Spy(), record), device="cpu").predict_frame(image, mask, size)
    shown, side = Spy.seen[-1], 32
    ours, theirs = (
        array[..., (n := (array.shape[-1] - side) // 2) : n + side, n : n + side]
        for array in (example.proteins.astype(np.float32), shown)
    )
    assert np.allclose(ours, theirs, rtol=1e-3)


def test_traction_keeps_its_mean_on_another_grid():
    zyxin, mask, traction = pulling_cell(3, side=128)
    example = ModelGrid(0.68, 8.5, 256).example("a", zyxin[None], mask, traction, PixelSize.square(0.34))
    assert example.traction.astype(float).sum(axis=(1, 2)) == pytest.approx(
        traction.sum(axis=(1, 2)) / 4, abs=50
    )


def test_every_frame_is_seen_once_an_epoch_and_like_sizes_go_together():
    radii = np.random.default_rng(0).uniform(10, 90, 64)
    batches = SizeBatchSampler(radii, 8, seed=1)
    first = list(batches)
    assert sorted(i for batch in first for i in batch) == list(range(64))
    within = np.mean([np.std(radii[batch]) for batch in first])
    assert within < 0.3 * radii.std()
    assert list(batches) == first
    batches.set_epoch(1)
    assert list(batches) != first


def test_a_single_frame_left_over_is_passed_over():
    batches = SizeBatchSampler(np.ones(9), 4, seed=0)
    assert len(batches) == len(list(batches)) == 2


def test_several_processes_share_the_batches_of_an_epoch(monkeypatch):
    batches = SizeBatchSampler(np.ones(40), 8, seed=0)
    alone = list(batches)
    monkeypatch.setattr(data, "_processes", lambda: 2)
    shared = []
    for rank in range(2):
        monkeypatch.setattr(data, "_rank", lambda rank=rank: rank)
        shared += list(batches)
        assert len(batches) == (3, 2)[rank]
    assert sorted(shared) == sorted(alone)


def test_batches_come_in_windows_that_hold_their_cells_at_any_angle():
    grid = ModelGrid(0.68, 8.5, 256)
    examples = [
        grid.example("a", z[None], m, f, PixelSize.square(0.68)) for z, m, f in map(pulling_cell, range(4))
    ]
    for batch in train_loader(examples, 2, 0, 16):
        side = batch.mask.shape[-1]
        assert side % 16 == 0
        assert side >= 2 * max(e.radius for e in examples) or side < 64
        assert batch.mask.sum() > 0
    assert stack_frames(examples, 32).proteins.shape == (4, 1, 32, 32)


def test_measured_cells_become_multiples_of_their_mean(dataset, small):
    config = small(data={"sources": [str(dataset())], "pixel_size": 0.68})
    examples = prepare(config)
    assert len(examples.train) == 6
    assert len(examples.validation) == 2
    means = [np.hypot(*e.traction.astype(float))[e.mask].mean() for e in examples.train]
    assert np.mean(means) == pytest.approx(1, rel=0.02)
    assert {e.cell for e in examples.train} & {e.cell for e in examples.validation} == set()


def test_one_cell_cannot_be_split(dataset, small):
    with pytest.raises(CellForceError, match="only one cell"):
        prepare(small(data={"sources": [str(dataset(cells=1))], "pixel_size": 0.68}))


def test_cells_of_unknown_pixel_size_are_refused_by_name(dataset, small):
    with pytest.raises(CellForceError, match="pixel size"):
        prepare(small(data={"sources": [str(dataset())]}))


def test_no_cells_at_all_are_refused(small):
    with pytest.raises(CellForceError, match="no cells to learn from"):
        prepare(small())


def test_short_vectors_can_be_cleared(dataset, small):
    sources = {"sources": [str(dataset())], "pixel_size": 0.68}
    examples = prepare(small(data={**sources, "threshold": 0.5}))
    lengths = np.hypot(*examples.train[0].traction.astype(np.float32))
    assert lengths[lengths > 0].min() >= 0.499


def test_limits_of_simulated_cells_are_called_by_name():
    widened = population(DataConfig(simulated=3, ranges={"shape.aspect": (3.0, 3.5)}))
    assert all(widened.cell_config(i).shape.aspect >= 3 for i in range(3))
    with pytest.raises(CellForceError, match=r"shape\.colour"):
        population(DataConfig(simulated=3, ranges={"shape.colour": (0, 1)}))


def test_folds_leave_every_cell_out_once(dataset, small):
    sources = {"sources": [str(dataset())], "pixel_size": 0.68}
    asides = [
        prepare(small(data=sources, split={"folds": 2, "fold": fold})).split.validation for fold in range(2)
    ]
    assert sorted(asides[0] + asides[1]) == [f"cell_{i}" for i in range(4)]
