"""The bottleneck says springs and contractility, and nothing else reaches the traction."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import PixelSize
from napari_cellforce.models import checkpoint
from napari_cellforce.models.bottleneck.config import BottleneckConfig
from napari_cellforce.models.bottleneck.network import PhysicalBottleneck
from napari_cellforce.models.bottleneck.predictor import BottleneckPredictor
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.sheet_op import sheet_traction

SMALL = BottleneckConfig(
    width=4,
    latent_width=4,
    blocks=1,
    latent_blocks=1,
    cell=CellConfig(3, 2, padding="reflect"),
    edge_length=4.0,
)
RECORD = ModelRecord("pbnn", "physical-bottleneck", inputs=("zyxin", "mask"), pixel_size=0.68)


def a_cell(side=64):
    """An egg-shaped cell with two adhesions, one bright on the left and one dim on the right."""
    y, x = np.indices((side, side)) - side / 2
    mask = (x / 26) ** 2 + (y / (18 + 0.15 * x)) ** 2 < 1
    spots = [(-3, -18, 3.0), (4, 17, 1.5)]
    z = sum(b * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 12) for cy, cx, b in spots) + 0.3 * mask
    return z.astype(np.float32), mask


def batch(n=1, side=64):
    z, mask = a_cell(side)
    return torch.from_numpy(np.stack([z, mask.astype(np.float32)]))[None].repeat(n, 1, 1, 1)


def network(**changes):
    torch.manual_seed(0)
    return PhysicalBottleneck(dataclasses.replace(SMALL, **changes)).eval()


def predictor(module=None):
    return BottleneckPredictor(LoadedModel(module or network(), RECORD), device="cpu")


def test_the_traction_is_that_of_the_sheet_and_points_inward():
    _, mask = a_cell()
    F = network()(batch())[0].detach().numpy()
    y, x = np.indices(mask.shape) - np.array(mask.shape)[:, None, None] / 2
    assert np.sum(F[0] * y + F[1] * x) < -0.7 * np.sum(np.hypot(*F) * np.hypot(y, x))
    assert np.abs(F[:, ~mask]).max() < 1e-6 or np.hypot(*F)[mask].sum() > 20 * np.hypot(*F)[~mask].sum()


def test_traction_is_proportional_to_contractility():
    module = network()
    before = module(batch())
    module.strengthen(2.5)
    assert torch.allclose(module(batch()), 2.5 * before, rtol=1e-5, atol=1e-7)


def test_gradients_through_the_sheet_are_those_of_finite_differences():
    module = network().double()
    weights = torch.randn(2, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = batch().double()

    def value():
        return (module(x)[0] * weights).sum()

    value().backward()
    for parameter in (module.adhesion.weight, module.adhesion.bias, module.head[-1].bias):
        place = tuple(0 for _ in parameter.shape)
        found, step = float(parameter.grad[place]), 1e-5
        with torch.no_grad():
            parameter[place] += step
            above = float(value())
            parameter[place] -= 2 * step
            below = float(value())
            parameter[place] += step
        assert found == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-9)


def test_cells_of_a_batch_do_not_touch_each_other():
    module = network()
    x = batch(2)
    x[1, 0] *= 0.2
    assert torch.allclose(module(x)[0], module(x[:1])[0], atol=1e-6)


def test_meshes_are_made_once(monkeypatch):
    from napari_cellforce.models.bottleneck import sheets

    made, plain = [], sheets.cell_sheet
    monkeypatch.setattr(sheets, "cell_sheet", lambda *a: made.append(1) or plain(*a))
    module = network()
    module(batch(2))
    module(batch())
    assert len(made) == 1


def test_a_cell_that_cannot_be_meshed_is_left_out_of_a_step_and_refused_in_a_prediction():
    module, x = network(), batch(2)
    x[1, 1] = 0
    with pytest.raises(CellForceError):
        module(x)
    with pytest.warns(CellForceWarning, match="left out"):
        F = module.train()(x)
    assert F[1].abs().max() == 0
    assert F[0].abs().max() > 0


def test_a_prediction_is_balanced_and_shows_what_the_sheet_knows():
    z, mask = a_cell()
    result = predictor().predict_frame(np.stack([z, mask.astype(np.float32)]), mask, PixelSize.square(0.68))
    net = np.hypot(*result.traction.sum(axis=(1, 2)))
    assert net < 1e-5 * np.hypot(*result.traction).sum()
    assert {"Y", "sigma_a", "alpha", "u_y", "u_x", "stress", "strain"} <= result.scalars.keys()
    inside = result.scalars["Y"] > 0
    product = result.scalars["Y"] * result.scalars["u_y"] * SMALL.traction_scale
    assert np.corrcoef(product[inside], result.traction[0][inside])[0, 1] > 0.99
    assert result.scalars["strain"][mask].mean() < 0, "a contracting sheet shrinks"


def test_a_movie_on_other_pixels_gives_nearly_the_same():
    z, mask = a_cell()
    fine = np.repeat(np.repeat(np.stack([z, mask.astype(np.float32)]), 2, 1), 2, 2)
    coarse = predictor().predict_frame(np.stack([z, mask.astype(np.float32)]), mask, PixelSize.square(0.68))
    finer = predictor().predict_frame(fine, fine[1] > 0.5, PixelSize.square(0.34))
    means = finer.traction.reshape(2, 64, 2, 64, 2).mean(axis=(2, 4))
    assert np.corrcoef(means.ravel(), coarse.traction.ravel())[0, 1] > 0.99


def test_a_cell_cut_by_the_border_is_solved_and_doubted():
    z, mask = a_cell()
    image, cut = np.stack([z, mask.astype(np.float32)])[:, :, 16:], mask[:, 16:]
    with pytest.warns(CellForceWarning, match="artificial"):
        result = predictor().predict_frame(image, cut, PixelSize.square(0.68))
    assert np.abs(result.traction).max() > 0


def test_it_is_saved_and_loaded_like_any_network(tmp_path):
    z, mask = a_cell()
    path = checkpoint.save(tmp_path / "pbnn.safetensors", network(), RECORD)
    loaded = zoo.load_predictor(str(path), device="cpu")
    frame = np.stack([z, mask.astype(np.float32)]), mask, PixelSize.square(0.68)
    assert np.allclose(loaded.predict_frame(*frame).traction, predictor().predict_frame(*frame).traction)
    with pytest.raises(CellForceError, match="samples"):
        zoo.load_predictor(str(path), samples=2)


def test_settings_survive_json():
    assert BottleneckConfig(**json.loads(json.dumps(dataclasses.asdict(SMALL)))) == SMALL


@pytest.mark.parametrize("settings", [{"in_channels": 1}, {"alpha": -1.0}, {"edge_length": 0}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        BottleneckConfig(**settings)


def test_it_learns_through_the_solve():
    """Told the force of a sheet that is held elsewhere, the network finds springs that give it."""
    module, x = network(), batch()
    z, mask = x[0]
    placed = module.sheet(mask.numpy() > 0.5)
    springs = placed.at_nodes(0.002 + 0.02 * z)
    with torch.no_grad():
        nodal = sheet_traction(placed.cell.sheet, springs, 1.5, 0.5)
        pixels = torch.sparse.mm(placed.cell.to_pixels, nodal) * SMALL.traction_scale
        target = placed.drawn(pixels, x[0, 0])[None]
    optimiser = torch.optim.Adam(module.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = (module(x) - target).square().mean() / target.square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]
    with torch.no_grad():
        found = placed.at_nodes(module.sheet_inputs(x).Y[0])
    assert np.corrcoef(found, springs)[0, 1] > 0.9
