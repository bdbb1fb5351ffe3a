"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # one process per core: threads of each would only get in the way
    os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of verification data, which lies beside the repository and is never part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"verification data not present at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def _compiled_networks_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests compile does not go to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLFORCE_CACHE_DIR", str(tmp_path_factory.mktemp("compiled")))
        yield


@contextmanager
def _small_files(n_bytes: int) -> Iterator[None]:
    resource = pytest.importorskip("resource", reason="limits are known to Unix only")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """In its block, files of this process may not grow beyond so many bytes, like on a disk that fills up.

    A block, because pytest writes its own progress to a file (the log of a CI) before a fixture ends.
    Python ignores SIGXFSZ, so the limit is an ``OSError``.
    """
    return _small_files
