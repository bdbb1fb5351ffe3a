"""Decomposition of vector fields: Helmholtz (curl-free, divergence-free, harmonic) and Clebsch."""

from napari_cellforce.physics.decomposition._clebsch import Clebsch, clebsch
from napari_cellforce.physics.decomposition._helmholtz import Helmholtz, helmholtz

__all__ = ["Clebsch", "Helmholtz", "clebsch", "helmholtz"]
