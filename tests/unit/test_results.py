from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_cellforce.fields import Mask, PixelSize, VectorField
from napari_cellforce.results import column_names, frame_row, frame_table

PIXEL = PixelSize.square(0.5)
MASK = np.zeros((20, 24), bool)
MASK[5:15, 4:20] = True


def contracting(strength: float) -> np.ndarray:
    """A cell whose left half pulls to the right and whose right half to the left, with `strength` Pa."""
    field = np.zeros((2, 20, 24), np.float32)
    field[1, :, :12], field[1, :, 12:] = strength, -strength
    return field * MASK


def movie(*strengths: float, **changes) -> VectorField:
    data = np.stack([contracting(s) for s in strengths])
    settings = {"unit": "Pa", "frame_interval": 2.0, **changes}
    return VectorField(data, "traction", pixel_size=PIXEL, **settings)


def test_a_row_holds_the_physics_of_a_frame_in_its_units():
    row = frame_row(3, contracting(200), MASK, PIXEL, "Pa", frame_interval=2.0)
    assert row["frame"] == 3
    assert row["time [min]"] == 6
    assert row["area [µm²]"] == 160 * 0.25
    assert (
        row["mean traction [Pa]"]
        == row["maximum traction [Pa]"]
        == row["95th percentile traction [Pa]"]
        == 200
    )
    assert row["total force [nN]"] == pytest.approx(200 * 40 * 1e-3)
    assert row["net force [nN]"] == pytest.approx(0, abs=1e-12)
    assert row["net / total force"] == pytest.approx(0, abs=1e-12)
    # Each half's 4 nN acts at its middle, 4 columns or 2 µm from the centre.
    assert row["contractile moment [nN·µm]"] == pytest.approx(2 * 4 * 2)
    assert list(row) == column_names("Pa")


def test_one_sided_pull_is_all_net_force():
    one_way = np.zeros((2, 20, 24))
    one_way[0], one_way[1] = 30 * MASK, 40 * MASK
    row = frame_row(0, one_way, MASK, PIXEL, "Pa")
    assert row["net force [nN]"] == pytest.approx(50 * 40 * 1e-3)
    assert row["net / total force"] == pytest.approx(1)
    assert np.isnan(row["time [min]"])


def test_normalised_forces_become_absolute_by_one_factor():
    absolute = frame_row(0, contracting(200), MASK, PIXEL, "Pa")
    relative = frame_row(0, contracting(200 / 267), MASK, PIXEL, "normalised")
    assert "total force [normalised]" in relative
    assert not any("nN" in name or "Pa" in name for name in relative)
    for name, value in absolute.items():
        if "[Pa]" in name or "[nN" in name:
            other = relative[name.split(" [")[0] + " [normalised]"]
            assert other * 267 == pytest.approx(value, rel=1e-5, abs=1e-9)


def test_strain_energy_appears_with_a_displacement_only():
    stretch = VectorField(movie(0.1, 0.1).data, "displacement", "µm", PIXEL)
    table = frame_table(movie(200, 100), MASK, displacement=stretch)
    np.testing.assert_allclose(
        table["strain energy [fJ]"], [200 * 0.1 * 40 / 2 * 1e-3, 100 * 0.1 * 40 / 2 * 1e-3]
    )
    assert "strain energy [fJ]" not in frame_table(movie(200), MASK)
    assert column_names("Pa", energy=True)[-1] == "strain energy [fJ]"


def test_the_table_has_a_row_a_frame_and_survives_csv(tmp_path):
    table = frame_table(movie(200, 100, 150), Mask(MASK[None]))
    assert list(table.columns) == column_names("Pa")
    np.testing.assert_allclose(table["total force [nN]"], [8, 4, 6])
    table.to_csv(tmp_path / "t.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv"), table)


def test_a_stopped_job_keeps_its_frame_numbers_and_their_masks():
    masks = np.stack([MASK, MASK, MASK, MASK])
    masks[2, :, :12] = False
    stopped = movie(200, 100, frames=(2, 3))
    for given in (masks, masks[2:], Mask(masks)):
        table = frame_table(stopped, given)
        assert table["frame"].tolist() == [2, 3]
        assert table["time [min]"].tolist() == [4.0, 6.0]
        assert table["area [µm²]"].tolist() == [20.0, 40.0]


def test_a_field_brings_its_own_mask_or_needs_one():
    own = movie(200, mask=MASK[None])
    assert frame_table(own)["area [µm²]"].tolist() == [40.0]
    with pytest.raises(ValueError, match="mask"):
        frame_table(movie(200))


def test_displacements_have_no_force():
    with pytest.raises(ValueError, match="traction"):
        frame_table(VectorField(contracting(1)[None], "displacement", "µm", PIXEL), MASK)


def test_a_frame_without_a_cell_has_no_mean_but_stops_nothing():
    row = frame_row(0, contracting(0), np.zeros_like(MASK), PIXEL, "Pa")
    assert row["total force [nN]"] == 0
    assert np.isnan(row["mean traction [Pa]"])
    assert np.isnan(row["net / total force"])
