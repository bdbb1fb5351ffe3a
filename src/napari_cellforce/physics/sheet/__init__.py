"""The contractile elastic sheet on springs (physical bottleneck of Schmitt et al. 2024)."""

from napari_cellforce.physics.sheet.sampling import PixelTraction, sample_traction
from napari_cellforce.physics.sheet.solver import ContractileSheet, Equilibrium, Field
from napari_cellforce.physics.sheet.units import SheetParameters, from_dimensional

__all__ = [
    "ContractileSheet",
    "Equilibrium",
    "Field",
    "PixelTraction",
    "SheetParameters",
    "from_dimensional",
    "sample_traction",
]
