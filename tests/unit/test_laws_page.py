"""The page of laws says what the scans beside it measured, to the last digit, and of the weights of today."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pandas as pd
import pytest

from napari_cellforce import zoo
from napari_cellforce.scan import MECHANICS, PARAMETERS, Drawing, evaluate_model, force_model

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCANS = DOCS / "models" / "laws"
SETTINGS = sorted(SCANS.glob("*.json"))
SHIPPED = {entry.name: entry for entry in zoo.entries() if not entry.imported}


def test_the_tables_on_the_page_are_those_of_the_scans() -> None:
    text = (DOCS / "models" / "laws.md").read_text(encoding="utf-8")
    filled = runpy.run_path(str(DOCS / "figures" / "laws.py"))["filled"]
    assert "yes, ×" in text
    assert filled(text) == text, "run docs/figures/laws.py"


@pytest.mark.parametrize("settings", SETTINGS, ids=[path.stem for path in SETTINGS])
def test_every_predictor_was_asked_with_its_weights_of_today(settings: Path) -> None:
    made = json.loads(settings.read_text(encoding="utf-8"))
    assert set(made["models"]) == {*MECHANICS, *SHIPPED}
    weights = {name: entry.sha256 for name, entry in SHIPPED.items() if entry.has_weights}
    assert made["SHA-256 of their weights"] == weights, "run docs/figures/laws.py --measure"


@pytest.mark.parametrize("model", ["sheet", "fibres", "adhesion-filter", "sheet-filter"])
def test_what_has_no_weights_says_what_it_said(model: str) -> None:
    first = pd.read_csv(SCANS / "scan_area.csv").query("model == @model").dropna(axis=1).iloc[0]
    cell = PARAMETERS["area"].change(Drawing(seed=0), first["cell area [µm²]"]).draw()
    numbers = evaluate_model(force_model(model), cell).numbers
    for name in set(numbers) & set(first.index) - {"net / total force", "net force [nN]"}:
        assert numbers[name] == pytest.approx(first[name], rel=0.01, abs=1e-3), name
