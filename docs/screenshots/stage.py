"""A napari window with one of our panels, worked as by hand."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import napari
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

from screenshots.pictures import save

WINDOW = (1366, 768)
PATIENCE = 120.0
"""Seconds until something that does not happen counts as broken."""
LONG = 1200.0
"""The same of a training, or of a movie."""


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

    def wait_for(self, what: Callable[[], bool], patience: float = PATIENCE) -> None:
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


def _has_value(widget: QWidget) -> bool:
    return isinstance(widget, QSlider | QAbstractSpinBox)
