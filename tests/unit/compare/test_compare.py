"""A field beside itself, scaled, turned, shifted and resampled: what the comparison must say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_cellforce.compare import (
    CompareConfig,
    ComparePaths,
    Comparison,
    agreement,
    calibration,
    compare,
    compare_to_files,
    difference_maps,
    edge_profile,
    pair_fields,
)
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize, Provenance, VectorField
from napari_cellforce.io import temp_arrays
from napari_cellforce.io.measured import ORIGIN


def smooth(size, shape, origin=(0.0, 0.0), scale=1.0):
    """A lopsided field of long waves, sampled on any grid, in Pa."""
    y, x = (o + (np.arange(n) + 0.5) * size for o, n in zip(origin, shape, strict=True))
    y, x = y[:, None], x[None, :]
    return scale * np.stack([300 * np.sin(y / 9) + 3 * x, 80 * np.cos(x / 11) + 0 * y])


def field(data, size, origin=(0.0, 0.0), **kwargs):
    data = np.asarray(data, np.float32)
    return VectorField(
        data if data.ndim == 4 else data[None],
        kwargs.pop("quantity", "traction"),
        kwargs.pop("unit", "Pa"),
        PixelSize.square(size),
        provenance=Provenance(settings={ORIGIN: list(origin)}),
        **kwargs,
    )


def test_grids_of_other_pixels_and_origins_fall_on_each_other():
    fine = field(smooth(0.25, (240, 260)), 0.25)
    coarse = field(smooth(1.7, (30, 33), (3.1, 2.2)), 1.7, (3.1, 2.2))
    for first, second in ((fine, coarse), (coarse, fine)):
        pair = pair_fields(first, second)
        assert pair.spacing == 1.7
        error = (pair.first - pair.second)[:, pair.mask]
        assert np.sqrt((error**2).mean()) < 0.01 * np.abs(pair.first[:, pair.mask]).max()


def test_a_shift_of_two_vectors_would_be_noticed():
    fine = field(smooth(0.25, (240, 260)), 0.25)
    shifted = field(smooth(1.7, (30, 33), (3.1, 2.2)), 1.7, (6.5, 2.2))
    pair = pair_fields(fine, shifted)
    assert np.sqrt(((pair.first - pair.second)[:, pair.mask] ** 2).mean()) > 50


def test_a_field_beside_itself_agrees_perfectly():
    pair = pair_fields(field(smooth(1, (40, 50)), 1.0), field(smooth(1, (40, 50)), 1.0))
    numbers = {n.name: n.value for n in agreement([pair], "Pa")}
    assert numbers["correlation of vectors"] == pytest.approx(1)
    assert numbers["mean angle error, weighted by B [°]"] == pytest.approx(0, abs=1e-4)
    assert numbers["root mean square difference [Pa]"] == 0
    maps = difference_maps(pair)
    assert np.nanmax(np.abs(maps.angle)) < 1e-3
    assert np.nanmean(maps.ratio) == pytest.approx(1)


def test_angles_count_counter_clockwise_on_screen():
    right, up = np.zeros((2, 30, 30)), np.zeros((2, 30, 30))
    right[1], up[0] = 1, -1  # y points down
    maps = difference_maps(pair_fields(field(right, 1.0), field(up, 1.0)))
    assert np.nanmean(maps.angle) == pytest.approx(90)


def test_the_calibration_finds_the_scale_with_an_interval_that_holds_it():
    """Of 40 noisy pairs about 38 intervals of 95 % should hold the true scale."""
    truth, hits = smooth(1, (40, 40)), 0
    for seed in range(20):
        noise = 60 * np.random.default_rng(seed).standard_normal(truth.shape)
        fit = calibration(
            [pair_fields(field(truth / 250, 1.0, unit="normalised"), field(truth + noise, 1.0))]
        )
        hits += fit.low <= 250 <= fit.high
        assert fit.factor == pytest.approx(250, rel=0.1)
        assert 0.8 < fit.explained < 1
    assert hits >= 16


def test_normalised_fields_are_calibrated_before_they_are_compared():
    truth = smooth(1, (40, 40))
    a, b = field(truth / 200, 1.0, unit="normalised", name="model"), field(truth, 1.0, name="beads")
    result = next(r for r in compare(a, b) if isinstance(r, Comparison))
    assert result.scaled
    assert result.calibration.factor == pytest.approx(200, rel=1e-5)
    assert {n.name: n.value for n in result.numbers}["total A / total B"] == pytest.approx(1, rel=1e-5)


def test_the_profile_finds_the_bright_rim():
    y, x = np.indices((80, 80)) - 39.5
    radius = np.hypot(y, x)
    mask = radius < 35
    rim = np.where(radius > 31, 100.0, 5.0) * mask
    pair = pair_fields(
        field(np.stack([rim, 0 * rim]), 1.0), field(np.stack([0 * rim, 0.5 * rim]), 1.0), mask=mask
    )
    profile = edge_profile([pair], 2.0)
    assert profile["mean |A|"].iloc[0] == pytest.approx(100)
    assert profile["mean |A|"].iloc[-1] == pytest.approx(5)
    np.testing.assert_allclose(profile["mean |B|"], profile["mean |A|"] / 2)
    assert profile["vectors"].sum() == mask.sum()


def test_files_and_figures(tmp_path):
    data = np.stack([smooth(1, (40, 44)), smooth(1, (40, 44), scale=0.5)])
    mask = np.zeros((40, 44), bool)
    mask[5:35, 6:40] = True
    a, b = field(1.1 * data, 1.0, name="A"), field(data, 1.0, name="B", frame_interval=2.0)
    list(compare_to_files(a, b, ComparePaths.of(tmp_path), mask, CompareConfig()))
    numbers = pd.read_csv(tmp_path / "agreement.csv").set_index("quantity")["value"]
    assert numbers["total A / total B"] == pytest.approx(1.1, rel=1e-5)
    over_time = pd.read_csv(tmp_path / "over_time.csv")
    assert list(over_time["time [min]"]) == [0, 2]
    assert over_time["summed |B| [nN]"][1] == pytest.approx(over_time["summed |B| [nN]"][0] / 2)
    for name in ("maps", "agreement", "profile"):
        assert (tmp_path / f"figure_{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (tmp_path / f"figure_{name}.svg").read_text()


def test_what_cannot_be_compared_is_refused_in_words():
    a = field(smooth(1, (30, 30)), 1.0)
    with pytest.raises(CellForceError, match="like must be compared"):
        pair_fields(a, field(smooth(1, (30, 30)), 1.0, quantity="displacement", unit="µm"))
    with pytest.raises(CellForceError, match="share 0 vectors"):
        pair_fields(a, field(smooth(1, (30, 30)), 1.0, (500.0, 0.0)))
    with pytest.raises(CellForceError, match="NaN"):
        pair_fields(a, field(np.full((2, 30, 30), np.nan), 1.0))
    with pytest.raises(CellForceError, match="no positive scale"):
        calibration([pair_fields(a, field(-smooth(1, (30, 30)), 1.0))])
    with pytest.raises(CellForceError, match="the mask is empty in frame 0"):
        pair_fields(a, a, mask=np.zeros((30, 30), bool))
    with pytest.raises(CellForceError, match="second field is 0 everywhere"):
        calibration([pair_fields(a, field(np.zeros((2, 30, 30)), 1.0))])
    with pytest.raises(CellForceError, match="3 frames, the other 2"):
        list(compare(field([smooth(1, (30, 30))] * 3, 1.0), field([smooth(1, (30, 30))] * 2, 1.0)))
    with pytest.raises(CellForceError, match="pixel size"):
        pair_fields(a, VectorField(a.data, "traction", "Pa", PixelSize.unknown()))


def test_blocks_added_up_give_the_intervals_of_blocks_laid_side_by_side():
    """The bootstrap adds up sums of blocks: the same numbers as from the vectors themselves."""
    rng = np.random.default_rng(3)
    a = smooth(1, (40, 50))
    b = 1.3 * a + 80 * rng.standard_normal(a.shape)
    pair = pair_fields(field(a, 1.0), field(b, 1.0))
    found = {n.name: n for n in agreement([pair], "Pa")}
    first, second = pair.first[:, pair.mask], pair.second[:, pair.mask]
    lengths = np.hypot(*first), np.hypot(*second)
    assert found["correlation of magnitudes"].value == pytest.approx(np.corrcoef(*lengths)[0, 1])
    assert found["total A / total B"].value == pytest.approx(lengths[0].sum() / lengths[1].sum())
    difference = np.sqrt(((first - second) ** 2).sum(axis=0).mean())
    assert found["root mean square difference [Pa]"].value == pytest.approx(difference)
    blocks = [np.s_[:, y : y + 5, x : x + 5] for y in range(0, 40, 5) for x in range(0, 50, 5)]
    ratios = []
    for _ in range(500):
        drawn = [blocks[k] for k in rng.integers(len(blocks), size=len(blocks))]
        sums = [sum(np.hypot(*f[block]).sum() for block in drawn) for f in (pair.first, pair.second)]
        ratios.append(sums[0] / sums[1])
    ends = found["total A / total B"].low, found["total A / total B"].high
    assert ends == pytest.approx(tuple(np.percentile(ratios, (2.5, 97.5))), rel=0.02)


def test_each_cell_has_its_own_numbers():
    truth = smooth(1, (40, 60))
    labels = np.zeros((40, 60), np.uint16)
    labels[:, :30], labels[:, 30:] = 4, 9
    scaled = np.where(labels == 4, 2.0, 0.5) * truth
    result = next(
        r for r in compare(field(scaled, 1.0), field(truth, 1.0), labels) if isinstance(r, Comparison)
    )
    cells = result.cells.set_index("cell")
    assert cells.loc[4, "total A / total B"] == pytest.approx(2)
    assert cells.loc[9, "total A / total B"] == pytest.approx(0.5)
    assert cells.loc[9, "scale from A to B"] == pytest.approx(2)
    assert cells["vectors"].tolist() == [1200, 1200]
    assert cells.loc[4, "total A / total B, 95 % from"] == pytest.approx(2)


def test_a_comparison_that_does_not_fit_into_memory_is_the_same(monkeypatch):
    data = [smooth(seed, (40, 44)) for seed in (1, 2)]
    pair = field(0.01 * np.stack(data), 1.0, unit="normalised"), field(data, 1.0)
    (small,) = (r for r in compare(*pair) if isinstance(r, Comparison))
    monkeypatch.setattr(temp_arrays, "MEMORY_LIMIT_EACH", 1000)
    (large,) = (r for r in compare(*pair) if isinstance(r, Comparison))
    assert isinstance(large.frames[1].pair.first, np.memmap)
    assert [n.value for n in large.numbers] == [n.value for n in small.numbers]
    pd.testing.assert_frame_equal(large.profile, small.profile)
    np.testing.assert_array_equal(large.frames[1].maps.angle, small.frames[1].maps.angle)
