"""Simulated cells of which everything is known, cut out for training and comparing the physical models."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import cast

import numpy as np
import torch

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.io.cell_index import Split
from napari_cellforce.physics.mesh import MeshSettings, mesh_cell
from napari_cellforce.preprocess.mask import touches_border
from napari_cellforce.preprocess.normalise import measure_baselines, normalise
from napari_cellforce.preprocess.regrid import Window
from napari_cellforce.synthetic import (
    FibreMechanics,
    PopulationConfig,
    SheetMechanics,
    SyntheticCell,
    directed_fibroblasts,
    fibroblasts,
)
from napari_cellforce.synthetic.cell import CellConfig, simulate
from napari_cellforce.synthetic.rasterise import draw_adhesions
from napari_cellforce.train.data import Example, ModelGrid
from napari_cellforce.train.examples import Examples

PROTEINS = ("zyxin", "actin")
PIXEL = 0.68
"""In µm."""
MARGIN = 8
"""Pixels around a cell, in sum of both sides."""
MECHANICS = {"sheet": SheetMechanics, "fibres": FibreMechanics}
GROWTH = 0.4
"""Adhesions of a `contractile` cell are longer, more and brighter by its contractility to this power."""


@dataclass(frozen=True)
class Known:
    """A simulated cell: what is seen, and what is behind it.

    Attributes
    ----------
    proteins : (2, Y, X) float32 array
        Zyxin and actin, normalised.
    mask : (Y, X) bool array
    traction, measured : (2, Y, X) float32 array
        Exact, and as a microscope would have measured it, in Pa.
    springs : (Y, X) float32 array
        Y of a sheet in 1/µm², as its mesh has it; 0 of a cell that pulls by fibres.
    tension : float
        Active tension of a sheet in nN/µm; else 0.
    """

    proteins: np.ndarray
    mask: np.ndarray
    traction: np.ndarray
    measured: np.ndarray
    springs: np.ndarray
    tension: float


def known_cells(
    wanted: int,
    seed: int,
    kind: str = "sheet",
    side: int = 160,
    contractile: bool = False,
    directed: bool = False,
) -> list[Known]:
    """Return simulated cells of one mechanics that fit into a window of `side` pixels.

    Parameters
    ----------
    wanted, seed : int
    kind : {"sheet", "fibres"}
    side : int
    contractile : bool
        Whether tension differs from cell to cell, and leaves its trace in the adhesions.
    directed : bool
        Whether forces follow stress fibres: `directed_fibroblasts` in the place of `fibroblasts`.
    """
    people = directed_fibroblasts if directed else fibroblasts
    cells: list[Known] = []
    with ProcessPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for start in range(0, 100 * wanted, wanted):
            numbers = range(start, start + wanted)
            settings = (people(start + wanted, seed, measured=True), kind, side, contractile)
            made = pool.map(_known, numbers, *map(repeat, settings))
            cells += [cell for cell in made if cell is not None]
            if len(cells) >= wanted:
                return cells[:wanted]
    raise RuntimeError(f"only {len(cells)} of {wanted} cells fit into {side} pixels")


def more_contractile(config: CellConfig, factor: float) -> CellConfig:
    """Return a sheet cell whose tension is `factor` times as high, and whose adhesions have grown with it."""
    adhesions, grown = config.adhesions, factor**GROWTH
    assert isinstance(config.mechanics, SheetMechanics)
    return replace(
        config,
        adhesions=replace(
            adhesions,
            length=adhesions.length * grown,
            density=min(adhesions.density * grown, 0.8),
            intensity=adhesions.intensity * grown,
        ),
        mechanics=replace(config.mechanics, tension=config.mechanics.tension * factor),
    )


def _known(number: int, people: PopulationConfig, kind: str, side: int, contractile: bool) -> Known | None:
    config = people.cell_config(number)
    if not isinstance(config.mechanics, MECHANICS[kind]):
        return None
    if contractile:
        rng = np.random.default_rng([people.seed, number])
        config = more_contractile(config, float(np.exp(rng.uniform(-np.log(3), np.log(3)))))
    try:
        cell = simulate(config, people.seed_of(number))
    except CellForceError:
        return None  # it cannot be drawn
    box = Window.around(cell.mask.frame(0))
    if touches_border(cell.mask.frame(0)) or max(box.height, box.width) > side - MARGIN:
        return None
    return _cut(cell, side)


def _cut(cell: SyntheticCell, side: int) -> Known:
    mask = cell.mask.frame(0)
    image = cell.image.frame(0, tuple(cell.image.channel(name) for name in PROTEINS))
    proteins = normalise(image, measure_baselines([image], [mask]), "outside_inside")
    springs, tension = np.zeros(mask.shape), 0.0
    if isinstance(cell.config.mechanics, SheetMechanics):
        springs = true_springs(cell, mask)
        tension = cell.config.mechanics.tension * float(cell.config.activity[0])
    assert cell.traction is not None
    assert cell.measured is not None
    fields = (proteins, mask, cell.traction.data[0], cell.measured.data[0], springs)
    window = Window.around(mask, side=side)
    z, inside, exact, measured, Y = (window.cut(np.asarray(field)) for field in fields)
    z, exact, measured, Y = (a.astype(np.float32) for a in (z, exact, measured, Y))
    return Known(z, inside, exact, measured, Y, tension)


def true_springs(cell: SyntheticCell, mask: np.ndarray) -> np.ndarray:
    """Return Y as the mesh of a simulated sheet has it, drawn on pixels, 1/µm²."""
    mechanics = cell.config.mechanics
    assert isinstance(mechanics, SheetMechanics)
    settings = MeshSettings(edge_length=mechanics.edge_length)
    mesh = mesh_cell(mask, PixelSize.square(cell.config.pixel_size), settings)
    with_grip = cell.adhesions[0].with_grip(mechanics.exponent)
    adhesions = mesh.sample(draw_adhesions(mask.shape, cell.config.pixel_size, with_grip))
    drawn: np.ndarray = mesh.image((mechanics.floor + adhesions)[:, None] / mechanics.penetration**2)[0]
    return np.nan_to_num(drawn)


def kept(path: Path, make: Callable[[], list[Known]]) -> list[Known]:
    """Return cells from a file, or make them and keep them there."""
    if path.is_file():
        return cast("list[Known]", pickle.loads(path.read_bytes()))
    cells = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(cells))
    return cells


def examples(
    training: Sequence[Known],
    validation: Sequence[Known],
    proteins: tuple[str, ...],
    target: str,
    description: str,
    pixel_size: float = PIXEL,
) -> Examples:
    """Return cells as `napari_cellforce.train.train` takes them; `target` is "traction" or "measured"."""
    mean = float(np.mean([np.hypot(*getattr(cell, target))[cell.mask].mean() for cell in training]))
    side = int(np.ceil(training[0].mask.shape[0] * PIXEL / pixel_size))
    grid = ModelGrid(pixel_size, 8.5, side)

    def example(name: str, cell: Known) -> Example:
        channels = [PROTEINS.index(protein) for protein in proteins]
        force = getattr(cell, target) / mean
        return grid.example(name, cell.proteins[channels], cell.mask, force, PixelSize.square(PIXEL))

    first = tuple(example(f"training {i}", cell) for i, cell in enumerate(training))
    second = tuple(example(f"validation {i}", cell) for i, cell in enumerate(validation))
    split = Split(tuple(e.cell for e in first), tuple(e.cell for e in second))
    return Examples(first, second, split, mean, description)
