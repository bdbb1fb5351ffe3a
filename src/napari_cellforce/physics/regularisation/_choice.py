"""Evidence, generalised cross-validation and L-curve as functions of lambda, and their optimum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ShortRepr
from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.regularisation._spectrum import Spectrum

Criterion = Literal["evidence", "gcv", "l-curve"]

_CANDIDATES = 61
_LENGTHS = 8
"""Number of candidate correlation lengths of the traction."""


@dataclass(frozen=True, eq=False, repr=False)
class RegularisationChoice(ShortRepr):
    """A regularisation parameter and its determination.

    Attributes
    ----------
    regularisation : float
        Lambda in µm/Pa, for `fttc`.
    criterion : {"evidence", "gcv", "l-curve", "fixed"}
    candidates : (N,) array
        Values of lambda of the curve, increasing.
    curve : (N,) array
        Objective: minus twice the logarithm of the evidence, the logarithm of the GCV function, or minus the
        curvature of the L-curve (also for a fixed lambda).
    residual, norm : (N,) arrays
        Root mean squares of ``G t - u`` in µm and of t in Pa, per component: the L-curve.
    traction_noise : float
        Standard deviation, in Pa, of each component of the traction caused by the noise of the displacement
        at this lambda. It does not include the bias by the regularisation.
    """

    regularisation: float
    criterion: str
    candidates: RealArray
    curve: RealArray
    residual: RealArray
    norm: RealArray
    traction_noise: float


def choose_regularisation(
    spectrum: Spectrum, criterion: Criterion = "evidence", *, correlated: bool = True
) -> RegularisationChoice:
    """Choose lambda for the displacements in a spectrum: of one frame, or of a whole experiment.

    The traction is modelled as a random field whose power decreases with the wave number, S(g) = s / (1 +
    (g_0 / g)²)². The criterion determines two unknowns, the strength s and the length (through g_0, the
    response of the gel at this length). Lambda then minimises the expected error for such fields.

    Parameters
    ----------
    spectrum : Spectrum
        Sum of the spectra of all frames for a common lambda: magnitudes are comparable only at equal lambda.
    criterion : {"evidence", "gcv", "l-curve"}
        *evidence*: strength and length maximise the probability of the measured displacement. *gcv*: they
        minimise the error of leave-one-out predictions. *l-curve*: the corner of the logarithms of norm
        versus residual, without a model of traction and noise; among several corners, that of the smallest
        lambda not below the smallest response of the gel, where traction begins to be suppressed.
    correlated : bool
        False models the traction as spatially uncorrelated (g_0 = 0), as in the papers; lambda is then too
        small, see ``docs/regularisation.md``.

    Raises
    ------
    CellForceError
        If the displacement is 0 everywhere, or its L-curve has no corner.

    References
    ----------
    Evidence: Huang et al. (2019), Sci Rep 9:539, doi:10.1038/s41598-018-36896-x.
    GCV: Golub, Heath & Wahba (1979), doi:10.1080/00401706.1979.10489751.
    L-curve: Hansen & O'Leary (1993), doi:10.1137/0914086.
    """
    if not spectrum.power.sum() > 0:
        raise CellForceError(
            "the displacement is 0 everywhere",
            "the regularisation is chosen from its variation",
            "Check the displacement, or set the regularisation.",
            topic=Topic.REGULARISATION,
        )
    candidates = _candidates(spectrum)
    g = spectrum.eigenvalue
    if criterion == "l-curve":
        curve = _corner(spectrum, candidates)
        best = _first_lowest(curve, int(np.searchsorted(candidates, g[0])))
    else:
        lengths = np.geomspace(g[0] / 2, g[-1] / 4, _LENGTHS) if correlated else np.empty(0)
        curve = np.min(
            [
                (_evidence if criterion == "evidence" else _gcv)(spectrum, *powers)
                for powers in _models(spectrum, candidates, lengths)
            ],
            axis=0,
        )
        best = int(curve.argmin())
    return _summary(spectrum, _vertex(candidates, curve, best), criterion, candidates, curve)


def fixed_regularisation(spectrum: Spectrum, regularisation: float) -> RegularisationChoice:
    """Return a given lambda, in µm/Pa, as `choose_regularisation` does, with the curve of the L-curve."""
    candidates = _candidates(spectrum)
    return _summary(spectrum, regularisation, "fixed", candidates, _corner(spectrum, candidates))


def _candidates(spectrum: Spectrum) -> RealArray:
    return np.geomspace(spectrum.eigenvalue[0] / 30, spectrum.eigenvalue[-1], _CANDIDATES)


def _models(
    spectrum: Spectrum, candidates: RealArray, lengths: RealArray
) -> Iterator[tuple[RealArray, RealArray]]:
    """Yield, for each length, the noise (M,) and signal plus noise (N, M) for which each lambda is optimal.

    The expected error of the traction, sum (1 - a)² S + a² n / g² with a = g² / (g² + lambda²), is minimal
    where sum w (lambda² S - n) = 0 with w = g² / (g² + lambda²)³. That gives the strength s.
    """
    g, noise = spectrum.eigenvalue, spectrum.noise / spectrum.count
    squared = g**2
    weight = spectrum.count * squared / (squared + candidates[:, None] ** 2) ** 3
    total = weight @ noise
    for length in (0.0, *lengths):
        shape = 1 / (1 + (length / g) ** 2) ** 2
        strength = total / (candidates**2 * (weight @ shape))
        yield noise, strength[:, None] * (squared * shape) + noise


def _evidence(spectrum: Spectrum, noise: RealArray, expected: RealArray) -> RealArray:
    """Return minus twice the logarithm of the evidence, up to a constant."""
    del noise
    size = np.log(expected) @ spectrum.count
    misfit = (1 / expected) @ spectrum.power
    total = spectrum.count.sum()
    result: RealArray = size + (misfit if spectrum.measured else total * np.log(misfit / total))
    return result


def _gcv(spectrum: Spectrum, noise: RealArray, expected: RealArray) -> RealArray:
    """Return the logarithm of the GCV function, residuals in units of the noise."""
    left = noise / expected
    result: RealArray = np.log(left**2 @ (spectrum.power / noise)) - 2 * np.log(left @ spectrum.count)
    return result


def _l_curve(spectrum: Spectrum, candidates: RealArray) -> tuple[RealArray, RealArray]:
    """Return the root mean squares of residual and traction."""
    squared = spectrum.eigenvalue**2
    rest = 1 / (squared + candidates[:, None] ** 2)
    total = spectrum.count.sum()
    residual = (rest * candidates[:, None] ** 2) ** 2 @ spectrum.power / total
    norm = rest**2 @ (squared * spectrum.power) / total
    return np.sqrt(residual), np.sqrt(norm)


def _corner(spectrum: Spectrum, candidates: RealArray) -> RealArray:
    """Return minus the curvature of the L-curve, by central differences."""
    step = np.log(candidates[1] / candidates[0])
    x, y = (np.gradient(np.log(part), step) for part in _l_curve(spectrum, candidates))
    curvature = (x * np.gradient(y, step) - y * np.gradient(x, step)) / (x**2 + y**2) ** 1.5
    curvature[[0, 1, -2, -1]] = curvature.min()  # differences at the ends are one-sided
    return -np.asarray(curvature)


def _first_lowest(curve: RealArray, start: int) -> int:
    """Return the index of the first local minimum from `start` on."""
    inner = curve[start + 1 : -1]
    lower = np.flatnonzero((inner < curve[start:-2]) & (inner <= curve[start + 2 :]))
    if not len(lower):
        raise CellForceError(
            "the L-curve of this displacement has no corner",
            "the corner determines lambda; displacements of overlapping windows often have none",
            "Choose the evidence or GCV.",
            topic=Topic.REGULARISATION,
        )
    return start + int(lower[0]) + 1


def _vertex(candidates: RealArray, curve: RealArray, best: int) -> float:
    """Return the lambda at the vertex of the parabola through a lowest point and its neighbours."""
    if not 0 < best < len(curve) - 1:
        return float(candidates[best])
    left, middle, right = (float(value) for value in curve[best - 1 : best + 2])
    bend = left - 2 * middle + right
    offset = (left - right) / (2 * bend) if bend > 0 else 0.0
    return float(candidates[best] * (candidates[1] / candidates[0]) ** offset)


def _summary(
    spectrum: Spectrum, regularisation: float, criterion: str, candidates: RealArray, curve: RealArray
) -> RegularisationChoice:
    residual, norm = _l_curve(spectrum, candidates)
    g, total = spectrum.eigenvalue, spectrum.count.sum()
    gain = g / (g**2 + regularisation**2)
    noise = spectrum.noise
    if not spectrum.measured:  # the residual at the chosen lambda determines the strength, as in GCV
        left = 1 - gain * g
        noise = noise * float(left**2 @ spectrum.power) / float(left @ noise)
    return RegularisationChoice(
        regularisation, criterion, candidates, curve, residual, norm, float(np.sqrt(gain**2 @ noise / total))
    )
