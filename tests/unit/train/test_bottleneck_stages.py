"""Springs first, then mechanics: a small bottleneck learns one drawn cell."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_cellforce.fields import PixelSize
from napari_cellforce.models.bottleneck import network
from napari_cellforce.models.bottleneck.config import BottleneckConfig
from napari_cellforce.models.bottleneck.losses import mechanics_terms, springs_terms
from napari_cellforce.models.bottleneck.network import PhysicalBottleneck, TractionParts, residual_share
from napari_cellforce.models.bottleneck.sheets import sheet_traction
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.train import train
from napari_cellforce.train.augment import Batch
from napari_cellforce.zoo import load_predictor

from .conftest import pulling_cell

CONFIG = BottleneckConfig(
    width=4,
    blocks=0,
    latent_width=4,
    latent_blocks=1,
    cell=CellConfig(3, 2, padding="reflect"),
    edge_length=4.0,
)


def known_cell(module):
    """Two adhesions that hold a cell, the force that follows, and the springs behind it."""
    y, x = np.indices((56, 64)) - np.array([28, 32])[:, None, None]
    mask = (y / 19) ** 2 + (x / 25) ** 2 < 1
    z = sum(b * np.exp(-((y - a) ** 2 + (x - c) ** 2) / 10) for a, c, b in [(-4, -17, 3), (5, 16, 2)])
    placed = module.sheet(mask)
    springs = placed.at_nodes(torch.from_numpy(0.003 + 0.02 * z))
    nodal = sheet_traction(placed.cell.sheet, springs, 1.5, 0.5)
    zyxin = torch.from_numpy(z).float()[None, None]
    force = placed.drawn(torch.sparse.mm(placed.cell.to_pixels, nodal) * 50, zyxin[0])
    inside = torch.from_numpy(mask).float()[None, None]
    return (
        torch.cat([zyxin, inside], dim=1).repeat(2, 1, 1, 1),
        Batch(zyxin.repeat(2, 1, 1, 1), inside.repeat(2, 1, 1, 1), force[None].repeat(2, 1, 1, 1)),
        placed,
        springs,
    )


def trained(module, terms, steps, rate):
    """Take some steps and return the losses."""
    optimiser, losses = torch.optim.AdamW(module.parameters(), rate), []
    for _ in range(steps):
        loss = torch.stack(list(terms().values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def test_each_stage_lowers_its_loss_and_the_springs_are_found():
    torch.manual_seed(0)
    module = PhysicalBottleneck(CONFIG)
    inputs, batch, placed, springs = known_cell(module)
    stages = {
        "springs": lambda: springs_terms(
            module.sheet_inputs(inputs).Y * CONFIG.penetration**2, batch.traction, batch.mask
        ),
        "mechanics": lambda: mechanics_terms(module.parts(inputs), batch.traction, batch.mask, 1.0),
    }
    for name, terms in stages.items():
        losses = trained(module, terms, 40, 3e-3)
        assert np.mean(losses[-5:]) < 0.8 * losses[0], name
    with torch.no_grad():
        found = placed.at_nodes(module.sheet_inputs(inputs).Y[0])
    assert np.corrcoef(found, springs)[0, 1] > 0.8


def a_pair():
    """A force of the sheet, and one that it does not explain, of one tenth its size."""
    sheet = torch.randn(2, 2, 40, 40, generator=torch.Generator().manual_seed(0))
    residual = torch.randn(2, 2, 40, 40, generator=torch.Generator().manual_seed(1)) / 10
    mask = torch.ones(2, 1, 40, 40)
    return TractionParts(sheet, residual), Batch(mask, mask, sheet + residual)


def test_an_exact_traction_costs_only_what_the_sheet_does_not_explain():
    parts, batch = a_pair()
    terms = mechanics_terms(parts, batch.traction, batch.mask, 0.5)
    assert terms["relative error"] == 0
    assert float(terms["residual"]) == pytest.approx(0.5 * 0.01, rel=0.3)
    assert float(residual_share(*parts).mean()) == pytest.approx(0.01, rel=0.3)
    assert residual_share(parts.sheet, None).tolist() == [0, 0]


def test_cells_that_pull_weakly_count_as_much_as_strong_ones():
    _, batch = a_pair()
    strengths = torch.tensor([1.0, 50.0])[:, None, None, None]
    stronger = Batch(batch.proteins, batch.mask, batch.traction * strengths)
    same = mechanics_terms(TractionParts(0.5 * batch.traction, None), batch.traction, batch.mask, 1.0)
    scaled = mechanics_terms(TractionParts(0.5 * stronger.traction, None), stronger.traction, batch.mask, 1.0)
    assert float(same["relative error"]) == pytest.approx(0.25, rel=1e-5)
    assert float(scaled["relative error"]) == pytest.approx(0.25, rel=1e-5)


def test_a_residual_that_is_punished_shrinks():
    """A network that helps itself to force which the sheet could explain gives it back."""
    torch.manual_seed(0)
    module = PhysicalBottleneck(dataclasses.replace(CONFIG, residual=4)).eval()
    inputs, batch, _, _ = known_cell(module)

    def share():
        with torch.no_grad():
            return float(residual_share(*module.parts(inputs)).mean())

    torch.nn.init.normal_(module.residual[-1].weight, std=5)
    before = share()
    trained(module, lambda: mechanics_terms(module.parts(inputs), batch.traction, batch.mask, 2.0), 30, 1e-2)
    assert before > 0.1
    assert share() < 0.3 * before


@pytest.mark.slow
def test_a_run_fits_the_springs_first_and_then_solves_the_sheet(dataset, small, tmp_path, monkeypatch):
    """Two epochs of four know no mechanics, as asked; the model that comes out predicts like any other."""
    seen = []
    for name, function in (("springs", springs_terms), ("mechanics", mechanics_terms)):

        def noted(*arguments, name=name, function=function):
            seen.append((name, torch.is_grad_enabled()))
            return function(*arguments)

        monkeypatch.setattr(network, f"{name}_terms", noted)
    architecture = {**dataclasses.asdict(CONFIG), "edge_length": 6.0}
    del architecture["in_channels"]
    config = small(
        kind="physical-bottleneck",
        architecture=architecture,
        data={"sources": [str(dataset(3, 1))], "pixel_size": 0.68},
        loss={"springs_first": 0.5},
        augment={"rotate": False, "mirror": False, "margin": 0},
        optimise={"epochs": 4, "batch": 2, "learning_rate": 0.003, "threads": 1},
    )
    result = train(config, tmp_path / "run")
    steps = [name for name, learning in seen if learning]
    assert steps == sorted(steps, reverse=True), "springs, then mechanics"
    assert steps.count("springs") == steps.count("mechanics") > 0
    z, mask, _ = pulling_cell(3)
    frame = np.stack([z / 100, mask]).astype(np.float32), mask, PixelSize.square(0.68)
    assert "Y" in load_predictor(result.model, device="cpu").predict_frame(*frame).scalars
