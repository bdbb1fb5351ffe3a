"""Train the bundled predictors again from seed and settings, and put them where the package ships them.

usage: python tools/default_models.py [NAME ...] [--runs FOLDER]

For each recipe in ``src/napari_cellforce/train/recipes``: trains, or goes on with, the run, unless FOLDER
holds it finished; copies its weights to ``models/weights``, writes hash and size into ``zoo.json`` where the
model is listed, keeps settings, split and history in ``docs/training/runs``, and measures the model
(``measure_models.py``).
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from pathlib import Path

from measure_models import measured

from napari_cellforce import files
from napari_cellforce.config_io import read_settings
from napari_cellforce.train import Event, Step, TrainConfig, recipe, train

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "napari_cellforce"
NAMES = ("unet-sim", "unet-sim-2", "gfnn-sim")


def main() -> None:
    """Train, ship and measure the models named on the command line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", default=NAMES)
    arguments.add_argument("--runs", type=Path, default=ROOT / "runs")
    chosen = arguments.parse_args()
    for name in chosen.names:
        folder = chosen.runs / name
        if not (folder / f"{name}.safetensors").is_file():
            resume = (folder / "last.ckpt").is_file()
            train(
                read_settings(recipe(name), TrainConfig), folder, resume=resume, listener=say, told=say_what
            )
        ship(name, folder)


def ship(name: str, folder: Path) -> None:
    """Copy a finished run's model and records into the repository, and measure it."""
    weights = PACKAGE / "models" / "weights" / f"{name}.safetensors"
    weights.parent.mkdir(exist_ok=True)
    shutil.copyfile(folder / weights.name, weights)
    kept = ROOT / "docs" / "training" / "runs" / name
    kept.mkdir(parents=True, exist_ok=True)
    for part in ("config.json", "split.json", "history.csv"):
        shutil.copyfile(folder / part, kept / part)
    list_in_zoo(name, weights)
    found = {"validation, at the best epoch": best(folder), **measured([str(weights)])}
    files.write_text(kept / "metrics.json", json.dumps(found, indent=2))


def best(folder: Path) -> dict[str, float]:
    """Return the epoch with the lowest validation loss, whose weights the model has."""
    with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    return min(rows, key=lambda row: row["validation loss"])


def list_in_zoo(name: str, weights: Path) -> None:
    """Write hash and size of the weights into ``zoo.json``."""
    path = PACKAGE / "zoo" / "zoo.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    for entry in entries:
        if entry.get("file") == f"models/weights/{name}.safetensors":
            entry |= {"sha256": files.sha256(weights), "size": weights.stat().st_size}
    files.write_text(path, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")


def say(event: Event) -> None:
    """Print epochs."""
    if not isinstance(event, Step):
        print(event.epoch, {name: round(value, 4) for name, value in event.values.items()}, flush=True)


def say_what(what: str, done: int, total: int) -> None:
    """Print preparations now and then."""
    if done % 100 == 0:
        print(what, done, "of", total, flush=True)


if __name__ == "__main__":
    main()
