"""One run at a time, and none is kept out by the dead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from napari_cellforce.batch import lock
from napari_cellforce.batch.lock import locked
from napari_cellforce.errors import CellForceError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / ".cellforce" / "lock"


def write(path, **changes) -> None:
    """A lock held by this process, but for `changes`."""
    with locked(path):
        entries = json.loads(path.read_text())
    path.write_text(json.dumps({**entries, **changes}))


def test_the_second_is_refused_and_told_who_the_first_is(path):
    with (
        locked(path),
        pytest.raises(CellForceError, match=f"process {os.getpid()}"),
        locked(path),
    ):
        pass


def test_the_lock_goes_with_its_holder_even_after_an_error(path):
    with pytest.raises(KeyError), locked(path):
        raise KeyError
    assert not path.exists()


def test_the_lock_of_a_process_that_was_killed_is_taken_over(path):
    code = (
        "import os, signal; from pathlib import Path; from napari_cellforce.batch.lock import locked\n"
        f"with locked(Path({str(path)!r})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    assert path.exists()
    with locked(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_the_same_number_of_a_later_process_does_not_count(path):
    write(path, born=1.0)
    with locked(path):
        pass


def test_a_holder_on_another_computer_cannot_be_asked_and_is_believed(path):
    write(path, host="cluster-17")
    with pytest.raises(CellForceError, match=r"on cluster-17.*delete"), locked(path):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_lock_that_was_never_finished_is_taken_over(path, text, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE", 0.01)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with locked(path):
        pass


def test_birth_does_not_depend_on_the_clock(path, monkeypatch):
    with locked(path):
        monkeypatch.setattr("time.time", lambda: 0.0)
        with pytest.raises(CellForceError, match="another batch"), locked(path):
            pass


LOCK_AS_NOBODY = """
import os, sys
from pathlib import Path
from napari_cellforce.batch.lock import locked
from napari_cellforce.errors import CellForceError
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    with locked(Path(sys.argv[1])):
        pass
except CellForceError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are another matter there")
def test_a_folder_without_permission_is_refused_before_anything_is_done():
    """In a process of its own, where root is nobody: this one's threads would not survive it."""
    sealed = Path(tempfile.mkdtemp())
    sealed.chmod(0o555)
    lock = sealed / "out" / ".cellforce" / "lock"
    done = subprocess.run(
        [sys.executable, "-c", LOCK_AS_NOBODY, lock], capture_output=True, text=True, check=True
    )
    assert "may not write" in done.stdout
    sealed.rmdir()
