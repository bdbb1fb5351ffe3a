"""Validation of bead images and of measured displacements."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.displacement._config import DisplacementConfig, Drift
from napari_cellforce.physics.displacement._correlation import Float32

_MIN_SIMILARITY = 0.35
"""Minimum correlation. Unrelated beads reach 0.02 to 0.3; equal beads, faint or half of them lost, 0.5."""
_PILE = 3.0
"""Ratio of pixels at the highest value to those at the next lower value that indicates saturation."""
_SATURATED_DOUBT, _SATURATED_LIMIT = 0.002, 0.1
"""Fractions of saturated pixels above which a warning is issued, and above which the image is refused."""


def checked_image(image: npt.ArrayLike, name: str, config: DisplacementConfig) -> Float32:
    """Return one bead image as float32 after validation.

    Parameters
    ----------
    image : (Y, X) array
    name : str
        Name for the message: ``"reference"``.
    config : DisplacementConfig

    Raises
    ------
    CellForceError
        If the image is constant, not finite, smaller than a window, or mostly saturated.

    Warns
    -----
    CellForceWarning
        If the centres of beads are saturated.
    """
    array = np.asarray(image)
    if array.ndim != 2:
        raise ValueError(f"expected (Y, X), got an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise _bad(
            f"the {name} bead image has NaN or infinite pixels",
            "every pixel must be a number",
            "Export the image again.",
        )
    if min(array.shape) < max(config.windows):
        raise _bad(
            f"the {name} bead image is {array.shape[0]} x {array.shape[1]} pixels",
            f"the largest window, {max(config.windows)} pixels, must fit in",
            "Choose smaller windows.",
        )
    if array.min() == array.max():
        raise _bad(
            f"the {name} bead image is {array.flat[0]:g} everywhere",
            "it must show beads",
            "Choose the channel of the beads.",
        )
    _check_saturation(array, name)
    return array.astype(np.float32)


def check_same_size(reference: npt.NDArray[Any], deformed: npt.NDArray[Any]) -> None:
    """Refuse two images of different sizes."""
    if reference.shape != deformed.shape:
        sizes = (f"{a.shape[0]} x {a.shape[1]}" for a in (reference, deformed))
        raise _bad(
            "the reference is {} pixels, the loaded image {}".format(*sizes),
            "both must show the same region in the same size",
            "Choose the images of one pair, or crop both equally.",
        )


def check_drift(measured: tuple[float, float], config: DisplacementConfig) -> None:
    """Refuse a shift that is too large for the windows without drift correction."""
    length = float(np.hypot(*measured))
    if config.drift == "none" and length > config.windows[0] / 3:
        raise _bad(
            f"the images are shifted against each other by {length:.0f} pixels",
            f"without drift correction, windows of {config.windows[0]} pixels cover a third of their side",
            "Switch the drift correction on.",
            Topic.DRIFT,
        )


def check_quality(
    similarities: RealArray, whole: float, share: float, drift: Drift, shape: tuple[int, int]
) -> None:
    """Refuse a field that could arise by chance, or that is mostly interpolated.

    Parameters
    ----------
    similarities : (N,) array
        Correlation coefficient of each window of the reference with the loaded image deformed back by the
        displacement.
    whole : float
        The same for all windows together.
    share : float
        Fraction of rejected vectors.
    drift : Drift
    shape : tuple of int
        Shape of the images.
    """
    if whole < _MIN_SIMILARITY:
        raise _bad(
            f"the two images have nothing in common (correlation {whole:.2f})",
            f"after deformation by the displacement, the correlation must be at least {_MIN_SIMILARITY}",
            "Check that both images show the same region, in focus, in the bead channel.",
        )
    seen = float(np.prod([max(0.0, 1 - abs(d) / side) for d, side in zip(drift.shift, shape, strict=True)]))
    if share > 0.5 and seen < 1 - share / 2:
        raise _bad(
            f"the stage has drifted by {np.hypot(*drift.shift):.0f} pixels: "
            f"both images share {100 * seen:.0f} % of their area",
            "at least half of the vectors must be measured",
            "Choose a reference closer to the cell, or images of a larger field.",
            Topic.DRIFT,
        )
    share = max(share, float((similarities < _MIN_SIMILARITY).mean()))
    if share > 0.5:
        raise _bad(
            f"{100 * share:.0f} % of the displacement vectors were rejected",
            "at least half must be measured",
            "Check that both images show the same beads in focus, or choose larger windows, with more beads.",
        )


def _check_saturation(array: npt.NDArray[Any], name: str) -> None:
    top = array.max()
    at_top, below = int((array == top).sum()), int((array == array[array < top].max()).sum())
    share = at_top / array.size if at_top > _PILE * below else 0.0
    if share > _SATURATED_LIMIT:
        raise _bad(
            f"{100 * share:.0f} % of the {name} bead image is saturated (value {top:g})",
            "individual beads must be distinguishable",
            "Record the images with less exposure.",
        )
    if share > _SATURATED_DOUBT:
        warnings.warn(
            f"{100 * share:.1f} % of the {name} bead image is saturated: saturated beads are located "
            "less precisely. Record the images with less exposure.",
            CellForceWarning,
            stacklevel=4,
        )


def _bad(value: str, rule: str, remedy: str, topic: Topic = Topic.BEADS) -> CellForceError:
    return CellForceError(value, rule, remedy, topic=topic)
