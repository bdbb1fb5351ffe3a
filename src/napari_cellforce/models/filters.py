"""Baselines that learn nothing: every network has to beat them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize, X, Y
from napari_cellforce.models.record import ModelRecord

ADHESION_SCALE = 2.72
"""Gaussian in µm whose local mean counts as haze: 4 pixels of 0.68 µm."""

TRACTION_SCALE = 1.36
"""Gaussian in µm over which an adhesion's pull is spread: 2 pixels of 0.68 µm."""


_FLAT = 1e-6
"""Structures fainter than this share of the brightest pixel are rounding errors."""


class AdhesionFilter:
    """Adhesions pull towards the middle of the cell, the harder the brighter and the farther out.

    With z the normalised protein image and G a Gaussian, adhesions are h = G_1.36 [z - G_2.72 z]+ inside
    the cell (lengths in µm), and the traction is F = h (c - r). The centre c is the mean position weighted
    with h, which makes the net force vanish. F is divided by its mean length in the cell.

    It runs on the image's own grid; nothing is resampled.
    """

    @property
    def record(self) -> ModelRecord:
        """What it needs and what it gives."""
        return ModelRecord(
            name="adhesion-filter",
            relative_to="frame",
            kind="adhesion-filter",
            architecture={"adhesion_scale": ADHESION_SCALE, "traction_scale": TRACTION_SCALE},
            training_data="None: it has no parameters to learn.",
            limits=(
                "A baseline that learns nothing: all forces point to one centre, and only their pattern means"
                " something. The output is normalised to a mean of 1 in every frame, so forces cannot be"
                " compared between frames or cells."
            ),
            licence="BSD-3-Clause",
            source="napari-cellforce",
        )

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame; see `napari_cellforce.models.record.Predictor`.

        Returns
        -------
        FrameResult
            Normalised traction whose mean length in the mask is 1 and whose sum is 0; ``scalars`` holds
            the ``"adhesion"`` image h, in units of the normalised protein image.

        Raises
        ------
        CellForceError
            If the image shows no adhesions in the mask.
        """
        adhesion = adhesions(image[0], mask, pixel_size)
        if adhesion.max() <= _FLAT * np.abs(image[0]).max():
            raise CellForceError(
                "the image shows no adhesions inside the mask",
                "the adhesion filter needs structures brighter than their surroundings",
                "Check the channel and the mask, and leave out empty frames.",
                topic=Topic.CHANNEL,
            )
        traction = _towards_centre(adhesion, pixel_size)
        traction /= np.hypot(traction[Y], traction[X])[mask].mean()
        return FrameResult(traction.astype(np.float32), scalars={"adhesion": adhesion.astype(np.float32)})


def adhesions(
    protein: npt.NDArray[np.floating], mask: BoolArray, pixel_size: PixelSize
) -> npt.NDArray[np.float64]:
    """Return what stands out from the haze, h = G_1.36 [z - G_2.72 z]+ inside the mask.

    Parameters
    ----------
    protein : (Y, X) array
        Normalised intensity z.
    mask : (Y, X) bool array
    pixel_size : PixelSize

    Returns
    -------
    (Y, X) float64 array
        In units of `protein`; 0 outside the mask.
    """
    z = np.asarray(protein, dtype=np.float64)
    sharp = np.maximum(z - _blur(z, ADHESION_SCALE, pixel_size), 0)
    return np.where(mask, _blur(sharp, TRACTION_SCALE, pixel_size), 0)


def _blur(image: npt.NDArray[np.float64], micron: float, pixel_size: PixelSize) -> npt.NDArray[np.float64]:
    return ndimage.gaussian_filter(image, (micron / pixel_size.y, micron / pixel_size.x))


def _towards_centre(weight: npt.NDArray[np.float64], pixel_size: PixelSize) -> npt.NDArray[np.float64]:
    """Return `weight` times the vector to its own centre of mass, ``(2, Y, X)``; the sum is 0."""
    rows, columns = np.indices(weight.shape)
    position = np.stack([rows * pixel_size.y, columns * pixel_size.x])
    centre = (weight * position).sum(axis=(1, 2)) / weight.sum()
    return np.asarray(weight * (centre[:, None, None] - position))
