"""Panels as a person sees them: worked by what is written on them, on a computer that nobody has used."""

from __future__ import annotations

import html
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import napari.settings
import numpy as np
import platformdirs
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils.notifications import notification_manager
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QPushButton, QWidget
from superqt.utils._qthreading import WorkerBase

from napari_cellforce.fields import FrameResult, ImageStack, PixelSize, X, Y
from napari_cellforce.layers import image_layers
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.predict import RunConfig
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.predict.panel import PredictPanel
from napari_cellforce.zoo import DEFAULT_MODEL

SIDE = 64
PATIENCE = 20_000
"""Milliseconds that a job may take on a busy computer."""


def _screen_is_missing() -> bool:
    offscreen = os.environ.get("QT_QPA_PLATFORM", "") in ("offscreen", "minimal")
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform.startswith("linux") and not (offscreen or screen)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a screen Qt ends the whole process: skip before it can."""
    if _screen_is_missing():
        here = Path(__file__).parent
        reason = "no screen for Qt: run with xvfb-run -a, or QT_QPA_PLATFORM=offscreen"
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _nobodys_computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No models, no remembered settings; napari's own preferences go to a folder of the test."""
    configuration = tmp_path / "configuration"
    monkeypatch.setenv("CELLFORCE_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("NAPARI_CONFIG", str(configuration / "napari.yaml"))
    monkeypatch.setattr(platformdirs, "user_config_path", lambda *_, **__: configuration)
    monkeypatch.setattr(napari.settings, "_CFG_PATH", str(configuration / "napari.yaml"))
    monkeypatch.setattr(napari.settings, "_SETTINGS", None)
    napari.settings._clear_plugin_settings_cache()


@pytest.fixture(autouse=True)
def _tidy(qtbot: QtBot) -> Iterator[None]:
    """Fail if a test leaves a worker running or a window open."""
    before = set(QApplication.topLevelWidgets())
    yield
    qtbot.waitUntil(lambda: not WorkerBase._worker_set, timeout=PATIENCE)
    left = [widget for widget in QApplication.topLevelWidgets() if widget not in before and _is_ours(widget)]
    assert not left, f"windows were left open: {left}"


def _is_ours(widget: QWidget) -> bool:
    return type(widget).__module__.startswith("napari_cellforce")


class Tug:
    """Pulls everything in the cell to the right; one frame at a time, if it is told to wait."""

    record = ModelRecord(DEFAULT_MODEL, "tug", output_scale=0.5)

    def __init__(self) -> None:
        self._may_go_on = threading.Semaphore(0)
        self.waits = False
        self.begun = 0

    def release(self, frames: int = 1) -> None:
        """Let that many frames pass."""
        self._may_go_on.release(frames)

    def predict_frame(self, _image: Any, mask: Any, pixel_size: PixelSize) -> FrameResult:
        """Return 2 to the right, in the mask."""
        assert pixel_size.known
        self.begun += 1
        if self.waits:
            assert self._may_go_on.acquire(timeout=PATIENCE / 1000)
        traction = np.zeros((2, *mask.shape), np.float32)
        traction[X], traction[Y] = 2 * mask, 0
        return FrameResult(traction)


@pytest.fixture
def tug(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tug]:
    """Take the place of the model, whichever is chosen."""
    predictor = Tug()
    monkeypatch.setattr(RunConfig, "load", lambda _: predictor)
    yield predictor
    predictor.release(1000)


def a_movie(frames: int = 3, **changes: Any) -> ImageStack:
    """A round cell of 17 µm radius with bright adhesions at its rim, 2 minutes between frames."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    image = np.where(np.hypot(y, x) < 25, 400.0, 100.0)
    for angle in np.linspace(0, 2 * np.pi, 9)[:-1]:
        spot = (y - 20 * np.sin(angle)) ** 2 + (x - 20 * np.cos(angle)) ** 2
        image += 800 * np.exp(-spot / 8)
    data = np.random.default_rng(3).poisson(np.broadcast_to(image, (frames, 1, SIDE, SIDE))).astype(np.uint16)
    settings = {"pixel_size": PixelSize.square(0.68), "frame_interval": 2.0, "name": "cell 7", **changes}
    return ImageStack(data, ("zyxin",), **settings)


@pytest.fixture
def make_movie() -> Callable[..., ImageStack]:
    return a_movie


@pytest.fixture
def viewer() -> ViewerModel:
    """The viewer without its window."""
    return ViewerModel()


@pytest.fixture
def add(viewer: ViewerModel) -> Callable[..., list[Image]]:
    """Open a movie in the viewer; by default the usual one."""

    def open_it(stack: ImageStack | None = None) -> list[Image]:
        return [viewer.add_layer(Layer.create(*layer)) for layer in image_layers(stack or a_movie())]

    return open_it


@pytest.fixture
def notifications() -> Iterator[list[str]]:
    """What napari tells the user in its lower right corner."""
    told: list[str] = []

    def hear(notification: Any) -> None:
        told.append(notification.message)

    notification_manager.notification_ready.connect(hear)
    yield told
    notification_manager.notification_ready.disconnect(hear)


class Hand:
    """Works a panel by what is written on it, as a person does."""

    def __init__(self, panel: PredictPanel, qtbot: QtBot) -> None:
        self.panel, self._qtbot = panel, qtbot

    def control(self, label: str) -> Any:
        """The box, list or slider behind that label."""
        QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)  # rows that were replaced are gone
        found = [w for w in self.panel.findChildren(QWidget) if w.accessibleName() == label]
        assert len(found) == 1, f"{len(found)} controls are called {label!r}"
        return found[0]

    def button(self, start: str) -> QPushButton:
        """The button whose text starts so."""
        found = [b for b in self.panel.findChildren(QPushButton) if b.text().startswith(start)]
        assert len(found) == 1, f"{len(found)} buttons start with {start!r}"
        return found[0]

    def choice(self, text: str) -> QAbstractButton:
        """The radio button or tick box with that text."""
        (found,) = [b for b in self.panel.findChildren(QAbstractButton) if b.text() == text]
        return found

    def list_of(self, entry: str) -> QComboBox:
        """The list that has such an entry."""
        (found,) = [c for c in self.panel.findChildren(QComboBox) if c.findText(entry) >= 0]
        return found

    def sees(self, widget: QWidget) -> bool:
        """Whether it could be seen, were the panel shown."""
        return widget.isVisibleTo(self.panel)

    def reads(self, words: str) -> bool:
        """Whether these words stand somewhere on the panel."""
        labels = [label for label in self.panel.findChildren(QLabel) if self.sees(label)]
        return any(words in html.unescape(label.text()) for label in labels)

    def press(self, start: str) -> None:
        """Press a button that can be pressed."""
        button = self.button(start)
        assert self.sees(button)
        assert button.isEnabled(), f"{button.text()!r} cannot be pressed"
        button.click()

    def wait_for(self, words: str) -> None:
        """Wait until these words stand on the panel."""
        self._qtbot.waitUntil(lambda: self.reads(words), timeout=PATIENCE)

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds."""
        self._qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE)

    def predict(self) -> None:
        """Press Predict and wait for the end, good or bad."""
        self.press("Predict")
        self.wait_until(lambda: not self.sees(self.button("Stop")))


@pytest.fixture
def make_panel(qtbot: QtBot, viewer: ViewerModel, tmp_path: Path) -> Iterator[Callable[..., Hand]]:
    """Open the panel "Predict forces" beside the viewer."""
    panels: list[PredictPanel] = []

    def make(**preferences: Any) -> Hand:
        panel = PredictPanel(
            viewer, memory=Memory(tmp_path / "panels.json"), preferences=Preferences(**preferences)
        )
        panels.append(panel)
        return Hand(panel, qtbot)

    yield make
    for panel in panels:
        panel.dispose()
        panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def hand(make_panel: Callable[..., Hand]) -> Hand:
    """The panel, opened beside an empty viewer."""
    return make_panel()


@pytest.fixture
def hand_for(qtbot: QtBot) -> Callable[..., Hand]:
    """A hand that works any of our panels."""
    return lambda panel: Hand(panel, qtbot)
