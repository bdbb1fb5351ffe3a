"""What all panels do: settings are saved whichever way a panel goes."""

from __future__ import annotations

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_cellforce.widgets.base.panel import Panel
from napari_cellforce.widgets.base.preferences import Memory, Preferences


class CountingPanel(Panel):
    """A panel whose only setting is a number."""

    number = 0

    def _remember(self) -> None:
        self._memory.remember("counting", {"number": self.number})

    def _dispose(self) -> None:
        """Nothing runs."""


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "panels.json")


@pytest.fixture
def window(qtbot, memory):
    """A window with the panel in a dock, as napari has it."""
    window, dock = QMainWindow(), QDockWidget()
    qtbot.addWidget(window)
    panel = CountingPanel(ViewerModel(), memory=memory, preferences=Preferences())
    dock.setWidget(panel)
    window.addDockWidget(Qt.RightDockWidgetArea, dock)
    window.show()
    return window


def test_settings_are_saved_when_the_window_is_closed(window, memory):
    window.findChild(CountingPanel).number = 7
    window.close()
    assert memory.recall("counting") == {"number": 7}


def test_settings_are_saved_when_the_panel_is_closed_and_not_again_with_the_window(window, memory):
    panel = window.findChild(CountingPanel)
    panel.number = 3
    panel.dispose()
    assert memory.recall("counting") == {"number": 3}
    panel.number = 4
    window.close()
    assert memory.recall("counting") == {"number": 3}
