"""Formulas that are known are found again; terms have the units and values that they should have."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import integrate, ndimage

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic import (
    FitConfig,
    Formula,
    FormulaPredictor,
    Kernel,
    Library,
    Potential,
    RegressionFrame,
    Samples,
    Term,
    draw_samples,
    fit,
    load_formula,
    save_formula,
)
from napari_cellforce.models.symbolic.fit import find_knee, prune_library
from napari_cellforce.models.symbolic.library import KERNEL_KINDS, assemble, potential_fields

SMALL = Library(
    scalars=("z", "|∇z|²", "∇²z"), kernels=(Kernel("log r"), Kernel("exp", 3.4), Kernel("exp", 10.0))
)
RECORD = ModelRecord("made", "formula")


def protein(rng, side=72):
    """Adhesions in an oval cell with some haze, and the cell."""
    y, x = np.indices((side, side)) - side / 2
    spots = np.zeros((side, side))
    angle, radius = rng.uniform(0, 2 * np.pi, 20), rng.uniform(5, 0.36 * side, 20)
    rows, columns = (np.int64(side / 2 + radius * f(angle)) for f in (np.sin, np.cos))
    np.add.at(spots, (rows, columns), rng.uniform(0.5, 2, 20))
    z = 30 * ndimage.gaussian_filter(spots, rng.uniform(1, 3, 2)) + 0.4 * np.exp(
        -(((x / 30) ** 2 + (y / 22) ** 2) ** 2)
    )
    return z.astype(np.float32), (x / 32) ** 2 + (y / 26) ** 2 < 1


def empty_samples(rng, cells=6, pixels=600):
    """Pixels of some cells whose traction is yet to be made."""
    samples = []
    for number in range(cells):
        z, mask = protein(rng)
        fields = potential_fields(z, SMALL).at(rng.choice(np.flatnonzero(mask), pixels, replace=False))
        samples.append(Samples(f"cell {number}", fields, np.zeros((2, pixels), np.float32)))
    return samples


def root_mean_square(fields):
    return np.sqrt(np.mean(np.concatenate([f.ravel() for f in fields]).astype(float) ** 2))


def made_data(seed):
    """A formula of 3 to 6 terms of the pruned library, all about equally strong, and 5 % noise."""
    rng = np.random.default_rng(seed)
    samples = empty_samples(rng)
    kept = prune_library(samples, FitConfig(library=SMALL)).kept
    terms = [SMALL.terms[i] for i in rng.choice(kept, rng.integers(3, 7), replace=False)]
    strengths = rng.choice([-1, 1], len(terms)) * rng.uniform(0.5, 1.5, len(terms))
    known = {
        t: s / root_mean_square([x.fields.term(t) for x in samples])
        for t, s in zip(terms, strengths, strict=True)
    }
    clean = [sum(c * x.fields.term(t).astype(float) for t, c in known.items()) for x in samples]
    noise = 0.05 * root_mean_square(clean)
    noisy = [
        Samples(x.cell, x.fields, (f + noise * rng.normal(size=f.shape)).astype(np.float32))
        for x, f in zip(samples, clean, strict=True)
    ]
    return known, noisy


def test_known_formulas_are_found_again_in_nine_of_ten_draws():
    found = 0
    for seed in range(10):
        known, samples = made_data(seed)
        best = fit(samples, FitConfig(library=SMALL, bootstraps=0, most_terms=12)).best
        coefficients = dict(zip(best.terms, best.coefficients, strict=True))
        if coefficients.keys() == known.keys():
            found += all(abs(coefficients[t] / c - 1) < 0.05 for t, c in known.items())
    assert found >= 9


def test_a_fit_says_what_else_could_stand_there_and_how_sure_it_is():
    known, samples = made_data(6)
    result = fit(samples, FitConfig(library=SMALL, bootstraps=10, most_terms=12))
    assert result.knee == len(known)
    assert result.n_terms == 90
    assert result.n_kept == len(result.equivalents)
    assert result.n_kept + sum(map(len, result.equivalents.values())) == result.n_terms
    assert all(abs(r) > 0.95 for copies in result.equivalents.values() for _, r in copies)
    assert all(result.stability[term] > 0.8 for term in known)
    assert result.error[result.knee] < 0.02, "the noise, which weighs more in cells that pull less"
    assert result.error[1] > result.error[result.knee]
    assert not result.notes


def test_the_elastic_net_gives_a_curve_too():
    _, samples = made_data(5)
    result = fit(samples, FitConfig(library=SMALL, method="elastic net", bootstraps=0, most_terms=12))
    assert result.error[max(result.error)] < 0.2 * result.error[1]


def test_frames_of_one_cell_are_validated_against_each_other_and_that_is_said():
    _, samples = made_data(5)
    one_cell = [Samples("the cell", s.fields, s.traction) for s in samples]
    assert "same cell" in fit(one_cell, FitConfig(library=SMALL, bootstraps=0)).notes[0]


def test_too_few_frames_are_refused():
    _, samples = made_data(5)
    with pytest.raises(CellForceError, match="2 frames"):
        fit(samples[:2], FitConfig(library=SMALL))


def test_a_field_of_zeros_is_refused():
    samples = empty_samples(np.random.default_rng(0), cells=3)
    with pytest.raises(CellForceError, match="0 everywhere"):
        fit(samples, FitConfig(library=SMALL))


def test_the_default_library_has_the_published_size():
    assert len(Library().potentials) == 30
    assert len(Library().terms) == len(set(Library().terms)) == 930


@pytest.mark.parametrize("kind", ["1/r", "log r", "r"])
def test_kernels_at_zero_distance_are_means_over_the_pixel(kind):
    side = 0.7
    function = {"1/r": lambda r: 1 / r, "log r": np.log, "r": lambda r: r}[kind]
    mean = 4 / side**2 * integrate.dblquad(lambda y, x: function(np.hypot(x, y)), 0, side / 2, 0, side / 2)[0]
    assert Kernel(kind).values(np.zeros(1), side)[0] == pytest.approx(mean, rel=1e-4)


def test_the_logarithm_undoes_the_laplacian():
    """In the plane, log r / 2 pi is the Green's function of the Laplacian: log r * lap z = 2 pi z."""
    y, x = np.indices((120, 120)) - 60
    z = np.exp(-(y**2 + x**2) / (2 * 9**2)).astype(np.float32)
    library = Library(("∇²z",), (Kernel("log r"),), pixel_size=0.5, smoothing=0.0)
    p = potential_fields(z, library).values[0]
    assert np.abs(p - 2 * np.pi * z).max() < 0.02 * 2 * np.pi


def test_gradients_are_along_y_first_and_per_micron():
    z = np.zeros((64, 96), np.float32)
    z[20:30, 40:44] = 1
    library = Library(("z",), (Kernel("exp", 8.0),), pixel_size=0.5)
    fields = potential_fields(z, library)
    assert np.allclose(fields.gradients[0], np.gradient(fields.values[0], 0.5), atol=1e-3)


@pytest.mark.parametrize("scalar", Library().scalars)
@pytest.mark.parametrize("kind", KERNEL_KINDS)
def test_units_are_what_scaling_the_world_says(scalar, kind):
    """A picture twice as large, pixel for pixel the same: a potential grows by 2 to its power of µm."""
    y, x = np.indices((60, 60)) - 30
    z = np.exp(-(y**2 + 2 * x**2) / 60).astype(np.float32)
    small, large = (
        potential_fields(z, Library((scalar,), (Kernel(kind, 5 * s if kind == "exp" else 0),), s, s))
        for s in (1.0, 2.0)
    )
    factor = 2.0 ** small.potentials[0].power
    if kind == "log r":  # log 2r = log r + log 2: all differ by one number times the integral
        assert np.allclose(
            large.gradients, small.gradients * factor / 2, atol=1e-4 * np.abs(small.gradients).max()
        )
    else:
        assert np.allclose(
            large.values, small.values * factor, rtol=1e-4, atol=1e-4 * np.abs(large.values).max()
        )


def test_chunks_hold_the_same_terms_as_one_by_one():
    z, _ = protein(np.random.default_rng(1), side=48)
    fields = potential_fields(z, SMALL)
    chunks = np.concatenate([chunk.copy() for chunk in assemble(fields, SMALL.terms, chunk=7)])
    for values, term in zip(chunks, SMALL.terms, strict=True):
        assert np.array_equal(values, fields.term(term))


def test_the_knee_is_where_more_terms_stop_to_pay():
    assert find_knee({1: 0.3, 2: 0.1, 3: 0.01, 4: 0.0099, 5: 0.0099, 6: 0.0098}) == 3
    assert find_knee({1: 0.2, 2: 0.199, 3: 0.199}) == 1


def made_formula():
    log, far = Potential("z", Kernel("log r")), Potential("z²", Kernel("exp", 10.0))
    return Formula(SMALL, (Term(log), Term(far, log)), (-2.5, 3e-4), "Pa")


def test_a_formula_reads_well():
    formula = made_formula()
    assert formula.text.splitlines()[0] == "F = -2.5 [Pa µm^-1] ∇(z * log r)"
    assert "+0.0003 [Pa µm^-3] (z * log r) ∇(z² * exp(-r ln10/10))" in formula.text
    assert r"\nabla\left(z * \log r\right)" in formula.latex


def test_a_formula_is_a_predictor_in_the_zoo(tmp_path):
    z, mask = protein(np.random.default_rng(2))
    written = save_formula(tmp_path / "mine.json", FormulaPredictor(made_formula(), RECORD))
    entry = zoo.import_checkpoint(written, name="my-formula", folder=tmp_path / "models")
    assert entry.kind == "formula"
    predictor = zoo.load_predictor("my-formula", folder=tmp_path / "models")
    assert predictor.record.name == "my-formula"
    assert predictor.record.output_unit == "Pa"
    result = predictor.predict_frame(z[None], mask, PixelSize.square(0.68))
    exact = made_formula().traction(np.where(mask, z, 0))
    inside = ndimage.binary_erosion(mask, iterations=3)
    error = np.abs(result.traction - exact)[:, inside].max()
    assert error < 0.1 * np.abs(exact[:, inside]).max(), "protein just outside the mask counts a little"
    assert result.traction[:, ~ndimage.binary_dilation(mask, iterations=3)].max() == 0
    assert "(z * log r)" in result.scalars
    with pytest.raises(CellForceError, match="samples"):
        zoo.load_predictor(str(written), samples=3)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "{}",
        '{"name": "x", "kind": "unet"}',
        '{"name": "x", "kind": "formula", "architecture": {"terms": 3}}',
    ],
)
def test_files_that_are_no_formula_are_refused(tmp_path, content):
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(CellForceError, match="no formula"):
        load_formula(path)


def test_a_formula_with_wild_numbers_is_refused(tmp_path):
    path = save_formula(tmp_path / "wild.json", FormulaPredictor(made_formula(), RECORD))
    entries = json.loads(path.read_text())
    entries["architecture"]["terms"][0]["potential"]["kernel"] = "exec"
    path.write_text(json.dumps(entries))
    with pytest.raises(CellForceError, match=r"wild\.json .*terms\[0\]\.potential\.kernel is 'exec'"):
        load_formula(path)


def test_samples_come_from_inside_the_cell_and_skip_missing_vectors():
    rng = np.random.default_rng(3)
    z, mask = protein(rng)
    traction = np.broadcast_to(np.where(mask, 1.0, 7.0), (2, *mask.shape)).astype(np.float32).copy()
    traction[:, :36] = np.nan
    frame = RegressionFrame(z[None], traction, mask, PixelSize.square(0.68), "cell")
    (sample,) = draw_samples([frame], SMALL, RECORD, pixels_per_frame=200)
    assert sample.traction.shape == (2, 200)
    assert np.all(sample.traction == 1)


def test_a_frame_without_traction_is_refused():
    z, mask = protein(np.random.default_rng(3))
    nothing = np.full((2, *mask.shape), np.nan, np.float32)
    with pytest.raises(CellForceError, match="0 pixels"):
        draw_samples([RegressionFrame(z[None], nothing, mask, PixelSize.square(0.68), "cell")], SMALL, RECORD)
