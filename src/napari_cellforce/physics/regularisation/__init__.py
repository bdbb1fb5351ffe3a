"""Choice of the regularisation of the inversion of a displacement from the data.

`fttc` minimises ``|G t - u|² + lambda² |t|²``. In the eigenbasis of G every wave and polarisation is one
number with eigenvalue g, the traction is ``t = g u / (g² + lambda²)``, and every criterion is a sum over
these numbers. One Fourier transform gives them; sorted into bins of g, any lambda then costs microseconds.
Derivation and measured effects: ``docs/regularisation.md``.
"""

from napari_cellforce.physics.regularisation._choice import (
    Criterion,
    RegularisationChoice,
    choose_regularisation,
    fixed_regularisation,
)
from napari_cellforce.physics.regularisation._spectrum import Spectrum, displacement_spectrum

__all__ = [
    "Criterion",
    "RegularisationChoice",
    "Spectrum",
    "choose_regularisation",
    "displacement_spectrum",
    "fixed_regularisation",
]
