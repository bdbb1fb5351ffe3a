"""An untrained mechanical baseline: a contractile sheet on springs at the adhesions."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize, X, Y
from napari_cellforce.models.filters import adhesions
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.physics.mesh import Mesh, MeshSettings, mesh_cell
from napari_cellforce.physics.sheet import ContractileSheet, sample_traction
from napari_cellforce.preprocess.mask import touches_border

ALPHA = 1.0
"""Resistance to dilation of an incompressible thin sheet: nu / (1 - nu) for nu = 1/2."""

EXPONENT = 1.2
"""Exponent of the adhesion image in the spring constant."""

PENETRATION = 18.0
"""Mean penetration length of forces in µm, whose square is (1 + alpha) / mean(Y)."""

_FLOOR = 1e-3
"""Minimum spring constant relative to the mean, which prevents sliding."""

CUT = (
    "The cell is cut by the border of the frame: the sheet ends there and its forces are balanced"
    " nevertheless, which is an artefact."
)
"""Warning for such a cell."""

_FLAT = 1e-6


class SheetFilter:
    """The contractile sheet of Schmitt et al. (2024) on springs Y ~ h^1.2, without a network.

    h is the adhesion image of `napari_cellforce.models.filters.adhesions`. The springs are scaled to
    a mean penetration length of 18 µm; the active stress is uniform. The traction Y u is balanced and
    divided by its mean magnitude in the cell.
    """

    @property
    def record(self) -> ModelRecord:
        """Inputs, units and origin."""
        return ModelRecord(
            name="sheet-filter",
            kind="sheet-filter",
            relative_to="frame",
            architecture={"alpha": ALPHA, "exponent": EXPONENT, "penetration": PENETRATION},
            training_data="None: it has no trainable parameters.",
            limits=(
                "An untrained baseline: a uniformly contracting elastic sheet on springs at the adhesions."
                " The output is normalised to a mean of 1 in every frame, so forces cannot be"
                " compared between frames or cells."
            ),
            licence="BSD-3-Clause",
            citation="Schmitt et al., Cell 187:481 (2024), doi:10.1016/j.cell.2023.11.041 (the mechanics)",
            source="napari-cellforce",
        )

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame; see `napari_cellforce.models.record.Predictor`.

        Returns
        -------
        FrameResult
            Normalised traction with mean magnitude 1 in the mask, without net force or moment;
            ``scalars`` contains ``"Y"``, the spring constant in 1/µm² relative to the shear modulus of the
            sheet.

        Raises
        ------
        CellForceError
            If the image shows no adhesions in the mask, or the mask cannot be meshed.

        Warns
        -----
        CellForceWarning
            If the cell is cut by the border of the frame: the balance is then an artefact.
        """
        if touches_border(mask):
            warnings.warn(CUT, CellForceWarning, stacklevel=2)
        adhesion = adhesions(image[0], mask, pixel_size)
        if adhesion.max() <= _FLAT * np.abs(image[0]).max():
            raise CellForceError(
                "the image shows no adhesions inside the mask",
                "the sheet needs adhesions",
                "Check the channel and the mask, and omit empty frames.",
                topic=Topic.CHANNEL,
            )
        mesh = mesh_cell(mask, pixel_size, MeshSettings())
        springs = spring_stiffness(mesh, adhesion)
        state = ContractileSheet(mesh.nodes, mesh.triangles).equilibrium(springs, 1.0, ALPHA)
        traction = sample_traction(mesh, state).data
        traction /= np.hypot(traction[Y], traction[X])[mask].mean()
        stiffness = np.nan_to_num(mesh.image(springs)).astype(np.float32)
        return FrameResult(traction.astype(np.float32), scalars={"Y": stiffness})


def spring_stiffness(mesh: Mesh, adhesion: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the spring constants at the nodes, in 1/µm², for an adhesion image ``(Y, X)``."""
    shape = mesh.sample(adhesion) ** EXPONENT
    shape = shape / shape.mean() + _FLOOR
    springs: npt.NDArray[np.float64] = shape / shape.mean() * (1 + ALPHA) / PENETRATION**2
    return springs
