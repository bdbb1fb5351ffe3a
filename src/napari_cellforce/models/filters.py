"""Untrained baselines, to which every network is compared."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize, X, Y
from napari_cellforce.models.record import ModelRecord

ADHESION_SCALE = 2.72
"""Standard deviation in µm of the local mean that is subtracted as background: 4 pixels of 0.68 µm."""

TRACTION_SCALE = 1.36
"""Standard deviation in µm over which the force of an adhesion is spread: 2 pixels of 0.68 µm."""


_FLAT = 1e-6
"""Relative intensity below which structures are rounding errors."""


class AdhesionFilter:
    """Tractions from adhesions towards the centre of the cell, proportional to intensity and distance.

    With z the normalised protein image and G a Gaussian, adhesions are h = G_1.36 [z - G_2.72 z]+ inside
    the cell (lengths in µm), and the traction is F = h (c - r). The centre c is the mean position weighted
    with h, which makes the net force vanish. F is divided by its mean length in the cell.

    It is computed on the grid of the image, without resampling.
    """

    @property
    def record(self) -> ModelRecord:
        """Inputs, units and origin."""
        return ModelRecord(
            name="adhesion-filter",
            relative_to="frame",
            kind="adhesion-filter",
            architecture={"adhesion_scale": ADHESION_SCALE, "traction_scale": TRACTION_SCALE},
            training_data="None: it has no trainable parameters.",
            limits=(
                "An untrained baseline: all forces point to one centre, and only their pattern is meaningful."
                " The output is normalised to a mean of 1 in every frame, so forces cannot be compared"
                " between frames or cells."
            ),
            licence="BSD-3-Clause",
            source="napari-cellforce",
        )

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame; see `napari_cellforce.models.record.Predictor`.

        Returns
        -------
        FrameResult
            Normalised traction with mean magnitude 1 in the mask and zero sum; ``scalars`` contains the
            ``"adhesion"`` image h, in units of the normalised protein image.

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
                "Check the channel and the mask, and omit empty frames.",
                topic=Topic.CHANNEL,
            )
        traction = _towards_centre(adhesion, pixel_size)
        traction /= np.hypot(traction[Y], traction[X])[mask].mean()
        return FrameResult(traction.astype(np.float32), scalars={"adhesion": adhesion.astype(np.float32)})


def adhesions(
    protein: npt.NDArray[np.floating], mask: BoolArray, pixel_size: PixelSize
) -> npt.NDArray[np.float64]:
    """Return the adhesion image h = G_1.36 [z - G_2.72 z]+ inside the mask.

    Parameters
    ----------
    protein : (Y, X) array
        Normalised intensity z.
    mask : (Y, X) bool array
    pixel_size : PixelSize

    Returns
    -------
    (Y, X) float64 array
        Adhesion image in units of `protein`; 0 outside the mask.
    """
    z = np.asarray(protein, dtype=np.float64)
    sharp = np.maximum(z - _blur(z, ADHESION_SCALE, pixel_size), 0)
    return np.where(mask, _blur(sharp, TRACTION_SCALE, pixel_size), 0)


def _blur(image: npt.NDArray[np.float64], micron: float, pixel_size: PixelSize) -> npt.NDArray[np.float64]:
    return ndimage.gaussian_filter(image, (micron / pixel_size.y, micron / pixel_size.x))


def _towards_centre(weight: npt.NDArray[np.float64], pixel_size: PixelSize) -> npt.NDArray[np.float64]:
    """Return `weight` times the vector to its centre of mass, ``(2, Y, X)``; the sum is 0."""
    rows, columns = np.indices(weight.shape)
    position = np.stack([rows * pixel_size.y, columns * pixel_size.x])
    centre = (weight * position).sum(axis=(1, 2)) / weight.sum()
    return np.asarray(weight * (centre[:, None, None] - position))
