"""Simulated cells to try things on, made on the fly from a seed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from napari_cellforce import __version__
from napari_cellforce.fields import ImageStack, Provenance, VectorField
from napari_cellforce.synthetic import (
    PROTEINS,
    CellConfig,
    Drug,
    Instrument,
    Shape,
    SheetMechanics,
    SyntheticCell,
    simulate,
)

_SEED = 3
_CUT = 16
"""Pixels at each side of the measured sample, where the inversion, which takes the gel as periodic, errs."""


@dataclass(frozen=True)
class Sample:
    """A simulated cell to be shown.

    Attributes
    ----------
    image : ImageStack
    traction : VectorField
        In Pa.
    """

    image: ImageStack
    traction: VectorField


def measured_sample(seed: int = _SEED) -> Sample:
    """Return a spread cell with zyxin and actin, and its traction as an instrument would measure it."""
    config = CellConfig(
        shape=Shape("spread", area=4200.0, aspect=1.3, angle=0.6),
        proteins=(PROTEINS["zyxin"], PROTEINS["actin"]),
        mechanics=SheetMechanics(),
        instrument=Instrument(),
        side=400 + 2 * _CUT,
        pixel_size=0.34,
    )
    return _sample("simulated cell", seed, simulate(config, seed), slice(_CUT, -_CUT))


def drug_sample(seed: int = _SEED) -> Sample:
    """Return two hours of a cell, zyxin and exact traction: inhibited from 30 to 60 min, then recovering."""
    config = CellConfig(
        shape=Shape("spread", area=3200.0, aspect=1.2, angle=-0.4),
        mechanics=SheetMechanics(),
        drug=Drug(wash_in=30.0, wash_out=60.0),
        frames=25,
        frame_interval=5.0,
        side=224,
        pixel_size=0.51,
    )
    return _sample("drug time course", seed, simulate(config, seed))


def _sample(name: str, seed: int, cell: SyntheticCell, part: slice = slice(None)) -> Sample:
    """Return the part of a cell's images and of its traction, measured or else exact."""
    traction = cell.measured or cell.traction
    assert traction is not None, "samples have mechanics"
    provenance = Provenance(version=__version__, settings={"simulated": name, "seed": seed})
    return Sample(
        dataclasses.replace(cell.image, data=cell.image.data[..., part, part], name=name),
        dataclasses.replace(
            traction,
            data=traction.data[..., part, part],
            mask=traction.mask[..., part, part],
            name=name,
            provenance=provenance,
        ),
    )
