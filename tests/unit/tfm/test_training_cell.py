"""A measured cell becomes data that a predictor learns from."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.config_io import from_mapping
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import ImageStack, PixelSize, Provenance, VectorField
from napari_cellforce.io import list_cells, read_cell
from napari_cellforce.io.measured import ORIGIN
from napari_cellforce.tfm import TfmResult, write_training_cell
from napari_cellforce.train import TrainConfig, index, train
from napari_cellforce.zoo import load_predictor

SIDE, PIXEL = 64, 0.68
SMALL = {
    "name": "small",
    "architecture": {
        "unet": {"width": 4, "levels": 1, "scale": 2, "encoder_blocks": 1, "skip_blocks": 0,
                 "decoder_blocks": 0, "prepend": {"width": 4, "blocks": 0},
                 "append": {"width": 4, "blocks": 0}},
    },
    "optimise": {"epochs": 1, "batch": 2, "threads": 1},
}  # fmt: skip


def measured_cell(name, seed=0):
    """Protein image, mask, and what the beads said: two spots that pull at each other."""
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    spots = [np.exp(-(y**2 + (x - at) ** 2) / 12) for at in (-12, 12)]
    mask = np.hypot(y, x) < 24
    zyxin = 100 + 50 * mask + 300 * sum(spots) + np.random.default_rng(seed).normal(0, 2, mask.shape)
    traction = np.stack([0.3 * (spots[0] - spots[1]), spots[0] - spots[1]]) * 800
    fields = [
        VectorField(data[None].astype(np.float32), quantity, unit, PixelSize.square(PIXEL), 2.0, name=name)
        for data, quantity, unit in ((traction, "traction", "Pa"), (1e-3 * traction, "displacement", "µm"))
    ]
    image = ImageStack(
        zyxin[None, None].astype(np.float32), ("paxillin",), PixelSize.square(PIXEL), None, name
    )
    return image, TfmResult(*fields), mask


def test_displacement_and_traction_come_back_as_they_were(tmp_path):
    image, measured, mask = measured_cell("cell 1")
    (path,) = list_cells(write_training_cell(tmp_path, image, measured, mask))
    cell = read_cell(path)
    np.testing.assert_allclose(np.asarray(cell.traction.data), measured.traction.data)
    np.testing.assert_allclose(np.asarray(cell.displacement.data), measured.displacement.data)
    np.testing.assert_array_equal(np.asarray(cell.mask.data)[0], mask)
    assert (cell.traction.pixel_size.micron, cell.traction.frame_interval) == (PIXEL, 2.0)
    assert cell.image.channel_names[0] == "paxillin"


@pytest.fixture
def config(tmp_path):
    """Two measured cells, each in a data set of its own, as the panel writes them."""
    for seed, name in enumerate(("cell 1", "cell 2")):
        write_training_cell(tmp_path / "data", *measured_cell(name, seed))
    roots = sorted(str(path) for path in (tmp_path / "data").iterdir())
    return from_mapping(TrainConfig, {**SMALL, "data": {"sources": roots}})


def test_measured_cells_are_found_and_have_no_problem(config):
    found = index(config.data)
    assert [row.problems for row in found.rows] == [(), ()]
    assert found.mean_traction > 0


@pytest.mark.slow
def test_measure_then_fine_tune(config, tmp_path):
    result = train(config, tmp_path / "run")
    assert result.finished
    assert load_predictor(result.model).record.output_unit == "Pa"


def test_a_field_on_the_grid_of_the_windows_is_interpolated_to_the_image(tmp_path):
    image, measured, mask = measured_cell("cell 1")
    coarse = []
    for field in (measured.traction, measured.displacement):
        settings = {ORIGIN: [3.5 * PIXEL - 2 * PIXEL] * 2}  # first vector on pixel 3, then every fourth
        data = np.asarray(field.data)[:, :, 3:60:4, 3:60:4]
        coarse.append(
            VectorField(
                data, field.quantity, field.unit, PixelSize.square(4 * PIXEL), name="cell 1",
                provenance=Provenance(settings=settings),
            )
        )  # fmt: skip
    (path,) = list_cells(write_training_cell(tmp_path, image, TfmResult(*coarse), mask))
    found = np.asarray(read_cell(path).traction.data)[0]
    truth = np.asarray(measured.traction.data)[0]
    assert np.abs(found - truth)[:, 4:56, 4:56].max() < 0.1 * truth.max()


def test_what_makes_no_training_data_is_refused_in_words(tmp_path):
    image, measured, mask = measured_cell("cell 1")
    for bad, message in (
        (mask & False, "not known"),
        (mask | True, "fills the image"),
        (mask[1:], "same pixels"),
    ):
        with pytest.raises(CellForceError, match=message):
            write_training_cell(tmp_path, image, measured, bad)
    write_training_cell(tmp_path, image, measured, mask)
    with pytest.raises(CellForceError, match="nothing is overwritten"):
        write_training_cell(tmp_path, image, measured, mask)
