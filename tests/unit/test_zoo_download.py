"""Downloading: whole, with the right hash, or not at all; and told plainly when it cannot be."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from napari_cellforce import files, zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.zoo import registry

AUTHORS = "gfnn-schmitt2024"
WEIGHTS = bytes(range(256)) * 1024
"""Stands for a weights file of 256 kB: several chunks of a download."""


@pytest.fixture(autouse=True)
def _nobodys_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer without a chosen model folder, and without a proxy before the local server."""
    monkeypatch.delenv(registry.FOLDER_VARIABLE, raising=False)
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
        gfnn = zoo.entry(AUTHORS)
        digest = hashlib.sha256(content).hexdigest()
        borrowed = dataclasses.replace(gfnn, name="borrowed", url=url, sha256=digest, size=len(content))
        monkeypatch.setattr(registry, "package_entries", lambda: (borrowed,))

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


def test_a_model_is_downloaded_once(folder: Path, website, zoo_with) -> None:
    root, address = website
    (root / "weights").write_bytes(WEIGHTS)
    zoo_with(f"{address}/weights")
    seen: list[tuple[int, int]] = []
    path = zoo.download("borrowed", folder=folder, progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == WEIGHTS
    assert _left_in(folder) == [path.name]
    assert zoo.is_available("borrowed", folder)
    assert seen[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len(seen) > 3, "progress is reported on the way, not only at the end"

    (root / "weights").unlink()
    assert zoo.download("borrowed", folder=folder) == path, "the second time needs no server"


def test_the_authors_weights_arrive_whole(
    shared_data: Path, folder: Path, website, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, address = website
    original = next((shared_data / "published").glob("UnseenWashout*"))
    shutil.copy(original, root)
    gfnn = zoo.entry(AUTHORS)
    local = dataclasses.replace(gfnn, url=f"{address}/{gfnn.url.rsplit('/', 1)[1]}")
    monkeypatch.setattr(registry, "package_entries", lambda: (local,))
    assert files.sha256(zoo.download(AUTHORS, folder=folder)) == gfnn.sha256


def test_a_damaged_file_is_replaced(folder: Path, website, zoo_with) -> None:
    root, address = website
    (root / "weights").write_bytes(WEIGHTS)
    zoo_with(f"{address}/weights")
    path = zoo.download("borrowed", folder=folder)
    path.write_bytes(WEIGHTS[:-1])
    assert not zoo.is_available("borrowed", folder)
    assert zoo.download("borrowed", folder=folder).read_bytes() == WEIGHTS


def test_a_login_page_is_not_taken_for_weights(folder: Path, website, zoo_with) -> None:
    root, address = website
    (root / "weights").write_text("<html>Please accept the terms of this hotel</html>")
    zoo_with(f"{address}/weights")
    _refused(folder, "another file")


def test_a_file_that_is_gone_is_named(folder: Path, website, zoo_with) -> None:
    _, address = website
    zoo_with(f"{address}/moved")
    _refused(folder, f"{address}/moved.*404")


def test_offline(folder: Path, zoo_with) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        zoo_with(f"http://127.0.0.1:{closed.getsockname()[1]}/weights")
        _refused(folder, "could not be reached")


def test_a_server_that_never_answers(folder: Path, zoo_with, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_cellforce.zoo.downloads._TIMEOUT", (1.0, 0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        zoo_with(f"http://127.0.0.1:{silent.getsockname()[1]}/weights")
        _refused(folder, "did not respond in time")


def test_a_connection_cut_midway_leaves_nothing(folder: Path, zoo_with) -> None:
    for address in _serve(_CutsOff):
        zoo_with(f"{address}/weights")
        _refused(folder, "was interrupted")


def test_a_failed_download_keeps_what_was_there(folder: Path, zoo_with, website) -> None:
    _, address = website
    zoo_with(f"{address}/moved")
    folder.mkdir()
    old = zoo.entry("borrowed").path(folder)
    old.write_bytes(b"last year's version")
    with pytest.raises(CellForceError):
        zoo.download("borrowed", folder=folder)
    assert old.read_bytes() == b"last year's version"


def test_the_user_changes_their_mind(folder: Path, website, zoo_with) -> None:
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


def test_a_folder_in_which_a_file_is_in_the_way(tmp_path: Path, website, zoo_with) -> None:
    root, address = website
    (root / "weights").write_bytes(WEIGHTS)
    zoo_with(f"{address}/weights")
    (tmp_path / "occupied").write_text("not a folder")
    with pytest.raises(CellForceError, match="occupied"):
        zoo.download("borrowed", folder=tmp_path / "occupied")


def test_a_folder_that_cannot_be_written_is_answered_with_how_to_choose_another(
    folder: Path, website, zoo_with
) -> None:
    root, address = website
    (root / "weights").write_bytes(WEIGHTS)
    zoo_with(f"{address}/weights")
    zoo.entry("borrowed").path(folder).mkdir(parents=True)
    assert zoo.state(zoo.entry("borrowed"), folder) == zoo.ModelState.TO_DOWNLOAD
    with pytest.raises(CellForceError, match="folder of that name exists") as caught:
        zoo.download("borrowed", folder=folder)
    assert registry.FOLDER_VARIABLE in caught.value.remedy
    assert caught.value.topic == "model", "the option for an output folder does not help"


def test_two_at_once_do_not_disturb_each_other(folder: Path, website, zoo_with) -> None:
    root, address = website
    (root / "weights").write_bytes(WEIGHTS)
    zoo_with(f"{address}/weights")
    met = threading.Barrier(2)
    paths: list[Path] = []

    def fetch() -> None:
        not_met = [met]

        def wait_for_the_other(_done: int, _total: int) -> None:
            while not_met:
                not_met.pop().wait(timeout=10)

        paths.append(zoo.download("borrowed", folder=folder, progress=wait_for_the_other))

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [paths[0]] * 2
    assert _left_in(folder) == [paths[0].name]
    assert zoo.check("borrowed", folder) == zoo.ModelState.HERE


def test_what_a_killed_download_left_is_thrown_away_but_not_what_is_being_written(
    folder: Path, website, zoo_with
) -> None:
    root, address = website
    (root / "weights").write_bytes(WEIGHTS)
    zoo_with(f"{address}/weights")
    folder.mkdir()
    dead, alive = folder / ".dead.partial", folder / ".alive.partial"
    for partial in (dead, alive):
        partial.write_bytes(WEIGHTS[:100])
    os.utime(dead, (0, 0))
    path = zoo.download("borrowed", folder=folder)
    assert sorted(_left_in(folder)) == [alive.name, path.name]


def test_a_built_in_model_has_nothing_to_download(folder: Path) -> None:
    with pytest.raises(CellForceError, match="built in"):
        zoo.download("adhesion-filter", folder=folder)


def test_a_removed_download_can_be_downloaded_again(folder: Path, website, zoo_with) -> None:
    root, address = website
    (root / "weights").write_bytes(WEIGHTS)
    zoo_with(f"{address}/weights")
    zoo.download("borrowed", folder=folder)
    zoo.remove("borrowed", folder)
    assert _left_in(folder) == []
    assert zoo.download("borrowed", folder=folder).is_file()


def _refused(folder: Path, pattern: str) -> None:
    """The download fails, says that nothing changed and what to do, and that is true."""
    with pytest.raises(CellForceError, match=pattern) as caught:
        zoo.download("borrowed", folder=folder)
    assert "nothing was changed" in caught.value.rule
    assert "import it" in caught.value.remedy
    assert zoo.DEFAULT_MODEL in caught.value.remedy
    assert _left_in(folder) == []
