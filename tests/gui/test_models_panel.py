"""The panel Models: what is there, what it is good for; getting a model, checking it, taking it away."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from napari.components import ViewerModel
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QAbstractButton, QFileDialog, QLineEdit, QListWidget, QMessageBox, QScrollArea
from superqt.utils._qthreading import WorkerBase

from napari_cellforce import files, zoo
from napari_cellforce.models import checkpoint
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.widgets.base.panel import WIDTH
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.models.list_section import CardPainter
from napari_cellforce.widgets.models.panel import ModelsPanel
from napari_cellforce.zoo import registry

AUTHORS = "gfnn-schmitt2024"
WEIGHTS = bytes(range(256)) * 1024
"""Stands for a weights file of 256 kB: several chunks of a download."""


class Server:
    """A web server on this computer with one file; it sends the second half when it may."""

    def __init__(self) -> None:
        self.may_finish = threading.Event()
        self.may_finish.set()
        self.there = True
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if server.there else 404)
                self.send_header("Content-Length", str(len(WEIGHTS) if server.there else 0))
                self.end_headers()
                if not server.there:
                    return
                try:
                    self.wfile.write(WEIGHTS[: len(WEIGHTS) // 2])
                    server.may_finish.wait(20)
                    self.wfile.write(WEIGHTS[len(WEIGHTS) // 2 :])
                except OSError:
                    """The client has gone."""

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/weights_of_the_authors"

    def close(self) -> None:
        self.may_finish.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The authors' server, brought here: their model is now a file of 256 kB."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    theirs = dataclasses.replace(
        zoo.entry(AUTHORS), url=server.address, sha256=digest, size=len(WEIGHTS), citation="doi:10.1/x"
    )
    ours = [theirs if entry.name == AUTHORS else entry for entry in registry.package_entries()]
    monkeypatch.setattr(registry, "package_entries", lambda: tuple(ours))
    yield server
    server.close()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A colleague's network: tiny, untrained."""
    torch.manual_seed(1)
    network = GFNN(GFNNConfig(width=2, expansion=2, size=8, padding=8))
    record = ModelRecord("draft", "gfnn", ("paxillin",), pixel_size=0.5, limits="Tried on nothing.")
    return checkpoint.save(tmp_path / "ours.safetensors", network, record)


@pytest.fixture
def open_models(qtbot, viewer: ViewerModel, tmp_path: Path, hand_for) -> Iterator[Callable[..., Any]]:
    """Open the panel beside the viewer."""
    panels: list[ModelsPanel] = []

    def make(beside: Any = viewer, **preferences: Any) -> Any:
        panel = ModelsPanel(
            beside, memory=Memory(tmp_path / "panels.json"), preferences=Preferences(**preferences)
        )
        panels.append(panel)
        return hand_for(panel)

    yield make
    for panel in panels:
        panel.dispose()
        panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def models(open_models) -> Any:
    return open_models()


def listing(hand: Any) -> QListWidget:
    return hand.control("Models")


def shown(hand: Any) -> dict[str, str]:
    """What the list says of each model that is not filtered out."""
    items = [listing(hand).item(row) for row in range(listing(hand).count())]
    return {item.text(): item.data(Qt.AccessibleTextRole) for item in items if not item.isHidden()}


def select(hand: Any, name: str) -> None:
    (item,) = listing(hand).findItems(name, Qt.MatchExactly)
    listing(hand).setCurrentItem(item)


def answer(monkeypatch: pytest.MonkeyPatch, button: Any) -> list[str]:
    """Press a button whenever something is asked; returns the questions."""
    asked: list[str] = []

    def ask(_parent: Any, _title: str, text: str, *_: Any) -> Any:
        asked.append(text)
        return button

    monkeypatch.setattr(QMessageBox, "question", ask)
    return asked


class TestList:
    def test_a_newcomer_sees_what_there_is_and_what_it_is_good_for(self, models) -> None:
        cards = shown(models)
        assert list(cards) == [entry.name for entry in zoo.entries()]
        for entry in zoo.entries():
            for fact in (entry.good_for, entry.inputs[0], f"{entry.pixel_size:g} µm", entry.output):
                assert fact in cards[entry.name]
        assert "the default, bundled" in cards[zoo.DEFAULT_MODEL]
        assert "to download" in cards[AUTHORS]
        assert listing(models).currentItem().text() == zoo.DEFAULT_MODEL
        assert isinstance(listing(models).itemDelegate(), CardPainter)

    def test_words_narrow_it_down(self, models) -> None:
        box = models.control("Filter")
        box.setText("actin")
        assert list(shown(models)) == ["unet-sim-2"]
        assert models.button("Predict forces with unet-sim-2").isEnabled()
        box.setText("talin")
        assert shown(models) == {}
        assert models.reads("No model contains all these words.")
        assert not models.button("Predict").isEnabled()
        box.setText("baseline")
        assert "adhesion-filter" in shown(models)
        assert models.button("Predict forces with adhesion-filter").isEnabled()

    def test_the_card_says_everything_that_is_known(self, models) -> None:
        for entry in zoo.entries():
            select(models, entry.name)
            facts = (entry.title, entry.measured, entry.limits, entry.training_data, entry.licence)
            for fact in facts:
                assert models.reads(fact)
            assert models.reads(entry.citation.split("doi:")[0])
            assert (models.control("SHA-256").text() == entry.sha256) or not entry.has_weights
            assert models.sees(models.control("File")) == entry.has_weights
            assert models.sees(models.control("Address")) == bool(entry.url)

    def test_the_selected_model_is_remembered(self, open_models) -> None:
        first = open_models()
        select(first, "pbnn-sim")
        first.panel.dispose()
        assert listing(open_models()).currentItem().text() == "pbnn-sim"

    def test_damage_that_size_does_not_tell_is_found_when_the_panel_opens(self, open_models, weights) -> None:
        path = zoo.import_checkpoint(weights).path()
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert zoo.is_available("ours"), "by its size it is whole"
        hand = open_models()
        select(hand, "ours")
        hand.wait_for("The file of ours is damaged")
        assert "damaged" in shown(hand)["ours"]
        assert not hand.button("Predict").isEnabled()

    def test_a_model_whose_file_is_gone(self, open_models, weights) -> None:
        zoo.import_checkpoint(weights).path().unlink()
        hand = open_models()
        select(hand, "ours")
        assert hand.reads("The file of ours is missing")
        assert not hand.button("Check").isEnabled()
        assert hand.button("Remove").isEnabled(), "the list can forget it"


class TestGetting:
    @pytest.mark.usefixtures("server")
    def test_a_download_arrives_and_can_be_used(self, models) -> None:
        select(models, AUTHORS)
        models.panel.fill()
        models.press("Download gfnn-schmitt2024 (0.3 MB)")
        models.wait_for("gfnn-schmitt2024 is available.")
        assert zoo.check(AUTHORS) == zoo.ModelState.HERE
        assert "here" in shown(models)[AUTHORS]
        models.wait_until(models.button("Predict forces with gfnn-schmitt2024").isEnabled)
        assert models.button("Remove").isEnabled()

    def test_it_can_be_called_off(self, models, server, tmp_path) -> None:
        server.may_finish.clear()
        models.panel.fill()
        select(models, AUTHORS)
        models.press("Download")
        models.wait_until(lambda: models.control("Progress of the download").value() > 0)
        assert not models.button("Import").isEnabled()
        models.press("Cancel")
        assert not models.sees(models.button("Cancel")), "at once"
        assert models.button("Download").isEnabled()
        server.may_finish.set()
        models.wait_until(lambda: not list((tmp_path / "models").iterdir()))
        assert not zoo.is_available(AUTHORS)

    def test_a_server_without_the_file_is_named_and_nothing_changes(self, models, server) -> None:
        server.there = False
        models.panel.fill()
        select(models, AUTHORS)
        models.press("Download")
        models.wait_for("could not be downloaded from 127.0.0.1")
        assert models.reads("404")
        assert models.reads("nothing was changed")
        assert not models.reads("weights_of_the_authors"), "too long for a panel: it stands in the card"
        assert models.control("Address").text() == server.address
        models.wait_until(models.button("Download").isEnabled)

    def test_an_import_is_listed_and_selected(self, models, weights, monkeypatch) -> None:
        models.control("Filter").setText("zyxin")
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(weights), ""))
        models.press("Import")
        models.wait_for("ours is available.")
        assert listing(models).currentItem().text() == "ours"
        assert models.reads("Tried on nothing.")
        assert models.reads("0.5 µm")

    def test_who_has_no_file_is_told_where_there_are_some(self, models, monkeypatch) -> None:
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
        models.press("Import")
        assert models.reads("web page that needs a browser")

    def test_what_is_no_model_is_refused_in_words(self, models, tmp_path, monkeypatch) -> None:
        (tmp_path / "notes.pt").write_text("buy milk")
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "notes.pt"), ""))
        models.press("Import")
        models.wait_for("notes.pt is not a model")
        assert zoo.entries() == registry.package_entries()

    def test_the_preferred_folder_is_used(self, open_models, weights, tmp_path, monkeypatch) -> None:
        monkeypatch.delenv(registry.FOLDER_VARIABLE)
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(weights), ""))
        hand = open_models(model_folder=str(tmp_path / "of the lab"))
        hand.press("Import")
        hand.wait_for("ours is available.")
        assert Path(hand.control("File").text()).parent == tmp_path / "of the lab"
        assert (tmp_path / "of the lab" / "ours.safetensors").is_file()


class TestKeeping:
    def test_a_whole_file_is_said_to_be_whole(self, models) -> None:
        select(models, "unet-sim")
        models.press("Check")
        models.wait_for("The file of unet-sim is intact")

    def test_a_file_that_may_not_be_read_is_told_when_asked(self, open_models, weights, monkeypatch) -> None:
        zoo.import_checkpoint(weights)
        read = files.sha256

        def refuse(path: Path) -> str:
            if path.name == "ours.safetensors":
                raise PermissionError(13, "Permission denied")
            return read(path)

        monkeypatch.setattr(files, "sha256", refuse)
        hand = open_models()
        select(hand, "ours")
        hand.wait_until(lambda: not WorkerBase._worker_set)
        assert not hand.reads("Permission denied")
        hand.press("Check")
        hand.wait_for("Permission denied")

    def test_formulas_have_nothing_to_check_and_the_package_nothing_to_remove(self, models) -> None:
        select(models, "adhesion-filter")
        assert not models.button("Check").isEnabled()
        for entry in zoo.entries():
            select(models, entry.name)
            assert not models.button("Remove").isEnabled()

    def test_removing_asks_first(self, open_models, weights, monkeypatch) -> None:
        path = zoo.import_checkpoint(weights).path()
        hand = open_models()
        select(hand, "ours")
        (asked,) = [answer(monkeypatch, QMessageBox.No)]
        hand.press("Remove")
        assert "import it again" in asked[0]
        assert path.is_file()
        answer(monkeypatch, QMessageBox.Yes)
        hand.press("Remove")
        assert hand.reads("ours was removed.")
        assert "ours" not in shown(hand)
        assert list(path.parent.iterdir()) == []

    def test_docs_and_folder_are_opened(self, models, monkeypatch) -> None:
        opened: list[str] = []
        monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
        select(models, "pbnn-sim")
        models.press("Docs page")
        models.press("Show folder")
        assert opened[0].endswith("/models/pbnn-sim/")
        assert Path(opened[1].removeprefix("file://")) == zoo.entry("pbnn-sim").path().parent
        select(models, AUTHORS)
        models.press("Show folder")
        assert models.reads("it is created by the first download or import")
        assert len(opened) == 2


class Window:
    """Stands for napari's window: notes which panels are opened, and what is told to them."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.panel = SimpleNamespace(use_model=lambda name: self.opened.append(name))

    def add_plugin_dock_widget(self, plugin: str, panel: str, *, tabify: bool) -> tuple[Any, Any]:
        assert plugin == "napari-cellforce"
        assert tabify
        self.opened.append(panel)
        dock = SimpleNamespace(show=lambda: None, raise_=lambda: None)
        return dock, self.panel


@pytest.mark.parametrize("how", ["button", "Enter"])
def test_on_to_predicting_with_the_model(open_models, how) -> None:
    window = Window()
    hand = open_models(SimpleNamespace(window=window))
    select(hand, "pbnn-sim")
    if how == "button":
        hand.press("Predict forces with pbnn-sim")
    else:
        listing(hand).itemActivated.emit(listing(hand).currentItem())
    assert window.opened == ["Predict forces", "pbnn-sim"]


def test_it_fits_its_width_and_is_reached_by_keyboard(models, qtbot) -> None:
    panel = models.panel
    panel.resize(WIDTH, 600)
    panel.show()
    qtbot.waitExposed(panel)
    long = "/data/" + "a_very_long_name_of_a_file" * 3 + ".pt"
    panel.show_failure(zoo_error(long))
    QCoreApplication.processEvents()
    (area,) = [a for a in panel.findChildren(QScrollArea) if a.parent() is panel]
    assert area.widget().minimumSizeHint().width() <= area.viewport().width()
    for control in [*panel.findChildren(QAbstractButton), *panel.findChildren(QLineEdit)]:
        if control.isVisible() and control.parent() is not models.control("Filter"):
            assert control.focusPolicy() & Qt.TabFocus, control.accessibleName() or control.text()
    panel.hide()


def zoo_error(path: str) -> Exception:
    from napari_cellforce.errors import CellForceError

    return CellForceError(f"{path} is not a model", "it holds something else", "Choose another file.")
