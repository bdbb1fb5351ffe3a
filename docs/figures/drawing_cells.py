"""Pictures of the tutorial "Drawing cells", from the panel itself.

Run in the repository: ``xvfb-run -a -s "-screen 0 1366x768x24" python docs/figures/drawing_cells.py``
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from PIL import Image
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_cellforce.widgets.base.preferences import Memory
from napari_cellforce.widgets.synthetic.panel import SyntheticPanel
from napari_cellforce.widgets.synthetic.predict_section import check_names

IMAGES = Path(__file__).resolve().parents[1] / "images"
PATIENCE = 300.0
"""Seconds."""


def wait(condition: Callable[[], bool]) -> None:
    """Let the window live until something holds."""
    since = time.monotonic()
    while not condition():
        if time.monotonic() - since > PATIENCE:
            raise TimeoutError("the panel did not get there")
        QApplication.processEvents()
        time.sleep(0.01)


def pause(seconds: float) -> None:
    """Let the window live for a while."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() > end)


def main() -> None:
    """Draw, ask, move a corner, scan; a picture of each."""
    viewer = napari.Viewer(title="napari")
    viewer.window._qt_window.resize(1366, 740)
    memory = Memory(Path(tempfile.mkdtemp()) / "panels.json")
    panel = SyntheticPanel(viewer, memory=memory)
    viewer.window.add_dock_widget(panel, name="Synthetic cell (napari-cellforce)", area="right")
    scroll = panel.findChild(QScrollArea).verticalScrollBar()

    def quiet() -> bool:
        return not (panel._drawing._work.busy or panel._predict.busy or panel._scan_run.running)

    def shoot(name: str) -> None:
        pause(1.0)
        picture = Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB")
        picture.quantize(128, dither=Image.Dither.NONE).save(IMAGES / f"drawing_{name}.png", optimize=True)

    panel.draw()
    wait(lambda: panel._drawing.cell is not None and quiet())
    shoot("cell")
    panel.predict()
    wait(lambda: panel.evaluation is not None and quiet())
    shoot("forces")
    panel._predict.set_live(True)
    panel._drawing.outline._edit.click()
    pause(1.0)
    wait(quiet)
    panel._edit.set_reference()
    outline = viewer.layers["outline by hand"]
    corners = outline.data[0].copy()
    middle = corners.mean(axis=0)
    farthest = np.argmax(np.hypot(*(corners - middle).T))
    corners[farthest] = middle + 1.5 * (corners[farthest] - middle)
    outline.data = [corners]
    pause(1.0)
    wait(quiet)
    shoot("edited")
    viewer.layers.remove(outline)
    panel._drawing.reset()
    panel._tabs.setCurrentIndex(1)
    panel._scan.choose("length", 1.5, 8.0, 8)
    check_names(panel._scan._models, ("sheet", "fibres", "unet-sim", "gfnn-sim"))
    pause(1.0)
    wait(quiet)
    panel.scan()
    pause(1.0)
    wait(quiet)
    pause(0.5)
    scroll.setValue(scroll.maximum())
    shoot("scan")
    panel.dispose()
    viewer.close()


if __name__ == "__main__":
    main()
