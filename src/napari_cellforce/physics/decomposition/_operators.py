"""Protocol of the grids of Helmholtz and Clebsch decompositions; implemented by a periodic and a masked grid.

Potentials are defined at the *nodes*: the pixels, or the corners of the pixels of a mask. Vector fields are
(y, x) at the pixel centres of both grids, so that their results can be compared.
"""

from __future__ import annotations

from typing import Protocol

from napari_cellforce.physics._grid import RealArray


class Grid(Protocol):
    """Differential operators between nodes and pixels, with their transposes."""

    @property
    def spacing(self) -> float:
        """Side of a pixel in µm."""
        ...

    @property
    def node_shape(self) -> tuple[int, int]:
        """Shape of a potential on this grid."""
        ...

    def restrict(self, field: RealArray) -> RealArray:
        """Return the part of an image or field, ``(..., Y, X)``, on the grid."""
        ...

    def whole(self, values: RealArray) -> RealArray:
        """Invert `restrict`, with 0 outside the grid."""
        ...

    def gradient(self, potential: RealArray) -> RealArray:
        """Return the gradient at the pixels, ``(..., 2, Y, X)``, of a potential at the nodes."""
        ...

    def gradient_adjoint(self, field: RealArray) -> RealArray:
        """Return the transpose of `gradient`: minus the divergence, at the nodes."""
        ...

    def at_pixels(self, potential: RealArray) -> RealArray:
        """Return a potential at the pixels, ``(..., Y, X)``."""
        ...

    def at_pixels_adjoint(self, values: RealArray) -> RealArray:
        """Return the transpose of `at_pixels`."""
        ...

    def potential(self, field: RealArray, *, fixed_edge: bool) -> RealArray:
        """Return the potential whose gradient is closest to `field`; 0 on the edge if `fixed_edge`."""
        ...

    def without_gradients(self, field: RealArray) -> RealArray:
        """Return `field` minus the gradient closest to it (with a free edge)."""
        ...

    def centred(self, values: RealArray) -> RealArray:
        """Return a scalar at the pixels, shifted to mean 0 on every connected part."""
        ...

    def stiffness(self, potential: RealArray) -> RealArray:
        """Return the derivative of half the Dirichlet energy, ``int |grad p|² dA``: minus the Laplacian."""
        ...

    def smooth(self, values: RealArray) -> RealArray:
        """Return the symmetric root of an approximate inverse of `stiffness`, applied to `values`."""
        ...

    @property
    def coarser(self) -> Grid:
        """Grid with twice the spacing over the same region."""
        ...

    def averaged(self, field: RealArray) -> RealArray:
        """Return a field, ``(..., Y, X)``, on the coarser grid."""
        ...

    def refined(self, potential: RealArray) -> RealArray:
        """Return a potential of the coarser grid at the nodes of this one, interpolated."""
        ...
