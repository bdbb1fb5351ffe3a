"""Sparse regression: nested sets of terms, cross-validation by cell, and stability of the selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models.symbolic.formula import Formula
from napari_cellforce.models.symbolic.library import Array, Library, Term
from napari_cellforce.models.symbolic.sampling import Samples
from napari_cellforce.models.symbolic.selection import (
    Method,
    Moments,
    Pruned,
    compute_moments,
    least_squares,
    nested_sets,
    prune,
    sum_moments,
)
from napari_cellforce.text import pluralise

MIN_GROUPS = 3
"""Minimum number of cells (or frames of one cell) for cross-validation."""
_PRUNING_PIXELS = 300
"""Number of pixels of each sample used to find strongly correlated terms."""


@dataclass(frozen=True)
class FitConfig(Settings):
    """Settings of a sparse regression."""

    library: Library = setting(default_factory=Library, help="Terms to choose from.")
    correlation: float = setting(
        0.95,
        help="Terms correlated above this with a simpler one are left out.",
        above=0,
        maximum=1,
    )
    method: Method = setting("backward", help="How terms are eliminated.")
    most_terms: int = setting(30, help="Largest number of terms.", minimum=1)
    folds: int = setting(5, help="Parts that the cells are divided into for cross-validation.", minimum=2)
    bootstraps: int = setting(
        30,
        help="Resamples of the cells by which the stability of the chosen terms is judged; 0: none.",
        minimum=0,
    )
    pixels_per_frame: int = setting(3000, help="Pixels drawn per frame.", minimum=1)
    seed: int = setting(0, help="Seed of the draws.", minimum=0)


@dataclass(frozen=True, eq=False)
class SymbolicFit:
    """Result of a sparse regression.

    Attributes
    ----------
    formulas : mapping of int to Formula
        Formula for every number of terms, fitted to all cells.
    error, error_spread : mapping of int to float
        Unexplained fraction of the sum of squares on unseen cells (1 - R²): mean and standard deviation over
        the folds.
    knee : int
        Number of terms at the knee of the error curve.
    equivalents : mapping of Term to tuple of (Term, float)
        Terms strongly correlated with a retained term, with their correlation.
    stability : mapping of Term to float
        Fraction of the resamples in which a term is among the `knee` selected ones.
    n_terms, n_kept : int
        Terms in the library, and after pruning.
    notes : tuple of str
        Remarks on the method for the user.
    """

    formulas: Mapping[int, Formula]
    error: Mapping[int, float]
    error_spread: Mapping[int, float]
    knee: int
    equivalents: Mapping[Term, tuple[tuple[Term, float], ...]]
    stability: Mapping[Term, float]
    n_terms: int
    n_kept: int
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Formula:
        """The formula at the knee."""
        return self.formulas[self.knee]


def fit(samples: Sequence[Samples], config: FitConfig, unit: str = "normalised") -> SymbolicFit:
    """Find formulas for the traction of some cells.

    Parameters
    ----------
    samples : sequence of Samples
        Samples of `draw_samples`, with the same library.
    config : FitConfig
    unit : str
        Unit of the tractions.

    Raises
    ------
    CellForceError
        If there are too few frames for cross-validation, or the traction is zero.
    """
    groups, notes = _groups(samples)
    pruned = prune_library(samples, config)
    library_terms = config.library.terms
    terms = [library_terms[i] for i in pruned.kept]
    parts = [sum_moments([compute_moments(sample, terms) for sample in group]) for group in groups]
    whole = sum_moments(parts)
    if not whole.energy > 0:
        raise CellForceError(
            "the traction is 0 everywhere in the masks", "a formula needs a nonzero traction",
            "Check mask and field.", topic=Topic.INPUT,
        )  # fmt: skip
    sets = nested_sets(whole, config.most_terms, config.method)
    errors = _cross_validated(parts, config)
    counts = [count for count in sets if count in errors]
    mean = {count: float(np.mean(errors[count])) for count in counts}
    knee = find_knee(mean)
    return SymbolicFit(
        {count: _formula(whole, terms, sets[count], config.library, unit) for count in counts},
        mean,
        {count: float(np.std(errors[count])) for count in counts},
        knee,
        _equivalents(pruned, library_terms),
        _stability(parts, terms, knee, config),
        len(library_terms),
        len(terms),
        notes,
    )


def prune_library(samples: Sequence[Samples], config: FitConfig) -> Pruned:
    """Return the terms of the library that are not strongly correlated with simpler ones."""
    terms = config.library.terms
    few = [
        Samples(s.cell, s.fields.at(np.arange(count)), s.traction[:, :count])
        for s in samples
        for count in [min(_PRUNING_PIXELS, s.traction.shape[1])]
    ]
    return prune(sum_moments([compute_moments(sample, terms) for sample in few]), config.correlation)


def find_knee(error: Mapping[int, float]) -> int:
    """Return the number of terms at the knee of the curve of log(error).

    The knee is the point farthest below the straight line from no term (error 1) to the last point, with
    both axes scaled to [0, 1] (Satopää et al. 2011, doi:10.1109/ICDCSW.2011.20).
    """
    counts = np.array([0, *error])
    height = np.log(np.maximum([1.0, *error.values()], 1e-12))
    height = np.minimum.accumulate(height)
    drop = (height[0] - height) / max(height[0] - height[-1], 1e-12)
    return int(counts[np.argmax(drop - counts / counts[-1])]) or int(counts[1])


def _groups(samples: Sequence[Samples]) -> tuple[list[list[Samples]], tuple[str, ...]]:
    """Group the samples by cell, or by frame if there are too few cells."""
    by_cell: dict[str, list[Samples]] = {}
    for sample in samples:
        by_cell.setdefault(sample.cell, []).append(sample)
    if len(by_cell) >= MIN_GROUPS:
        return list(by_cell.values()), ()
    if len(samples) < MIN_GROUPS:
        raise CellForceError(
            f"only {pluralise(len(samples), 'frame')} of {pluralise(len(by_cell), 'cell')} can be used",
            f"a formula is validated on frames that it was not fitted to, so {MIN_GROUPS} are needed",
            "Add frames or, better, cells.",
            topic=Topic.INPUT,
        )
    note = "Too few cells: validated on other frames of the same cell, which underestimates the error."
    return [[sample] for sample in samples], (note,)


def _cross_validated(parts: Sequence[Moments], config: FitConfig) -> dict[int, list[float]]:
    """Return, for every number of terms, the error on each fold of the formula selected without it."""
    folds = min(config.folds, len(parts))
    errors: dict[int, list[float]] = {}
    for fold in range(folds):
        seen = sum_moments([part for i, part in enumerate(parts) if i % folds != fold])
        unseen = sum_moments(parts[fold::folds])
        for count, chosen in nested_sets(seen, config.most_terms, config.method).items():
            error = unseen.of(chosen).error(least_squares(seen.of(chosen)))
            errors.setdefault(count, []).append(error)
    return {count: found for count, found in sorted(errors.items()) if len(found) == folds}


def _stability(
    parts: Sequence[Moments], terms: Sequence[Term], knee: int, config: FitConfig
) -> dict[Term, float]:
    """Return the fraction of bootstrap resamples of the cells in which each term is selected."""
    rng = np.random.default_rng(config.seed)
    votes = np.zeros(len(terms))
    for _ in range(config.bootstraps):
        drawn = sum_moments([parts[i] for i in rng.integers(len(parts), size=len(parts))])
        votes[list(nested_sets(drawn, knee, config.method).get(knee, ()))] += 1
    chosen = np.flatnonzero(votes)
    order = chosen[np.argsort(-votes[chosen], kind="stable")]
    return {terms[i]: float(votes[i] / config.bootstraps) for i in order}


def _formula(
    whole: Moments, terms: Sequence[Term], chosen: tuple[int, ...], library: Library, unit: str
) -> Formula:
    some = whole.of(chosen)
    coefficients: Array = least_squares(some)
    strength = np.abs(coefficients) * some.scale
    order = np.argsort(-strength)
    return Formula(
        library,
        tuple(terms[chosen[i]] for i in order),
        tuple(float(coefficients[i]) for i in order),
        unit,
    )


def _equivalents(pruned: Pruned, terms: Sequence[Term]) -> dict[Term, tuple[tuple[Term, float], ...]]:
    return {
        terms[kept]: tuple((terms[i], correlation) for i, correlation in copies)
        for kept, copies in pruned.equivalents.items()
    }
