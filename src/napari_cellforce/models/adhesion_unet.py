"""A U-Net that predicts strength and direction of the force of each adhesion, balanced by construction.

The output of the network is a smooth vector field on a coarse grid; the traction is the product of this
field with the adhesions that a high-pass filter finds in the image. With zero network output, the model is
the adhesion filter (`napari_cellforce.models.filters`), the baseline from which training starts.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.models.base import Network
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.models.field_ops import balanced, blur, long_axes, reflected, towards_centre
from napari_cellforce.models.unet import StackConfig, UNet, UNetConfig

_TINY = 1e-6


def _inner(width: int = 24, levels: int = 2) -> UNetConfig:
    cell = CellConfig(kernel=7, expansion=2)
    ends = StackConfig(width, 0, cell)
    return UNetConfig(
        width=width,
        levels=levels,
        scale=2,
        encoder_blocks=1,
        skip_blocks=1,
        decoder_blocks=1,
        encoder_cell=cell,
        decoder_cell=cell,
        prepend=ends,
        append=ends,
    )


@dataclass(frozen=True)
class AdhesionUNetConfig(Settings):
    """Settings of an `AdhesionUNet`. Channels of the inner `unet` follow from the other settings."""

    in_channels: int = setting(
        2, help="Proteins, the one that marks adhesions first, and the mask last.", minimum=2, maximum=64
    )
    adhesion_scale: float = setting(
        4.0, help="Gaussian whose local mean counts as haze.", unit="pixels", minimum=0.1, maximum=1e3
    )
    spreads: tuple[float, ...] = setting(
        (2.0, 4.0),
        help="Gaussians over which the pull of an adhesion is spread; each has a vector field of its own.",
        unit="pixels",
        minimum=0.1,
        maximum=100,
    )
    distance_scale: float = setting(
        40.0,
        help="Distance from the centre that reads 1 in the network.",
        unit="pixels",
        minimum=0.1,
        maximum=1e3,
    )
    brightest: float = setting(
        6.0, help="Proteins are cut off at this multiple of the mean in the cell.", minimum=0.1, maximum=1e3
    )
    halvings: int = setting(
        2,
        help="How often the sides are halved before the network: its pixels are 2**halvings of the image's.",
        minimum=1,
        maximum=4,
    )
    free: bool = setting(
        True, help="Add a vector field that needs no adhesion, for the haze of force between them."
    )
    multiplied: bool = setting(
        True, help="Multiply the fields with the adhesions; false: the network draws the traction itself."
    )
    oriented: bool = setting(
        False, help="Show the network the long axes of adhesions, and let them pull along these."
    )
    fine: bool = setting(False, help="Draw the fields on pixels of half the image's sides.")
    bound: float = setting(
        0.0,
        help="Largest component of the network's fields, in multiples of a_k, which keeps it close to the "
        "adhesion filter; 0: no bound.",
        minimum=0,
    )
    unet: UNetConfig = setting(default_factory=_inner, help="Inner network.")

    def __post_init__(self) -> None:
        super().__post_init__()
        width = self.unet.width
        channels = width if self.fine else 2 * self.fields
        object.__setattr__(self, "unet", replace(self.unet, in_channels=width, out_channels=channels))

    @property
    def fields(self) -> int:
        """Number of vector fields that the network draws."""
        return len(self.spreads) * (1 + self.oriented) + self.free

    @property
    def multiple(self) -> int:
        """What height and width of the image must be a multiple of, in pixels."""
        return self.coarse * self.unet.multiple

    @property
    def coarse(self) -> int:
        """Side of the network's pixels, in pixels of the image."""
        return int(2**self.halvings)

    @property
    def features(self) -> int:
        """Number of images it sees: proteins, adhesions at every spread, mask, vector to the centre, axes."""
        return self.in_channels + len(self.spreads) + 2 + 2 * self.oriented


class AdhesionUNet(Network):
    """Proteins and mask in, balanced traction out, on the same grid.

    With h_k the adhesions spread by Gaussian k, d the vector to their centre of mass, and v_k the
    network's fields, F = sum_k h_k (a_k d + v_k) + v_0 m, with m the mask and a_k learned numbers. If
    oriented, h_k (2 e (e.p_k) - p_k) is added, with e the long axis of the adhesion and p_k = b_k d + w_k,
    b_k and w_k learnt like a_k and v_k. Then the net force and moment are taken out, in proportion to |F|.

    Parameters
    ----------
    config : AdhesionUNetConfig
    """

    config: AdhesionUNetConfig
    config_type = AdhesionUNetConfig
    backend_part = "_fields"

    def __init__(self, config: AdhesionUNetConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = _stem(config)
        self.unet = UNet(config.unet)
        self.pull = nn.Parameter(torch.full((len(config.spreads),), 1 / len(config.spreads)))
        self.along = nn.Parameter(torch.zeros(len(config.spreads))) if config.oriented else None
        width = config.unet.width
        self.refine = (
            nn.Sequential(
                nn.Conv2d(2 * width, width, 3, padding=1),
                nn.GELU(),
                nn.Conv2d(width, 2 * config.fields, 3, padding=1),
            )
            if config.fine
            else nn.Identity()
        )
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(cast("Tensor", self.last.bias))

    @property
    def last(self) -> nn.Conv2d:
        """The last layer, whose output are the vector fields."""
        layers = self.refine if self.config.fine else self.unet.appended_layers
        return cast("nn.Conv2d", cast("nn.Sequential", layers)[-1])

    def head_parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the last step from the network to the traction."""
        return [*self.last.parameters(), *self._factors]

    def proportional_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that the traction is proportional to, all together."""
        return self._factors if self.config.bound else self.head_parameters()

    @property
    def _factors(self) -> list[nn.Parameter]:
        return [self.pull] if self.along is None else [self.pull, self.along]

    def forward(self, x: Tensor) -> Tensor:
        """Return the traction.

        Parameters
        ----------
        x : (N, C, Y, X) tensor
            Normalised proteins, then the mask from 0 to 1; sides multiples of ``config.multiple``.

        Returns
        -------
        (N, 2, Y, X) tensor
            (y, x) in the unit of the record; 0 outside the mask, with zero net force and moment.
        """
        mask = x[:, -1:].clamp(0, 1)
        proteins = x[:, :-1].clamp(0, self.config.brightest)
        sharp = self._sharp(proteins[:, :1])
        adhesions = self._spread(sharp, mask)
        towards = towards_centre(adhesions[:, :1] + _TINY * mask) / self.config.distance_scale * mask
        axes = [long_axes(sharp) * mask] if self.config.oriented else []
        fields = self._fields(torch.cat([proteins, adhesions, mask, towards, *axes], dim=1))
        if not self.config.multiplied:
            return balanced(fields.sum(dim=1) * mask)
        count = len(self.config.spreads)
        if self.config.bound:
            fields = self.config.bound * self._strength[:, None, None, None] * torch.tanh(fields)
        pulls = self.pull[:, None, None, None] * towards[:, None] + fields[:, :count]
        if self.along is not None:
            more = self.along[:, None, None, None] * towards[:, None] + fields[:, count : 2 * count]
            pulls = pulls + reflected(more, axes[0])
        free = fields[:, count * (1 + self.config.oriented) :].sum(dim=1) * mask
        return balanced((adhesions[:, :, None] * pulls).sum(dim=1) + free)

    @property
    def _strength(self) -> Tensor:
        """a_k for every vector field of the network; their mean for the free field."""
        of_each = [self.pull] * (1 + self.config.oriented)
        return torch.cat([*of_each, *([self.pull.mean()[None]] if self.config.free else [])])

    def adhesions(self, protein: Tensor, mask: Tensor) -> Tensor:
        """Return the adhesion images, ``(N, 1, Y, X)`` to ``(N, K, Y, X)``, one for each spread."""
        return self._spread(self._sharp(protein), mask)

    def _sharp(self, protein: Tensor) -> Tensor:
        return functional.relu(protein - blur(protein, self.config.adhesion_scale))

    def _spread(self, sharp: Tensor, mask: Tensor) -> Tensor:
        return torch.cat([blur(sharp, spread) for spread in self.config.spreads], dim=1) * mask

    def _fields(self, features: Tensor) -> Tensor:
        """Return the vector fields of the network, ``(N, K, 2, Y, X)``, interpolated from a coarser grid."""
        half = self.stem[:2](features)
        fields = self.unet(self.stem[2:](half))
        scale = self.config.coarse
        if self.config.fine:
            fields = functional.interpolate(fields, scale_factor=scale // 2, mode="bilinear")
            fields, scale = self.refine(torch.cat([fields, half], dim=1)), 2
        fields = functional.interpolate(fields, scale_factor=scale, mode="bilinear")
        n, _, height, width = fields.shape
        return fields.reshape(n, self.config.fields, 2, height, width)


def _stem(config: AdhesionUNetConfig) -> nn.Sequential:
    """Return strided convolutions from the pixels of the image to those of the network."""
    widths = [config.features] + config.halvings * [config.unet.width]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.GELU()]
    return nn.Sequential(*layers)
