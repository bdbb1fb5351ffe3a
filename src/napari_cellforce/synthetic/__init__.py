"""Synthetic cells: shape + adhesions -> protein image and exact traction."""

from napari_cellforce.synthetic.adhesions import PAPER_ADHESIONS, AdhesionRule, Adhesions
from napari_cellforce.synthetic.cell import (
    SyntheticCell,
    draw,
    drawn_cell,
    simulate,
    with_traction,
)
from napari_cellforce.synthetic.config import CellConfig
from napari_cellforce.synthetic.director import Director, DirectorRule
from napari_cellforce.synthetic.fibres import FibreRule, Fibres
from napari_cellforce.synthetic.instruments import Camera, Instrument, Optics
from napari_cellforce.synthetic.mechanics import FibreMechanics, SheetMechanics
from napari_cellforce.synthetic.outline import Outline
from napari_cellforce.synthetic.population import PopulationConfig, Range, Recipe
from napari_cellforce.synthetic.proteins import PROTEINS, ProteinLook
from napari_cellforce.synthetic.recipes import directed_fibroblasts, fibroblasts
from napari_cellforce.synthetic.settings import replace_setting
from napari_cellforce.synthetic.shape import Shape
from napari_cellforce.synthetic.time_course import Drug, Remodelling, Turnover

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
    "directed_fibroblasts",
    "draw",
    "drawn_cell",
    "fibroblasts",
    "replace_setting",
    "simulate",
    "with_traction",
]
