"""The authors' weights on real cells, scored as ``shared/tools/score_real.py`` scores everybody."""

from __future__ import annotations

import runpy

import numpy as np
import pytest
import tifffile

from napari_cellforce.fields import PixelSize
from napari_cellforce.models.checkpoint import load
from napari_cellforce.models.network import NetworkPredictor
from napari_cellforce.preprocess.normalise import measure_baselines, normalise

FILE = "UnseenWashout_RealGFNN_down=4_beta=0.1"
SHA256 = "68c8e6d052e8f1ffee233e5354bb29631335748bbb9bcca08041ce579b8b58b1"


@pytest.fixture(scope="module")
def published(shared_data) -> NetworkPredictor:
    return NetworkPredictor(load(shared_data / "published" / FILE, sha256=SHA256), device="cpu")


@pytest.fixture(scope="module")
def score(shared_data):
    return runpy.run_path(str(shared_data.parent / "tools" / "score_real.py"))["score"]


def test_four_frames_of_the_washout_cell_match_the_published_panels(published, score, shared_data):
    zyxin = tifffile.imread(shared_data / "real" / "11_cell_1.ome.tif").astype(np.float32)
    masks = tifffile.imread(shared_data / "real" / "11_cell_1_mask.tif") > 0
    pixel = PixelSize.square(0.68)
    field = [
        published.predict_frame(frame[None], mask, pixel).traction
        for frame, mask in zip(zyxin, masks, strict=True)
    ]
    r = list(score("panels", np.stack(field)).values())
    assert np.all(np.array(r) >= [0.97, 0.94, 0.97, 0.99]), r


def test_a_cell_in_raw_counts_on_a_finer_grid_agrees_with_its_measured_traction(
    published, score, shared_data
):
    with tifffile.TiffFile(shared_data / "real" / "cell_0.ome.tif") as file:
        zyxin = file.asarray()[:1].astype(np.float32)
        micron = float(file.ome_metadata.split('PhysicalSizeX="')[1].split('"')[0])
    mask = tifffile.imread(shared_data / "real" / "cell_0_mask.tif") > 0
    image = normalise(zyxin, measure_baselines([zyxin], [mask]), published.record.normalisation)
    field = published.predict_frame(image, mask, PixelSize.square(micron)).traction
    assert score("cell_0", field)["r"] >= 0.52
