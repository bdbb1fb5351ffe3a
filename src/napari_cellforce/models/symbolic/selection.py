"""Selection of terms: pruning of correlated terms, then nested sets by elimination or an elastic net.

Pairs of terms may be correlated above .99, so that the terms of a field are not unique: of every group of
correlated terms the simplest is retained, and the others are reported as its equivalents. Elimination from
all retained terms recovers known formulas in cases where an elastic net alone does not.

All regressions use scalar products of the terms, summed over pixels once per cell. Terms are vectors
without a constant part, so correlations are cosines about 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_cellforce.fields import ShortRepr
from napari_cellforce.models.symbolic.library import Array, Term, assemble
from napari_cellforce.models.symbolic.sampling import Samples


@dataclass(frozen=True, eq=False, repr=False)
class Moments(ShortRepr):
    """Scalar products over pixels and components.

    Attributes
    ----------
    terms : (m, m) array
        Scalar products between the terms.
    target : (m,) array
        Scalar products of the terms with the traction.
    energy : float
        Scalar product of the traction with itself.
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
        """Return the scalar products of a subset of the terms."""
        chosen = list(indices)
        return Moments(self.terms[np.ix_(chosen, chosen)], self.target[chosen], self.energy)

    def standardised(self) -> Moments:
        """Return the scalar products with every term and the traction scaled to sum of squares 1."""
        scale, energy = self.scale, self.energy or 1.0
        return Moments(self.terms / np.outer(scale, scale), self.target / (scale * np.sqrt(energy)), 1.0)

    def error(self, coefficients: Array) -> float:
        """Return the unexplained fraction of the sum of squares, 1 - R²."""
        misfit = self.energy - 2 * coefficients @ self.target + coefficients @ self.terms @ coefficients
        return float(misfit / (self.energy or 1.0))


def compute_moments(samples: Samples, terms: Sequence[Term]) -> Moments:
    """Return the scalar products of terms over one sample of pixels."""
    chunks = assemble(samples.fields, terms)
    values = np.concatenate([chunk.reshape(len(chunk), -1).astype(np.float64) for chunk in chunks])
    traction = samples.traction.ravel().astype(np.float64)
    return Moments(values @ values.T, values @ traction, float(traction @ traction))


def sum_moments(parts: Sequence[Moments]) -> Moments:
    """Return the sum of the scalar products of several cells."""
    return Moments(
        np.sum([part.terms for part in parts], axis=0),
        np.sum([part.target for part in parts], axis=0),
        sum(part.energy for part in parts),
    )


Method = Literal["backward", "elastic net"]
Sets = Mapping[int, tuple[int, ...]]
"""Number of terms -> which."""

_RIDGE = 1e-10
"""Ridge parameter of correlation matrices, which are nearly singular; far below any misfit."""
_STRONG = 1e-3
"""Initial threshold of standardised coefficients."""
_L1_SHARE = 0.95
_PENALTY_RANGE = 1e-4
"""Smallest penalty of the path, as a share of the largest."""
_WORTHWHILE = 1e-6
"""Minimum relative gain of an exchange of terms, which prevents cycles by rounding."""
_COPY = 1e-8
"""Minimum fraction of the sum of squares of a term that is independent of the selected terms."""


@dataclass(frozen=True)
class Pruned:
    """Terms of which no two are strongly correlated.

    Attributes
    ----------
    kept : tuple of int
        Indices, in the order of the library: the simple ones first.
    equivalents : mapping of int to tuple of (int, float)
        Terms represented by a retained term, with their correlation.
    """

    kept: tuple[int, ...]
    equivalents: Mapping[int, tuple[tuple[int, float], ...]]


def prune(moments: Moments, limit: float = 0.95) -> Pruned:
    """Remove terms that vanish or are correlated above `limit` with a simpler term."""
    correlation = moments.standardised().terms
    kept: list[int] = []
    equivalents: dict[int, list[tuple[int, float]]] = {}
    for i in range(len(correlation)):
        if not correlation[i, i] > 0:
            continue
        close = np.abs(correlation[i, kept]) if kept else np.zeros(0)
        if close.size and close.max() > limit:
            twin = kept[int(close.argmax())]
            equivalents[twin].append((i, float(correlation[i, twin])))
        else:
            kept.append(i)
            equivalents[i] = []
    return Pruned(tuple(kept), {i: tuple(copies) for i, copies in equivalents.items()})


def least_squares(moments: Moments) -> Array:
    """Return the least-squares coefficients, ``(m,)``."""
    scale = moments.scale
    terms = moments.terms / np.outer(scale, scale)
    solved = np.linalg.solve(terms + _RIDGE * np.eye(len(terms)), moments.target / scale)
    return np.asarray(solved / scale, dtype=np.float64)


def thresholded(moments: Moments, threshold: float = _STRONG) -> tuple[int, ...]:
    """Return the terms selected by sequentially thresholded least squares.

    Coefficients are those of standardised terms; all below `threshold` are dropped and the rest fitted
    again until none is (Brunton, Proctor, Kutz 2016, doi:10.1073/pnas.1517384113).
    """
    standard = moments.standardised()
    active = np.arange(len(standard.target))
    while active.size:
        strong = np.abs(least_squares(standard.of(active.tolist()))) >= threshold
        if strong.all():
            break
        active = active[strong]
    return tuple(int(i) for i in active)


def nested_sets(moments: Moments, most: int, method: Method = "backward") -> Sets:
    """Return a set of terms for every number from 1 to `most`.

    Parameters
    ----------
    moments : Moments
        Scalar products of the pruned terms with the traction.
    most : int
    method : {"backward", "elastic net"}
        Sequentially thresholded least squares, then elimination of the least important term, one at a
        time; at every number, single terms are exchanged while this reduces the misfit. Or the strongest
        terms along an elastic-net path.
    """
    if method == "elastic net":
        return _along_path(moments, most)
    return _eliminated(moments.standardised(), list(thresholded(moments)), most)


def _eliminated(standard: Moments, active: list[int], most: int) -> Sets:
    """Eliminate one term at a time: the elimination of j raises the misfit by b_j² / (C^-1)_jj."""
    sets: dict[int, tuple[int, ...]] = {}
    while active:
        if len(active) <= most:
            sets[len(active)] = tuple(active)
        some = standard.of(active)
        inverse = np.linalg.inv(some.terms + _RIDGE * np.eye(len(active)))
        coefficients = inverse @ some.target
        del active[int(np.argmin(coefficients**2 / np.diag(inverse)))]
    return {count: _exchanged(standard, sets[count]) for count in sorted(sets)}


def _exchanged(standard: Moments, chosen: tuple[int, ...]) -> tuple[int, ...]:
    """Exchange single terms while this lowers the misfit; terms eliminated early may return."""
    current = list(chosen)
    improved = True
    while improved:
        improved = False
        for place in range(len(current)):
            rest = current[:place] + current[place + 1 :]
            gain = _gain(standard, rest)
            best = int(np.argmax(gain))
            if gain[best] > gain[current[place]] * (1 + _WORTHWHILE):
                current[place] = best
                improved = True
    return tuple(sorted(current))


def _gain(standard: Moments, chosen: list[int]) -> Array:
    """Return the reduction of the misfit by adding each term to the selected ones, ``(m,)``."""
    across = standard.terms[chosen]
    solved = np.linalg.solve(standard.terms[np.ix_(chosen, chosen)] + _RIDGE * np.eye(len(chosen)), across)
    left = standard.target - standard.target[chosen] @ solved
    own = 1 - np.sum(across * solved, axis=0)
    gain = np.where(own > _COPY, left**2 / np.maximum(own, _COPY), 0.0)
    gain[chosen] = 0
    return gain


def _along_path(moments: Moments, most: int) -> Sets:
    """Return, for every number of terms, the strongest ones where the path first reaches this number."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import enet_path

    standard = moments.standardised()
    values, vectors = np.linalg.eigh(standard.terms)
    root = np.sqrt(np.clip(values, _RIDGE, None))
    # A square system with the same scalar products as the pixels: R'R = C, R'y = b.
    rows = root[:, None] * vectors.T
    target = (vectors.T @ standard.target) / root
    # From the penalty at which the first term appears, down; older and newer scikit-learn name the number of
    # penalties differently, so they are given.
    strongest_penalty = np.abs(rows.T @ target).max() / (len(rows) * _L1_SHARE)
    penalties = np.geomspace(strongest_penalty, strongest_penalty * _PENALTY_RANGE, 100)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # correlated terms: only the order of the path is used
        _, path, _ = enet_path(rows, target, l1_ratio=_L1_SHARE, alphas=penalties, max_iter=2000)
    sets: dict[int, tuple[int, ...]] = {}
    for coefficients in path.T:
        strongest = np.argsort(-np.abs(coefficients))[: np.count_nonzero(coefficients)]
        for count in range(len(sets) + 1, min(len(strongest), most) + 1):
            sets[count] = tuple(sorted(int(i) for i in strongest[:count]))
    return sets
