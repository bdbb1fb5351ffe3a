"""Displacement of the beads in a gel: drift correction, particle image velocimetry, optical flow."""

from napari_cellforce.physics.displacement._config import DisplacementConfig, DisplacementResult, Drift
from napari_cellforce.physics.displacement._measure import displacement_field, find_drift
from napari_cellforce.physics.displacement._piv import normalised_median_residual
from napari_cellforce.physics.displacement._sampling import to_pixels

__all__ = [
    "DisplacementConfig",
    "DisplacementResult",
    "Drift",
    "displacement_field",
    "find_drift",
    "normalised_median_residual",
    "to_pixels",
]
