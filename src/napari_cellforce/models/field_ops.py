"""Operations on scalar and vector fields in torch: smoothing, directions, force balance."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

_TINY = 1e-6
_AXIS_SCALE = 2.0
"""Standard deviation, in pixels, of the structure tensor."""
_FAINT = 1e-3
"""Mean squared gradient, in (mean of the cell per pixel)², below which no axis is defined."""
_REACH = 3
"""Truncation of Gaussians, in standard deviations."""


def blur(image: Tensor, sigma: float) -> Tensor:
    """Return an ``(N, C, Y, X)`` image after a Gaussian filter, truncated at 3 sigma, with zero padding."""
    reach = math.ceil(_REACH * sigma)
    steps = torch.arange(-reach, reach + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-((steps / sigma) ** 2) / 2)
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, -1)
    groups = image.shape[1]
    along_y = functional.conv2d(image, kernel[..., None], padding=(reach, 0), groups=groups)
    return functional.conv2d(along_y, kernel[..., None, :], padding=(0, reach), groups=groups)


def long_axes(image: Tensor) -> Tensor:
    """Return the direction of elongated structures, ``(N, 1, Y, X)`` to ``(N, 2, Y, X)``.

    From the structure tensor (Bigun & Granlund 1987): cos and sin of twice the angle of the long axis, from
    x towards y, times the coherence from 0 (isotropic) to 1.
    """
    padded = functional.pad(blur(image, _AXIS_SCALE / 2), (1, 1, 1, 1), mode="replicate")
    along_y = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    along_x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    products = torch.cat([along_y * along_y, along_x * along_x, along_y * along_x], dim=1)
    yy, xx, yx = blur(products, _AXIS_SCALE).unbind(1)
    return torch.stack([yy - xx, -2 * yx], dim=1) / (yy + xx + _FAINT)[:, None]


def reflected(vectors: Tensor, axes: Tensor) -> Tensor:
    """Return vectors ``(N, K, 2, Y, X)`` reflected at the axes of `long_axes`, times the coherence."""
    y, x = vectors.unbind(2)
    cos, sin = axes[:, None, 0], axes[:, None, 1]
    return torch.stack([sin * x - cos * y, cos * x + sin * y], dim=2)


def towards_centre(weight: Tensor) -> Tensor:
    """Return the vector to the centre of mass of a weight, ``(N, 1, Y, X)`` to ``(N, 2, Y, X)`` in pixels."""
    position = _positions(weight)
    centre = (weight * position).sum(dim=(-2, -1), keepdim=True)
    return centre / weight.sum(dim=(-2, -1), keepdim=True).clamp(min=_TINY) - position


def balanced(traction: Tensor) -> Tensor:
    """Remove the net force and moment of a field, ``(N, 2, Y, X)``.

    F' = F - w (N / sum w + omega z x (r - c)) with w = |F| and c its centre of mass: the correction is a
    translation and a rotation about c, which are orthogonal.
    """
    weight = torch.linalg.vector_norm(traction, dim=1, keepdim=True)
    total = weight.sum(dim=(-2, -1), keepdim=True).clamp(min=_TINY)
    force = traction.sum(dim=(-2, -1), keepdim=True) / total
    lever = -towards_centre(weight)
    across = torch.stack([lever[:, 1], -lever[:, 0]], dim=1)
    moment = (across * traction).sum(dim=(1, 2, 3), keepdim=True)
    inertia = (weight * lever.square()).sum(dim=(1, 2, 3), keepdim=True).clamp(min=_TINY)
    return cast("Tensor", traction - weight * (force + moment / inertia * across))


def _positions(like: Tensor) -> Tensor:
    """Return (y, x) of every pixel, ``(2, Y, X)``."""
    along_y, along_x = (torch.arange(n, device=like.device, dtype=like.dtype) for n in like.shape[-2:])
    return torch.stack(torch.meshgrid(along_y, along_x, indexing="ij"))
