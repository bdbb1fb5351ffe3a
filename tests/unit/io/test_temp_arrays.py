"""Room for the frames of long movies: large arrays lie in a file, for which the disk must have room."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.io import temp_arrays


def test_small_arrays_stay_in_memory():
    room = temp_arrays.allocate((3, 4), bool)
    assert not isinstance(room, np.memmap)
    assert room.dtype == bool
    assert not room.any()


def test_large_arrays_lie_in_a_file_that_is_gone_with_them(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    room = temp_arrays.allocate((5, 64, 64), memory_limit=1000)
    room[3] = 7.0
    assert isinstance(room, np.memmap)
    assert room[3].min() == 7.0
    assert not room[[0, 1, 2, 4]].any()
    if os.name == "posix":
        assert not list(Path(tmp_path).iterdir())


def test_a_disk_without_room_is_told_of_before_the_work_begins(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(CellForceError, match=r"no space for 4\.09e-05 GB.*TMPDIR"):
        temp_arrays.allocate((2, 71, 72), memory_limit=1000)


def test_the_room_is_really_taken(full_disk):
    with full_disk(100_000), pytest.raises(CellForceError, match="no space"):
        temp_arrays.allocate((100, 64, 64), memory_limit=1000)
