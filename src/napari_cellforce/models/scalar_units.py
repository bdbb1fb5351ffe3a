"""In which units the inner fields of the predictors are."""

from __future__ import annotations

from napari_cellforce.models.consensus import DISAGREEMENT
from napari_cellforce.models.record import Predictor
from napari_cellforce.models.symbolic import FormulaPredictor

_UNITS = {
    "Y": "µm^-2",
    "u_y": "µm",
    "u_x": "µm",
    "sigma_a": "E/(1+ν)",
    "stress": "E/(1+ν)",
    "alpha": "1",
    "strain": "1",
    "Q_xx": "1",
    "Q_xy": "1",
    "adhesion": "brightness of the cell",
}
"""Of fields that have one whatever the model."""

_FORCES = ("grad_phi_", "psi_grad_chi_", "residual_", DISAGREEMENT)
"""Beginnings of the names of what is in the unit of the traction."""

ARBITRARY = "arb. unit"
"""Where a network is free to choose it."""


def scalar_unit(predictor: Predictor, name: str) -> str:
    """Return the unit of a field of ``FrameResult.scalars``.

    Parameters
    ----------
    predictor : Predictor
    name : str
        Key of the field.
    """
    if name in _UNITS:
        return _UNITS[name]
    if name.startswith(_FORCES):
        return predictor.record.output_unit
    if isinstance(predictor, FormulaPredictor):
        powers = {potential.text: potential.power for potential in predictor.formula.potentials}
        return f"µm^{powers[name]}" if powers.get(name) else "1"
    return ARBITRARY
