"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of verification data, which lies beside the repository and is never part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"verification data not present at {SHARED_DATA}")
    return SHARED_DATA
