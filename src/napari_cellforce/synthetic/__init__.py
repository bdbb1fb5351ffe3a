"""Synthetic cells: shape + adhesions -> protein image and exact traction."""

from napari_cellforce.synthetic.adhesion_rule import PAPER_ADHESIONS, AdhesionRule
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.cell import (
    SyntheticCell,
    draw,
    drawn_cell,
    simulate,
    with_traction,
)
from napari_cellforce.synthetic.config import CellConfig
from napari_cellforce.synthetic.course import Drug, Turnover
from napari_cellforce.synthetic.director import Director, DirectorRule
from napari_cellforce.synthetic.fibre_mechanics import FibreMechanics
from napari_cellforce.synthetic.fibres import FibreRule, Fibres
from napari_cellforce.synthetic.instrument import Instrument
from napari_cellforce.synthetic.optics import Camera, Optics
from napari_cellforce.synthetic.outline import Outline
from napari_cellforce.synthetic.population import PopulationConfig, Range, Recipe
from napari_cellforce.synthetic.proteins import PROTEINS, ProteinLook
from napari_cellforce.synthetic.recipes import directed_fibroblasts, fibroblasts
from napari_cellforce.synthetic.remodelling import Remodelling
from napari_cellforce.synthetic.settings import changed
from napari_cellforce.synthetic.shape import Shape
from napari_cellforce.synthetic.sheet_mechanics import SheetMechanics

__all__ = [
    "PAPER_ADHESIONS",
    "PROTEINS",
    "AdhesionRule",
    "Adhesions",
    "Camera",
    "CellConfig",
    "Director",
    "DirectorRule",
    "Drug",
    "FibreMechanics",
    "FibreRule",
    "Fibres",
    "Instrument",
    "Optics",
    "Outline",
    "PopulationConfig",
    "ProteinLook",
    "Range",
    "Recipe",
    "Remodelling",
    "Shape",
    "SheetMechanics",
    "SyntheticCell",
    "Turnover",
    "changed",
    "directed_fibroblasts",
    "draw",
    "drawn_cell",
    "fibroblasts",
    "simulate",
    "with_traction",
]
