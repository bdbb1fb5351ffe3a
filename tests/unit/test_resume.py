"""Keys and records of what is complete, and one run at a time in a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.resume import (
    Fingerprint,
    cache_key,
    file_sizes,
    is_valid,
    locked,
    read_checked,
    read_record,
    short_name,
    write_checked,
    write_record,
)


@pytest.fixture
def old(tmp_path) -> Path:
    return tmp_path / "movie.tif"


def test_a_fingerprint_notices_both_ends_the_size_and_the_time(old):
    def fingerprint(content: bytes, seconds: int = 0) -> Fingerprint:
        old.write_bytes(content)
        os.utime(old, (seconds, seconds))
        return Fingerprint.of(old)

    movie = bytes(3 << 20)
    before = fingerprint(movie)
    assert fingerprint(movie) == before
    assert before.size == 3 << 20
    assert before.modified == datetime.fromtimestamp(0, UTC).isoformat()
    changed = [
        fingerprint(b"1" + movie[1:]),
        fingerprint(movie[1:] + b"1"),
        fingerprint(movie + b"\0"),
        fingerprint(movie, seconds=1),
    ]
    assert len({before, *changed}) == 5


def test_small_files_have_one_too(old):
    old.write_bytes(b"")
    assert Fingerprint.of(old).size == 0


def test_keys_are_those_of_records_written_before():
    assert cache_key("predict", {"b": 1, "a": [1.5, None]}).startswith("d8e2b3a622c2ca81")
    assert short_name("cell_1.tif\nunet", 32) == "37de4095703b83f0d7f844716bc07b42"


def test_a_key_changes_with_every_value_and_not_with_the_order_of_a_mapping():
    assert cache_key({"a": 1, "b": 2}) == cache_key({"b": 2, "a": 1})
    assert len({cache_key(*values) for values in ((1,), (2,), ("1",), (1, None), ([1],))}) == 5


def test_a_result_is_valid_with_its_key_and_all_its_files(tmp_path):
    (tmp_path / "a.csv").write_text("abc")
    sizes = file_sizes(tmp_path, ["a.csv", "lost.csv"])
    assert sizes == {"a.csv": 3}
    assert is_valid("key", "key", tmp_path, sizes)
    assert not is_valid("key", "other", tmp_path, sizes)
    (tmp_path / "a.csv").write_text("ab")
    assert not is_valid("key", "key", tmp_path, sizes)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_a_damaged_record_is_none(tmp_path, text):
    (tmp_path / "record.json").write_text(text, encoding="latin-1")
    assert read_record(tmp_path / "record.json") == {}
    assert read_record(tmp_path / "none.json") == {}
    write_record(tmp_path / "record.json", {"name": "µ"})
    assert read_record(tmp_path / "record.json") == {"name": "µ"}


def test_damaged_bytes_are_noticed(tmp_path):
    write_checked(tmp_path / "a", b"compiled")
    assert read_checked(tmp_path / "a") == b"compiled"
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-1])
    assert read_checked(tmp_path / "a") is None
    assert read_checked(tmp_path / "none") is None


def holder(out: Path) -> Path:
    return out / ".cellforce" / "lock.json"


def test_the_second_is_refused_and_told_who_the_first_is(tmp_path):
    with locked(tmp_path), pytest.raises(CellForceError, match=f"process {os.getpid()}"), locked(tmp_path):
        pass


def test_the_lock_goes_with_its_holder_even_after_an_error(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    assert not holder(tmp_path).exists()
    with locked(tmp_path):
        pass


def test_another_process_is_refused_and_the_lock_of_a_killed_one_is_taken_over(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from napari_cellforce.resume import locked\n"
        "with locked(Path(sys.argv[1])): print('locked', flush=True); input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "locked\n"
    with pytest.raises(CellForceError, match=f"process {other.pid}, since"), locked(tmp_path):
        pass
    other.kill()
    other.communicate()
    assert holder(tmp_path).exists()
    with locked(tmp_path):
        assert json.loads(holder(tmp_path).read_text())["pid"] == os.getpid()


def test_a_holder_on_another_computer_cannot_be_asked_and_is_believed(tmp_path):
    write_record(holder(tmp_path), {"host": "cluster-17", "pid": 12, "since": "today"})
    with (
        pytest.raises(CellForceError, match=r"process 12 on cluster-17, since today.*delete"),
        locked(tmp_path),
    ):
        pass
    holder(tmp_path).unlink()
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_note_of_the_holder_that_was_never_finished_locks_nobody_out(tmp_path, text):
    holder(tmp_path).parent.mkdir()
    holder(tmp_path).write_text(text)
    with locked(tmp_path):
        pass


LOCK_AS_NOBODY = """
import os, sys
from pathlib import Path
from napari_cellforce.resume import locked
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
@pytest.mark.parametrize("out", ["out", "."])
def test_a_folder_without_permission_is_refused_before_anything_is_done(out):
    """In a process of its own, where root is nobody: this one's threads would not survive it."""
    sealed = Path(tempfile.mkdtemp())
    sealed.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", LOCK_AS_NOBODY, sealed / out], capture_output=True, text=True, check=True
    )
    assert "may not write" in done.stdout
    sealed.rmdir()
