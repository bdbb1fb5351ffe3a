"""The elastic gel."""

from __future__ import annotations

from dataclasses import dataclass

from napari_cellforce.config_io import Settings, setting


@dataclass(frozen=True)
class Substrate(Settings):
    """The elastic gel a cell stands on."""

    young: float = setting(
        help="Young's modulus (stiffness) of the gel.", unit="Pa", above=0, label="Young's modulus"
    )
    poisson: float = setting(
        0.5,
        help="Poisson's ratio of the gel; 0.5 for an incompressible gel.",
        above=-1,
        maximum=0.5,
        label="Poisson's ratio",
    )
    thickness: float | None = setting(
        None,
        help="Thickness of the gel on glass; omit for a semi-infinite gel (half-space).",
        unit="µm",
        above=0,
        label="Thickness",
        empty="thick",
    )
