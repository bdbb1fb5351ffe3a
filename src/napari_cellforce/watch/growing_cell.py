"""The cell in a growing movie: its outline per frame, and its baselines over the frames so far."""

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
    """Masks of some frames of a movie, in place of the ``(T, Y, X)`` array of a `Mask`.

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


class GrowingCell:
    """Finds the cell frame by frame, and measures its baselines over all frames so far.

    Parameters
    ----------
    pixel_size : PixelSize
    sensitivity : float
        Values above 1 give a larger outline.
    at : (y, x), optional
        Pixel on the cell in the first frame; by default the largest object is taken.
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
        self._search = self._start_search(at)

    def add_known(self, image: FloatArray, mask: BoolArray) -> None:
        """Add a frame, ``(C, Y, X)``, whose outline ``(Y, X)`` is known from an earlier watch."""
        self._measure(image, mask)
        self._search = self._start_search(_inside(mask))

    def find(self, image: FloatArray, outlined: FloatArray) -> BoolArray:
        """Find the outline in the next frame, and add the frame to the baselines.

        Parameters
        ----------
        image : (C, Y, X) array
            Intensities of the proteins, for the baselines.
        outlined : (Y, X) array
            Intensities in which the cell is searched.

        Raises
        ------
        CellForceError
            If it is not found; the search then restarts in the next frame, at its last position.
        """
        self._image = outlined
        try:
            mask = next(self._search)
        except CellForceError as error:
            self._search = self._start_search(None if self._last is None else _inside(self._last))
            self._last = None
            raise error.__cause__ or error from None
        self._measure(image, mask)
        return mask

    def baselines(self) -> Baselines:
        """Return the baselines over all frames so far."""
        return self._meter.baselines()

    def _measure(self, image: FloatArray, mask: BoolArray) -> None:
        if len(image):
            self._meter.add(image, mask)
        self.measured += 1
        self._last = mask

    def _start_search(self, at: tuple[float, float] | None) -> Iterator[BoolArray]:
        return find_cell_over_time(
            self._images(), pixel_size=self._pixel_size, sensitivity=self._sensitivity, at=at
        )

    def _images(self) -> Iterator[FloatArray]:
        while self._image is not None:
            yield self._image


class GrowingPrediction(Prediction):
    """A prediction of a growing movie; its provenance says over which frames the baselines are."""

    measured: int = 0

    @classmethod
    def of(cls, job: Prediction, measured: int) -> GrowingPrediction:
        """Return `job` with baselines over the `measured` frames so far."""
        growing = cls(**{f.name: getattr(job, f.name) for f in dataclasses.fields(job)})
        object.__setattr__(growing, "measured", measured)
        return growing

    def provenance(self) -> Provenance:
        """Return the provenance, with the frames of the baselines."""
        base = super().provenance()
        over = f"over the {self.measured} frames that had arrived"
        return dataclasses.replace(base, settings={**base.settings, "baselines": over})


def read_proteins(job: Prediction, t: int) -> tuple[FloatArray, FloatArray]:
    """Read the protein channels of a frame, ``(C, Y, X)``, and the one in which the cell is searched.

    Raises
    ------
    CellForceError
        If it cannot be read, or no model can use it.
    """
    image = job.stack.frame(t, job.channels)
    check_frame(image, name=job.stack.name, frame=t)
    return image, image[0] if len(image) else job.stack.frame(t, (0,))[0]


def automatic_mask(outlines: Outlines) -> Mask:
    """Return automatic outlines as a mask."""
    return Mask(outlines, "automatic")


def _inside(mask: BoolArray) -> tuple[float, float]:
    """Return the pixel of a mask nearest to its centre."""
    pixels = np.argwhere(mask)
    y, x = pixels[np.argmin(np.square(pixels - pixels.mean(axis=0)).sum(axis=1))]
    return float(y), float(x)
