"""Green's functions read out of a GFNN: what a point of protein does, and how far it reaches.

The radius where a Green's function has fallen to a tenth depends on how the function is averaged, so it
is always given with its recipe. The recipe here is the one by which the authors' weights give their
published lengths, 5.0 µm (psi) and 23.2 µm (chi): subtract from the spectrum its mean over all stored
modes (a constant in Fourier space is a spike at r = 0); transform back; average over rings; smooth both
radius and average over three rings; rescale to [0, 1]; take the first radius below a tenth. Of chi the
first three smoothed rings are left out. How much this matters: smoothed over five rings, chi gives 31.6 µm.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.explain.config import WrittenFile
from napari_cellforce.explain.figures import COLOURS, save
from napari_cellforce.fields import ShortRepr
from napari_cellforce.io.write import write_table
from napari_cellforce.models import registry
from napari_cellforce.models.record import ModelRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from napari_cellforce.models.base import Network


Array = npt.NDArray[np.float64]

RECIPE = "spike removed, 300 rings of 0.5 px, moving average of 3, rescaled to [0, 1], first radius below 0.1"
"""How `GreensFunction.reach` is found."""

_RINGS = 300
_HALF_WIDTH = 0.25
_SMOOTHED = 3
_FALLEN = 0.1
_LEFT_OUT = {"chi": 3}
"""Rings next to the centre that do not count."""
_SIDE = 256
"""Side of the grid on which a function that knows no grid is shown, in pixels."""


@dataclass(frozen=True, eq=False, repr=False)
class GreensFunction(ShortRepr):
    """The potential around a point source.

    Attributes
    ----------
    name : str
        ``"phi"``, ``"psi"`` or ``"chi"``.
    values : (N, N) array
        Values in real space, the source in the middle (pixel N // 2); per pixel of source, its spike removed.
    pixel_size : float
        In µm.
    radius : (R,) array
        Radii of the rings, smoothed, in µm.
    mean, spread : (R,) array
        Mean and standard deviation over the pixels of a ring.
    reach : float
        Radius in µm where the rescaled mean first falls below 0.1 (`RECIPE`); NaN if it does not, or
        has no peak at its source.
    anisotropy : float
        Share of the variation of `values`, within the largest ring, that is not explained by the distance
        from the source: 0 for an isotropic function, up to 1.
    """

    name: str
    values: Array
    pixel_size: float
    radius: Array
    mean: Array
    spread: Array
    reach: float
    anisotropy: float

    @property
    def rescaled(self) -> Array:
        """The mean, shifted and scaled to [0, 1] over the rings that count, ``(R,)``."""
        included = self.mean[_LEFT_OUT.get(self.name, 0) :]
        return np.asarray((self.mean - included.min()) / (np.ptp(included) or 1.0))


def read_greens(module: Network, pixel_size: float) -> tuple[GreensFunction, ...]:
    """Return the Green's functions of a trained network, those of phi, psi and chi of a GFNN.

    Parameters
    ----------
    module : Network
        With `potentials`.
    pixel_size : float
        Pixel size of the network's grid, in µm.

    Warns
    -----
    CellForceWarning
        If a function never falls to a tenth on this grid; its reach is then NaN.
    """
    import torch

    side = getattr(module.config, "grid", None) or _SIDE
    with torch.inference_mode():
        spectra = module.greens_functions((side, side)).cpu().to(torch.complex128).numpy()
    names = zip(module.potentials, spectra, strict=True)
    return tuple(greens_function(name, spectrum, pixel_size) for name, spectrum in names)


def greens_function(name: str, spectrum: npt.ArrayLike, pixel_size: float) -> GreensFunction:
    """Read one Green's function out of its spectrum.

    Parameters
    ----------
    name : str
    spectrum : (N, N // 2 + 1) array
        As `numpy.fft.rfft2` orders it; N even.
    pixel_size : float
        In µm.
    """
    modes = np.asarray(spectrum)
    side = modes.shape[0]
    values = np.fft.fftshift(np.fft.irfft2(modes - modes.mean(), s=(side, side)))
    distance = _distance(side)
    radius, mean, spread = _rings(values, distance)
    radius, mean, spread = (pixel_size * _smoothed(radius), _smoothed(mean), _smoothed(spread))
    reach = _reach(radius, mean, _LEFT_OUT.get(name, 0))
    if np.isnan(reach):
        warnings.warn(
            f"The Green's function of {name} does not fall from its source to a tenth within "
            f"{side / 2 * pixel_size:.0f} µm: no length is given for it.",
            CellForceWarning,
            stacklevel=2,
        )
    return GreensFunction(
        name, values, pixel_size, radius, mean, spread, reach, _anisotropy(values, distance)
    )


def require_greens_functions(module: Network | None, name: str) -> Network:
    """Return a network if it has Green's functions.

    Raises
    ------
    CellForceError
        If it has no Green's functions to read.
    """
    if module is not None and module.potentials:
        return module
    titles = " or ".join(kind.title for kind in registry.networks() if kind.capabilities.greens_functions)
    raise CellForceError(
        f"{name} has no Green's functions",
        f"only a {titles} computes potentials by them",
        "Choose such a model, gfnn-schmitt2024 for one, or leave this part out.",
        topic=Topic.MODEL,
    )


def _distance(side: int) -> Array:
    """Return the distance from the middle pixel in pixels, ``(side, side)``."""
    offsets = np.arange(side) - side // 2
    return np.hypot(offsets[:, None], offsets)


def _rings(values: Array, distance: Array) -> tuple[Array, Array, Array]:
    """Return radius, mean and standard deviation over rings; rings without pixels are dropped."""
    rows = []
    for radius in np.linspace(1, len(values) / 2, _RINGS):
        ring = values[np.abs(distance - radius) < _HALF_WIDTH]
        if ring.size:
            rows.append((radius, ring.mean(), ring.std()))
    radii, means, spreads = np.array(rows).T
    return radii, means, spreads


def _smoothed(series: Array) -> Array:
    return np.convolve(series, np.full(_SMOOTHED, 1 / _SMOOTHED), mode="valid")


def _reach(radius: Array, mean: Array, left_out: int) -> float:
    radius, mean = radius[left_out:], mean[left_out:]
    below = np.flatnonzero(mean - mean.min() < _FALLEN * np.ptp(mean))
    falls = below.size and below[0] > 0 and np.ptp(mean) > 0
    return float(radius[below[0]]) if falls else float("nan")


def _anisotropy(values: Array, distance: Array) -> float:
    """Return 1 - (variance between distances) / (variance), pixels of equal distance being compared."""
    inside = (distance > 0) & (distance < len(values) / 2)
    value, place = values[inside], np.unique(distance[inside], return_inverse=True)[1]
    count = np.bincount(place)
    mean = np.bincount(place, value) / count
    within = np.sum((value - mean[place]) ** 2)
    total = np.sum((value - value.mean()) ** 2)
    return float(within / total) if total > 0 else 0.0


def write_greens(module: Network | None, record: ModelRecord, folder: Path) -> Iterator[WrittenFile]:
    """Write profiles, lengths and figures of a network's Green's functions.

    Raises
    ------
    CellForceError
        If the model has none.
    """
    functions = read_greens(require_greens_functions(module, record.name), record.pixel_size)
    stem = folder / f"{record.name}_greens"
    profiles = pd.concat([_profile(function) for function in functions])
    yield WrittenFile("greens", write_table(stem.with_name(f"{stem.name}_profiles.csv"), profiles))
    yield WrittenFile("greens", write_table(stem.with_name(f"{stem.name}.csv"), lengths_table(functions)))
    for path in save(greens_figure(functions), stem):
        yield WrittenFile("greens", path)


def lengths_table(functions: tuple[GreensFunction, ...]) -> pd.DataFrame:
    """Return reach and anisotropy of each function, with the recipe of the reach."""
    rows = [
        {"potential": f.name, "reach [µm]": f.reach, "anisotropy": f.anisotropy, "recipe": RECIPE}
        for f in functions
    ]
    return pd.DataFrame(rows)


def _profile(function: GreensFunction) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "potential": function.name,
            "radius [µm]": function.radius,
            "mean": function.mean,
            "spread": function.spread,
            "rescaled": function.rescaled,
        }
    )


def greens_figure(functions: Sequence[GreensFunction]) -> Figure:
    """Draw each Green's function in space, and its mean over rings with the spread and the reach."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(functions), 5.6), layout="constrained")
    above, below = figure.subplots(2, len(functions), squeeze=False)
    for i, function in enumerate(functions):
        half = len(function.values) / 2 * function.pixel_size
        limit = np.percentile(np.abs(function.values), 99.8)
        shown = above[i].imshow(
            function.values, "RdBu_r", vmin=-limit, vmax=limit, extent=(-half, half, half, -half)
        )
        above[i].set(title=f"G of {function.name}", xlabel="x [µm]", ylabel="y [µm]")
        figure.colorbar(shown, ax=above[i], shrink=0.7)
        axes, colour = below[i], COLOURS[i % len(COLOURS)]
        axes.plot(function.radius, function.mean, color=colour)
        low, high = function.mean - function.spread, function.mean + function.spread
        axes.fill_between(function.radius, low, high, color=colour, alpha=0.25, linewidth=0)
        if np.isfinite(function.reach):
            axes.axvline(function.reach, color="k", linestyle="--", linewidth=1)
            axes.set_title(f"a tenth at {function.reach:.1f} µm", fontsize="medium")
        axes.set(xlabel="distance [µm]", ylabel="mean over rings ± spread")
    return figure
