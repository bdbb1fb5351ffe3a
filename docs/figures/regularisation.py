"""What lambda does to a traction field: the figure and the table of docs/regularisation.md.

Run with ``python docs/figures/regularisation.py`` after ``python examples/draw_beads.py``, in one folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import distance_transform_edt

from napari_cellforce.fields import Mask, Substrate
from napari_cellforce.io import read, read_field, read_mask
from napari_cellforce.physics.regularisation import RegularisationChoice
from napari_cellforce.tfm import TfmConfig, TfmFrame, prepare

GEL = Substrate(8000.0, 0.48)
FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)


def measure(config: TfmConfig, mask: Mask) -> tuple[TfmFrame, RegularisationChoice]:
    """Run the job on the drawn beads."""
    reference = read("beads/reference.ome.tif").frame(0)[0]
    records = list(prepare(reference, read("beads/loaded.ome.tif"), config, mask=mask).run())
    frame = next(r for r in records if isinstance(r, TfmFrame))
    return frame, frame.choice


def half_width(size: np.ndarray) -> float:
    """Return the width in µm, at half height, of the autocorrelation of |F|: how far a force is spread."""
    power = np.abs(np.fft.fft2(size - size.mean(), tuple(2 * n for n in size.shape))) ** 2
    line = np.fft.ifft2(power).real
    radial = (line[0, :100] + line[:100, 0]) / 2
    return 2 * 0.2 * float(np.interp(-0.5, -radial / radial[0], np.arange(100)))


def row(name: str, traction: np.ndarray, truth: np.ndarray, inside: np.ndarray, far: np.ndarray) -> str:
    """Return a line of the table."""
    size, true = np.hypot(*traction), np.hypot(*truth)
    error = np.sqrt(((traction - truth) ** 2).sum(axis=0).mean() / (truth**2).sum(axis=0).mean())
    return (
        f"| {name} | {size[inside].sum() / true[inside].sum():.2f} "
        f"| {np.percentile(size[inside], 99) / np.percentile(true[inside], 99):.2f} "
        f"| {half_width(size):.1f} | {size[far].mean():.0f} | {error:.2f} |"
    )


def main(target: Path) -> None:
    """Print the table, write the figure."""
    truth = np.asarray(read_field("beads/true_traction.ome.tif").data[0])
    mask = read_mask("beads/cell.ome.tif", shape=truth.shape[1:], frames=1)
    inside = mask.frame(0)
    far = distance_transform_edt(~inside) * 0.2 > 10
    print("| lambda | total force | 99th percentile | width [µm] | far from the cell [Pa] | error |")
    print(row("true traction", truth, truth, inside, far))
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    panels, curve = figure.subplots(1, 4), None
    chosen = {}
    for criterion in ("evidence", "gcv"):
        frame, choice = measure(TfmConfig(GEL, criterion=criterion), mask)
        chosen[criterion] = choice
        print(row(f"{criterion}: {choice.regularisation:.2g} µm/Pa", frame.traction, truth, inside, far))
    best = chosen["evidence"].regularisation
    shown = {0.1: panels[0], 1.0: panels[1], 10.0: panels[2]}
    for factor in FACTORS:
        frame, _ = measure(TfmConfig(GEL, criterion="fixed", regularisation=factor * best), mask)
        print(row(f"{factor:g} x evidence", frame.traction, truth, inside, far))
        if factor in shown:
            shown[factor].imshow(np.hypot(*frame.traction), cmap="inferno", vmin=0, vmax=1500)
            shown[factor].set(title=f"{factor:g} x the chosen lambda", xticks=[], yticks=[])
    curve = panels[3]
    for criterion in ("evidence", "gcv"):
        choice = chosen[criterion]
        scaled = (choice.curve - choice.curve.min()) / np.ptp(choice.curve)
        (line,) = curve.semilogx(choice.candidates, scaled, label=criterion)
        curve.axvline(choice.regularisation, color=line.get_color(), linestyle=":")
    curve.set(xlabel="lambda [µm/Pa]", title="criteria, each scaled to 0 - 1", ylim=(-0.02, 0.3))
    curve.legend()
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "regularisation.png"))
