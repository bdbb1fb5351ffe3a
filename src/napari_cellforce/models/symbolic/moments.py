"""Everything that least squares needs to know of the samples: scalar products, cell by cell.

Sums over pixels are taken once; every regression afterwards, on any cells and any terms, is a small
linear system. Terms are vectors without a constant part, so correlations are cosines about 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_cellforce.models.symbolic.assembly import assemble
from napari_cellforce.models.symbolic.library import Array, Term
from napari_cellforce.models.symbolic.sampling import Samples


@dataclass(frozen=True, eq=False)
class Moments:
    """Scalar products over pixels and components.

    Attributes
    ----------
    terms : (m, m) array
        Of the terms with each other.
    target : (m,) array
        Of the terms with the traction.
    energy : float
        Of the traction with itself.
    """

    terms: Array
    target: Array
    energy: float

    @property
    def scale(self) -> Array:
        """Root of the sum of squares of each term, ``(m,)``; 1 for a term that vanishes."""
        norm = np.sqrt(np.diag(self.terms))
        return np.where(norm > 0, norm, 1.0)

    def of(self, indices: Sequence[int]) -> Moments:
        """Return those of some of the terms."""
        chosen = list(indices)
        return Moments(self.terms[np.ix_(chosen, chosen)], self.target[chosen], self.energy)

    def standardised(self) -> Moments:
        """Return them with every term, and the traction, scaled to sum of squares 1."""
        scale, energy = self.scale, self.energy or 1.0
        return Moments(self.terms / np.outer(scale, scale), self.target / (scale * np.sqrt(energy)), 1.0)

    def error(self, coefficients: Array) -> float:
        """Return the share of the traction's sum of squares that a formula leaves, 1 - R²."""
        misfit = self.energy - 2 * coefficients @ self.target + coefficients @ self.terms @ coefficients
        return float(misfit / (self.energy or 1.0))


def moments(samples: Samples, terms: Sequence[Term]) -> Moments:
    """Take the scalar products of terms over one sample of pixels."""
    chunks = assemble(samples.fields, terms)
    values = np.concatenate([chunk.reshape(len(chunk), -1).astype(np.float64) for chunk in chunks])
    traction = samples.traction.ravel().astype(np.float64)
    return Moments(values @ values.T, values @ traction, float(traction @ traction))


def total(parts: Sequence[Moments]) -> Moments:
    """Add up the scalar products of several cells."""
    return Moments(
        np.sum([part.terms for part in parts], axis=0),
        np.sum([part.target for part in parts], axis=0),
        sum(part.energy for part in parts),
    )
