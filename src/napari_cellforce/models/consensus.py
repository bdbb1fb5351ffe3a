"""A network and two rules that learn nothing, asked together: their errors are not the same."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize, X, Y
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.models.record import ModelRecord, Predictor
from napari_cellforce.models.sheet_filter import SheetFilter

KIND = "consensus"
"""Kind of its record."""

DISAGREEMENT = "disagreement"
"""Name of the scalar that says how far the members are apart."""


class Consensus:
    """The mean of a network, the adhesion filter and the sheet filter, with equal weights.

    A network that has seen simulated cells only errs where those are unlike real ones, the filters where a
    cell is not as simple as they are; a mean of forecasts that err differently is safer than the best guess
    which of them is right (Clemen 1989, doi:10.1016/0169-2070(89)90012-5). The weights are equal because
    any others would have to be chosen on real cells.

    The filters know no scale: their traction is given the network's mean length in the cell. Where a cell
    cannot be meshed, the sheet is left out with a warning. All members are in balance, hence so is the mean.

    Parameters
    ----------
    network : Predictor
        Its first input is the protein that the filters look at.
    """

    def __init__(self, network: Predictor) -> None:
        self._network = network
        self._filters: tuple[Predictor, ...] = (AdhesionFilter(), SheetFilter())

    @property
    def record(self) -> ModelRecord:
        """That of the network, as a model of another kind."""
        return dataclasses.replace(self._network.record, kind=KIND)

    @property
    def backend(self) -> str:
        """What computes the network."""
        return str(getattr(self._network, "backend", ""))

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame; see `napari_cellforce.models.record.Predictor`.

        Returns
        -------
        FrameResult
            In the network's unit; ``scalars`` holds the ``"disagreement"``, the standard deviation of the
            members' vectors (root of the summed variances of the components), in the same unit. It tells
            where not to trust the mean; it is no calibrated error. Beside it the inner fields of the
            members, such as the ``"adhesion"`` image and the sheet's ``"Y"``.

        Raises
        ------
        CellForceError
            If the image shows no adhesions in the mask, or the network cannot be used on it.

        Warns
        -----
        CellForceWarning
            If the cell cannot be meshed, or is cut by the frame's border.
        """
        network_result = self._network.predict_frame(image, mask, pixel_size)
        strength = _mean_length(network_result.traction, mask)
        filter_results = [
            result for rule in self._filters if (result := _predict_or_none(rule, image, mask, pixel_size))
        ]
        fields = np.stack(
            [network_result.traction, *(strength * result.traction for result in filter_results)]
        )
        spread = np.sqrt(fields.var(axis=0).sum(axis=0)).astype(np.float32)
        inner = {
            name: field
            for result in (network_result, *filter_results)
            for name, field in result.scalars.items()
        }
        return FrameResult(fields.mean(axis=0, dtype=np.float32), scalars={DISAGREEMENT: spread, **inner})


def _mean_length(field: FloatArray, mask: BoolArray) -> float:
    return float(np.hypot(field[Y], field[X])[mask].mean())


def _predict_or_none(
    rule: Predictor, image: FloatArray, mask: BoolArray, pixel_size: PixelSize
) -> FrameResult | None:
    """Return what a rule says, of mean length 1, or None where only its mesh stands in the way."""
    try:
        return rule.predict_frame(image, mask, pixel_size)
    except CellForceError as error:
        if error.topic == Topic.CHANNEL:
            raise
        warnings.warn(
            f"{rule.record.name} is left out of this frame: {error}", CellForceWarning, stacklevel=3
        )
        return None
