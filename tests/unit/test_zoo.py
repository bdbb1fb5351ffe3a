"""The zoo: a lab downloads a model once, brings one on a stick, and is told plainly when it cannot."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from napari_cellforce import files, zoo
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.zoo import catalogue

REPOSITORY = Path(__file__).resolve().parents[2]
GFNN = "gfnn-schmitt2024"
FILTER = "adhesion-filter"
WEIGHTS = bytes(range(256)) * 1024
"""Stands for a weights file of 256 kB: several chunks of a download."""


@pytest.fixture(autouse=True)
def _nobodys_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer without a chosen model folder, and without a proxy before the local server."""
    monkeypatch.delenv(catalogue.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder that does not exist yet."""
    return tmp_path / "models"


@pytest.fixture
def website(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A web server on this computer: its folder and its address."""
    root = tmp_path / "www"
    root.mkdir()
    handler = functools.partial(_QuietFiles, directory=str(root))
    yield from ((root, address) for address in _serve(handler))


@pytest.fixture
def zoo_with(monkeypatch: pytest.MonkeyPatch):
    """Put one downloadable model, "borrowed", into a zoo of our own."""

    def add(url: str, content: bytes = WEIGHTS) -> None:
        gfnn = zoo.entry(GFNN)
        digest = hashlib.sha256(content).hexdigest()
        borrowed = dataclasses.replace(gfnn, name="borrowed", url=url, sha256=digest, size=len(content))
        monkeypatch.setattr(catalogue, "shipped", lambda: (borrowed,))

    return add


class _QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class _CutsOff(BaseHTTPRequestHandler):
    """Promises the whole file, sends half of it, and hangs up."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(WEIGHTS)))
        self.end_headers()
        self.wfile.write(WEIGHTS[: len(WEIGHTS) // 2])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def _serve(handler) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")] if folder.exists() else []


class TestCatalogue:
    def test_a_newcomer_finds_a_model_that_works_offline(self, folder: Path) -> None:
        assert [e.name for e in zoo.entries(folder=folder)] == [GFNN, FILTER]
        assert zoo.is_available(FILTER, folder)
        assert not zoo.is_available(GFNN, folder)
        assert not folder.exists(), "looking creates nothing"

    def test_every_card_is_complete(self) -> None:
        for entry in zoo.entries():
            for value in (
                entry.title,
                entry.card,
                entry.licence,
                entry.citation,
                entry.limits,
                entry.training_data,
            ):
                assert value.strip()
            assert len(entry.card) < 120
            assert entry.inputs
            assert entry.pixel_size > 0
            assert entry.output == "normalised"

    def test_every_model_has_its_page_with_the_facts_of_the_zoo(self) -> None:
        pages = REPOSITORY / "docs" / "models"
        index = (pages / "index.md").read_text(encoding="utf-8")
        for entry in zoo.entries():
            page = (pages / f"{entry.name}.md").read_text(encoding="utf-8")
            assert f"]({entry.name}.md)" in index
            for fact in (
                entry.name,
                entry.licence,
                entry.sha256,
                entry.url or "",
                f"{entry.pixel_size:g} µm",
            ):
                assert fact in page

    def test_the_authors_weights_are_described_as_published(self, shared_data: Path) -> None:
        entry = zoo.entry(GFNN)
        original = next((shared_data / "published").glob("UnseenWashout*"))
        assert entry.sha256 == files.sha256(original)
        assert entry.size == original.stat().st_size
        assert "we do not redistribute it" in entry.licence

    def test_a_misspelt_name_is_answered_with_the_right_one(self) -> None:
        with pytest.raises(CellForceError, match=f"Did you mean {GFNN}") as caught:
            zoo.entry("gfnn-schmit2024")
        assert caught.value.topic == "model"
        assert FILTER in caught.value.rule

    def test_the_environment_wins_over_the_preference(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert zoo.model_folder(tmp_path / "preferred") == tmp_path / "preferred"
        monkeypatch.setenv(catalogue.FOLDER_VARIABLE, str(tmp_path / "shared by the lab"))
        assert zoo.model_folder(tmp_path / "preferred") == tmp_path / "shared by the lab"

    def test_without_a_choice_models_lie_in_the_users_data(self) -> None:
        assert zoo.model_folder().name == "models"
        assert "napari-cellforce" in zoo.model_folder().parts

    def test_a_damaged_record_does_not_hide_the_other_models(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "mine.entry.json").write_text('{"name": "mine"')
        with pytest.warns(CellForceWarning, match=r"mine\.entry\.json"):
            assert len(zoo.entries(folder=folder)) == 2

    def test_a_record_cannot_point_out_of_the_model_folder(self, folder: Path) -> None:
        folder.mkdir()
        stolen = dataclasses.replace(zoo.entry(GFNN), url=None, file="../secret.pt", imported=True)
        (folder / "mine.entry.json").write_text(stolen.to_json())
        with pytest.raises(CellForceError, match="leads out of"):
            zoo.load_predictor("mine", folder=folder)

    def test_listing_models_does_not_wait_for_torch(self) -> None:
        code = (
            "import sys, napari_cellforce.zoo as zoo; zoo.entries();"
            "print([m for m in ('torch', 'scipy', 'qtpy', 'requests') if m in sys.modules])"
        )
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == "[]"


class TestDownload:
    def test_a_model_is_downloaded_once(self, folder: Path, website, zoo_with) -> None:
        root, address = website
        (root / "weights").write_bytes(WEIGHTS)
        zoo_with(f"{address}/weights")
        seen: list[tuple[int, int]] = []
        path = zoo.download(
            "borrowed", folder=folder, progress=lambda done, total: seen.append((done, total))
        )
        assert path.read_bytes() == WEIGHTS
        assert _left_in(folder) == [path.name]
        assert zoo.is_available("borrowed", folder)
        assert seen[-1] == (len(WEIGHTS), len(WEIGHTS))
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)
        assert len(seen) > 3, "progress is reported on the way, not only at the end"

        (root / "weights").unlink()
        assert zoo.download("borrowed", folder=folder) == path, "the second time needs no server"

    def test_the_authors_weights_arrive_whole(
        self, shared_data: Path, folder: Path, website, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root, address = website
        original = next((shared_data / "published").glob("UnseenWashout*"))
        shutil.copy(original, root)
        gfnn = zoo.entry(GFNN)
        local = dataclasses.replace(gfnn, url=f"{address}/{gfnn.url.rsplit('/', 1)[1]}")
        monkeypatch.setattr(catalogue, "shipped", lambda: (local,))
        assert files.sha256(zoo.download(GFNN, folder=folder)) == gfnn.sha256

    def test_a_damaged_file_is_replaced(self, folder: Path, website, zoo_with) -> None:
        root, address = website
        (root / "weights").write_bytes(WEIGHTS)
        zoo_with(f"{address}/weights")
        path = zoo.download("borrowed", folder=folder)
        path.write_bytes(WEIGHTS[:-1])
        assert not zoo.is_available("borrowed", folder)
        assert zoo.download("borrowed", folder=folder).read_bytes() == WEIGHTS

    def test_a_login_page_is_not_taken_for_weights(self, folder: Path, website, zoo_with) -> None:
        root, address = website
        (root / "weights").write_text("<html>Please accept the terms of this hotel</html>")
        zoo_with(f"{address}/weights")
        _refused(folder, "another file")

    def test_a_file_that_is_gone_is_named(self, folder: Path, website, zoo_with) -> None:
        _, address = website
        zoo_with(f"{address}/moved")
        _refused(folder, f"{address}/moved.*404")

    def test_offline(self, folder: Path, zoo_with) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            zoo_with(f"http://127.0.0.1:{closed.getsockname()[1]}/weights")
            _refused(folder, "could not be reached")

    def test_a_server_that_never_answers(
        self, folder: Path, zoo_with, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("napari_cellforce.zoo.fetching._TIMEOUT", (1.0, 0.1))
        with socket.create_server(("127.0.0.1", 0)) as silent:
            zoo_with(f"http://127.0.0.1:{silent.getsockname()[1]}/weights")
            _refused(folder, "did not answer in time")

    def test_a_connection_cut_midway_leaves_nothing(self, folder: Path, zoo_with) -> None:
        for address in _serve(_CutsOff):
            zoo_with(f"{address}/weights")
            _refused(folder, "broke off")

    def test_a_failed_download_keeps_what_was_there(self, folder: Path, zoo_with, website) -> None:
        _, address = website
        zoo_with(f"{address}/moved")
        folder.mkdir()
        old = zoo.entry("borrowed").path(folder)
        old.write_bytes(b"last year's version")
        with pytest.raises(CellForceError):
            zoo.download("borrowed", folder=folder)
        assert old.read_bytes() == b"last year's version"

    def test_the_user_changes_their_mind(self, folder: Path, website, zoo_with) -> None:
        class Stopped(Exception):
            pass

        def stop_at_half(done: int, total: int) -> None:
            if done > total / 2:
                raise Stopped

        root, address = website
        (root / "weights").write_bytes(WEIGHTS)
        zoo_with(f"{address}/weights")
        with pytest.raises(Stopped):
            zoo.download("borrowed", folder=folder, progress=stop_at_half)
        assert _left_in(folder) == []

    def test_a_folder_in_which_a_file_is_in_the_way(self, tmp_path: Path, website, zoo_with) -> None:
        root, address = website
        (root / "weights").write_bytes(WEIGHTS)
        zoo_with(f"{address}/weights")
        (tmp_path / "occupied").write_text("not a folder")
        with pytest.raises(CellForceError, match="occupied"):
            zoo.download("borrowed", folder=tmp_path / "occupied")

    def test_a_built_in_model_has_nothing_to_download(self, folder: Path) -> None:
        with pytest.raises(CellForceError, match="built in"):
            zoo.download(FILTER, folder=folder)


def _refused(folder: Path, pattern: str) -> None:
    """The download fails, says that nothing changed and what to do, and that is true."""
    with pytest.raises(CellForceError, match=pattern) as caught:
        zoo.download("borrowed", folder=folder)
    assert "nothing was changed" in caught.value.rule
    assert "cellforce models import" in caught.value.remedy
    assert FILTER in caught.value.remedy
    assert _left_in(folder) == []
