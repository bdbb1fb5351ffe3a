"""Settings of the physical bottleneck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.physics.mesh import MeshSettings

Active = Literal["scalar", "field", "directed"]
"""How a cell contracts: with one strength everywhere; with one of its own at every place; or with one of its
own at every place and in every direction."""


def _cell() -> CellConfig:
    return CellConfig(kernel=9, expansion=2, padding="reflect")


@dataclass(frozen=True)
class BottleneckConfig(Settings):
    """Settings of a `napari_cellforce.models.bottleneck.network.PhysicalBottleneck`.

    The published network has width 32, latent width 64, 5 blocks, an expansion of 4, and sees the protein
    alone (no `haze`, no `edges`); the defaults are smaller, to be trained on a CPU.

    `active`: sigma_a is one number per cell (``scalar``); or one at every place (``field``); or the active
    stress at every place is ``sigma_a (I + Q)``, with Q symmetric and without a trace: a direction to pull
    along, such as that of stress fibres (``directed``). Eigenvalues of Q are within -1 and 1, so that it
    never pushes.
    """

    in_channels: int = setting(
        2, help="Proteins, as many as there are, and the mask last.", minimum=2, maximum=64
    )
    haze: tuple[float, ...] = setting(
        (2.0, 4.0),
        help="Gaussians whose local mean counts as haze; the network also sees what stands out from it.",
        unit="pixels",
        minimum=0.1,
        maximum=100,
    )
    edges: tuple[float, ...] = setting(
        (4.0, 12.0),
        help="Gaussians of the mask, which show how far the edge is.",
        unit="pixels",
        minimum=0.1,
        maximum=100,
    )
    brightest: float = setting(
        8.0, help="Proteins are cut off at this multiple of the mean in the cell.", minimum=1e-3, maximum=1e5
    )
    width: int = setting(16, help="Channels at full resolution.", minimum=1, maximum=1024)
    blocks: int = setting(2, help="ConvNeXt cells at full resolution.", minimum=0, maximum=64)
    latent_width: int = setting(
        32, help="Channels of the branch on coarse pixels, which sees farther.", minimum=1, maximum=1024
    )
    latent_blocks: int = setting(
        2, help="ConvNeXt cells of the branch on coarse pixels.", minimum=0, maximum=64
    )
    latent_scale: int = setting(4, help="Side of a coarse pixel.", unit="pixels", minimum=1, maximum=16)
    cell: CellConfig = setting(default_factory=_cell, help="ConvNeXt cells of both branches.")
    blur: float = setting(
        1.0, help="Gaussian that Y is smoothed with.", unit="pixels", minimum=0.1, maximum=100
    )
    held_by_adhesions: bool = setting(
        False,
        help="Before training, Y is what stands out in the first protein, as in the sheet filter; else it is "
        "the same everywhere.",
    )
    active: Active = setting(
        "scalar", help="Active stress: one number per cell, a field, or a directed field."
    )
    active_blur: float = setting(
        4.0,
        help="Gaussian that fields of active stress are smoothed with.",
        unit="pixels",
        minimum=0.1,
        maximum=100,
    )
    residual: int = setting(
        0,
        help="Channels of a small network that may add a balanced force of its own; 0: none.",
        minimum=0,
        maximum=1024,
    )
    pixel_size: float = setting(
        0.68, help="Pixel size of the network's grid, as in the record.", unit="µm", minimum=1e-3, maximum=1e5
    )
    edge_length: float = setting(3.0, help="Edge length of the mesh.", unit="µm", minimum=1e-3, maximum=1e5)
    penetration: float = setting(
        12.0,
        help="Length that sets the scale of Y before training: Y = 1 / penetration².",
        unit="µm",
        minimum=1e-3,
        maximum=1e5,
    )
    sigma_a: float = setting(1.0, help="Active stress before training.", minimum=1e-3, maximum=1e5)
    alpha: float = setting(
        0.5, help="Ratio alpha of the elastic moduli before training.", minimum=0.02, maximum=12
    )
    traction_scale: float = setting(
        50.0,
        help="Traction, in the unit of the record, that stands for Y u = 1/µm.",
        minimum=1e-3,
        maximum=1e5,
    )

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
