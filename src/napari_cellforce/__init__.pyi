from napari_cellforce.predict.forces import PredictedForces, predict_forces

__version__: str
__all__ = ["PredictedForces", "__version__", "predict_forces"]
