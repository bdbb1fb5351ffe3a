"""Opening a result of 120 frames of 960 x 960 pixels, and stepping through it, on napari's model side.

usage: python benchmarks/stepping.py [FRAMES]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

import _report
from napari_cellforce.fields import PixelSize
from napari_cellforce.hooks import read_layers
from napari_cellforce.io import FieldWriter, read_field
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.synthetic import drawn_cell

SIDE = 960
PIXEL = 0.17


def write_result(path: Path, frames: int) -> Path:
    """Write the traction of a drawn cell, which drifts by a pixel a frame."""
    cell = drawn_cell(pixel_size=PIXEL, side=SIDE)
    size = PixelSize.square(PIXEL)
    image, mask = cell.image.frame(0), cell.mask.frame(0)
    traction = AdhesionFilter().predict_frame(image, mask, size).traction
    with FieldWriter(
        path,
        quantity="traction",
        unit="normalised",
        pixel_size=size,
        shape=mask.shape,
        frame_interval=1.0,
        name="benchmark",
        n_frames=frames,
    ) as writer:
        for t in range(frames):
            shift = t % 40 - 20
            writer.append(t, np.roll(traction, shift, axis=-1), np.roll(mask, shift, axis=-1))
    return path


@dataclass(frozen=True)
class Steps:
    """How long steps in time took, in ms each: by the clock, and of all processors together."""

    clock: list[float]
    processors: list[float]


def timed_steps(viewer: ViewerModel, order: list[int]) -> Steps:
    """Go to one frame after the other, all layers sliced."""
    steps = Steps([], [])
    for t in order:
        clock, processors = time.perf_counter(), time.process_time()
        viewer.dims.set_current_step(0, t)
        steps.clock.append((time.perf_counter() - clock) * 1e3)
        steps.processors.append((time.process_time() - processors) * 1e3)
    return steps


def main(frames: int) -> None:
    """Open, then step through all frames in order and at random."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_result(Path(folder) / "result_traction.ome.tif", frames)
        size = path.stat().st_size
        start = time.perf_counter()
        layers = [Layer.create(*layer) for layer in read_layers(str(path))]
        reading = time.perf_counter() - start
        viewer = ViewerModel()
        viewer.layers.extend(layers)
        opening = time.perf_counter() - start
        in_order = timed_steps(viewer, list(range(1, frames)))
        at_random = timed_steps(viewer, [int(t) for t in np.random.default_rng(0).permutation(frames)])
        _check(viewer, path)
    _report.write(
        "stepping",
        {
            "frames": frames,
            "frame": [SIDE, SIDE],
            "file [MB]": round(size / 1e6, 1),
            "layers": [type(layer).__name__ for layer in layers],
            "arrows in all frames": len(viewer.layers[1].data),
            "reading [s]": round(reading, 2),
            "opening, with the viewer [s]": round(opening, 2),
            "median step in order [ms]": round(statistics.median(in_order.clock), 1),
            "median step at random [ms]": round(statistics.median(at_random.clock), 1),
            "95th percentile [ms]": round(float(np.percentile(in_order.clock + at_random.clock, 95)), 1),
            "median processor time of a step [ms]": round(statistics.median(in_order.processors), 1),
            "goal [ms]": 50,
        },
    )


def _check(viewer: ViewerModel, path: Path) -> None:
    """Make sure that what the viewer shows after a step is that frame's traction."""
    t = viewer.dims.current_step[0]
    length = np.hypot(*np.asarray(read_field(path).data[t]))
    y, x = np.unravel_index(length.argmax(), length.shape)
    shown = viewer.layers[0].get_value((t, y, x))
    assert shown == length[y, x], f"frame {t} shows {shown} instead of {length[y, x]}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 120)
