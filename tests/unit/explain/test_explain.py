"""Explanations from end to end: files that can be read, and refusals in words."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
from scipy import ndimage

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.explain import ExplainConfig, WrittenFile, explain, explain_cells, explain_field
from napari_cellforce.explain.decomposition import decompose
from napari_cellforce.fields import ImageStack, Mask, PixelSize, VectorField
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.network import NetworkPredictor
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic import FitConfig, Kernel, Library, load_formula
from napari_cellforce.predict import PredictConfig, prepare

PIXEL = PixelSize.square(0.68)
SMALL = FitConfig(
    library=Library(("z", "|∇z|²"), (Kernel("r"), Kernel("exp", 3.4))), bootstraps=5, most_terms=6
)


def a_movie(frames=4):
    """A cell whose adhesions wander."""
    rng = np.random.default_rng(0)
    y, x = np.indices((60, 72))
    mask = ((y - 30) / 22) ** 2 + ((x - 36) / 28) ** 2 < 1
    data = []
    for _ in range(frames):
        spots = np.zeros(mask.shape)
        for angle in rng.uniform(0, 2 * np.pi, 12):
            spots[int(30 + 18 * np.sin(angle)), int(36 + 23 * np.cos(angle))] += 1
        data.append(20 * ndimage.gaussian_filter(spots, 1.5) + 0.4 * mask)
    stack = ImageStack(np.float32(data)[:, None], ("zyxin",), PIXEL, 1.0, "cell 7")
    return stack, Mask(np.broadcast_to(mask, (frames, *mask.shape)), "drawn")


def job(predictor, frames=4):
    stack, mask = a_movie(frames)
    return prepare(stack, predictor, mask, config=PredictConfig(already_normalised=True))


def written(records):
    return {record.path.name: record.path for record in records if isinstance(record, WrittenFile)}


@pytest.fixture
def gfnn():
    torch.manual_seed(0)
    module = GFNN(GFNNConfig(width=4, padding=16)).eval()
    return LoadedModel(module, ModelRecord("small-gfnn", "gfnn"))


def test_the_fields_of_a_green_function_network(tmp_path, gfnn):
    config = ExplainConfig(parts=("fields", "greens"))
    files = written(explain(job(NetworkPredictor(gfnn, "cpu")), config, tmp_path, gfnn.module))
    table = pd.read_csv(files["cell 7_fields.csv"])
    assert {"mean phi [arb. unit]", "mean grad_phi_y [normalised]"} <= set(table.columns)
    assert np.allclose(table["share grad_phi"] + table["share psi_grad_chi"], 1, atol=1e-4)
    parts = [tifffile.imread(files[f"cell 7_{name}_y.ome.tif"]) for name in ("grad_phi", "psi_grad_chi")]
    stack = job(NetworkPredictor(gfnn, "cpu"))
    traction = [r.traction[0] for r in stack.run()]
    assert np.allclose(sum(parts), traction, atol=1e-5)
    lengths = pd.read_csv(files["small-gfnn_greens.csv"])
    assert list(lengths["potential"]) == ["phi", "psi", "chi"]
    assert {"small-gfnn_greens.svg", "small-gfnn_greens.png"} <= files.keys()


def test_a_formula_is_found_and_can_be_used(tmp_path):
    files = written(explain(job(AdhesionFilter()), ExplainConfig(parts=("formula",), fit=SMALL), tmp_path))
    assert files["cell 7_formula.txt"].read_text().startswith("F = ")
    assert "which underestimates the error" in files["cell 7_formula.txt"].read_text()
    assert r"\nabla" in files["cell 7_formula.tex"].read_text()
    assert pd.read_csv(files["cell 7_formula_curve.csv"])["knee"].sum() == 1
    predictor = load_formula(files["cell 7_formula.json"])
    work = job(predictor)
    ours, theirs = ([r.traction for r in job(p).run()] for p in (predictor, AdhesionFilter()))
    assert np.corrcoef(np.ravel(ours), np.ravel(theirs))[0, 1] > 0.7
    assert json.loads(work.predictor.record.to_json())["kind"] == "formula"


def test_probes_leave_tables_and_fields(tmp_path):
    config = ExplainConfig(parts=("probes",), probe_adhesions=2, probe_frame=1)
    files = written(explain(job(AdhesionFilter()), config, tmp_path))
    changes = tifffile.imread(files["cell 7_probes_adhesion_changes.ome.tif"])
    assert changes.shape == (2, 2, 60, 72)
    assert np.abs(changes).max() > 0
    assert {"factor", "|F| over unchanged"} <= set(pd.read_csv(files["cell 7_probes_brightness.csv"]))


def test_a_field_is_taken_apart(tmp_path):
    y, x = np.indices((48, 56))
    mask = ((y - 24) / 18) ** 2 + ((x - 28) / 22) ** 2 < 1
    pull = -np.stack([y - 24.0, x - 28.0]) * mask
    field = VectorField(pull[None].astype(np.float32), "traction", "Pa", PIXEL, mask=mask[None], name="pull")
    files = written(explain_field(field, ExplainConfig(parts=("decomposition",)), tmp_path))
    shares = pd.read_csv(files["pull_decomposition.csv"]).iloc[0]
    assert shares["curl-free"] > 0.99, "a pull to one point is a gradient"
    phi = tifffile.imread(files["pull_helmholtz_phi.ome.tif"])
    expected = -((y - 24) ** 2 + (x - 28) ** 2) / 2 * 0.68
    assert np.corrcoef(phi[mask], expected[mask])[0, 1] > 0.999


def test_a_cut_cell_is_doubted():
    mask = np.zeros((30, 30), bool)
    mask[:20, 5:25] = True
    with pytest.warns(CellForceWarning, match="artificial"):
        decompose(np.ones((2, 30, 30), np.float32), 0.68, mask, iterations=5)


def test_a_field_without_pixel_size_is_refused(tmp_path):
    field = VectorField(np.zeros((1, 2, 8, 8), np.float32), "traction", "Pa", PixelSize.unknown())
    with pytest.raises(CellForceError, match="pixel size"):
        list(explain_field(field, ExplainConfig(parts=("decomposition",)), tmp_path))


def test_more_than_a_decomposition_needs_a_model(tmp_path):
    field = VectorField(np.zeros((1, 2, 8, 8), np.float32), "traction", "Pa", PIXEL)
    with pytest.raises(CellForceError, match="without an image and a model"):
        list(explain_field(field, ExplainConfig(parts=("greens",)), tmp_path))


def test_parts_that_do_not_exist_are_refused():
    with pytest.raises(CellForceError, match="one of fields"):
        ExplainConfig(parts=("potentials",))


def test_a_model_without_fields_is_refused(tmp_path):
    class Plain(AdhesionFilter):
        def predict_frame(self, image, mask, pixel_size):
            result = super().predict_frame(image, mask, pixel_size)
            return type(result)(result.traction)

    with pytest.raises(CellForceError, match="no inner fields"):
        list(explain(job(Plain()), ExplainConfig(), tmp_path))


def test_too_few_frames_for_a_formula_are_refused(tmp_path):
    with pytest.raises(CellForceError, match="2 frames"):
        list(explain(job(AdhesionFilter(), 2), ExplainConfig(parts=("formula",), fit=SMALL), tmp_path))


def test_what_was_done_before_an_error_stays(tmp_path):
    config = ExplainConfig(parts=("decomposition", "formula"), fit=SMALL, clebsch_iterations=3)
    with pytest.raises(CellForceError, match="2 frames"):
        list(explain(job(AdhesionFilter(), 2), config, tmp_path))
    assert (tmp_path / "cell 7_decomposition.csv").is_file()


def test_a_frame_that_is_not_there_cannot_be_probed(tmp_path):
    with pytest.raises(CellForceError, match="frame 9"):
        list(explain(job(AdhesionFilter()), ExplainConfig(parts=("probes",), probe_frame=9), tmp_path))


def test_holes_in_the_image_are_refused(tmp_path):
    work = job(AdhesionFilter())
    work.stack.data[1, 0, 30, 30] = np.nan
    with pytest.raises(CellForceError, match="frame 1"):
        list(explain(work, ExplainConfig(parts=("decomposition",), clebsch_iterations=3), tmp_path))


def test_a_stopped_explanation_keeps_the_frames_that_are_done(tmp_path):
    records = explain(job(AdhesionFilter()), ExplainConfig(), tmp_path)
    for record in records:
        if record.what.startswith("Reading") and record.done == 2:
            break
    records.close()
    assert tifffile.imread(tmp_path / "cell 7_adhesion.ome.tif").shape[0] == 2
    assert len(pd.read_csv(tmp_path / "cell 7_fields.csv")) == 2


def test_a_model_of_outlines_cannot_be_asked_about_a_protein(tmp_path):
    class Outline(AdhesionFilter):
        record = ModelRecord("outline", "outline", inputs=("mask",))

    for part in ("probes", "formula"):
        with pytest.raises(CellForceError, match="no protein"):
            list(explain(job(Outline()), ExplainConfig(parts=(part,), fit=SMALL), tmp_path))


def test_measured_cells_give_a_formula_in_pascal(tmp_path):
    """A data set in the authors' layout: x before y, proteins last."""
    stack, mask = a_movie(4)
    inside = mask.frame(0)
    predicted = [r.traction for r in job(AdhesionFilter()).run() if hasattr(r, "traction")]
    for number, (image, traction) in enumerate(zip(stack.data[:, 0], predicted, strict=True)):
        folder = tmp_path / "data" / f"cell_{number}"
        folder.mkdir(parents=True)
        nothing = np.zeros_like(image)
        frame = [nothing, nothing, 300 * traction[1], 300 * traction[0], inside, inside, 100 + 500 * image]
        np.save(folder / "frame_0.npy", np.stack([*frame, nothing]).astype(np.float32))
    config = ExplainConfig(parts=("formula",), fit=SMALL)
    files = written(explain_cells(tmp_path / "data", config, tmp_path / "why", pixel_size=PIXEL))
    formula = load_formula(files["data_formula.json"])
    assert formula.record.output_unit == "Pa"
    assert "which underestimates the error" not in files["data_formula.txt"].read_text()
    assert "[Pa µm^" in files["data_formula.txt"].read_text()
    with pytest.raises(CellForceError, match="probes are asked"):
        list(explain_cells(tmp_path / "data", ExplainConfig(parts=("probes",)), tmp_path, pixel_size=PIXEL))
