"""Normalisation of protein images by the mean intensities inside and outside the cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray


def recorded_area(image: npt.NDArray[Any]) -> tuple[slice, slice]:
    """Return the rows and columns of an image within a border of zeros.

    Only if no other pixels are zero: a background clipped at zero is not a border. Drift correction shifts
    frames and fills the uncovered region with zeros; the background of a camera is never zero along a whole
    edge and nowhere else.

    Parameters
    ----------
    image : (Y, X) array
    """
    whole = slice(0, image.shape[0]), slice(0, image.shape[1])
    if all(edge.any() for edge in (image[0], image[-1], image[:, 0], image[:, -1])):
        return whole
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not rows.size:
        return whole
    within = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return within if image[within].all() else whole


@dataclass(frozen=True)
class Baselines:
    """Mean intensities of a cell over all its frames, in counts of the image.

    Attributes
    ----------
    inside, outside : tuple of C float
        Mean over all pixels inside and outside the mask, one number per channel.
    """

    inside: tuple[float, ...]
    outside: tuple[float, ...]


class BaselineMeter:
    """Accumulates the mean intensity inside and outside a cell, frame by frame."""

    def __init__(self) -> None:
        self._sums = np.zeros(2)  # becomes (C, 2): inside, outside
        self._pixels = np.zeros(2)

    def add(self, image: npt.ArrayLike, mask: BoolArray) -> None:
        """Add a frame, ``(C, Y, X)`` in counts, and its mask, ``(Y, X)``; a black border is excluded."""
        data = np.asarray(image, dtype=np.float64)
        within = recorded_area(data.max(axis=0))
        data, mask = data[:, *within], mask[within]
        parts = [data[:, mask].sum(axis=1), data[:, ~mask].sum(axis=1)]
        self._sums = self._sums + np.stack(parts, axis=-1)
        self._pixels += mask.sum(), (~mask).sum()

    def baselines(self) -> Baselines:
        """Return the means over all frames so far.

        Raises
        ------
        CellForceError
            If there is no pixel inside or no pixel outside the masks.
        """
        _require_both_sides(self._pixels)
        inside, outside = (self._sums / self._pixels).T.tolist()
        return Baselines(tuple(inside), tuple(outside))


def measure_baselines(frames: Iterable[npt.ArrayLike], masks: Iterable[BoolArray]) -> Baselines:
    """Measure the mean intensity inside and outside a cell over all its frames; see `BaselineMeter`.

    Parameters
    ----------
    frames : iterable of (C, Y, X) array
        In counts.
    masks : iterable of (Y, X) bool array
        One mask per frame.
    """
    meter = BaselineMeter()
    for frame, mask in zip(frames, masks, strict=True):
        meter.add(frame, mask)
    return meter.baselines()


def normalise(image: npt.ArrayLike, baselines: Baselines, mode: str, *, shared: bool = False) -> FloatArray:
    """Normalise one frame in one of the modes of the models.

    With Z the intensity and mu the baselines of a channel, and [.]+ = max(., 0):

    ``outside_inside``
        [Z - mu_out]+ / (mu_in - mu_out) (Schmitt et al. 2024; Methods and released code).
    ``outside_max``
        [Z - mu_out]+ / max [Z - mu_out]+, the maximum over this frame (released code).
    ``totally_normalize``
        (Z - min Z) / (max Z - min Z), over this frame (released code, which first sets pixels far from
        the cell to 0, so that its minimum is mostly 0).
    ``none``
        Z.

    Parameters
    ----------
    image : (C, Y, X) array
        In counts.
    baselines : Baselines
        Baselines of the same C channels.
    mode : str
        One of the above; the names are those of the published checkpoints.
    shared : bool
        Use the first channel's baselines for all channels, as the released loader does.

    Returns
    -------
    (C, Y, X) float32 array

    Raises
    ------
    CellForceError
        If the cell is not brighter than its surroundings, or the frame is constant.
    """
    data = np.asarray(image, dtype=np.float32)
    if mode == "none" or not len(data):  # a model of the outline reads no protein
        return data
    if mode == "totally_normalize":
        return _to_one(data - data.min(axis=(1, 2), keepdims=True))
    inside, outside = _per_channel(baselines, len(data), shared)
    if mode == "outside_max":
        return _to_one(np.maximum(data - outside, 0))
    if mode == "outside_inside":
        _require_contrast(inside, outside)
        return np.asarray(np.maximum(data - outside, 0) / (inside - outside))
    raise ValueError(f"unknown normalisation {mode!r}")


def denormalise(image: npt.ArrayLike, baselines: Baselines, mode: str, *, shared: bool = False) -> FloatArray:
    """Turn a normalised frame back into counts, the inverse of `normalise`.

    Pixels that were clipped, darker than the outside mean, are set to that mean. ``outside_max`` and
    ``totally_normalize`` divide by a number of each frame that is not stored, and have no inverse.

    Parameters
    ----------
    image : (C, Y, X) array
        Normalised image.
    baselines, mode, shared
        See `normalise`.

    Returns
    -------
    (C, Y, X) float32 array
        Image in counts.
    """
    data = np.asarray(image, dtype=np.float32)
    if mode == "none":
        return data
    if mode != "outside_inside":
        raise ValueError(f"normalisation {mode!r} has no inverse")
    inside, outside = _per_channel(baselines, len(data), shared)
    return data * (inside - outside) + outside


def _per_channel(baselines: Baselines, channels: int, shared: bool) -> tuple[FloatArray, FloatArray]:
    """Return the inside and outside means as (C, 1, 1) arrays."""
    pairs = zip(baselines.inside, baselines.outside, strict=True)
    means = np.array([*pairs], dtype=np.float32)[: 1 if shared else None]
    if not shared and len(means) != channels:
        raise ValueError(f"baselines of {len(means)} channels for an image of {channels}")
    means = np.broadcast_to(means, (channels, 2))[..., None, None]
    return means[:, 0], means[:, 1]


def _to_one(raised: FloatArray) -> FloatArray:
    """Divide every channel by its maximum."""
    brightest = raised.max(axis=(1, 2))
    if not brightest.all():
        raise CellForceError(
            f"channel {int(np.argmin(brightest))} has no pixel above its background in this frame",
            "the protein must be visible",
            "Check that the right channel is chosen, and omit empty frames.",
            topic=Topic.CHANNEL,
        )
    return np.asarray(raised / brightest[:, None, None])


def _require_contrast(inside: FloatArray, outside: FloatArray) -> None:
    dim = np.flatnonzero(inside <= outside)
    if dim.size:
        c = int(dim[0])
        raise CellForceError(
            f"the mean of channel {c} is {inside[c].item():.4g} inside the mask"
            f" and {outside[c].item():.4g} outside",
            "the cell must be brighter than its surroundings",
            "Check that the mask marks the cell (and not the background), and that the channel is right.",
            topic=Topic.MASK,
        )


def _require_both_sides(pixels: npt.NDArray[np.float64]) -> None:
    inside, outside = pixels
    if inside == 0:
        raise CellForceError(
            "the mask is empty in every frame",
            "intensities are measured inside and outside the cell",
            "Draw the cell, or find it automatically.",
            topic=Topic.MASK,
        )
    if outside == 0:
        raise CellForceError(
            "the mask covers the whole image in every frame",
            "background is needed to measure its intensity",
            "Draw a mask of the cell only, or use an image with more background around the cell.",
            topic=Topic.MASK,
        )
