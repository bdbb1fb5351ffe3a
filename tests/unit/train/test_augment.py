"""Turning a cell turns its forces; whatever the camera does leaves them as they are."""

from __future__ import annotations

import math

import numpy as np
import torch

from napari_cellforce.fields import PixelSize
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.train.augment import NO_AUGMENTATION, augment, rotate_frames
from napari_cellforce.train.config import AugmentConfig


def test_a_quarter_turn_is_exact_for_images_and_vectors(lopsided):
    batch = rotate_frames(lopsided, torch.full((2,), math.pi / 2))
    # From x towards y, on screen clockwise: what was at the right is now at the bottom.
    assert torch.allclose(batch.proteins, lopsided.proteins.rot90(-1, (-2, -1)), atol=1e-5)
    expected = lopsided.traction.rot90(-1, (-2, -1))
    assert torch.allclose(batch.traction[:, 0], expected[:, 1], atol=1e-5)  # x has become y
    assert torch.allclose(batch.traction[:, 1], -expected[:, 0], atol=1e-5)  # y has become -x
    assert torch.allclose(
        batch.displacement, batch.traction * torch.tensor([1, 2])[:, None, None, None], atol=1e-5
    )


def test_a_mirror_turns_x_round_and_leaves_y(lopsided):
    batch = rotate_frames(lopsided, torch.zeros(2), torch.tensor([True, False]))
    assert torch.allclose(batch.proteins[0], lopsided.proteins[0].flip(-1), atol=1e-5)
    assert torch.allclose(batch.traction[0, 1], -lopsided.traction[0, 1].flip(-1), atol=1e-5)
    assert torch.allclose(batch.traction[0, 0], lopsided.traction[0, 0].flip(-1), atol=1e-5)
    assert torch.allclose(batch.traction[1], lopsided.traction[1], atol=1e-5)


def test_the_filter_says_of_a_turned_cell_what_turning_its_forces_says(lopsided):
    def forces(batch, i):
        image, mask = batch.proteins[i].numpy(), batch.mask[i, 0].numpy() > 0.5
        return AdhesionFilter().predict_frame(image, mask, PixelSize.square(0.68)).traction

    before = torch.from_numpy(np.stack([forces(lopsided, i) for i in range(2)]))
    angles = torch.tensor([0.7, 2.9])
    after = rotate_frames(lopsided, angles)
    expected = rotate_frames(lopsided._replace(traction=before), angles).traction.numpy()
    for i in range(2):
        correlation = np.corrcoef(forces(after, i).ravel(), expected[i].ravel())[0, 1]
        assert correlation > 0.98


def test_the_same_seed_changes_a_batch_in_the_same_way(lopsided):
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(augment(lopsided, AugmentConfig()))
    assert torch.equal(results[0].proteins, results[1].proteins)
    assert not torch.equal(results[0].proteins, results[2].proteins)


def test_the_camera_leaves_the_forces_alone(lopsided):
    changed = augment(lopsided, AugmentConfig(rotate=False, mirror=False, brightness=0.5, noise=0.3))
    assert torch.equal(changed.traction, lopsided.traction)
    assert not torch.equal(changed.proteins, lopsided.proteins)
    assert (changed.proteins >= 0).all()


def test_an_outline_only_grows(lopsided):
    torch.manual_seed(3)
    wider = augment(lopsided, AugmentConfig(rotate=False, mirror=False, margin=6)).mask
    assert (wider >= lopsided.mask).all()
    assert wider.sum() > lopsided.mask.sum()


def test_nothing_changes_nothing(lopsided):
    for before, after in zip(lopsided, augment(lopsided, NO_AUGMENTATION), strict=True):
        assert torch.equal(before, after)
