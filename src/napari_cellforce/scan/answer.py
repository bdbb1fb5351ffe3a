"""What a model says of a synthetic cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from napari_cellforce import __version__
from napari_cellforce.fields import FrameResult, PixelSize, Provenance, Substrate, Unit
from napari_cellforce.scan.measures import GEL, measure
from napari_cellforce.scan.models import ForceModel
from napari_cellforce.synthetic import SyntheticCell


@dataclass(frozen=True)
class Answer:
    """The traction that a model gives a cell, and the numbers read off it.

    Attributes
    ----------
    model : str
    unit : {"Pa", "normalised"}
    cell : SyntheticCell
    result : FrameResult or None
        The field; None where only the numbers are kept.
    numbers : mapping
        See `measure`.
    per_frame : bool
        True if its totals tell nothing but the cell's area; see `ForceModel`.
    sha256 : str
        Of the model's weights; empty if it has none.
    """

    model: str
    unit: Unit
    cell: SyntheticCell
    result: FrameResult | None
    numbers: Mapping[str, float]
    per_frame: bool = False
    sha256: str = ""

    @property
    def pixel_size(self) -> PixelSize:
        """Of cell and traction."""
        return PixelSize.square(self.cell.config.pixel_size)

    @property
    def provenance(self) -> Provenance:
        """How the traction came about."""
        settings = {"cell": self.cell.config.to_json(), "seed": self.cell.seed.entropy}
        return Provenance(self.model, self.sha256, __version__, settings)


def evaluate_model(model: ForceModel, cell: SyntheticCell, substrate: Substrate | None = GEL) -> Answer:
    """Return what a model says of the first frame of a cell.

    Parameters
    ----------
    model : ForceModel
    cell : SyntheticCell
    substrate : Substrate, optional
        The gel, for the strain energy of tractions in Pa.

    Raises
    ------
    CellForceError
        If the model has no answer.
    """
    result = model.forces(cell)
    numbers = measure(
        result.traction,
        model.unit,
        cell.mask.frame(0),
        PixelSize.square(cell.config.pixel_size),
        cell.adhesions[0],
        substrate,
    )
    return Answer(model.name, model.unit, cell, result, numbers, model.per_frame, model.sha256)
