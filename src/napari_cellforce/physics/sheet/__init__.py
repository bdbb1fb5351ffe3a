"""The contractile sheet on springs (physical bottleneck of Schmitt et al. 2024)."""

from napari_cellforce.physics.sheet.solver import ContractileSheet, Equilibrium, Field

__all__ = ["ContractileSheet", "Equilibrium", "Field"]
