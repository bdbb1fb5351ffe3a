"""Settings of the physical bottleneck."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from napari_cellforce.models.checks import in_range, one_of
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.physics.mesh import MeshSettings

Active = Literal["scalar", "field", "directed"]
"""How a cell contracts: with one strength everywhere; with one of its own at every place; or with one of its
own at every place and in every direction."""


def _cell() -> CellConfig:
    return CellConfig(kernel=9, expansion=2, padding="reflect")


@dataclass(frozen=True)
class BottleneckConfig:
    """Settings of a `napari_cellforce.models.bottleneck.network.PhysicalBottleneck`.

    The published network has width 32, latent width 64, 5 blocks, an expansion of 4, and sees the protein
    alone (no `haze`, no `edges`); the defaults are smaller, to be trained on a CPU.

    Attributes
    ----------
    in_channels : int
        Proteins, as many as there are, and the mask last.
    haze : tuple of float
        Gaussians, in pixels, whose local mean counts as haze: of every protein the network also sees what
        stands out from it.
    edges : tuple of float
        Gaussians, in pixels, of the mask: they tell how far the edge is.
    brightest : float
        Proteins are cut off at this multiple of the cell's mean.
    width, blocks : int
        Channels and ConvNeXt cells at full resolution.
    latent_width, latent_blocks : int
        The same for the branch on coarse pixels, which sees farther.
    latent_scale : int
        Side of a coarse pixel in pixels.
    cell : CellConfig
    blur : float
        Gaussian that Y is smoothed with, in pixels.
    held_by_adhesions : bool
        Before training, Y is what stands out in the first protein, as in the sheet filter; else it is the
        same everywhere.
    active : {"scalar", "field", "directed"}
        How it contracts: sigma_a is one number a cell; or one at every place; or the active stress at every
        place is ``sigma_a (I + Q)``, with Q symmetric and without a trace: a direction to pull along, such as
        that of stress fibres. Eigenvalues of Q are within -1 and 1, so that it never pushes.
    active_blur : float
        Gaussian that fields of active stress are smoothed with, in pixels.
    residual : int
        Channels of a small network that may add a force of its own, balanced too; 0 for none.
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
    haze: tuple[float, ...] = (2.0, 4.0)
    edges: tuple[float, ...] = (4.0, 12.0)
    brightest: float = 8.0
    width: int = 16
    blocks: int = 2
    latent_width: int = 32
    latent_blocks: int = 2
    latent_scale: int = 4
    cell: CellConfig = field(default_factory=_cell)
    blur: float = 1.0
    held_by_adhesions: bool = False
    active: Active = "scalar"
    active_blur: float = 4.0
    residual: int = 0
    pixel_size: float = 0.68
    edge_length: float = 3.0
    penetration: float = 12.0
    sigma_a: float = 1.0
    alpha: float = 0.5
    traction_scale: float = 50.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "cell", CellConfig.of(self.cell))
        in_range("in_channels", self.in_channels, 2, 64)
        for name in ("haze", "edges"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            for sigma in getattr(self, name):
                in_range(name, sigma, 0.1, 100)
        for name in ("width", "latent_width"):
            in_range(name, getattr(self, name), 1, 1024)
        for name in ("blocks", "latent_blocks"):
            in_range(name, getattr(self, name), 0, 64)
        in_range("latent_scale", self.latent_scale, 1, 16)
        one_of("active", self.active, get_args(Active))
        in_range("residual", self.residual, 0, 1024)
        for name in ("blur", "active_blur"):
            in_range(name, getattr(self, name), 0.1, 100)
        for name in ("brightest", "pixel_size", "edge_length", "penetration", "sigma_a", "traction_scale"):
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

    @property
    def seen(self) -> int:
        """Number of images the network sees: proteins, what stands out in each, the mask and its blurs."""
        return (self.in_channels - 1) * (1 + len(self.haze)) + 1 + len(self.edges)
