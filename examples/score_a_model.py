"""Ask how well a predictor does on a cell whose traction is known exactly."""

from napari_cellforce import metrics, zoo
from napari_cellforce.predict import predict
from napari_cellforce.synthetic import CellConfig, SheetMechanics, simulate

cell = simulate(CellConfig(mechanics=SheetMechanics(), side=256, pixel_size=0.68), seed=3)
(result,) = predict(cell.image, zoo.load_predictor("adhesion-filter"), cell.mask)

truth, mask = cell.traction.data[0], cell.mask.frame(0)
print(f"correlation of |F|: {metrics.pearson(result.traction, truth, mask):.2f}")
print(f"mean angle error where |F| > 500 Pa: {metrics.angle_error(result.traction, truth, mask, 500):.0f}°")
print(f"one normalised unit is {metrics.best_scale(result.traction, truth, mask):.0f} Pa in this cell")
