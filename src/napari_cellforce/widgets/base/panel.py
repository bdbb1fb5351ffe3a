"""Base class of all panels, and opening another panel."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from napari.components import ViewerModel
from napari.viewer import Viewer
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QPushButton, QScrollArea, QVBoxLayout, QWidget

from napari_cellforce.widgets.base.preferences import PLUGIN, Memory, Preferences

WIDTH = 350
"""Width in which a panel has to be readable, in pixels."""


class PanelOptions(TypedDict, total=False):
    """Optional arguments of a panel; see `Panel`."""

    memory: Memory | None
    preferences: Preferences | None


class Panel(QWidget):
    """Base class of the dock widgets: a scrollable column that is disposed of when it is closed.

    Parameters
    ----------
    napari_viewer : Viewer
        Passed by napari.
    memory : Memory, optional
        Store of the settings between sessions.
    preferences : Preferences, optional
        Default: those of napari's Preferences page.
    """

    def __init__(
        self, napari_viewer: Viewer, *, memory: Memory | None = None, preferences: Preferences | None = None
    ) -> None:
        super().__init__()
        self._viewer: ViewerModel = napari_viewer
        self._memory = memory or Memory()
        self._preferences = preferences or Preferences.load()
        self._docked = self.dismantled = False
        self._window: QWidget | None = None

    def event(self, event: QEvent) -> bool:
        """Dispose of the panel when napari removes it from its dock."""
        if event.type() == QEvent.ParentChange:
            if self._docked and self.parent() is None:
                self.dispose()
            self._docked = self.parent() is not None
        elif event.type() == QEvent.Show and not self.dismantled and self.window() is not self._window:
            self._watch_window(self.window())
        return bool(super().event(event))

    def dispose(self) -> None:
        """Stop running jobs, save the settings, disconnect from the viewer. Layers are not removed."""
        if not self.dismantled:
            self.dismantled = True
            self._watch_window(None)
            self._remember()
            self._dispose()

    def _dispose(self) -> None:
        """Implement `dispose`; called once."""
        raise NotImplementedError

    def _remember(self) -> None:
        """Save the settings for the next session; called when the panel or napari's window is closed."""

    def _watch_window(self, window: QWidget | None) -> None:
        """Save the settings also when this window is closed: napari then takes no panel from its dock."""
        if self._window is not None:
            with contextlib.suppress(RuntimeError):  # Qt may have deleted the window first
                self._window.removeEventFilter(self)
        self._window = window
        if window is not None:
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Save the settings when napari's window is about to be closed."""
        if watched is self._window and event.type() == QEvent.Close and not self.dismantled:
            self._remember()
        return False

    def _build_layout(
        self,
        sections: Sequence[QWidget],
        reset: Callable[..., None] | None = None,
        *,
        unchanged: str = "layers",
    ) -> None:
        """Arrange sections in a scrollable column, with the button Reset at its lower end.

        Parameters
        ----------
        sections : sequence of QWidget
        reset : callable, optional
            Restores the default settings; without it there is no button.
        stays : str
            What a reset does not change, named in the tooltip.
        """
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 4, 4, 4)
        for section in sections:
            column.addWidget(section)
        column.addStretch()
        if reset is not None:
            button = QPushButton("Reset")
            button.setFlat(True)
            button.setToolTip(f"Restore the default settings; {unchanged} are not changed")
            button.clicked.connect(reset)
            column.addWidget(button, alignment=Qt.AlignRight)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        self.setMinimumWidth(WIDTH)


def can_open(viewer: ViewerModel) -> bool:
    """Return True if the viewer has a window in which panels can be opened."""
    return getattr(viewer, "window", None) is not None


def open_panel(viewer: ViewerModel, name: str) -> Any:
    """Open a panel, or bring it to the front, and return it; None if the viewer has no window."""
    window = getattr(viewer, "window", None)
    if window is None:
        return None
    dock, panel = window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    dock.show()
    dock.raise_()
    return panel


def predict_with(viewer: ViewerModel, model: str) -> None:
    """Open the panel "Predict forces" with a selected model, if the viewer has a window.

    Parameters
    ----------
    viewer : ViewerModel
    model : str
        Name in the zoo; may have been added since the panel was opened.
    """
    panel = open_panel(viewer, "Predict forces")
    if panel is not None:
        panel.use_model(model)
