"""Traction forces from images of adhesion proteins, for napari, the command line and Python."""

from napari_cellforce.lazy import lazy_names

__version__ = "0.1.0"
__all__ = ["PredictedForces", "__version__", "predict_forces"]

# Editors and type checkers read `__init__.pyi`. Names, not imports: every module imports this one.
__getattr__ = lazy_names(__name__, {"napari_cellforce.predict.forces": ("PredictedForces", "predict_forces")})
