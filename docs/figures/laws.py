"""Fill the tables of the page of laws, and draw its figure, from the scans kept in ``docs/models/laws``.

Run in the repository: ``python docs/figures/laws.py``. The scans are made by the commands on the page.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from napari_cellforce.scan.figure import save_figure

DOCS = Path(__file__).resolve().parents[1]
PAGE = DOCS / "models" / "laws.md"
SCANS = DOCS / "models" / "laws"

NAMES = {"UnseenWashout_RealGFNN_down=4_beta=0.1": "gfnn-schmitt2024"}
"""Models that were given to the scans as a file, by their name in the zoo."""

PER_FRAME = ("adhesion-filter", "sheet-filter")
"""Their in-mask mean of |F| is 1 in every frame: the total can tell nothing but the area."""

GROWS = 0.8
"""Rank correlation from which on a quantity is said to grow."""


def total_force(scan: str) -> pd.DataFrame:
    """Return how the total force of each model follows the scanned property, indexed by model."""
    table = pd.read_csv(SCANS / f"{scan}_trends.csv")
    table["model"] = table["model"].replace(NAMES)
    return table[table["quantity"].str.startswith("total force")].set_index("model")


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
    table = pd.read_csv(SCANS / f"{scan}.csv")
    table["model"] = table["model"].replace(NAMES)
    lines = [
        "| model | angle to the adhesions | net / total force | force-distance correlation |",
        "| --- | --- | --- | --- |",
    ]
    for model, own in table.groupby("model", sort=False):
        angle, net, distance = (
            own[name]
            for name in ("angle to the adhesions [°]", "net / total force", "force-distance correlation")
        )
        lines.append(
            f"| {model} | {angle.mean():.0f}° ± {angle.std():.0f}° | {net.mean():.4f} ± {net.std():.4f} "
            f"| {distance.mean():.2f} ± {distance.std():.2f} |"
        )
    return "\n".join(lines)


def verdicts() -> str:
    """Return the markdown table of who obeys which law."""
    table = pd.read_csv(SCANS / "scan_area.csv")
    table["model"] = table["model"].replace(NAMES)
    means = table.groupby("model", sort=False)[
        ["angle to the adhesions [°]", "net / total force", "force-distance correlation"]
    ].mean()
    lines = [
        "| the total force grows with ... | " + " | ".join(means.index) + " |",
        "| --- |" + " --- |" * len(means),
    ]
    for title, scan in (
        ("area", "scan_area"),
        ("adhesion length", "scan_length"),
        ("adhesion length, as one movie", "movie_length"),
        ("adhesion intensity", "scan_intensity"),
        ("adhesion intensity, as one movie", "movie_intensity"),
    ):
        cells = [_grows(model, row, scan) for model, row in total_force(scan).loc[means.index].iterrows()]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    for title, column, words in (
        ("**forces** point inward along adhesions", "angle to the adhesions [°]", "{:.0f}°"),
        ("sum to zero", "net / total force", "{:.2%} left"),
        ("grow with the distance from the centre", "force-distance correlation", "r = {:.2f}"),
    ):
        lines.append(f"| {title} | {' | '.join(words.format(value + 0) for value in means[column])} |")
    return "\n".join(lines)


def filled(text: str) -> str:
    """Return the page with its tables filled in."""
    for name in re.findall(r"<!-- table (\S+) -->", text):
        kind, _, scan = name.partition(":")
        rows = {
            "verdicts": verdicts,
            "scan": lambda s=scan: scan_rows(s),
            "fields": lambda s=scan: field_rows(s),
        }
        start, end = re.escape(f"<!-- table {name} -->"), re.escape(f"<!-- end {name} -->")
        body = rows[kind]()
        text = re.sub(
            f"{start}.*?{end}",
            lambda _, n=name, b=body: f"<!-- table {n} -->\n{b}\n<!-- end {n} -->",
            text,
            flags=re.DOTALL,
        )
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
    cells = pd.read_csv(SCANS / "scan_area.csv").replace({"model": NAMES})
    save_figure(DOCS / "images" / "laws_area.png", cells, "cell area [µm²]")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
