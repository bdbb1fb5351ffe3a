"""How near the chosen lambda comes to the best one, what the border does, and whether the error bar holds.

Run with ``python benchmarks/regularisation_choice.py``: sixty made cells on even, odd and non-square grids of
six sizes and four pixel sizes, noise from 0.002 to 0.1 µm. "over best" is the root mean square error of the
traction at the chosen lambda, divided by the least of any lambda. "noise" is the predicted over the true
standard deviation of the traction's noise. "borders" shows errors in and outside the cell over the traction's
own size, each at its best lambda.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce.physics.halfspace import displacement, fttc, halfspace_kernel, periodic_part
from napari_cellforce.physics.regularisation import choose_regularisation, displacement_spectrum

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _report import write

YOUNG, POISSON = 8000.0, 0.48
SHAPES = [(128, 128), (127, 160), (131, 97), (96, 96), (64, 65), (80, 150)]
LAMBDAS = np.geomspace(1e-5, 5e-3, 41)


def cell(shape: tuple[int, int], spacing: float, peak: float, seed: int, radius: float) -> np.ndarray:
    """Return the traction in Pa of adhesions of 1 to 2 µm on a ring about the middle, pulling inward."""
    rng = np.random.default_rng(seed)
    y, x = (np.indices(shape) - np.array(shape)[:, None, None] / 2) * spacing
    traction, count = np.zeros((2, *shape)), 10 + 3 * (seed % 5)
    for k in range(count):
        angle = 2 * np.pi * (k + 0.5 * rng.random()) / count
        direction = np.array([np.sin(angle), np.cos(angle)])
        away = (y - radius * direction[0]) ** 2 + (x - radius * direction[1]) ** 2
        spot = np.exp(-away / (2 * rng.uniform(1.0, 1.8) ** 2))
        traction -= peak * rng.uniform(0.4, 1.3) * direction[:, None, None] * spot
    inside = np.exp(-(y**2 + x**2) / (2 * (radius / 2) ** 2))
    return traction - traction.sum(axis=(1, 2))[:, None, None] * inside / inside.sum()


def measure_choice(cells: int = 60) -> dict[str, Any]:
    """Compare criteria, as shipped and without the fit of borders."""
    rng = np.random.default_rng(0)
    over: dict[str, list[float]] = defaultdict(list)
    noises: dict[str, list[float]] = defaultdict(list)
    for n in range(cells):
        shape, spacing = SHAPES[n % len(SHAPES)], rng.choice([0.5, 0.68, 0.8, 1.36])
        noise = 10 ** rng.uniform(-2.7, -1)
        truth = cell(shape, spacing, rng.uniform(300, 1500), n, 0.28 * min(shape) * spacing)
        moved = displacement(truth, spacing, YOUNG, POISSON, padding=1)
        noisy = moved + noise * np.random.default_rng(n + 9).standard_normal(moved.shape)
        kernel = halfspace_kernel(shape, spacing, YOUNG, POISSON)
        y, x = ((np.arange(side) - side / 2) / side for side in shape)
        outside = y[:, None] ** 2 + x**2 > 0.4**2
        for borders, field in (("", periodic_part(noisy)), (", borders as they are", noisy)):
            errors = [np.std(kernel.traction(field, value) - truth) for value in LAMBDAS]
            for name, where in (("", None), (", noise outside", outside)):
                spectrum = displacement_spectrum(field, kernel, where)
                for criterion in ("evidence", "gcv", "l-curve"):
                    choice = choose_regularisation(spectrum, criterion)
                    error = np.std(kernel.traction(field, choice.regularisation) - truth)
                    over[criterion + name + borders].append(error / min(errors))
                    if criterion == "evidence":
                        one = noise * np.random.default_rng(1).standard_normal(moved.shape)
                        true = kernel.traction(one, choice.regularisation).std()
                        noises[criterion + name + borders].append(choice.traction_noise / true)
    return {"over best": summary(over), "noise": summary(noises)}


def summary(values: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return median, 95th percentile and extremes."""
    at = {"least": 0, "median": 50, "95 %": 95, "most": 100}
    return {
        name: {words: round(float(np.percentile(some, percent)), 3) for words, percent in at.items()}
        for name, some in values.items()
    }


def measure_borders(noise: float = 0.002) -> dict[str, Any]:
    """Cut images of 96 x 96 pixels of 0.8 µm out of a wide gel: the same cell, ever nearer to the border."""
    side, wide, spacing = 96, 384, 0.8
    truth = cell((wide, wide), spacing, 800.0, 3, 16.0)
    moved = displacement(truth, spacing, YOUNG, POISSON, padding=1)
    y, x = (np.indices((wide, wide)) - wide / 2) * spacing
    inside = np.hypot(y, x) < 22
    rows = {}
    places = {
        "in the middle": (side, 0),
        "6 µm from the border": (side, 20),
        "cut off": (side, 40),
        "little gel around": (60, 0),
    }
    for name, (size, shift) in places.items():
        corner = wide // 2 - size // 2
        part = np.s_[..., corner + shift : corner + shift + size, corner : corner + size]
        noisy = moved[part] + noise * np.random.default_rng(1).standard_normal((2, size, size))
        rows[name] = {
            way: best(field, truth[part], inside[part], spacing, padding)
            for way, field, padding in (
                ("as it is", noisy, 0.0),
                ("zeros around", noisy, 1.0),
                ("borders fitted", periodic_part(noisy), 0.0),
            )
        }
    return rows


def best(
    field: np.ndarray, truth: np.ndarray, inside: np.ndarray, spacing: float, padding: float
) -> dict[str, float]:
    """Return errors in and outside the cell, and the total force over the true one, at the best lambda."""
    found = []
    for value in LAMBDAS:
        traction = fttc(field, spacing, YOUNG, POISSON, value, padding=padding)
        square = ((traction - truth) ** 2).sum(axis=0)
        size = (truth**2).sum()
        force = np.hypot(*traction)[inside].sum() / np.hypot(*truth)[inside].sum()
        found.append([np.sqrt(square[inside].sum() / size), np.sqrt(square[~inside].sum() / size), force])
    at = min(found, key=lambda row: np.hypot(row[0], row[1]))
    return dict(zip(("inside", "outside", "force"), (round(float(v), 2) for v in at), strict=True))


if __name__ == "__main__":
    write("regularisation_choice", {"choice": measure_choice(), "borders": measure_borders()})
