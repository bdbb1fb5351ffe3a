"""Traction as a formula of a few terms, by sparse regression (Schmitt et al. 2024, section on SINDy).

Terms are ``p_i grad(p_j)`` and ``grad(p_j)`` of potentials p: scalars of the protein image convolved with
kernels. The method and its validation on known formulas: ``docs/explain/formula.md``.
"""

from napari_cellforce.models.symbolic.fit import FitConfig, SymbolicFit, fit
from napari_cellforce.models.symbolic.formula import Formula
from napari_cellforce.models.symbolic.library import Kernel, Library, Potential, Term
from napari_cellforce.models.symbolic.predictor import (
    FORMULA_KIND,
    FormulaFrame,
    FormulaPredictor,
    is_formula,
    load_formula,
    save_formula,
)
from napari_cellforce.models.symbolic.sampling import RegressionFrame, Samples, draw_samples

__all__ = [
    "FORMULA_KIND",
    "FitConfig",
    "Formula",
    "FormulaFrame",
    "FormulaPredictor",
    "Kernel",
    "Library",
    "Potential",
    "RegressionFrame",
    "Samples",
    "SymbolicFit",
    "Term",
    "draw_samples",
    "fit",
    "is_formula",
    "load_formula",
    "save_formula",
]
