"""A cell is drawn from settings and a seed."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic import drawn_cell

SMALL = {"side": 128, "pixel_size": 1.36}


def test_the_same_seed_draws_the_same_cell() -> None:
    one, same, other = (drawn_cell(seed=seed, shape="spread", frames=2, **SMALL) for seed in (5, 5, 6))
    assert np.array_equal(one.image.data, same.image.data)
    assert not np.array_equal(one.image.data, other.image.data)


def test_a_drawn_cell_is_a_movie_in_camera_counts_with_its_mask() -> None:
    cell = drawn_cell(frames=3, proteins=("zyxin", "actin"), **SMALL)
    assert cell.image.data.shape == (3, 2, 128, 128)
    assert cell.image.data.dtype == np.uint16
    assert cell.image.channel_names == ("zyxin", "actin")
    inside = cell.mask.frame(0)
    assert cell.image.data[:, :, inside].mean() > 2 * cell.image.data[:, :, ~inside].mean()


def test_an_unknown_protein_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CellForceError, match="zyxin, paxillin, actin"):
        drawn_cell(proteins=("tubulin",))
