"""The pictures of the documentation, taken from a real napari window: ``make screenshots``.

Everything shown is drawn or simulated by the package, from fixed seeds. The script acts as a person would:
it finds buttons by what is written on them. A new picture is a new function in `STORIES`.

    python docs/make_screenshots.py [STORY ...]
"""

from __future__ import annotations

import io
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# ruff: noqa: E402 (napari looks at the environment when it is imported)
# A home of its own: no settings of whoever runs this, no models but the built-in ones.
_HOME = tempfile.TemporaryDirectory()
os.environ |= {
    "QT_API": "pyqt6",
    "XDG_CONFIG_HOME": _HOME.name,
    "NAPARI_CONFIG": f"{_HOME.name}/napari.yaml",
    "CELLFORCE_MODEL_DIR": f"{_HOME.name}/models",
}

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QPoint, QRect
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QLabel,
    QScrollArea,
    QSlider,
    QTabWidget,
    QWidget,
)

IMAGES = Path(__file__).parent / "images"
WINDOW = (1366, 768)
LARGEST_FILE = 300_000
"""Bytes; a page of the documentation has to open on a slow line."""

_PATIENCE = 120.0
"""Seconds until something that does not happen counts as broken."""
_TRAINING = 1200.0
"""The same of a training."""


class Stage:
    """A napari window with one of our panels, worked as by hand."""

    def __init__(self, panel: str) -> None:
        random.seed(0)  # of the tip on napari's first screen
        self.viewer = napari.Viewer()
        self.viewer.window.resize(*WINDOW)
        _, self.panel = self.viewer.window.add_plugin_dock_widget("napari-cellforce", panel)
        self.wait()

    def wait(self, seconds: float = 1.0) -> None:
        """Let the window work."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.01)

    def wait_for(self, what: Callable[[], bool], patience: float = _PATIENCE) -> None:
        """Let the window work until something is so."""
        end = time.monotonic() + patience
        while not what():
            if time.monotonic() > end:
                raise TimeoutError("the window never came to the expected state")
            self.wait(0.05)
        self.wait()

    def button(self, beginning: str) -> Any:
        """Return the visible button whose text begins so."""
        return self._one(QAbstractButton, lambda b: b.isVisible() and b.text().startswith(beginning))

    def one_called(self, name: str) -> Any:
        """Return the widget of that name for screen readers."""
        return self._one(QWidget, lambda w: w.accessibleName() == name)

    def press(self, beginning: str) -> None:
        """Press a button."""
        self.button(beginning).click()
        self.wait(0.2)

    def set(self, name: str, value: float) -> None:
        """Set a slider or a number by the name of its row."""
        self._one(QWidget, lambda w: _has_value(w) and w.accessibleName() == name).setValue(value)
        self.wait(0.5)

    def show_tab(self, title: str) -> None:
        """Bring a tab to the front."""
        tabs = self._one(QTabWidget, lambda _: True)
        tabs.setCurrentIndex([tabs.tabText(i) for i in range(tabs.count())].index(title))
        self.wait(0.5)

    def scroll_to(self, widget: QWidget) -> None:
        """Scroll the panel to a widget."""
        self._one(QScrollArea, lambda area: area.widget().isAncestorOf(widget)).ensureWidgetVisible(widget)
        self.wait(0.5)

    def look_only_at(self, beginning: str) -> None:
        """Show one of our fields over the image, by how its name begins."""
        for layer in self.viewer.layers:
            if layer.metadata.get("cellforce", {}).get("role") == "scalar":
                layer.visible = layer.name.startswith(beginning)
        self.wait(0.5)

    def zoom(self, share: float) -> None:
        """Let the given share of the image fill the canvas, from its centre."""
        self.viewer.reset_view()
        self.viewer.scene.camera.zoom /= share
        self.wait(0.5)

    def shoot(self, name: str, part: QRect | None = None) -> None:
        """Save the window, or a part of it, as ``docs/images/NAME.png``."""
        self.wait(0.7)
        pixels = self.viewer.screenshot(canvas_only=False, flash=False)
        picture = Image.fromarray(pixels).convert("RGB")
        if part is not None:
            picture = picture.crop((part.left(), part.top(), part.right(), part.bottom()))
        save(picture, name)

    def shoot_panel(self, name: str, *, last: QWidget | None = None) -> None:
        """Save the panel only, from its top down to a widget."""
        window = self.viewer.window._qt_window
        corner = self.panel.mapTo(window, QPoint(0, 0))
        bottom = self.panel.height()
        if last is not None:
            bottom = last.mapTo(self.panel, QPoint(0, 0)).y() + last.height() + 8
        self.shoot(name, QRect(corner.x(), corner.y(), self.panel.width(), bottom))

    def canvas(self) -> QRect:
        """Return where in the window the canvas is."""
        widget = self.viewer.window._qt_viewer.canvas.native
        return QRect(widget.mapTo(self.viewer.window._qt_window, QPoint(0, 0)), widget.size())

    def reads(self, words: str) -> bool:
        """Tell whether these words stand on the panel."""
        return any(label.isVisible() and words in label.text() for label in self.panel.findChildren(QLabel))

    def close(self) -> None:
        """Close the window."""
        self.viewer.close()
        self.wait()

    def _one(self, kind: type, wanted: Callable[[Any], bool]) -> Any:
        found = [widget for widget in self.panel.findChildren(kind) if wanted(widget)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} widgets of kind {kind.__name__} fit, not one")
        return found[0]


def predict_forces() -> None:
    """Take the pictures of the tutorial "Five minutes"."""
    stage = Stage("Predict forces")
    stage.wait_for(lambda: stage.button("Predict").text() == "Predict on CPU")
    stage.shoot("predict-1-start")
    stage.press("Try it on a sample cell")
    stage.wait_for(lambda: "outline synthetic cell" in stage.viewer.layers)
    stage.wait(2)
    stage.shoot("predict-2-outline")
    stage.shoot_panel("predict-panel", last=stage.button("Predict 5 frames"))
    stage.press("Predict 5 frames")
    stage.wait_for(lambda: stage.button("Predict 5 frames").isEnabled())
    stage.zoom(0.6)
    stage.scroll_to(stage.button("Save"))
    stage.shoot("predict-3-result")
    stage.zoom(0.25)
    stage.viewer.scene.camera.center = (0, 113, 57)
    stage.shoot("predict-4-arrows", stage.canvas())
    stage.close()


def pixel_size() -> None:
    """Take the picture of an image whose file does not say its pixel size."""
    stage = Stage("Predict forces")
    stage.press("Try it on a sample cell")
    sample = stage.viewer.layers[0].data
    stage.viewer.layers.clear()
    stage.viewer.add_image(np.asarray(sample), name="no_pixel_size")
    stage.wait(2)
    stage.shoot_panel("predict-pixel-size", last=stage.button("Predict 5 frames"))
    stage.close()


def whole_folder() -> None:
    """Take the pictures of the tutorial "Overnight"."""
    from napari_cellforce.widgets.batch.folder_section import BatchFolderSection

    with tempfile.TemporaryDirectory() as temporary:
        movies = Path(temporary) / "movies"
        _write_movies(movies)
        stage = Stage("Batch-process folder")
        section = stage.panel.findChild(BatchFolderSection)
        stage.press("with subfolders")
        section.take_folder(str(movies))
        stage.wait_for(lambda: stage.button("Predict").isEnabled())
        stage.scroll_to(stage.button("Save settings"))
        stage.shoot("batch-1-plan")
        for title in ("More models", "Explain and compare"):
            stage.press(f"▸ {title}")
        stage.wait()  # they unfold slowly
        stage.scroll_to(stage.button("▸ More about the measured"))
        stage.shoot_panel("batch-5-more", last=stage.button("▸ More about the measured"))
        for title in ("More models", "Explain and compare"):
            stage.press(f"▾ {title}")
        stage.scroll_to(stage.button("Save settings"))
        stage.press("Predict")
        bar = stage.one_called("Progress over all images")
        stage.wait_for(lambda: bar.value() >= 2)
        stage.shoot_panel("batch-2-running", last=stage.button("Cancel now"))
        stage.wait_for(lambda: stage.button("Open report").isEnabled())
        stage.one_called("Plan").selectRow(0)
        stage.press("Open result")
        stage.wait(1)
        stage.shoot("batch-3-result")
        results = movies / "cellforce-results"
        save(Image.open(next(results.rglob("*_overview.png"))).convert("RGB"), "batch-overview")
        _shoot_page(results / "report.html", "batch-4-report")
        stage.close()


def _shoot_page(page: Path, name: str, size: tuple[int, int] = (1100, 900)) -> None:
    """Take a picture of a page, if there is a browser to look at it with."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print(f"{name}.png stays as it is: there is no Chromium")
        return
    picture = page.with_suffix(".png")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    command = [
        browser,
        *options,
        f"--window-size={size[0]},{size[1]}",
        f"--screenshot={picture}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True)
    save(Image.open(picture).convert("RGB"), name)


def followed() -> None:
    """Take the picture of the tutorial "While the microscope runs"."""
    from dataclasses import replace

    from napari_cellforce.io import write_stack
    from napari_cellforce.synthetic import drawn_cell
    from napari_cellforce.widgets.batch.folder_section import BatchFolderSection

    movie = drawn_cell(frames=6, seed=3, pixel_size=0.5).image
    with tempfile.TemporaryDirectory() as temporary:
        run = Path(temporary) / "run 7"

        def record(t: int) -> None:
            write_stack(run / f"t{t:03d}.tif", replace(movie, data=movie.data[t : t + 1]))

        record(0)
        stage = Stage("Batch-process folder")
        stage.panel.findChild(BatchFolderSection).take_folder(str(run))
        stage.wait_for(lambda: stage.button("Predict").isEnabled())
        stage.press("▸ Follow a running acquisition")
        stage.wait()
        stage.press("Follow this folder")
        for t in range(1, 6):
            stage.wait_for(lambda t=t: stage.reads(f"{t} of run 7. Waiting"), _TRAINING)
            record(t)
        stage.wait_for(lambda: stage.reads("6 of run 7. Waiting"), _TRAINING)
        stage.zoom(0.7)
        stage.scroll_to(stage.button("Reset"))
        stage.shoot("watch-1-following")
        stage.press("Stop following")
        stage.wait_for(lambda: stage.reads("is saved"))
        stage.close()


def compared() -> None:
    """Take the pictures of the tutorial "Is the prediction right?"."""
    stage = Stage("Compare with measured")
    stage.press("Try it on a sample cell")
    stage.wait_for(lambda: stage.button("Compare A with B").isEnabled())
    stage.press("Compare A with B")
    stage.wait_for(lambda: stage.button("Compare A with B").isEnabled())
    stage.viewer.layers["simulated cell actin"].visible = False
    stage.zoom(0.7)
    stage.shoot("compare-1-result")
    stage.one_called("Show").setCurrentIndex(4)
    stage.shoot("compare-2-ratio", stage.canvas())
    stage.close()


def measured() -> None:
    """Take the pictures of the tutorial "Measuring tractions in napari"."""
    stage = Stage("Measured traction (TFM)")
    stage.press("Try it on sample beads")
    stage.wait_for(lambda: stage.button("Measure the traction").isEnabled())
    stage.press("Measure the traction")
    stage.wait_for(lambda: stage.button("Measure the traction").isEnabled())
    for name in ("reference beads", "loaded beads"):
        stage.viewer.layers[name].visible = False
    stage.scroll_to(stage.one_called("Criterion over lambda"))
    stage.shoot("measure-2-traction")
    stage.set("Poisson's ratio", 0.4)
    stage.shoot_panel("measure-3-stale")
    stage.set("Poisson's ratio", 0.48)
    stage.scroll_to(stage.button("Write as training data"))
    stage.shoot_panel("measure-4-numbers")
    _measure_a_folder(stage)
    stage.close()


def _measure_a_folder(stage: Stage) -> None:
    """Measure a folder of three bead images, one without its reference, with the settings of the panel."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "2026-11-22 fibroblasts"
        _write_beads(folder)
        stage.button("▸ A whole folder").click()
        stage.panel.folder.take_folder(str(folder))
        run = stage.panel.folder.run
        stage.wait_for(lambda: run.ready)
        stage.press("Measure 2 images")
        stage.wait_for(lambda: not stage.panel.folder.running, _TRAINING)
        stage.scroll_to(stage.button("Measure 2 images"))
        stage.shoot_panel("measure-5-folder")


def _write_beads(folder: Path) -> None:
    from napari_cellforce.fields import ImageStack, PixelSize
    from napari_cellforce.io import write_stack
    from napari_cellforce.physics.halfspace import displacement
    from napari_cellforce.synthetic.beads import BeadConfig, bead_pair

    y, x = (np.indices((160, 160)) - 80) * 0.25
    spots = [np.exp(-(y**2 + (x - at) ** 2) / 8) for at in (-8, 8)]
    moved = displacement(400 * np.stack([0 * x, spots[0] - spots[1]]), 0.25, 8000.0, 0.48, padding=1)
    size = PixelSize.square(0.25)
    for cell in (1, 2, 3):
        beads = bead_pair(5 * moved, BeadConfig(pixel_size=0.25), seed=cell)
        for word, image in (("reference", beads.reference), ("loaded", beads.loaded)):
            if (cell, word) != (3, "reference"):
                stack = ImageStack(image[None, None], ("beads",), size, name=word)
                write_stack(folder / f"cell {cell} {word}.ome.tif", stack)


def explained() -> None:
    """Take the pictures of the tutorial "Why does the model say so?"."""
    stage = Stage("Explain forces")
    stage.press("Try it on a sample cell")
    stage.wait_for(lambda: "outline synthetic cell" in stage.viewer.layers)
    models = stage.one_called("Model")
    models.setCurrentIndex(models.findText("sheet-filter"))
    stage.press("one formula")
    stage.wait_for(lambda: stage.button("Explain forces").isEnabled())
    stage.press("Explain forces")
    stage.wait_for(lambda: stage.button("Explain forces").isEnabled(), _TRAINING)
    stage.wait_for(lambda: any("by the formula" in layer.name for layer in stage.viewer.layers), _TRAINING)
    stage.zoom(0.7)
    stage.look_only_at("Y [")
    stage.scroll_to(stage.one_called("Error against number of terms"))
    stage.shoot("explain-1-fields")
    stage.look_only_at("|F| by the formula")
    stage.scroll_to(stage.button("Copy LaTeX"))
    stage.shoot("explain-2-formula")
    what = stage.one_called("What if")
    what.setCurrentIndex(what.findText("fine structure were blurred"))
    stage.press("Ask the model")
    stage.wait_for(lambda: stage.button("Ask the model").isEnabled(), _TRAINING)
    stage.scroll_to(stage.one_called("At"))
    stage.shoot("explain-3-probe")
    stage.close()


def taken_apart() -> None:
    """Take the last picture of that tutorial: a predicted field, stopped after its first frame."""
    stage = Stage("Explain forces")
    stage.press("Try it on a sample cell")
    stage.wait_for(lambda: "outline synthetic cell" in stage.viewer.layers)
    models = stage.one_called("Model")
    models.setCurrentIndex(models.findText("sheet-filter"))
    stage.wait_for(lambda: stage.button("Explain forces").isEnabled())
    stage.viewer.dims.set_current_step(0, 0)
    stage.press("Explain forces")
    stage.wait_for(lambda: stage.button("Explain forces").isEnabled(), _TRAINING)
    stage.press("▸ Take a field apart")
    stage.wait()
    stage.press("Take it apart")
    apart = stage.one_called("Take the chosen field apart")
    stage.wait_for(lambda: apart.text().startswith("Stop (1"), _TRAINING)
    apart.click()
    stage.wait_for(lambda: apart.text() == "Take it apart", _TRAINING)
    stage.zoom(0.7)
    stage.look_only_at("Helmholtz φ")
    stage.scroll_to(stage.button("Reset"))
    stage.shoot("explain-4-apart")
    stage.close()


def _write_movies(folder: Path) -> None:
    """Write three small movies for each of two conditions, and a file that is broken."""
    from dataclasses import replace

    from napari_cellforce.fields import PixelSize
    from napari_cellforce.io import write_stack
    from napari_cellforce.synthetic import drawn_cell

    image = drawn_cell(frames=4).image
    size = PixelSize.square(2 * image.pixel_size.micron)
    for condition in ("control", "Y-27632"):
        for n in (1, 2, 3):
            stack = replace(image, data=image.data[:, :, ::2, ::2], pixel_size=size, name=f"cell {n}")
            write_stack(folder / condition / f"cell {n}.ome.tif", stack)
    (folder / "broken.tif").write_bytes(b"")


def fine_tune() -> None:
    """Take the pictures of the tutorial "Fine-tune on your cells": cells of another microscope."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
    from napari_cellforce.simulate import simulate_cells
    from napari_cellforce.widgets.train.curves import TrainCurves
    from napari_cellforce.widgets.train.data_section import TrainDataSection
    from other_microscope import OtherMicroscope

    cells = Path(_HOME.name) / "my_cells"
    for _ in simulate_cells(OtherMicroscope(cells=4, frames=2, seed=5), cells, workers=1):
        pass
    stage = Stage("Train a predictor")
    stage.panel.findChild(TrainDataSection).take([str(cells)])
    stage.wait_for(lambda: stage.button("Fine-tune").text() == "Fine-tune unet-sim on 4 cells", _TRAINING)
    stage.shoot("finetune-1-data")
    stage.set("Passes", 12)
    curves = stage.panel.findChild(TrainCurves)
    stage.press("Fine-tune")
    stage.wait_for(lambda: len(curves.rows) >= 8, _TRAINING)
    stage.scroll_to(curves)
    stage.shoot("finetune-2-training")
    stage.wait_for(lambda: stage.button("Fine-tune").isEnabled(), _TRAINING)
    stage.scroll_to(stage.button("Export"))
    stage.shoot("finetune-3-end")
    stage.close()


def save(picture: Image.Image, name: str) -> None:
    """Write a picture with 256 colours; refuse one that is too large."""
    buffer = io.BytesIO()
    picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE).save(
        buffer, "PNG", optimize=True
    )
    if buffer.tell() > LARGEST_FILE:
        raise ValueError(f"{name}.png has {buffer.tell()} bytes, more than {LARGEST_FILE}")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"{name}.png").write_bytes(buffer.getvalue())
    print(f"docs/images/{name}.png: {picture.width} x {picture.height}, {buffer.tell() / 1000:.0f} kB")


def _has_value(widget: QWidget) -> bool:
    return isinstance(widget, QSlider | QAbstractSpinBox)


STORIES = {
    story.__name__: story
    for story in (
        predict_forces,
        pixel_size,
        whole_folder,
        followed,
        fine_tune,
        compared,
        measured,
        explained,
        taken_apart,
    )
}


def main() -> None:
    """Tell the stories named on the command line, or all."""
    for name in sys.argv[1:] or STORIES:
        STORIES[name]()


if __name__ == "__main__":
    main()
