"""Vector fields taken apart: Helmholtz (sources, rotation, harmonic rest) and Clebsch potentials."""

from napari_cellforce.physics.decomposition._clebsch import Clebsch, clebsch
from napari_cellforce.physics.decomposition._helmholtz import Helmholtz, helmholtz

__all__ = ["Clebsch", "Helmholtz", "clebsch", "helmholtz"]
