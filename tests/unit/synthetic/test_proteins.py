"""Each protein shows its own parts of the cell."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.synthetic.proteins import (
    ACTIN,
    CellComponents,
    ProteinLook,
    draw_nucleus,
    draw_texture,
    edge_distance,
)

PIXEL = 0.5


@pytest.fixture
def parts() -> CellComponents:
    """A round cell of 40 µm with one spot of adhesion and one fibre, without irregularities."""
    y, x = np.mgrid[:120, :120] * PIXEL - 30
    mask = np.hypot(y, x) < 20
    distance = edge_distance(mask, PIXEL)
    spot, fibre = (np.hypot(y, x - 15) < 2).astype(float), (np.abs(y + 8) < 0.5).astype(float)
    nucleus = (np.hypot(y, x) < 5).astype(float)
    return CellComponents(mask, distance, nucleus, spot, fibre, np.zeros(mask.shape))


def test_distances_are_in_micrometres(parts: CellComponents) -> None:
    assert parts.edge_distance.max() == pytest.approx(20.0, abs=PIXEL)
    assert parts.edge_distance[~parts.mask].max() == 0


def test_an_adhesion_protein_marks_adhesions_and_actin_marks_fibres(parts: CellComponents) -> None:
    plain = ProteinLook("none", adhesions=0.0, fibres=0.0, nucleus=1.0).signal(parts)
    zyxin = ProteinLook("zyxin", adhesions=3.0, fibres=0.0, nucleus=1.0).signal(parts)
    assert (zyxin - plain)[parts.adhesions > 0] == pytest.approx(3.0)
    actin = ACTIN.signal(parts)
    fibre = (parts.fibres > 0) & (parts.edge_distance > 5)
    assert actin[fibre].mean() > 2 * actin[(parts.fibres == 0) & (parts.edge_distance > 5)].mean()


def test_the_nucleus_is_dark_or_bright_as_asked(parts: CellComponents) -> None:
    dark, bright = (ProteinLook("p", nucleus=factor).signal(parts)[60, 60] for factor in (0.5, 2.0))
    assert bright / dark == pytest.approx(4.0)


def test_the_cell_is_dim_where_it_is_thin(parts: CellComponents) -> None:
    signal = ProteinLook("p", adhesions=0.0, fibres=0.0, nucleus=1.0, lamella=0.3, thin=4.0).signal(parts)
    assert signal[60, 60] == pytest.approx(1.0, abs=0.02)
    edge = parts.mask & (parts.edge_distance <= PIXEL)
    assert signal[edge].mean() == pytest.approx(0.3 + 0.7 * (1 - np.exp(-PIXEL / 4.0)), rel=0.01)
    assert signal[~parts.mask].max() == 0


def test_the_nucleus_lies_well_inside_and_covers_an_eleventh(parts: CellComponents) -> None:
    nucleus = draw_nucleus(parts.mask, parts.edge_distance, PIXEL, np.random.default_rng(0))
    assert nucleus.sum() == pytest.approx(parts.mask.sum() / 11, rel=0.05)
    assert parts.edge_distance[nucleus > 0.5].min() > 5.0


def test_texture_looks_the_same_on_any_grid() -> None:
    for pixel in (0.34, 0.68):
        field = draw_texture((256, 256), pixel, np.random.default_rng(0))
        assert abs(field.mean()) < 0.2
        assert field.std() == pytest.approx(1.0, rel=0.1)
        lag = round(2.72 / pixel)
        assert (field[lag:] * field[:-lag]).mean() == pytest.approx(0.5 * np.exp(-(2.72**2) / 16), abs=0.12)
