"""A movie in, tractions and a table out."""

from pathlib import Path

from napari_cellforce import io, zoo
from napari_cellforce.predict import OutputPaths, PredictConfig, predict_to_files, prepare
from napari_cellforce.synthetic import drawn_cell

io.write_stack("cell.ome.tif", drawn_cell(frames=3).image)  # leave this out for a movie of yours
stack = io.read("cell.ome.tif")
print(f"{stack.n_frames} frames, channels {stack.channel_names}, {stack.pixel_size.micron} µm a pixel")

job = prepare(stack, zoo.load_predictor("adhesion-filter"), config=PredictConfig(calibration=267))
paths = OutputPaths.of(Path(), stack.name)
for _ in predict_to_files(job, paths):  # one record a frame: stop whenever you like
    pass
print(paths.summary.read_text(encoding="utf-8"))
