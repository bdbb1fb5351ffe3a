"""The network of the physical bottleneck, and the way through the sheet."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import BoolArray, PixelSize
from napari_cellforce.models.adhesion_unet import blur
from napari_cellforce.models.bottleneck.sheets import CellSheet, SheetCache
from napari_cellforce.models.checks import in_range
from napari_cellforce.models.convnext import CellConfig, batch_norm, cells
from napari_cellforce.models.sheet_op import sheet_traction_batch
from napari_cellforce.physics.mesh import MeshSettings

_STIFFEST = 8.0
"""Y stays within e^8 of the scale it starts from: beyond, the equations are singular."""
_NARROWEST_ALPHA, _WIDEST_ALPHA = -4.0, 2.5
"""Limits of log alpha, 0.02 to 12: Poisson's ratios from 0.02 to 0.92 in plane stress."""


def _cell() -> CellConfig:
    return CellConfig(kernel=9, expansion=2, padding="reflect")


@dataclass(frozen=True)
class BottleneckConfig:
    """Settings of a `PhysicalBottleneck`.

    The published network has width 32, latent width 64, 5 blocks and an expansion of 4; the defaults are
    smaller, to be trained on a CPU.

    Attributes
    ----------
    in_channels : int
        Proteins, and the mask last.
    width, blocks : int
        Channels and ConvNeXt cells at full resolution.
    latent_width, latent_blocks : int
        The same for the branch on coarse pixels, which sees farther.
    latent_scale : int
        Side of a coarse pixel in pixels.
    cell : CellConfig
    blur : float
        Gaussian that Y is smoothed with, in pixels.
    pixel_size : float
        Of the network's grid in µm; must be the record's.
    edge_length : float
        Of the mesh, in µm.
    penetration : float
        Length in µm that sets the scale of Y before training: ``Y = 1 / penetration^2``.
    sigma_a, alpha : float
        Before training.
    traction_scale : float
        Traction, in the record's unit, that stands for Y u = 1/µm.
    """

    in_channels: int = 2
    width: int = 16
    blocks: int = 2
    latent_width: int = 32
    latent_blocks: int = 2
    latent_scale: int = 4
    cell: CellConfig = field(default_factory=_cell)
    blur: float = 1.0
    pixel_size: float = 0.68
    edge_length: float = 3.0
    penetration: float = 12.0
    sigma_a: float = 1.0
    alpha: float = 0.5
    traction_scale: float = 50.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "cell", CellConfig.of(self.cell))
        in_range("in_channels", self.in_channels, 2, 64)
        for name in ("width", "latent_width"):
            in_range(name, getattr(self, name), 1, 1024)
        for name in ("blocks", "latent_blocks"):
            in_range(name, getattr(self, name), 0, 64)
        in_range("latent_scale", self.latent_scale, 1, 16)
        in_range("blur", self.blur, 0.1, 100)
        for name in ("pixel_size", "edge_length", "penetration", "sigma_a", "traction_scale"):
            in_range(name, getattr(self, name), 1e-3, 1e5)
        in_range("alpha", self.alpha, 0.02, 12)

    @property
    def multiple(self) -> int:
        """What height and width of the image must be a multiple of, in pixels."""
        return self.latent_scale

    @property
    def mesh(self) -> MeshSettings:
        """How masks are meshed."""
        return MeshSettings(edge_length=self.edge_length)


class SheetInputs(NamedTuple):
    """All that the network may say.

    Attributes
    ----------
    Y : (N, Y, X) tensor
        Springs in 1/µm², positive.
    sigma_a, alpha : (N,) tensor
    """

    Y: Tensor
    sigma_a: Tensor
    alpha: Tensor


class PhysicalBottleneck(nn.Module):
    """Proteins and mask in; springs, contractility and the sheet's traction out.

    Parameters
    ----------
    config : BottleneckConfig
    """

    def __init__(self, config: BottleneckConfig) -> None:
        super().__init__()
        self.config = config
        width, latent = config.width, config.latent_width
        self.stem = nn.Sequential(
            nn.Conv2d(config.in_channels, width, 5, padding=2), batch_norm(width, True), nn.ReLU()
        )
        self.fine = nn.Sequential(*cells(width, config.blocks, config.cell))
        self.down = nn.Conv2d(width, latent, config.latent_scale, stride=config.latent_scale)
        self.coarse = nn.Sequential(*cells(latent, config.latent_blocks, config.cell))
        self.adhesion = nn.Conv2d(width + latent, 1, 5, padding=2)
        self.head = nn.Sequential(nn.Linear(width + latent, 32), nn.ReLU(), nn.Linear(32, 2))
        for last in (self.adhesion, cast("nn.Linear", self.head[-1])):
            nn.init.normal_(last.weight, std=1e-2)
            nn.init.zeros_(cast("Tensor", last.bias))
        self._sheets = SheetCache()

    def forward(self, x: Tensor) -> Tensor:
        """Return the traction.

        Parameters
        ----------
        x : (N, C, Y, X) tensor
            Normalised proteins, then the mask; sides multiples of ``config.multiple``.

        Returns
        -------
        (N, 2, Y, X) tensor
            (y, x) in the record's unit, 0 outside the mesh. The integral of force and moment vanishes;
            sums over pixels do to 1e-2, and exactly in `BottleneckPredictor`. While training, a cell that
            cannot be meshed or solved gives 0 and a `CellForceWarning`.

        Raises
        ------
        CellForceError
            Not while training: if a cell cannot be meshed or solved.
        """
        said = self.sheet_inputs(x)
        if x.is_meta:
            # A mask without values has no mesh: what is left is the shape, and what it depends on.
            return torch.stack([said.Y, said.Y], dim=1) * (said.sigma_a * said.alpha)[:, None, None, None]
        masks = x[:, -1].detach().cpu().numpy() > 0.5
        meshed = [self._sheet(mask) for mask in masks]
        sheets = [sheet for sheet in meshed if sheet is not None]
        if not sheets:
            return x.new_zeros(len(x), 2, *x.shape[-2:]) + 0 * said.Y.sum()
        chosen = [i for i, sheet in enumerate(meshed) if sheet is not None]
        tractions = self._solve(sheets, chosen, said)
        return torch.stack([tractions.get(i, self._nothing(said, i)) for i in range(len(x))])

    def sheet_inputs(self, x: Tensor) -> SheetInputs:
        """Return what the network says of an image, ``(N, C, Y, X)``."""
        config = self.config
        fine = self.fine(self.stem(x))
        coarse = self.coarse(self.down(fine))
        wide = functional.interpolate(coarse, scale_factor=config.latent_scale, mode="bilinear")
        features = torch.cat([fine, wide], dim=1)
        log_Y = _STIFFEST * torch.tanh(self.adhesion(features) / _STIFFEST)
        Y = blur(torch.exp(log_Y), config.blur)[:, 0] / config.penetration**2
        mask = x[:, -1:]
        mean = (features * mask).sum(dim=(-2, -1)) / mask.sum(dim=(-2, -1)).clamp(min=1)
        log_sigma, log_alpha = self.head(mean).unbind(1)
        alpha = config.alpha * torch.exp(log_alpha)
        lowest, highest = np.exp([_NARROWEST_ALPHA, _WIDEST_ALPHA])
        return SheetInputs(
            Y, config.sigma_a * torch.exp(log_sigma), alpha.clamp(float(lowest), float(highest))
        )

    def sheet(self, mask: BoolArray) -> CellSheet:
        """Return the sheet of a cell, ``(Y, X)`` bool on the network's pixels; remembered.

        Raises
        ------
        CellForceError
            If it cannot be meshed.
        """
        config = self.config
        return self._sheets.get(mask, PixelSize.square(config.pixel_size), config.mesh)

    @torch.no_grad()
    def strengthen(self, factor: float) -> None:
        """Multiply all tractions for good: they are proportional to sigma_a."""
        bias = cast("Tensor", cast("nn.Linear", self.head[-1]).bias)
        bias[0] += float(np.log(factor))

    def _sheet(self, mask: BoolArray) -> CellSheet | None:
        try:
            return self.sheet(mask)
        except CellForceError as error:
            self._left_out(error)
            return None

    def _left_out(self, error: CellForceError) -> None:
        """Pass over a cell while training; refuse it otherwise."""
        if not self.training:
            raise error
        warnings.warn(f"A cell is left out of a step: {error}", CellForceWarning, stacklevel=4)

    def _solve(self, sheets: list[CellSheet], chosen: list[int], said: SheetInputs) -> Mapping[int, Tensor]:
        """Return the traction on pixels of every cell that can be solved, ``(2, Y, X)``."""
        Ys = [sheet.at_nodes(said.Y[i]) for sheet, i in zip(sheets, chosen, strict=True)]
        sigma_a, alpha = said.sigma_a.cpu().double(), said.alpha.cpu().double()
        nodal = sheet_traction_batch(
            [sheet.sheet for sheet in sheets], Ys, [sigma_a[i] for i in chosen], [alpha[i] for i in chosen]
        )
        tractions: dict[int, Tensor] = {}
        for i, sheet, Y, F in zip(chosen, sheets, Ys, nodal, strict=True):
            if isinstance(F, CellForceError):
                self._left_out(F)
                continue
            # As `sample_traction` does: Y and u are each linear on a triangle, and F is their product.
            springs = torch.sparse.mm(sheet.to_pixels, Y[:, None])
            values = springs * torch.sparse.mm(sheet.to_pixels, F / Y[:, None])
            tractions[i] = sheet.drawn(self.config.traction_scale * values, said.Y[i])
        return tractions

    def _nothing(self, said: SheetInputs, i: int) -> Tensor:
        """Return a traction of 0 that hangs on the network, so that a step can go on."""
        return said.Y[i].expand(2, -1, -1) * 0
