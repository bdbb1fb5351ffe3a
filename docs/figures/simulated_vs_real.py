"""Draw how simulated cells compare with real ones, and print the numbers.

usage: python docs/figures/simulated_vs_real.py [DATA]

DATA (by default ``../shared/data/real`` beside the repository) holds real cells read off published figures;
only histograms of them are drawn, never their pictures. Writes ``docs/images/simulated_vs_real.png``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import tifffile
from scipy.ndimage import binary_dilation, gaussian_filter
from skimage.measure import label, regionprops_table

from napari_cellforce.preprocess.regrid import Regrid
from napari_cellforce.synthetic import SyntheticCell, fibroblasts

ROOT = Path(__file__).resolve().parents[2]
PIXEL = 0.68
CELLS = 48
SHOWN = 6


@dataclass(frozen=True)
class Observed:
    """One image of a cell on pixels of 0.68 µm.

    Attributes
    ----------
    zyxin : (Y, X) array
        0 outside the cell, mean 1 inside.
    mask : (Y, X) bool array
    force : (N,) array or None
        The known values of |F| in the cell, over their mean.
    """

    zyxin: np.ndarray
    mask: np.ndarray
    force: np.ndarray | None = None


def observed(
    zyxin: np.ndarray, mask: np.ndarray, pixel_size: float, force: np.ndarray | None = None
) -> Observed:
    """Bring an image to 0.68 µm and normalise it by its baselines; the force stays on its own grid."""
    known = None if force is None else force[mask & np.isfinite(force)]
    grid = Regrid(mask.shape, pixel_size, PIXEL)
    zyxin, mask = grid.to_model(zyxin), grid.mask_to_model(mask)
    outside = np.median(zyxin[~binary_dilation(mask, iterations=3)])
    normalised = np.maximum(zyxin - outside, 0) / (zyxin[mask].mean() - outside)
    return Observed(normalised, mask, None if known is None else known / known.mean())


def real_cells(data: Path) -> list[Observed]:
    """Read three real cells, one of them at two times, two of them with measured |F|."""
    zyxin, mask = tifffile.imread(data / "cell_0.ome.tif")[0], tifffile.imread(data / "cell_0_mask.tif") > 0
    force = np.squeeze(tifffile.imread(data / "cell_0_traction_magnitude.ome.tif"))
    frames = np.squeeze(tifffile.imread(data / "11_cell_1.ome.tif"))
    masks = tifffile.imread(data / "11_cell_1_mask.tif") > 0
    cell = np.load(data / "paper_format" / "cell_1" / "frame_5.npy")
    return [
        observed(zyxin, mask, 0.3184, force),
        *(observed(frames[t], masks[t], PIXEL) for t in (1, 3)),
        observed(cell[6], cell[4] > 0, 0.44, np.hypot(cell[2], cell[3])),
    ]


def simulated_cell(cell: SyntheticCell) -> Observed:
    """Look at a simulated cell in the same way."""
    measured = cell.measured.magnitude()[0]
    return observed(cell.image.data[0, 0], cell.mask.frame(0), cell.config.pixel_size, measured)


def blobs(cell: Observed) -> dict[str, np.ndarray]:
    """Return area (µm²) and length (µm) of what stands out of its surroundings, as adhesions do."""
    stands_out = gaussian_filter(cell.zyxin, 0.5) - gaussian_filter(cell.zyxin, 4) > 0.5
    table = regionprops_table(label(stands_out & cell.mask), properties=("area", "axis_major_length"))
    large = table["area"] >= 3
    return {"area": table["area"][large] * PIXEL**2, "length": table["axis_major_length"][large] * PIXEL}


def numbers(cells: list[Observed]) -> dict[str, str]:
    """Return the figure in numbers: means over cells, or quantiles of all adhesions together."""
    found = [blobs(cell) for cell in cells]
    forces = [cell.force for cell in cells if cell.force is not None]
    areas = [cell.mask.sum() * PIXEL**2 / 1000 for cell in cells]
    density = [len(each["area"]) / size for each, size in zip(found, areas, strict=True)]
    area, length = (np.concatenate([each[key] for each in found]) for key in ("area", "length"))
    zyxin = [np.quantile(cell.zyxin[cell.mask], (0.1, 0.5, 0.9, 0.99)) for cell in cells]
    values = {
        "zyxin / mean, 10 50 90 99 %": np.mean(zyxin, axis=0),
        "adhesions per 1000 µm²": np.mean(density),
        "area of adhesions [µm²], 50 90 %": np.quantile(area, (0.5, 0.9)),
        "length of adhesions [µm], 50 90 %": np.quantile(length, (0.5, 0.9)),
        "|F| / mean, 50 90 99 100 %": np.mean([np.quantile(f, (0.5, 0.9, 0.99, 1)) for f in forces], axis=0),
    }
    return {key: np.array2string(np.asarray(value), precision=2) for key, value in values.items()}


def histogram(
    axes: plt.Axes, simulated: list[np.ndarray], real: list[np.ndarray], bins: np.ndarray, title: str
) -> None:
    """Draw a band (10 to 90 % of the cells) for the simulated cells and one line for each real one."""
    middle = (bins[1:] + bins[:-1]) / 2
    made = [np.histogram(values, bins, density=True)[0] for values in simulated]
    low, high = np.quantile(made, (0.1, 0.9), axis=0)
    axes.fill_between(middle, low, high, color="tab:blue", alpha=0.3, label="simulated, 10-90 % of the cells")
    axes.plot(middle, np.mean(made, axis=0), color="tab:blue", label="simulated, mean")
    for values in real:
        axes.plot(middle, np.histogram(values, bins, density=True)[0], color="tab:orange", lw=1)
    axes.plot([], [], color="tab:orange", label="real, one line a cell")
    axes.set(title=title, yscale="log", ylim=(1e-4, None), ylabel="probability density")


def pictures(axes: np.ndarray, cells: list[SyntheticCell]) -> None:
    """Draw zyxin above |F|."""
    for column, cell in zip(axes.T, cells, strict=True):
        images = cell.image.data[0, 0].astype(float), cell.measured.magnitude()[0]
        for place, image, colours in zip(column, images, ("gray", "magma"), strict=True):
            place.imshow(image, cmap=colours, vmax=np.quantile(image, 0.999))
            place.set_axis_off()
    axes[0, 0].set_title("simulated zyxin", loc="left")
    axes[1, 0].set_title("simulated |F|, as an instrument would measure it", loc="left")


def draw(cells: list[SyntheticCell], simulated: list[Observed], real: list[Observed], path: Path) -> None:
    """Write the figure."""
    figure = plt.figure(figsize=(3 * SHOWN, 9), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(2, 1))
    pictures(above.subplots(2, SHOWN), cells[:SHOWN])
    intensity, length, force = below.subplots(1, 3)
    inside = [[cell.zyxin[cell.mask] for cell in group] for group in (simulated, real)]
    lengths = [[blobs(cell)["length"] for cell in group] for group in (simulated, real)]
    forces = [[cell.force for cell in group if cell.force is not None] for group in (simulated, real)]
    histogram(intensity, *inside, np.linspace(0, 7, 36), "zyxin / mean in the cell")
    histogram(length, *lengths, np.linspace(1, 20, 20), "length of adhesions [µm]")
    histogram(force, *forces, np.linspace(0, 10, 31), "|F| / mean in the cell")
    intensity.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70)


def main() -> None:
    """Simulate, read, print and draw."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data" / "real"
    if not data.is_dir():
        raise SystemExit(f"no real cells at {data}")
    cells = list(fibroblasts(CELLS, seed=1, side=512, pixel_size=0.34, measured=True))
    simulated, real = [simulated_cell(cell) for cell in cells], real_cells(data)
    for what in ("traction", "measured"):
        mean = [getattr(cell, what).magnitude()[0][cell.mask.frame(0)].mean() for cell in cells]
        print(f"mean |F| [Pa], {what}, 10 50 90 %: {np.quantile(mean, (0.1, 0.5, 0.9)).round()}")
    made, found = numbers(simulated), numbers(real)
    for key, value in found.items():
        print(f"{key:34} simulated {made[key]:28} real {value}")
    draw(cells, simulated, real, ROOT / "docs" / "images" / "simulated_vs_real.png")


if __name__ == "__main__":
    main()
