"""The figures of "What the numbers mean", from simulated cells whose traction is known exactly.

python docs/figures/what_numbers_mean.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from napari_cellforce import metrics
from napari_cellforce.fields import PixelSize, VectorField, X, Y
from napari_cellforce.layers import Arrows
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.predict import predict
from napari_cellforce.results import frame_table
from napari_cellforce.synthetic import CellConfig, Drug, FibreMechanics, SyntheticCell, simulate

mpl.use("Agg")
import matplotlib.pyplot as plt

IMAGES = Path(__file__).parents[1] / "images"
_PIXELS = 256
_PIXEL = 0.68
"""Side of a pixel in µm."""
_TOO_WEAK = 0.4
"""What is left of the forces in the right half of the second panel."""


def sums() -> None:
    """Draw one field as it is, unbalanced, and turned round, with its sums."""
    cell = simulate(CellConfig(mechanics=FibreMechanics(), side=_PIXELS, pixel_size=_PIXEL), seed=3)
    assert cell.traction is not None
    mask, field = cell.mask.data[0], np.asarray(cell.traction.data[0])
    right = np.arange(_PIXELS) > np.nonzero(mask)[1].mean()
    lopsided = field * np.where(right, _TOO_WEAK, 1)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.8), layout="constrained")
    panels = (
        ("pulling inward, in balance", field),
        ("the right half too weak", lopsided),
        ("pushing outward, in balance", -field),
    )
    for axis, (title, traction) in zip(axes, panels, strict=True):
        _draw(axis, cell, traction)
        axis.set_title(title)
        axis.set_xlabel(_in_words(traction, mask), loc="center")
    save(figure, "numbers-sums")


def course() -> None:
    """Draw what a drug does to the true force, and what is left of it in each frame's own units."""
    drug = Drug(wash_in=10, wash_out=30, strength=0.8)
    config = CellConfig(mechanics=FibreMechanics(), drug=drug, frames=61, side=_PIXELS, pixel_size=_PIXEL)
    cell = simulate(config, seed=3)
    assert cell.traction is not None
    true = frame_table(cell.traction, cell.mask)
    predictor = AdhesionFilter()
    predicted = [r.traction for r in predict(cell.image, predictor, cell.mask)]
    field = VectorField(np.stack(predicted), "traction", "normalised", PixelSize.square(_PIXEL), 1.0)
    relative = frame_table(field, cell.mask)
    figure, axes = plt.subplots(2, 1, figsize=(6.4, 4.2), layout="constrained", sharex=True)
    rows = ((true, "total force [nN]", "exact"), (relative, "total force [normalised]", "adhesion-filter"))
    for axis, (table, column, label) in zip(axes, rows, strict=True):
        axis.axvspan(drug.wash_in, drug.wash_out, color="0.92")
        axis.plot(table["time [min]"], table[column], color="#1f6fd0", lw=2)
        axis.set(ylabel=column, ylim=(0, table[column].max() * 1.15))
        axis.set_title(label, loc="left", fontsize=10)
    axes[0].text(20, axes[0].get_ylim()[1] * 0.9, "drug", ha="center", color="0.35")
    axes[1].set_xlabel("time [min]")
    save(figure, "numbers-drug")


def save(figure: Any, name: str) -> None:
    """Write a figure into the images of the documentation."""
    figure.savefig(IMAGES / f"{name}.png", dpi=100)
    plt.close(figure)
    print(f"docs/images/{name}.png")


def _draw(axis: Any, cell: SyntheticCell, traction: Any) -> None:
    """Draw an outline and arrows on an image's grid, y down."""
    axis.contour(cell.mask.data[0], [0.5], colors="0.5", linewidths=1)
    arrows = Arrows.of(traction[None], spacing=11)
    vectors = arrows.vectors[0]
    shown = np.hypot(*vectors.T) > 0.08 * arrows.reference
    axis.quiver(
        *arrows.positions[shown].T[[X, Y]],
        *vectors[shown].T[[X, Y]],
        angles="xy",
        pivot="mid",
        color="#c0392b",
        width=0.007,
        scale=arrows.reference * 6,
    )
    rows, columns = np.nonzero(cell.mask.data[0])
    axis.set(xlim=(columns.min() - 12, columns.max() + 12), ylim=(rows.max() + 12, rows.min() - 12))
    axis.set_aspect("equal")
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def _in_words(traction: Any, mask: Any) -> str:
    size = PixelSize.square(_PIXEL)
    total = float(metrics.total_force(traction, mask, size))
    net = float(np.linalg.norm(metrics.net_force(traction, mask, size)))
    moment = float(metrics.contractile_moment(traction, mask, size))
    return (
        f"total force {total:.0f} nN\nnet / total force {net / total:.2f}\n"
        f"contractile moment {moment:+.0f} nN·µm"
    )


if __name__ == "__main__":
    sums()
    course()
