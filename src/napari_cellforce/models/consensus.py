"""Ensemble of a network and the two filters, whose errors are largely independent."""

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
"""Name of the scalar field with the disagreement of the members."""


class Consensus:
    """The mean of a network, the adhesion filter and the sheet filter, with equal weights.

    A network trained on simulated cells errs where these differ from real ones, the filters where a cell is
    more complex than their assumptions; the mean of forecasts with different errors is more reliable than
    the choice of one of them (Clemen 1989, doi:10.1016/0169-2070(89)90012-5). The weights are equal because
    any others would have to be fitted to real cells.

    The filters have no absolute scale: their traction is scaled to the mean magnitude of the network in the
    cell. If a cell cannot be meshed, the sheet filter is omitted with a warning. All members are balanced,
    hence also the mean.

    Parameters
    ----------
    network : Predictor
        Network whose first input is the protein used by the filters.
    """

    def __init__(self, network: Predictor) -> None:
        self._network = network
        self._filters: tuple[Predictor, ...] = (AdhesionFilter(), SheetFilter())

    @property
    def record(self) -> ModelRecord:
        """Record of the network, with the kind of the ensemble."""
        return dataclasses.replace(self._network.record, kind=KIND)

    @property
    def backend(self) -> str:
        """Backend of the network."""
        return str(getattr(self._network, "backend", ""))

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame; see `napari_cellforce.models.record.Predictor`.

        Returns
        -------
        FrameResult
            In the network's unit; ``scalars`` holds the ``"disagreement"``, the standard deviation of the
            members' vectors (root of the summed variances of the components), in the same unit. It
            indicates unreliable regions but is not a calibrated error. Also the internal fields of the
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
    """Return the prediction of a filter, of mean magnitude 1, or None if the cell cannot be meshed."""
    try:
        return rule.predict_frame(image, mask, pixel_size)
    except CellForceError as error:
        if error.topic == Topic.CHANNEL:
            raise
        warnings.warn(f"{rule.record.name} is omitted in this frame: {error}", CellForceWarning, stacklevel=3)
        return None
