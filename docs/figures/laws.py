"""Fill the page of laws, and draw its figure, from the scans kept in ``docs/models/laws``.

Run in the repository: ``python docs/figures/laws.py``, with ``--measure`` to make all scans anew first, or
``--measure NAME ...`` for some of them. Models whose weights are not on the computer are left out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from napari_cellforce import zoo
from napari_cellforce.scan import MECHANICS
from napari_cellforce.scan.output import save_figure

DOCS = Path(__file__).resolve().parents[1]
PAGE = DOCS / "models" / "laws.md"
SCANS = DOCS / "models" / "laws"

SCANNED = {
    "scan_area": "area",
    "scan_length": "length",
    "movie_length": "length --as-movie",
    "scan_intensity": "intensity",
    "movie_intensity": "intensity --as-movie",
    "scan_distance": "distance",
    "turned_area": "area --set adhesions.jitter=1.2",
}
"""What is scanned, by the name of the tables that keep the answers."""

ANGLE, NET, DISTANCE = "angle to the adhesions [°]", "net / total force", "force-distance correlation"

PER_FRAME = ("adhesion-filter", "sheet-filter")
"""Their in-mask mean of |F| is 1 in every frame: the total can tell nothing but the area."""

GROWS = 0.8
"""Rank correlation from which on a quantity is said to grow."""

BALANCED = 0.05
"""Net over total force up to which forces are said to sum to zero."""


def command(name: str, models: list[str], folder: str) -> str:
    """Return the command that makes a scan."""
    asked = " ".join(f"-m {model}" for model in models)
    return f"cellforce scan {SCANNED[name]} {asked} --steps 5 --cells 4 --out {folder}"


def measure(names: list[str]) -> None:
    """Make scans anew, by the commands on the page."""
    models = [*MECHANICS, *(entry.name for entry in zoo.entries() if zoo.is_available(entry.name))]
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(command(name, models, folder).split(), check=True)
            made = Path(folder) / f"scan_{SCANNED[name].split()[0]}"
            for ending in (".csv", "_trends.csv", ".json"):
                shutil.copy(f"{made}{ending}", SCANS / f"{name}{ending}")


def total_force(scan: str) -> pd.DataFrame:
    """Return how the total force of each model follows the scanned property, indexed by model."""
    table = pd.read_csv(SCANS / f"{scan}_trends.csv")
    return table[table["quantity"].str.startswith("total force")].set_index("model")


def by_model(scan: str) -> pd.core.groupby.DataFrameGroupBy:
    """Return all cells of a scan, grouped by model."""
    return pd.read_csv(SCANS / f"{scan}.csv").groupby("model", sort=False)


def command_line(scan: str) -> str:
    """Return the command that made a scan, in a block."""
    return f"```\n{command(scan, list(by_model(scan).groups), scan)}\n```"


def scan_rows(scan: str) -> str:
    """Return the markdown table of one scan."""
    lines = [
        "| model | total force at the lowest | at the highest | ratio | exponent | rank correlation |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for model, row in total_force(scan).iterrows():
        unit = row["quantity"].partition("[")[2].rstrip("]")
        exponent = "–" if pd.isna(row["exponent"]) else two_digits(row["exponent"])
        numbers = f"{row['at the lowest']:.4g} {unit} | {row['at the highest']:.4g} {unit}"
        lines.append(
            f"| {model} | {numbers} | {row['ratio']:.2f} | {exponent} | {two_digits(row['correlation'])} |"
        )
    return "\n".join(lines)


def field_rows(scan: str) -> str:
    """Return the markdown table of directions and balance: mean ± standard deviation over the cells."""
    lines = [
        "| model | angle to the adhesions | net / total force | force-distance correlation |",
        "| --- | --- | --- | --- |",
    ]
    for model, own in by_model(scan):
        angle, net, distance = own[ANGLE], own[NET], own[DISTANCE]
        lines.append(
            f"| {model} | {angle.mean():.0f}° ± {angle.std():.0f}° | {net.mean():.4f} ± {net.std():.4f} "
            f"| {distance.mean():.2f} ± {distance.std():.2f} |"
        )
    return "\n".join(lines)


def law_rows(law: str) -> str:
    """Return the markdown table of who obeys which law: of how hard cells pull, or of where to."""
    return {"how-hard": _how_hard, "where-to": _where_to}[law]()


def _how_hard() -> str:
    scans = ("scan_area", "scan_length", "movie_length", "scan_intensity", "movie_intensity")
    totals = {scan: total_force(scan) for scan in scans}
    lines = ["| model | area | length | as one movie | intensity | as one movie |", "| --- |" + " --- |" * 5]
    for model in totals["scan_area"].index:
        grows = [_grows(model, table.loc[model], scan) for scan, table in totals.items()]
        lines.append(f"| {model} | {' | '.join(grows)} |")
    return "\n".join(lines)


def _where_to() -> str:
    means = by_model("scan_area")[[ANGLE, NET, DISTANCE]].mean()
    turned = by_model("turned_area")[ANGLE].mean()
    lines = ["| model | angle | adhesions turned | balance | distance |", "| --- |" + " --- |" * 4]
    for model, own in means.iterrows():
        balance = f"{'yes' if own[NET] <= BALANCED else '**no**'}, {own[NET]:.1%}"
        angles = f"{own[ANGLE]:.0f}° | {turned[model]:.0f}°"
        lines.append(f"| {model} | {angles} | {balance} | {own[DISTANCE]:.2f} |")
    return "\n".join(lines)


def filled(text: str) -> str:
    """Return the page with its tables filled in, at comments like ``table laws:how-hard``."""
    kinds = {"laws": law_rows, "command": command_line, "scan": scan_rows, "fields": field_rows}
    for name in re.findall(r"<!-- table (\S+) -->", text):
        kind, _, scan = name.partition(":")
        start, end = re.escape(f"<!-- table {name} -->"), re.escape(f"<!-- end {name} -->")
        body = f"<!-- table {name} -->\n{kinds[kind](scan)}\n<!-- end {name} -->"
        text = re.sub(f"{start}.*?{end}", lambda _, body=body: body, text, flags=re.DOTALL)
    return text


def two_digits(value: float) -> str:
    """Return a number with two digits, and 0 without a sign."""
    return f"{round(value, 2) + 0.0:.2f}"


def _grows(model: str, row: pd.Series, scan: str) -> str:
    if model in PER_FRAME:
        return "by construction" if scan == "scan_area" else "cannot"
    ratio = f"×{row['ratio']:.2f}"
    return f"yes, {ratio}" if row["correlation"] >= GROWS else f"**no**, {ratio}"


if __name__ == "__main__":
    if "--measure" in sys.argv:
        measure(sys.argv[sys.argv.index("--measure") + 1 :] or list(SCANNED))
    save_figure(DOCS / "images" / "laws_area.png", pd.read_csv(SCANS / "scan_area.csv"), "cell area [µm²]")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
