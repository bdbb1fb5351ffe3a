"""Pictures of beads: where they are, how bright, and where they go."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic.beads import BeadConfig, _draw_spots, bead_pair
from napari_cellforce.synthetic.instruments import Camera, Optics

STILL = np.zeros((2, 60, 80))


def test_a_spot_has_its_light_and_its_centre_at_its_place():
    image = _draw_spots(np.array([[20.3], [31.6]]), np.array([2.0]), (50, 60), 1.4)
    y, x = np.indices(image.shape)
    assert image.sum() == pytest.approx(2.0 * 2 * np.pi * 1.4**2, rel=1e-3)
    assert (image * y).sum() / image.sum() == pytest.approx(20.3, abs=1e-3)
    assert (image * x).sum() / image.sum() == pytest.approx(31.6, abs=1e-3)


def test_beads_at_and_beyond_the_edge_shed_their_light_into_the_image():
    image = _draw_spots(np.array([[-0.5, 100.0], [10.0, 10.0]]), np.ones(2), (40, 40), 1.0)
    assert image.sum() == pytest.approx(np.pi, rel=1e-2)  # half a bead; the other is out of sight


def test_without_displacement_only_the_camera_differs():
    quiet = Camera(exposure=1e4, background=0.0, read_noise=0.0)
    pair = bead_pair(STILL, BeadConfig(camera=quiet))
    assert np.corrcoef(pair.reference.ravel(), pair.loaded.ravel())[0, 1] > 0.999


def test_the_seed_decides_everything_and_the_density_the_number():
    same = [bead_pair(STILL, seed=5).loaded for _ in range(2)]
    assert np.array_equal(*same)
    assert not np.array_equal(same[0], bead_pair(STILL, seed=6).loaded)
    few, many = (bead_pair(STILL, BeadConfig(density=d)).reference.mean() for d in (0.5, 4.0))
    assert many > few


def test_lost_beads_make_the_images_differ():
    pairs = [bead_pair(STILL, BeadConfig(lost=lost)) for lost in (0.0, 0.4)]
    kept, lost = (np.corrcoef(p.reference.ravel(), p.loaded.ravel())[0, 1] for p in pairs)
    assert lost < kept - 0.2


@pytest.mark.parametrize("settings", [{"density": 0}, {"lost": 1.5}, {"optics": Optics(psf=0.0)}])
def test_beads_that_cannot_be_are_refused(settings):
    with pytest.raises(CellForceError):
        BeadConfig(**settings)
