"""Each term of the loss against a case that can be worked out by hand, and every model with every loss."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from napari_cellforce.models import registry
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.train.augment import Batch
from napari_cellforce.train.config import LossConfig
from napari_cellforce.train.losses import as_vectors, imbalance, loss_terms


def uniform(y: float, x: float, side: int = 8) -> torch.Tensor:
    return torch.tensor([y, x])[None, :, None, None].expand(1, 2, side, side).clone()


def of(traction: torch.Tensor, u: torch.Tensor | None = None) -> Batch:
    ones = torch.ones_like(traction[:, :1])
    return Batch(ones, ones, traction, u)


def test_the_vector_loss_is_the_squared_length_of_the_error():
    terms = loss_terms(uniform(3.0, 4.0), of(uniform(0.0, 0.0)), LossConfig(), "vector")
    assert terms["vector"].item() == pytest.approx(25)


def test_angles_are_compared_the_short_way_round():
    angle = torch.full((1, 1, 8, 8), math.pi - 0.1)
    raw = torch.cat([torch.ones_like(angle), angle], dim=1)
    target = uniform(math.sin(-math.pi + 0.1), math.cos(-math.pi + 0.1))
    terms = loss_terms(raw, of(target), LossConfig("magnitude_angle"), "magnitude_angle")
    assert terms["angle"].item() == pytest.approx(0.04, rel=1e-3)
    assert terms["magnitude"].item() == pytest.approx(0, abs=1e-9)


def test_angles_do_not_count_where_there_is_no_traction():
    raw = torch.ones(1, 2, 8, 8)
    terms = loss_terms(raw, of(uniform(0, 0)), LossConfig("magnitude_angle"), "magnitude_angle")
    assert terms["angle"].item() == 0
    assert terms["magnitude"].item() == pytest.approx(10, rel=1e-4)


def test_strong_tractions_weigh_exponentially_more():
    target = torch.cat([uniform(0.0, 0.0), uniform(0.0, 2.0)], dim=-1)
    predicted = target + torch.cat([uniform(0.0, 1.0), uniform(0.0, 0.0)], dim=-1)
    plain, weighted = (
        loss_terms(predicted, of(target), LossConfig(magnitude_weight=w), "vector")["vector"].item()
        for w in (0.0, 1.0)
    )
    assert plain == pytest.approx(0.5)
    assert weighted == pytest.approx(1 / (1 + math.exp(2)), rel=1e-3)


def test_energy_counts_only_the_mean_work():
    predicted, u = uniform(1.0, 0.0), uniform(0.5, 7.0)
    terms = loss_terms(predicted, of(uniform(0.0, 0.0), u), LossConfig(strain_energy=2.0), "vector")
    assert terms["strain energy"].item() == pytest.approx(2 * 0.25)


def test_a_pair_of_opposite_forces_is_balanced_and_a_push_is_not():
    pair = torch.cat([uniform(1.0, 2.0), uniform(-1.0, -2.0)], dim=-1)
    assert imbalance(pair).item() == pytest.approx(0, abs=1e-6)
    assert imbalance(uniform(1.0, 2.0)).item() == pytest.approx(1)


def test_the_penalty_spares_the_mean_of_the_greens_functions():
    module = GFNN(GFNNConfig(size=8, width=4))
    nn.init.constant_(module.kernel, -100.0)
    module.kernel.data[:, 0] = 5.0
    assert module.green_penalty().item() == pytest.approx(0)
    module.kernel.data[:, 1] = 0.0
    assert module.green_penalty().item() == pytest.approx(1 / 7)


def test_magnitude_and_angle_become_y_and_x():
    raw = torch.tensor([2.0, math.pi / 2])[None, :, None, None]
    assert torch.allclose(as_vectors(raw, "magnitude_angle").flatten(), torch.tensor([2.0, 0.0]), atol=1e-6)


LOSSES = [
    LossConfig(magnitude_weight=0.2, magnitude=0.1, balance=1, strain_energy=1),
    LossConfig("magnitude_angle", balance=1, strain_energy=1),
]


@pytest.mark.parametrize("loss", LOSSES, ids=["vector", "magnitude_angle"])
@pytest.mark.parametrize("output", ["vector", "magnitude_angle"])
@pytest.mark.parametrize("kind", [kind.name for kind in registry.networks()])
def test_every_model_with_every_loss_stays_on_its_device(kind, loss, output):
    module = registry.get_network(kind).build({"in_channels": 2}).to("meta")
    frame = torch.zeros(2, 2, 64, 64, device="meta")
    batch = Batch(frame[:, :1], frame[:, :1], frame, frame)
    total = sum(loss_terms(module(frame), batch, loss, output).values())
    total.backward()
    assert total.device.type == "meta"
    assert all(p.grad is not None for p in module.parameters())


def test_no_term_is_made_that_was_not_asked_for():
    nothing = LossConfig()
    terms = loss_terms(uniform(1, 0), of(uniform(0, 0)), nothing, "vector")
    assert set(terms) == {"vector"}


def test_relative_to_its_own_traction_a_weak_cell_counts_as_much_as_a_strong_one():
    target = torch.cat([uniform(0.0, 1.0), uniform(0.0, 10.0)])
    errors = [
        loss_terms(
            torch.cat([target[:1] * a, target[1:] * b]),
            of(target),
            LossConfig(relative=1.0),
            "vector",
        )["vector"].item()
        for a, b in ((0.5, 1.0), (1.0, 0.5))
    ]
    assert errors == pytest.approx([0.125, 0.125], rel=1e-3)


def test_the_correlation_of_magnitudes_knows_no_scale_and_no_direction():
    torch.manual_seed(0)
    target = torch.randn(1, 2, 8, 8)
    config = LossConfig(correlation=2.0)

    def term(predicted: torch.Tensor) -> float:
        return loss_terms(predicted, of(target), config, "vector")["correlation"].item()

    assert term(-3 * target) == pytest.approx(0, abs=1e-5)
    assert term(torch.randn(1, 2, 8, 8)) > 1
