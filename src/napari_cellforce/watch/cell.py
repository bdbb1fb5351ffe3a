"""The cell in frames that are still arriving: its outline, and its brightness over those so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray, FloatArray, Mask, PixelSize, Provenance
from napari_cellforce.io.validate import check_frame
from napari_cellforce.predict import Prediction
from napari_cellforce.preprocess.mask import find_cell_over_time
from napari_cellforce.preprocess.normalise import BaselineMeter, Baselines


class Outlines:
    """Masks of some frames of a movie; stands for the ``(T, Y, X)`` array in a `Mask`.

    Parameters
    ----------
    shape : (T, Y, X)
    """

    ndim = 3

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        self.known: dict[int, BoolArray] = {}

    def __getitem__(self, t: int) -> BoolArray:
        return self.known[t]


class FollowedCell:
    """Finds the cell in one frame after the other, and measures how bright it is over all of them.

    Parameters
    ----------
    pixel_size : PixelSize
    sensitivity : float
        Above 1 for a larger cell.
    at : (y, x), optional
        In pixels, on the cell in the first frame; by default the largest object is taken.
    """

    def __init__(
        self, pixel_size: PixelSize, sensitivity: float, at: tuple[float, float] | None = None
    ) -> None:
        self._pixel_size = pixel_size
        self._sensitivity = sensitivity
        self._image: FloatArray | None = None
        self._last: BoolArray | None = None
        self._meter = BaselineMeter()
        self.measured = 0
        self._search = self._begin(at)

    def remember(self, image: FloatArray, mask: BoolArray) -> None:
        """Take in a frame, ``(C, Y, X)``, whose outline ``(Y, X)`` is known from a watch before."""
        self._measure(image, mask)
        self._search = self._begin(_inside(mask))

    def find(self, image: FloatArray, outlined: FloatArray) -> BoolArray:
        """Find the outline in the next frame, and take the frame in.

        Parameters
        ----------
        image : (C, Y, X) array
            The proteins, whose brightness is measured.
        outlined : (Y, X) array
            In which the cell is looked for.

        Raises
        ------
        CellForceError
            If it is not found; the next frame is then looked at anew, at the place where it was last.
        """
        self._image = outlined
        try:
            mask = next(self._search)
        except CellForceError as error:
            self._search = self._begin(None if self._last is None else _inside(self._last))
            self._last = None
            raise error.__cause__ or error from None
        self._measure(image, mask)
        return mask

    def baselines(self) -> Baselines:
        """Return the mean brightness over all frames so far."""
        return self._meter.baselines()

    def _measure(self, image: FloatArray, mask: BoolArray) -> None:
        if len(image):
            self._meter.add(image, mask)
        self.measured += 1
        self._last = mask

    def _begin(self, at: tuple[float, float] | None) -> Iterator[BoolArray]:
        return find_cell_over_time(
            self._images(), pixel_size=self._pixel_size, sensitivity=self._sensitivity, at=at
        )

    def _images(self) -> Iterator[FloatArray]:
        while self._image is not None:
            yield self._image


class ArrivingPrediction(Prediction):
    """A prediction of frames that are still arriving, which says so."""

    measured: int = 0

    @classmethod
    def of(cls, job: Prediction, measured: int) -> ArrivingPrediction:
        """Return `job`, whose baselines are over the `measured` frames so far."""
        made = cls(**{f.name: getattr(job, f.name) for f in dataclasses.fields(job)})
        object.__setattr__(made, "measured", measured)
        return made

    def provenance(self) -> Provenance:
        """Return how the results come about, with what the baselines were taken over."""
        made = super().provenance()
        over = f"over the {self.measured} frames that had arrived"
        return dataclasses.replace(made, settings={**made.settings, "baselines": over})


def proteins(job: Prediction, t: int) -> tuple[FloatArray, FloatArray]:
    """Read the protein channels of a frame, ``(C, Y, X)``, and the one in which the cell is looked for.

    Raises
    ------
    CellForceError
        If it cannot be read, or no model can use it.
    """
    image = job.stack.frame(t, job.channels)
    check_frame(image, name=job.stack.name, frame=t)
    return image, image[0] if len(image) else job.stack.frame(t, (0,))[0]


def automatic(outlines: Outlines) -> Mask:
    """Return outlines that were found as a mask."""
    return Mask(outlines, "automatic")


def _inside(mask: BoolArray) -> tuple[float, float]:
    """Return the pixel of a mask that is nearest to its centre."""
    pixels = np.argwhere(mask)
    y, x = pixels[np.argmin(np.square(pixels - pixels.mean(axis=0)).sum(axis=1))]
    return float(y), float(x)
