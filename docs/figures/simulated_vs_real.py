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
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter
from skimage.measure import label, regionprops_table

from napari_cellforce.preprocess.regrid import Regrid
from napari_cellforce.synthetic import SyntheticCell, directed_fibroblasts, fibroblasts

ROOT = Path(__file__).resolve().parents[2]
PIXEL = 0.68
CELLS = 48
SHOWN = 6
SCALE_BAR = 20.0
DEPTHS = np.array([0.0, 1.5, 3.0, 6.0, 10.0, 15.0, 25.0])
"""Distances from the cell's edge in µm."""
WAVELENGTHS = np.array([1.5, 3.0, 6.0, 12.0, np.inf])
"""In µm."""


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
    depth : (N,) array or None
        How far from the cell's edge each of them is, in µm.
    """

    zyxin: np.ndarray
    mask: np.ndarray
    force: np.ndarray | None = None
    depth: np.ndarray | None = None


def observed(
    zyxin: np.ndarray, mask: np.ndarray, pixel_size: float, force: np.ndarray | None = None
) -> Observed:
    """Bring an image to 0.68 µm and normalise it by its baselines; the force stays on its own grid."""
    grid = Regrid(mask.shape, pixel_size, PIXEL)
    coarse, inside = grid.to_model(zyxin), grid.mask_to_model(mask)
    outside = np.median(coarse[~binary_dilation(inside, iterations=3)])
    normalised = np.maximum(coarse - outside, 0) / (coarse[inside].mean() - outside)
    if force is None:
        return Observed(normalised, inside)
    known = mask & np.isfinite(force)
    depth = distance_transform_edt(mask)[known] * pixel_size
    return Observed(normalised, inside, force[known] / force[known].mean(), depth)


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


def zyxin_by_depth(cell: Observed) -> np.ndarray:
    """Return mean zyxin between the `DEPTHS`."""
    return by_depth(distance_transform_edt(cell.mask)[cell.mask] * PIXEL, cell.zyxin[cell.mask])


def by_depth(depth: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the mean of values between the `DEPTHS`; NaN where the cell is not that wide."""
    place = np.digitize(depth, DEPTHS) - 1
    groups = [values[place == i] for i in range(len(DEPTHS) - 1)]
    return np.array([group.mean() if len(group) else np.nan for group in groups])


def spectrum(cell: Observed) -> np.ndarray:
    """Return which part of zyxin's variance lies between the `WAVELENGTHS`."""
    spread = np.where(cell.mask, cell.zyxin - 1, 0)
    side = 2 * max(spread.shape)
    power = np.abs(np.fft.fft2(spread, (side, side))) ** 2
    frequency = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(side, PIXEL)]))
    known = np.histogram(frequency, 1 / WAVELENGTHS[::-1], weights=power)[0][::-1]
    return known / known.sum()


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
        "zyxin by depth": np.nanmean([zyxin_by_depth(cell) for cell in cells], axis=0),
        "|F| by depth": np.nanmean(
            [by_depth(c.depth, c.force) for c in cells if c.force is not None], axis=0
        ),
        "share of zyxin's variance by wavelength": np.mean([spectrum(cell) for cell in cells], axis=0),
    }
    return {key: np.array2string(np.asarray(value), precision=2) for key, value in values.items()}


def pascals(cells: list[SyntheticCell]) -> dict[str, str]:
    """Return mean and largest |F| of simulated cells, exact and measured, 10 50 90 % of the cells."""
    found = {}
    for what in ("traction", "measured"):
        inside = [getattr(cell, what).magnitude()[0][cell.mask.frame(0)] for cell in cells]
        for name, over in (("mean", np.mean), ("largest", np.max)):
            quantiles = np.quantile([over(values) for values in inside], (0.1, 0.5, 0.9))
            found[f"{name} |F| [Pa], {what}, 10 50 90 %"] = np.array2string(quantiles.round())
    return found


def band(axes: plt.Axes, middle: np.ndarray, made: list[np.ndarray], found: list[np.ndarray]) -> None:
    """Draw a band (10 to 90 % of the cells) for the simulated cells and one line for each real one."""
    low, high = np.nanquantile(made, (0.1, 0.9), axis=0)
    axes.fill_between(middle, low, high, color="tab:blue", alpha=0.3, label="simulated, 10-90 % of the cells")
    axes.plot(middle, np.nanmean(made, axis=0), color="tab:blue", label="simulated, mean")
    for values in found:
        axes.plot(middle, values, color="tab:orange", lw=1, marker=".", ms=4)
    axes.plot([], [], color="tab:orange", marker=".", label="real, one line a cell")


def histogram(
    axes: plt.Axes, simulated: list[np.ndarray], real: list[np.ndarray], bins: np.ndarray, title: str
) -> None:
    """Draw how often which value is; a value that a real cell has not is left out of its line."""
    made, found = (
        [np.histogram(values, bins, density=True)[0] for values in group] for group in (simulated, real)
    )
    band(axes, (bins[1:] + bins[:-1]) / 2, made, [np.where(each > 0, each, np.nan) for each in found])
    axes.set(xlabel=title, yscale="log", ylim=(1e-4, None), ylabel="probability density")


def profile(axes: plt.Axes, simulated: list[np.ndarray], real: list[np.ndarray], title: str) -> None:
    """Draw means by distance from the edge."""
    band(axes, (DEPTHS[1:] + DEPTHS[:-1]) / 2, simulated, real)
    axes.set(xlabel="distance from the edge [µm]", ylim=(0, None), ylabel=title)


def pictures(axes: np.ndarray, cells: list[SyntheticCell]) -> None:
    """Draw zyxin above |F|, all cells to the same scale."""
    reach = max(np.ptp(cell.outline.points, axis=0).max() for cell in cells) / 2 + 4
    for column, cell in zip(axes.T, cells, strict=True):
        size = cell.config.pixel_size
        images = cell.image.data[0, 0].astype(float), cell.measured.magnitude()[0]
        y, x = (cell.outline.points.max(axis=0) + cell.outline.points.min(axis=0)) / 2
        extent = np.array([-0.5, images[0].shape[1] - 0.5, images[0].shape[0] - 0.5, -0.5]) * size
        for place, image, colours in zip(column, images, ("gray", "magma"), strict=True):
            place.imshow(image, cmap=colours, vmax=np.quantile(image, 0.999), extent=extent)
            place.set(xlim=(x - reach, x + reach), ylim=(y + reach, y - reach))
            place.set_axis_off()
    column, (y, x) = axes[:, 0], (axes[0, 0].get_ylim()[0] - 4, axes[0, 0].get_xlim()[0] + 4)
    column[0].plot([x, x + SCALE_BAR], [y, y], "w", lw=4)
    column[0].text(x, y - 3, f"{SCALE_BAR:g} µm", color="w")
    column[0].set_title("simulated zyxin", loc="left")
    column[1].set_title("simulated |F| as measured, each to its own scale", loc="left")


def draw(cells: list[SyntheticCell], simulated: list[Observed], real: list[Observed], path: Path) -> None:
    """Write the figure."""
    figure = plt.figure(figsize=(3 * SHOWN, 10), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(3, 2))
    pictures(above.subplots(2, SHOWN), cells[:SHOWN])
    intensity, length, force, near, pull = below.subplots(1, 5)
    groups = simulated, real
    known = [[cell for cell in group if cell.force is not None] for group in groups]
    histogram(
        intensity,
        *[[c.zyxin[c.mask] for c in g] for g in groups],
        np.linspace(0, 7, 29),
        "zyxin / mean in the cell",
    )
    histogram(
        length,
        *[[blobs(c)["length"] for c in g] for g in groups],
        np.linspace(1, 21, 11),
        "length of adhesions [µm]",
    )
    histogram(force, *[[c.force for c in g] for g in known], np.linspace(0, 10, 26), "|F| / mean in the cell")
    profile(near, *[[zyxin_by_depth(c) for c in g] for g in groups], "zyxin / mean in the cell")
    profile(pull, *[[by_depth(c.depth, c.force) for c in g] for g in known], "|F| / mean in the cell")
    below.legend(*intensity.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def main() -> None:
    """Simulate, read, print and draw."""
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data" / "real"
    if not data.is_dir():
        raise SystemExit(f"no real cells at {data}")
    real = real_cells(data)
    table = {"real": numbers(real)}
    for population in (directed_fibroblasts, fibroblasts):
        cells = list(population(CELLS, seed=1, side=512, pixel_size=0.34, measured=True))
        simulated = [simulated_cell(cell) for cell in cells]
        table[population.__name__] = numbers(simulated) | pascals(cells)
    for key in table["fibroblasts"]:
        print(key, *(f"{name:>24}: {column.get(key, '-')}" for name, column in table.items()), sep="\n")
    draw(cells, simulated, real, ROOT / "docs" / "images" / "simulated_vs_real.png")


if __name__ == "__main__":
    main()
