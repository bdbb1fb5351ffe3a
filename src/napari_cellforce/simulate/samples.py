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
    simulate,
)

_SEED = 3


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
        side=400,
        pixel_size=0.34,
    )
    cell = simulate(config, seed)
    return _named("simulated cell", seed, cell.image, cell.measured)


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
    cell = simulate(config, seed)
    return _named("drug time course", seed, cell.image, cell.traction)


def _named(name: str, seed: int, image: ImageStack, traction: VectorField | None) -> Sample:
    assert traction is not None, "samples have mechanics and, where asked for, an instrument"
    provenance = Provenance(version=__version__, settings={"simulated": name, "seed": seed})
    return Sample(
        dataclasses.replace(image, name=name),
        dataclasses.replace(traction, name=name, provenance=provenance),
    )
