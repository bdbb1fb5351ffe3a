"""Vector fields taken apart: Helmholtz (sources, rotation, harmonic rest) and Clebsch potentials."""

from napari_cellforce.physics.decomposition.clebsch import Clebsch, clebsch
from napari_cellforce.physics.decomposition.helmholtz import Helmholtz, helmholtz

__all__ = ["Clebsch", "Helmholtz", "clebsch", "helmholtz"]
