"""Springs first, then mechanics: a small bottleneck learns one drawn cell."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from napari_cellforce.models.bottleneck.config import BottleneckConfig
from napari_cellforce.models.bottleneck.network import PhysicalBottleneck
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.models.sheet_op import sheet_traction
from napari_cellforce.train.augment import Batch
from napari_cellforce.train.bottleneck import STAGES, run_stage

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
    sheet = module.sheet(mask)
    springs = sheet.at_nodes(torch.from_numpy(0.003 + 0.02 * z))
    nodal = sheet_traction(sheet.sheet, springs, 1.5, 0.5)
    zyxin = torch.from_numpy(z).float()[None, None]
    force = sheet.drawn(torch.sparse.mm(sheet.to_pixels, nodal) * 50, zyxin[0])
    inside = torch.from_numpy(mask).float()[None, None]
    return (
        torch.cat([zyxin, inside], dim=1).repeat(2, 1, 1, 1),
        Batch(zyxin.repeat(2, 1, 1, 1), inside.repeat(2, 1, 1, 1), force[None].repeat(2, 1, 1, 1)),
        sheet,
        springs,
    )


def test_each_stage_lowers_its_loss_and_the_springs_are_found():
    torch.manual_seed(0)
    module = PhysicalBottleneck(CONFIG)
    inputs, batch, sheet, springs = known_cell(module)
    for stage in STAGES:
        losses = run_stage(module, itertools.repeat((inputs, batch)), stage, 40)
        assert np.mean(losses[-5:]) < 0.7 * losses[0], stage.name
    with torch.no_grad():
        found = sheet.at_nodes(module.sheet_inputs(inputs).Y[0])
    assert np.corrcoef(found, springs)[0, 1] > 0.8
    assert not module.training
