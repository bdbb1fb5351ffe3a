"""The bottleneck says springs and contractility, and nothing else reaches the traction."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_cellforce import zoo
from napari_cellforce.config_io import from_json, from_mapping, to_json
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import PixelSize
from napari_cellforce.models import checkpoint
from napari_cellforce.models.bottleneck.config import BottleneckConfig
from napari_cellforce.models.bottleneck.network import PhysicalBottleneck
from napari_cellforce.models.bottleneck.predictor import BottleneckPredictor
from napari_cellforce.models.bottleneck.sheets import sheet_traction, sheet_traction_batch
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.physics.mesh import MeshSettings, mesh_cell
from napari_cellforce.preprocess.normalise import measure_baselines, normalise
from napari_cellforce.synthetic import SheetMechanics, fibroblasts
from napari_cellforce.synthetic.rasterise import draw_adhesions

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
    module.scale_output(2.5)
    assert torch.allclose(module(batch()), 2.5 * before, rtol=1e-5, atol=1e-7)


def test_gradients_through_the_sheet_are_those_of_finite_differences():
    module = network().double()
    weights = torch.randn(2, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = batch().double()

    def value():
        return (module(x)[0] * weights).sum()

    value().backward()
    for parameter in (module.adhesion.weight, module.adhesion.bias, module.head[-1].bias):
        assert_gradient(value, parameter, tuple(0 for _ in parameter.shape))


def assert_gradient(value, parameter, place, step=1e-5):
    """One number's gradient is the slope that is found by changing it."""
    found = float(parameter.grad[place])
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


def test_a_cell_that_cannot_be_meshed_is_skipped_in_a_step_and_refused_in_a_prediction():
    module, x = network(), batch(2)
    x[1, 1] = 0
    with pytest.raises(CellForceError):
        module(x)
    with pytest.warns(CellForceWarning, match="skipped in this step"):
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


def a_talkative_network(**changes):
    """Not trained, but with something to say everywhere: large random weights in every last layer."""
    module = network(**changes)
    torch.manual_seed(7)
    lasts = [module.adhesion, module.active, module.residual and module.residual[-1]]
    for last in filter(None, lasts):
        torch.nn.init.normal_(last.weight, std=0.3)
    return module


FORMS = [
    {},
    {"active": "field"},
    {"active": "directed"},
    {"residual": 4},
    {"active": "directed", "residual": 4},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_forces_and_moments_cancel_whatever_the_image_shows(form, seed):
    """Noise for an image, random weights for a network: the balance is mechanics, nobody learned it."""
    _, mask = a_cell()
    noise = np.random.default_rng(seed).random(mask.shape).astype(np.float32) * 5
    frame = np.stack([noise, mask.astype(np.float32)]), mask, PixelSize.square(0.68)
    F = predictor(a_talkative_network(**form)).predict_frame(*frame).traction.astype(np.float64)
    arm = np.indices(mask.shape) - np.array(mask.shape)[:, None, None] / 2
    magnitude = np.hypot(*F)
    assert magnitude.sum() > 0
    assert np.hypot(*F.sum(axis=(1, 2))) < 1e-5 * magnitude.sum()
    assert abs(np.sum(arm[0] * F[1] - arm[1] * F[0])) < 1e-5 * np.sum(np.hypot(*arm) * magnitude)


@pytest.mark.parametrize("form", FORMS[1:], ids=str)
def test_gradients_of_every_form_are_those_of_finite_differences(form):
    module, x = a_talkative_network(**form).double(), batch().double()
    weights = torch.randn(2, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    value = lambda: (module(x)[0] * weights).sum()  # noqa: E731
    value().backward()
    for layer in filter(None, [module.active, module.residual and module.residual[-1], module.adhesion]):
        assert float(layer.weight.grad.flatten()[3]) == pytest.approx(slope(value, layer.weight), rel=1e-4)


def slope(value, parameter, place=3, step=1e-5):
    """Return the derivative by one number of a parameter, from differences."""
    with torch.no_grad():
        parameter.view(-1)[place] += step
        above = float(value())
        parameter.view(-1)[place] -= 2 * step
        below = float(value())
        parameter.view(-1)[place] += step
    return (above - below) / (2 * step)


def test_a_cell_that_contracts_along_x_pulls_along_x():
    """All of the active stress along one axis, a round cell held everywhere: no pull across it."""
    y, x = np.indices((64, 64)) - 32
    mask = np.hypot(y, x) < 24
    placed = network().sheet(mask)
    one, Y = torch.ones(placed.cell.mesh.n_nodes, dtype=torch.float64), 0.05
    pull = placed.pull(one, torch.stack([torch.ones(64, 64), torch.zeros(64, 64)]))
    (F,) = sheet_traction_batch([placed.cell.sheet], [Y * one], [one], [0.5], [pull])
    along, across = F[:, 1].abs().sum(), F[:, 0].abs().sum()
    assert along > 3 * across
    right = placed.cell.mesh.nodes[:, 1] > placed.cell.mesh.nodes[:, 1].mean() + 10 * 0.68
    assert F[torch.from_numpy(right), 1].sum() < 0, "the right side is pulled to the left"


def test_what_the_network_adds_is_shown_and_is_part_of_the_traction():
    z, mask = a_cell()
    frame = np.stack([z, mask.astype(np.float32)]), mask, PixelSize.square(0.68)
    module = a_talkative_network(residual=4)
    result = predictor(module).predict_frame(*frame)
    module.residual = None
    sheet = predictor(module).predict_frame(*frame).traction
    added = np.stack([result.scalars["residual_y"], result.scalars["residual_x"]])
    assert np.abs(added).max() > 0
    assert np.allclose(result.traction, sheet + added, atol=1e-5 * np.abs(result.traction).max())


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_what_is_trained_is_what_predicts(form):
    """Training goes through torch and batches, predicting through numpy: the sheet is the same."""
    z, mask = a_cell()
    module = a_talkative_network(**form)
    said = (
        predictor(module)
        .predict_frame(np.stack([z, mask.astype(np.float32)]), mask, PixelSize.square(0.68))
        .traction
    )
    trained = module(batch())[0].detach().numpy()
    apart = np.linalg.norm((trained - said)[:, mask]) / np.linalg.norm(said[:, mask])
    assert apart < 0.02, "predicting removes what the pixels leave over of the balance, and nothing else"


def test_a_direction_is_learned():
    module = a_talkative_network(active="directed").double()
    weights = torch.randn(2, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x = batch().double()

    def value():
        return (module(x)[0] * weights).sum()

    value().backward()
    for channel in (1, 2):
        assert abs(module.active.weight.grad[channel, 0, 0, 0]) > 1e-6
        assert_gradient(value, module.active.weight, (channel, 0, 0, 0))


def test_a_cell_never_pushes_whatever_the_network_says():
    module = a_talkative_network(active="directed")
    torch.nn.init.normal_(module.active.weight, std=50.0)
    said = module.sheet_inputs(batch())
    assert said.direction.square().sum(dim=1).max() <= 1


def test_a_direction_is_shown_where_there_is_one():
    z, mask = a_cell()
    frame = np.stack([z, mask.astype(np.float32)]), mask, PixelSize.square(0.68)
    shown = predictor(a_talkative_network(active="directed")).predict_frame(*frame).scalars
    assert np.ptp(shown["sigma_a"][mask]) > 0
    assert np.abs(shown["Q_xx"][mask]).max() > 0
    assert "Q_xx" not in predictor(network(active="field")).predict_frame(*frame).scalars


def test_a_second_protein_counts_and_a_missing_one_is_named():
    z, mask = a_cell()
    module = network(in_channels=3)
    record = dataclasses.replace(RECORD, inputs=("zyxin", "actin", "mask"))
    two = BottleneckPredictor(LoadedModel(module, record), device="cpu")
    inside, size = mask.astype(np.float32), PixelSize.square(0.68)
    plain = two.predict_frame(np.stack([z, z, inside]), mask, size).traction
    other = two.predict_frame(np.stack([z, z.T, inside]), mask, size).traction
    assert not np.allclose(plain, other)
    with pytest.raises(CellForceError, match="zyxin, actin, mask"):
        two.predict_frame(np.stack([z, inside]), mask, size)


def test_the_sheet_of_a_cell_is_the_same_wherever_it_lies():
    z, mask = a_cell()
    module = network()
    here = module.sheet(mask)
    moved = module.sheet(np.roll(mask, (3, -2), axis=(0, 1)))
    assert moved.cell is here.cell
    image = torch.from_numpy(z)
    rolled = torch.roll(image, (3, -2), (0, 1))
    assert torch.allclose(here.at_nodes(image), moved.at_nodes(rolled))
    values = torch.rand(len(here.cell.pixels), 2)
    assert torch.equal(torch.roll(here.drawn(values, image), (3, -2), (1, 2)), moved.drawn(values, image))


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
    assert from_json(BottleneckConfig, to_json(SMALL)) == SMALL


@pytest.mark.parametrize("settings", [{"in_channels": 1}, {"alpha": -1.0}, {"edge_length": 0}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        from_mapping(BottleneckConfig, settings)


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


def test_the_bundled_bottleneck_finds_where_a_simulated_cell_is_held():
    """A sheet held by its adhesions, seen as an image: told nothing else, the model names the springs."""
    people = fibroblasts(3, seed=5)
    cell = next(c for c in people if isinstance(c.config.mechanics, SheetMechanics))
    mask, size = cell.mask.frame(0), PixelSize.square(0.68)
    image = cell.image.frame(0, (cell.image.channel("zyxin"),))
    zyxin = normalise(image, measure_baselines([image], [mask]), "outside_inside")[0]
    frame = np.stack([zyxin, mask]).astype(np.float32)
    result = zoo.load_predictor("pbnn-sim", device="cpu").predict_frame(frame, mask, size)
    mesh = mesh_cell(mask, size, MeshSettings(edge_length=cell.config.mechanics.edge_length))
    drawn = draw_adhesions(mask.shape, 0.68, cell.adhesions[0])
    springs = mesh.image(mesh.sample(drawn))[mask]
    assert np.corrcoef(result.scalars["Y"][mask], springs)[0, 1] > 0.9
    found, true = result.traction[:, mask], cell.traction.data[0][:, mask]
    assert np.corrcoef(np.hypot(*found), np.hypot(*true))[0, 1] > 0.9
    assert np.hypot(*result.traction.sum(axis=(1, 2))) < 1e-4 * np.hypot(*found).sum()
