"""Pictures of the panel "Batch-process folder", and of following a microscope."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image

from napari_cellforce.io import write_stack
from napari_cellforce.synthetic import CellConfig, Shape, draw, drawn_cell, replace_setting
from napari_cellforce.widgets.batch.folder_section import BatchFolderSection
from screenshots.pictures import save, shoot_page
from screenshots.stage import LONG, Stage


def whole_folder() -> None:
    """Take the pictures of the tutorial "Overnight"."""
    with tempfile.TemporaryDirectory() as temporary:
        movies = Path(temporary) / "movies"
        _write_movies(movies)
        stage = Stage("Batch-process folder")
        section = stage.panel.findChild(BatchFolderSection)
        stage.press("with subfolders")
        section.set_folder(str(movies))
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
        shoot_page(results / "report.html", "batch-4-report")
        stage.close()


def _write_movies(folder: Path) -> None:
    """Write three small movies for each of two conditions, and a file that is broken.

    The drug is drawn as what is seen of it: shorter adhesions.
    """
    control = CellConfig(shape=Shape(kind="star"), frames=4, side=256, pixel_size=0.68)
    drug = replace_setting(control, "adhesions.length", control.adhesions.length / 2)
    for condition, config, first in (("control", control, 0), ("Y-27632", drug, 3)):
        for n in (1, 2, 3):
            image = replace(draw(config, seed=first + n).image, name=f"cell {n}")
            write_stack(folder / condition / f"cell {n}.ome.tif", image)
    (folder / "broken.tif").write_bytes(b"")


def followed() -> None:
    """Take the picture of the tutorial "While the microscope runs"."""
    movie = drawn_cell(frames=6, seed=3, pixel_size=0.5).image
    with tempfile.TemporaryDirectory() as temporary:
        run = Path(temporary) / "run 7"

        def record(t: int) -> None:
            write_stack(run / f"t{t:03d}.tif", replace(movie, data=movie.data[t : t + 1]))

        record(0)
        stage = Stage("Batch-process folder")
        stage.panel.findChild(BatchFolderSection).set_folder(str(run))
        stage.wait_for(lambda: stage.button("Predict").isEnabled())
        stage.press("▸ Follow a running acquisition")
        stage.wait()
        stage.press("Follow this folder")
        for t in range(1, 6):
            stage.wait_for(lambda t=t: stage.reads(f"{t} of run 7. Waiting"), LONG)
            record(t)
        stage.wait_for(lambda: stage.reads("6 of run 7. Waiting"), LONG)
        stage.zoom(0.7)
        stage.scroll_to(stage.button("Reset"))
        stage.shoot("watch-1-following")
        stage.press("Stop following")
        stage.wait_for(lambda: stage.reads("is saved"))
        stage.close()
