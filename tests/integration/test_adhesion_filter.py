"""The adhesion filter on real cells, scored in the one defined way."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_cellforce.fields import PixelSize
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.preprocess.normalise import measure_baselines, normalise


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Path:
    return shared_data / "real"


@pytest.fixture(scope="module")
def score(shared_data: Path) -> Callable[[str, np.ndarray], dict[str, float]]:
    spec = importlib.util.spec_from_file_location(
        "score_real", shared_data.parent / "tools" / "score_real.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.score


def predict(counts: np.ndarray, mask: np.ndarray, micron: float) -> np.ndarray:
    image = normalise(counts, measure_baselines([counts], [mask]), "outside_inside")
    return AdhesionFilter().predict_frame(image, mask, PixelSize.square(micron)).traction


def test_a_fibroblast_from_raw_counts(real, score):
    zyxin = tifffile.imread(real / "cell_0.ome.tif")[:1]
    mask = tifffile.imread(real / "cell_0_mask.tif") > 0
    assert score("cell_0", predict(zyxin, mask, 0.3184))["r"] > 0.67


def test_a_cell_in_the_papers_format(real, score):
    frame = np.load(real / "paper_format/cell_1/frame_5.npy")
    found = score("cell_1", predict(frame[6:7], frame[4] > 0, 0.44))
    assert found["r"] > 0.74
    assert found["angle error [deg]"] < 36


def test_a_movie_that_is_already_normalised(real, score):
    movie = np.squeeze(tifffile.imread(real / "11_cell_1.ome.tif"))[:, None]
    masks = np.squeeze(tifffile.imread(real / "11_cell_1_mask.tif")) > 0
    pixel = PixelSize.square(0.68)
    field = [AdhesionFilter().predict_frame(f, m, pixel).traction for f, m in zip(movie, masks, strict=True)]
    assert score("11_cell_1", np.stack(field))["r"] > 0.72
