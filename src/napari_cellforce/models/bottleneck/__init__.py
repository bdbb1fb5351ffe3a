"""The physical bottleneck: a network that predicts only springs and contractility of a mechanical model.

After Schmitt et al. 2024 (doi:10.1016/j.cell.2023.11.041): image -> Y(x) > 0, sigma_a, alpha -> contractile
sheet on springs -> traction, trained through the solve. Equations: ``docs/explain/bottleneck.md``.
"""
