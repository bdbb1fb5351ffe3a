"""Augmentation: random symmetries and imaging conditions for every batch, in torch.

Rotations and reflections act on images and vectors alike. Brightness, contrast, blur, noise, saturation and
a dilated mask change the image and leave the forces unchanged.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from napari_cellforce.models.field_ops import blur
from napari_cellforce.train.config import AugmentConfig


class Batch(NamedTuple):
    """A batch of training frames.

    Attributes
    ----------
    proteins : (N, C, Y, X) tensor
        Normalised.
    mask : (N, 1, Y, X) tensor
        1 in the cell, 0 outside.
    traction : (N, 2, Y, X) tensor
        Measured traction, (y, x), in the unit of the model's output.
    displacement : (N, 2, Y, X) tensor or None
        Displacement of the gel, (y, x), in µm.
    """

    proteins: Tensor
    mask: Tensor
    traction: Tensor
    displacement: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on another device."""
        u = None if self.displacement is None else self.displacement.to(device)
        return Batch(self.proteins.to(device), self.mask.to(device), self.traction.to(device), u)


NO_AUGMENTATION = AugmentConfig(False, False, 0, 0, 0, 0, 0, 0)
"""No augmentation."""


def augment(batch: Batch, config: AugmentConfig) -> Batch:
    """Return a randomly transformed batch; random numbers come from torch's global generator."""
    batch = _rotate_and_mirror(batch, config)
    mask = _dilate_masks(batch.mask, config.margin)
    proteins = _simulate_imaging(batch.proteins, config) if batch.proteins.shape[1] else batch.proteins
    return batch._replace(mask=mask, proteins=proteins)


def rotate_frames(batch: Batch, angle: Tensor, mirrored: Tensor | None = None) -> Batch:
    """Rotate every frame, including its vectors, about the centre of the image.

    Parameters
    ----------
    batch : Batch
        Square images.
    angle : (N,) tensor
        In radians from x towards y (clockwise on screen).
    mirrored : (N,) bool tensor, optional
        Frames to mirror (x to -x) before the rotation.
    """
    cos, sin = angle.cos(), angle.sin()
    flip = torch.ones_like(cos) if mirrored is None else torch.where(mirrored, -1.0, 1.0)
    zero = torch.zeros_like(cos)
    # Sampling positions of the result: the inverse rotation, as (x, y).
    back = torch.stack([flip * cos, flip * sin, zero, -sin, cos, zero], dim=-1).reshape(-1, 2, 3)

    def resampled(image: Tensor) -> Tensor:
        if not image.shape[1]:  # a network of the outline sees no protein
            return image
        grid = functional.affine_grid(back.to(image.dtype), list(image.shape), align_corners=False)
        return functional.grid_sample(image, grid, align_corners=False)

    def resampled_vectors(field: Tensor) -> Tensor:
        y, x = resampled(field).unbind(1)
        c, s, f = (factor[:, None, None] for factor in (cos, sin, flip))
        return torch.stack([s * f * x + c * y, c * f * x - s * y], dim=1)

    u = None if batch.displacement is None else resampled_vectors(batch.displacement)
    return Batch(resampled(batch.proteins), resampled(batch.mask), resampled_vectors(batch.traction), u)


def _rotate_and_mirror(batch: Batch, config: AugmentConfig) -> Batch:
    if not (config.rotate or config.mirror):
        return batch
    n, device = len(batch.mask), batch.mask.device
    angle = 2 * math.pi * torch.rand(n, device=device) * config.rotate
    return rotate_frames(batch, angle, (torch.rand(n, device=device) < 0.5) & config.mirror)


def _dilate_masks(mask: Tensor, margin: int) -> Tensor:
    """Dilate every mask by a random number of pixels from 0 to `margin`."""
    if margin == 0:
        return mask
    steps = torch.randint(0, margin + 1, (len(mask), 1, 1, 1), device=mask.device)
    for step in range(margin):
        wider = functional.max_pool2d(mask, 3, stride=1, padding=1)
        mask = torch.where(steps > step, wider, mask)
    return mask


def _simulate_imaging(proteins: Tensor, config: AugmentConfig) -> Tensor:
    """Apply blur, contrast, brightness, noise and saturation, in the order of image formation."""
    shape = (*proteins.shape[:2], 1, 1)

    def normal(spread: float) -> Tensor:
        return torch.exp(spread * torch.randn(shape, device=proteins.device))

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(shape, device=proteins.device)

    if config.blur > 0:
        proteins = blur(proteins, max(config.blur * float(torch.rand(())), 0.1))
    if config.contrast > 0:
        proteins = proteins.clamp(min=0) ** normal(config.contrast)
    if config.brightness > 0:
        proteins = proteins * normal(config.brightness)
    if config.noise > 0:
        noise = uniform(0, config.noise) * torch.randn_like(proteins)
        proteins = (proteins + noise * (proteins > 0)).clamp(min=0)
    if config.saturation > 0:
        cut = uniform(0, 1) < config.saturation
        proteins = torch.where(cut, proteins.minimum(uniform(2.5, 6)), proteins)
    return proteins
