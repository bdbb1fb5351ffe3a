"""The physical bottleneck: a network that may only say where a cell is held and how hard it contracts.

After Schmitt et al. 2024 (doi:10.1016/j.cell.2023.11.041): image -> Y(x) > 0, sigma_a, alpha -> contractile
sheet on springs -> traction, trained through the solve. Equations: ``docs/explain/bottleneck.md``.
"""
