from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_cellforce.models.grid import in_tiles


@pytest.mark.parametrize("shape", [(96, 96), (64, 200), (56, 48), (400, 64)])
def test_tiles_of_an_image_make_the_image(shape):
    image = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    sizes = []

    def run(tile):
        sizes.append(tile.shape[1:])
        return tile

    assert np.abs(in_tiles(image, run, side=64, overlap=16, multiple=8) - image).max() < 1e-6
    assert max(max(size) for size in sizes) <= 64
    assert all(side % 8 == 0 for size in sizes for side in size)


def test_tiles_begin_where_the_coarse_grid_does():
    ramp = np.broadcast_to(np.arange(300, dtype=np.float32), (1, 60, 300))
    starts = []

    def run(tile):
        starts.append(int(tile[0, 0, 0]))
        return tile

    in_tiles(ramp, run, side=70, overlap=20, multiple=20)
    assert len(starts) > 4
    assert all(start % 20 == 0 for start in starts)


def test_no_seams_where_tiles_meet():
    image = ndimage.gaussian_filter(np.random.default_rng(1).random((160, 160)), 3)[None].astype(np.float32)

    def blur(tile):
        return ndimage.gaussian_filter(tile, (0, 1, 1), mode="constant")

    whole, tiled = blur(image), in_tiles(image, blur, side=64, overlap=32)
    inside = np.s_[:, 4:-4, 4:-4]
    # A tile's edge, where it lacks its surroundings, has next to no weight.
    assert np.abs(whole - tiled)[inside].max() < 0.02 * whole.max()
