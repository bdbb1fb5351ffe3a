"""The page of laws says what the scans beside it measured, to the last digit."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_tables_on_the_page_are_those_of_the_scans() -> None:
    text = (DOCS / "models" / "laws.md").read_text(encoding="utf-8")
    filled = runpy.run_path(str(DOCS / "figures" / "laws.py"))["filled"]
    assert "yes, ×" in text
    assert filled(text) == text, "run docs/figures/laws.py"
