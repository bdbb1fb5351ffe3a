"""Make cells as another lab would show them: smaller pixels, a blurrier lens, a dim camera, a stronger pull.

    python examples/other_microscope.py FOLDER [CELLS] [FRAMES]

The folder is then a data set like any other: for `cellforce finetune`, `cellforce evaluate`, and the panel
"Train a predictor".
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from napari_cellforce.simulate import SimulateConfig, simulate_cells
from napari_cellforce.synthetic import (
    Camera,
    CellConfig,
    PopulationConfig,
    Range,
    Recipe,
    SheetMechanics,
    replace_setting,
)

PULL = 2.5
"""How much harder these cells pull than those that the bundled predictors learnt from."""

OPTICS = {"expression": (0.1, 0.4), "optics.psf": (0.5, 0.7)}
"""Dimmer cells (expression usually 0.4 to 2.5), and a lens that blurs (usually 0.15 to 0.35 µm)."""

LABEL = {
    "proteins.zyxin.adhesions": (0.4, 0.9),
    "proteins.zyxin.fibres": (0.4, 0.8),
    "proteins.zyxin.nucleus": (5.0, 9.0),
    "proteins.zyxin.texture": (0.4, 0.8),
}
"""A label that gathers over the nucleus (usually 0.3 to 1.9), so that adhesions hardly stand out (usually 1.5
to 4)."""


@dataclass(frozen=True)
class OtherMicroscope(SimulateConfig):
    """The usual simulated cells, seen with another microscope and pulling harder.

    Attributes
    ----------
    other_label : bool
        Whether the protein is labelled in another way, too.
    """

    pixel_size: float = 0.51
    side: int = 340
    measured: bool = True
    other_label: bool = True

    def population(self) -> PopulationConfig:
        """Return the cells."""
        usual, limits = super().population(), OPTICS | (LABEL if self.other_label else {})
        return replace(usual, recipes=tuple(replace_recipe(recipe, limits) for recipe in usual.recipes))


def replace_recipe(recipe: Recipe, limits: Mapping[str, tuple[float, float]]) -> Recipe:
    """Return a kind of cell as the other microscope shows it."""
    ranges = tuple(replace_limits(usual, limits) for usual in recipe.ranges)
    return replace(recipe, config=replace_camera(recipe.config), ranges=ranges)


def replace_camera(config: CellConfig) -> CellConfig:
    """Return settings with another camera and a stronger pull."""
    strength = "tension" if isinstance(config.mechanics, SheetMechanics) else "prestrain"
    before = getattr(config.mechanics, strength)
    seen = replace(config, camera=Camera(exposure=150, background=30, gain=0.6, read_noise=6, offset=400))
    return replace_setting(seen, f"mechanics.{strength}", PULL * before)


def replace_limits(usual: Range, limits: Mapping[str, tuple[float, float]]) -> Range:
    """Return limits within which cells differ."""
    low, high = limits.get(usual.setting, (usual.low, usual.high))
    return replace(usual, low=low, high=high)


if __name__ == "__main__":
    folder, cells, frames = (*sys.argv[1:], *("8", "3")[len(sys.argv) - 2 :])
    config = OtherMicroscope(cells=int(cells), frames=int(frames), seed=5)
    for report in simulate_cells(config, folder, workers=1):
        print(f"{report.done} / {report.total}: {report.name} {report.outcome}")
