"""The network of the physical bottleneck, and the traction of its sheet."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import BoolArray, PixelSize
from napari_cellforce.models.base import Network, StepResult, TrainingStep
from napari_cellforce.models.bottleneck.config import BottleneckConfig
from napari_cellforce.models.bottleneck.losses import TractionParts, mechanics_terms, springs_terms
from napari_cellforce.models.bottleneck.sheets import PlacedSheet, SheetCache, sheet_traction_batch
from napari_cellforce.models.convnext import ConvNeXtCell, batch_norm, cells
from napari_cellforce.models.field_ops import balanced, blur
from napari_cellforce.models.record import OutputKind

_STIFFEST = 8.0
"""Limit of log Y around its initial scale: beyond it, the equations are singular."""
_STRONGEST = 3.0
"""Limit of the logarithm of a field of sigma_a around the value of the cell."""
_CAUTION = 0.1
"""Factor of the learning rate of contraction directions: without it the first steps overshoot."""
_HAZE = 4.0
"""Default standard deviation, in pixels, of the local mean that is subtracted as background."""
_HOLD = 0.1
"""Initial spring constant outside adhesions, relative to an adhesion of mean intensity."""
_TINY = 1e-6
_NARROWEST_ALPHA, _WIDEST_ALPHA = -4.0, 2.5
"""Limits of log alpha, 0.02 to 12: Poisson's ratios from 0.02 to 0.92 in plane stress."""


class SheetInputs(NamedTuple):
    """Output of the network: the parameters of the sheet.

    Attributes
    ----------
    Y : (N, Y, X) tensor
        Spring constant in 1/µm², positive.
    sigma_a : (N,) or (N, Y, X) tensor
        Active stress: one number a cell, or a field.
    alpha : (N,) tensor
    residual : (N, 2, Y, X) tensor or None
        Traction in addition to the sheet, (y, x) in the unit of the record, with zero sum and moment.
    direction : (N, 2, Y, X) tensor or None
        Q_xx = -Q_yy and Q_xy of the active stress ``sigma_a (I + Q)``: magnitude and twice the angle (from
        x towards y) of the direction of contraction.
    """

    Y: Tensor
    sigma_a: Tensor
    alpha: Tensor
    residual: Tensor | None = None
    direction: Tensor | None = None


class PhysicalBottleneck(Network):
    """Proteins and mask in; springs, contractility and the sheet's traction out.

    Parameters
    ----------
    config : BottleneckConfig
    """

    config: BottleneckConfig
    config_type = BottleneckConfig

    def __init__(self, config: BottleneckConfig) -> None:
        super().__init__()
        self.config = config
        width, latent = config.width, config.latent_width
        self.stem = nn.Sequential(
            nn.Conv2d(config.seen, width, 5, padding=2), batch_norm(width, True), nn.ReLU()
        )
        self.fine = nn.Sequential(*cells(width, config.blocks, config.cell))
        self.down = nn.Conv2d(width, latent, config.latent_scale, stride=config.latent_scale)
        self.coarse = nn.Sequential(*cells(latent, config.latent_blocks, config.cell))
        features = config.seen + width + latent
        self.adhesion = nn.Conv2d(features, 1, 5, padding=2)
        self.head = nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, 2))
        fields = {"scalar": 0, "field": 1, "directed": 3}[config.active]
        self.active = nn.Conv2d(features, fields, 5, padding=2) if fields else None
        self.residual = _residual(features, config) if config.residual else None
        for last in (self.adhesion, cast("nn.Linear", self.head[-1])):
            nn.init.normal_(last.weight, std=1e-2)
            nn.init.zeros_(cast("Tensor", last.bias))
        for silent in (self.active, self.residual and self.residual[-1]):
            if isinstance(silent, nn.Conv2d):
                nn.init.zeros_(silent.weight)
                nn.init.zeros_(cast("Tensor", silent.bias))
        self._sheets = SheetCache()

    def forward(self, x: Tensor) -> Tensor:
        """Return the traction; parameters and errors as `parts`."""
        return self.parts(x).traction

    def parts(self, x: Tensor) -> TractionParts:
        """Return the traction of the sheet, and the residual traction.

        Parameters
        ----------
        x : (N, C, Y, X) tensor
            Normalised proteins, then the mask; sides multiples of ``config.multiple``.

        Returns
        -------
        Parts
            (y, x) in the record's unit; the sheet's is 0 outside the mesh. The integral of its force and
            moment vanishes; sums over pixels do to 1e-2, and exactly in `BottleneckPredictor`. While
            training, a cell that cannot be meshed or solved gives 0 and a `CellForceWarning`.

        Raises
        ------
        CellForceError
            Not while training: if a cell cannot be meshed or solved.
        """
        sheet_inputs = self.sheet_inputs(x)
        return TractionParts(self._sheet_traction(x, sheet_inputs), sheet_inputs.residual)

    def sheet_inputs(self, x: Tensor) -> SheetInputs:
        """Return the parameters of the sheet for an image, ``(N, C, Y, X)``."""
        config, mask = self.config, x[:, -1:]
        features = self._features(x)
        log_Y = self.adhesion(features)
        if config.held_by_adhesions:
            log_Y = log_Y + self._adhesions(x)
        log_Y = _STIFFEST * torch.tanh(log_Y / _STIFFEST)
        Y = blur(torch.exp(log_Y), config.blur)[:, 0] / config.penetration**2
        mean = (features * mask).sum(dim=(-2, -1)) / mask.sum(dim=(-2, -1)).clamp(min=1)
        log_sigma, log_alpha = self.head(mean).unbind(1)
        alpha = config.alpha * torch.exp(log_alpha)
        lowest, highest = np.exp([_NARROWEST_ALPHA, _WIDEST_ALPHA])
        sigma_a, direction = self._active_stress(features, config.sigma_a * torch.exp(log_sigma))
        residual = None if self.residual is None else balanced(self.residual(features) * mask)
        return SheetInputs(Y, sigma_a, alpha.clamp(float(lowest), float(highest)), residual, direction)

    def sheet(self, mask: BoolArray) -> PlacedSheet:
        """Return the sheet of a cell, ``(Y, X)`` bool on the pixels of the network; cached.

        Raises
        ------
        CellForceError
            If it cannot be meshed.
        """
        config = self.config
        return self._sheets.get(mask, PixelSize.square(config.pixel_size), config.mesh, self.training)

    @classmethod
    def derived_settings(cls, inputs: tuple[str, ...], pixel_size: float) -> dict[str, Any]:
        """Return channels and pixel size, on which the mesh depends."""
        return {**super().derived_settings(inputs, pixel_size), "pixel_size": pixel_size}

    def head_parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the last layers of springs, active stress and alpha."""
        return [*self.adhesion.parameters(), *self.head[-1].parameters()]

    @torch.no_grad()
    def scale_output(self, factor: float, output: OutputKind = "vector") -> None:
        """Multiply all tractions for good: those of the sheet are proportional to sigma_a."""
        del output
        bias = cast("Tensor", cast("nn.Linear", self.head[-1]).bias)
        bias[0] += float(np.log(factor))
        if self.residual is not None:
            for parameter in self.residual[-1].parameters():
                parameter.mul_(factor)

    def training_step(self, step: TrainingStep) -> StepResult:
        """Return prediction and loss: of the springs alone in the first epochs, then of the traction."""
        if step.epoch < step.loss.springs_first * step.epochs:
            springs = self.sheet_inputs(step.inputs).Y * self.config.penetration**2
            return StepResult(None, springs_terms(springs, step.traction, step.mask))
        parts = self.parts(step.inputs)
        terms = mechanics_terms(parts, step.traction, step.mask, step.loss.residual)
        return StepResult(parts.traction, terms)

    def _features(self, x: Tensor) -> Tensor:
        """Return the features of every pixel: inputs, fine and coarse branch."""
        seen = self._seen(x)
        fine = self.fine(self.stem(seen))
        coarse = self.coarse(self.down(fine))
        wide = functional.interpolate(coarse, scale_factor=self.config.latent_scale, mode="bilinear")
        return torch.cat([seen, fine, wide], dim=1)

    def _seen(self, x: Tensor) -> Tensor:
        """Return the input features: proteins, their adhesion images, the mask, and its blurred edges."""
        config, mask = self.config, x[:, -1:]
        proteins = x[:, :-1].clamp(0, config.brightest)
        sharp = [functional.relu(proteins - blur(proteins, sigma)) * mask for sigma in config.haze]
        return torch.cat([proteins, *sharp, mask, *(blur(mask, sigma) for sigma in config.edges)], dim=1)

    def _adhesions(self, x: Tensor) -> Tensor:
        """Return the logarithm of the adhesion image of the first protein, relative to its mean."""
        mask, protein = x[:, -1:], x[:, :1].clamp(0, self.config.brightest)
        sharp = functional.relu(protein - blur(protein, max(self.config.haze, default=_HAZE))) * mask
        mean = sharp.sum(dim=(-2, -1), keepdim=True) / mask.sum(dim=(-2, -1), keepdim=True).clamp(min=1)
        return torch.log(sharp / mean.clamp(min=_TINY) + _HOLD) - math.log1p(_HOLD)

    def _active_stress(self, features: Tensor, mean: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return sigma_a, one number a cell or a smooth field about it, and Q where there is one."""
        if self.active is None:
            return mean, None
        smooth = blur(self.active(features), self.config.active_blur)
        field = mean[:, None, None] * torch.exp(_STRONGEST * torch.tanh(smooth[:, 0] / _STRONGEST))
        return field, _contractile(_CAUTION * smooth[:, 1:]) if smooth.shape[1] > 1 else None

    def _sheet_traction(self, x: Tensor, sheet_inputs: SheetInputs) -> Tensor:
        if x.is_meta:
            # A mask on the meta device has no mesh: only the shape and the dependencies are computed.
            strength = sheet_inputs.alpha[:, None, None] * sheet_inputs.sigma_a.reshape(
                len(x), *_plane(sheet_inputs.sigma_a)
            )
            shape = torch.stack([sheet_inputs.Y, sheet_inputs.Y], dim=1) * strength[:, None]
            return shape if sheet_inputs.direction is None else shape * sheet_inputs.direction
        masks = x[:, -1].detach().cpu().numpy() > 0.5
        meshed = [self._sheet(mask) for mask in masks]
        sheets = [sheet for sheet in meshed if sheet is not None]
        if not sheets:
            return x.new_zeros(len(x), 2, *x.shape[-2:]) + 0 * sheet_inputs.Y.sum()
        chosen = [i for i, sheet in enumerate(meshed) if sheet is not None]
        tractions = self._solve(sheets, chosen, sheet_inputs)
        return torch.stack([tractions.get(i, self._zero_traction(sheet_inputs, i)) for i in range(len(x))])

    def _sheet(self, mask: BoolArray) -> PlacedSheet | None:
        try:
            return self.sheet(mask)
        except CellForceError as error:
            self._skip_cell(error)
            return None

    def _skip_cell(self, error: CellForceError) -> None:
        """Skip a cell during training with a warning; otherwise raise the error."""
        if not self.training:
            raise error
        warnings.warn(f"A cell is skipped in this step: {error}", CellForceWarning, stacklevel=4)

    def _solve(
        self, sheets: list[PlacedSheet], chosen: list[int], sheet_inputs: SheetInputs
    ) -> Mapping[int, Tensor]:
        """Return the traction on pixels, ``(2, Y, X)``, of every cell that can be solved."""
        Ys = [sheet.at_nodes(sheet_inputs.Y[i]) for sheet, i in zip(sheets, chosen, strict=True)]
        sigma_a = [sheet.stress(sheet_inputs.sigma_a[i]) for sheet, i in zip(sheets, chosen, strict=True)]
        alpha = sheet_inputs.alpha.cpu().double()
        pulls: list[Tensor] = []
        if sheet_inputs.direction is not None:
            directions = [sheet_inputs.direction[i] for i in chosen]
            pulls = [sheet.pull(s, d) for sheet, s, d in zip(sheets, sigma_a, directions, strict=True)]
        nodal = sheet_traction_batch(
            [sheet.cell.sheet for sheet in sheets], Ys, sigma_a, [alpha[i] for i in chosen], pulls
        )
        tractions: dict[int, Tensor] = {}
        for i, sheet, Y, F in zip(chosen, sheets, Ys, nodal, strict=True):
            if isinstance(F, CellForceError):
                self._skip_cell(F)
                continue
            # As `sample_traction` does: Y and u are each linear on a triangle, and F is their product.
            springs = torch.sparse.mm(sheet.cell.to_pixels, Y[:, None])
            values = springs * torch.sparse.mm(sheet.cell.to_pixels, F / Y[:, None])
            tractions[i] = sheet.drawn(self.config.traction_scale * values, sheet_inputs.Y[i])
        return tractions

    def _zero_traction(self, sheet_inputs: SheetInputs, i: int) -> Tensor:
        """Return a zero traction that depends on the network, so that the step can continue."""
        return sheet_inputs.Y[i].expand(2, -1, -1) * 0


def _contractile(direction: Tensor) -> Tensor:
    """Return Q with eigenvalues between -1 and 1: the active stress is contractile in all directions."""
    return direction / torch.sqrt(1 + direction.square().sum(dim=1, keepdim=True))


def residual_share(sheet: Tensor, residual: Tensor | None) -> Tensor:
    """Return the fraction of the residual traction, ``sum |R|² / sum |F|²``, ``(N,)``."""
    if residual is None:
        return sheet.new_zeros(len(sheet))
    whole = (sheet + residual).square().sum(dim=(1, 2, 3))
    share: Tensor = residual.square().sum(dim=(1, 2, 3)) / whole.clamp(min=1e-12)
    return share


def _residual(features: int, config: BottleneckConfig) -> nn.Sequential:
    """Return the network of the residual traction."""
    width = config.residual
    return nn.Sequential(
        nn.Conv2d(features, width, 1), nn.GELU(), ConvNeXtCell(width, config.cell), nn.Conv2d(width, 2, 1)
    )


def _plane(sigma_a: Tensor) -> tuple[int, int]:
    """Return the sides of a field, or 1 and 1 of one number a cell."""
    return (1, 1) if sigma_a.ndim == 1 else (sigma_a.shape[-2], sigma_a.shape[-1])
