"""Tractions and displacements on the surface of an elastic gel, by Fourier transform.

The gel fills the half-space below the image, or is a layer of finite thickness glued to rigid glass.
Tractions are tangential; the surface has no normal stress. On a periodic grid each wave vector k is
then independent: u(k) = G(k) t(k), with a real symmetric 2 x 2 matrix G whose eigenvectors lie along k
and across it. Derivation: ``docs/physics/halfspace.md``. Components are (y, x), computed in float64.

Two conventions make the forward and the inverse transform consistent on every grid:

- *mean*: a half-space has no finite response to a net force, so mode k = 0 is set to 0 in both
  directions; a layer shears by u = t h / mu, in both directions.
- *Nyquist*: on an even side the sign of the highest frequency is undefined, so the cross term of G, odd
  in that frequency, is averaged over both signs and vanishes.
"""

from napari_cellforce.physics.halfspace._kernel import HalfspaceKernel, green_eigenvalues, halfspace_kernel
from napari_cellforce.physics.halfspace._transforms import displacement, fttc, periodic_part

__all__ = [
    "HalfspaceKernel",
    "displacement",
    "fttc",
    "green_eigenvalues",
    "halfspace_kernel",
    "periodic_part",
]
