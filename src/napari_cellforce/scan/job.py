"""The scan: one property of a synthetic cell changed step by step, each cell given to several models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import Progress, Substrate
from napari_cellforce.scan.drawing import Drawing, Parameter, find_parameter
from napari_cellforce.scan.evaluate_cell import GEL, CellEvaluation, evaluate_model
from napari_cellforce.scan.models import ForceModel, force_model
from napari_cellforce.synthetic import SyntheticCell


@dataclass(frozen=True)
class ScanConfig(Settings):
    """What is scanned; the panel, the command line and the library build this same object."""

    parameter: str = setting("area", help="Property of the cell that is scanned.", label="Change")
    low: float = setting(
        1500.0,
        help="First value; by default as the property has it.",
        label="From",
        option="--from",
    )
    high: float = setting(
        7500.0, help="Last value; by default as the property has it.", label="To", option="--to"
    )
    steps: int = setting(8, help="Number of values.", minimum=2, label="Cells")
    models: tuple[str, ...] = setting(
        ("sheet",),
        help="Models: sheet, fibres, a model name (see `cellforce models list`) or path to a weights file.",
        label="Ask",
        option="--model -m",
    )
    drawing: Drawing = setting(default_factory=Drawing, help="The cell, all but the scanned property.")
    cells: int = setting(
        1, help="Cells at each value, which differ by their seed.", minimum=1, label="Cells per value"
    )
    as_movie: bool = setting(
        False,
        help="Normalise the brightness over all cells, as over the frames of one movie, not cell by cell.",
        label="as in one movie",
    )
    substrate: Substrate | None = setting(GEL, help="The gel, for the strain energy of fields in Pa.")

    def __post_init__(self) -> None:
        super().__post_init__()
        find_parameter(self.parameter)
        if self.low == self.high:
            raise CellForceError(
                f"the scan goes from {self.low:g} to {self.high:g}",
                "the ends of its range must be two different numbers",
                "Change one of them.",
                topic=Topic.SCAN,
            )
        if not self.models:
            raise CellForceError(
                "no predictor is chosen", "a scan needs at least one", "Choose one.", topic=Topic.SCAN
            )

    @property
    def scanned(self) -> Parameter:
        """The parameter."""
        return find_parameter(self.parameter)

    @property
    def values(self) -> tuple[float, ...]:
        """The steps; whole, and each only once, for a number of things."""
        values = np.linspace(self.low, self.high, self.steps)
        if self.scanned.whole:
            values = np.unique(np.rint(values))[:: 1 if self.high > self.low else -1]
        return tuple(values.tolist())

    @property
    def n_cells(self) -> int:
        """Number of cells in all."""
        return len(self.values) * self.cells


@dataclass(frozen=True)
class ScanStep:
    """One cell of a scan, and what each model says of it.

    Attributes
    ----------
    index : int
        Of the cell, from 0: all cells of the first step, then of the second ...
    value : float
        Of the scanned parameter.
    seed : int
    cell : SyntheticCell or None
        None if it could not be drawn.
    answers : tuple of Answer
        Of each model that had one.
    problems : tuple of str
        Why there is no cell, or no answer of a model.
    """

    index: int
    value: float
    seed: int
    cell: SyntheticCell | None
    evaluations: tuple[CellEvaluation, ...] = ()
    problems: tuple[str, ...] = ()

    def without_fields(self) -> ScanStep:
        """Return the step with the numbers of its answers alone, for keeping many of them."""
        return replace(self, evaluations=tuple(replace(answer, result=None) for answer in self.evaluations))


def scan(
    config: ScanConfig, *, device: str = "auto", folder: str | Path | None = None
) -> Iterator[Progress | ScanStep]:
    """Draw every cell of a scan and give it to every model.

    A cell that cannot be drawn or a model without an answer is noted in the step, and the scan goes on.

    Parameters
    ----------
    config : ScanConfig
    device, folder : optional
        See `napari_cellforce.zoo.load_predictor`.

    Yields
    ------
    Progress
        While models are loaded, and while all cells are drawn in advance.
    ScanStep
        One a cell, in order.

    Raises
    ------
    CellForceError
        If a model cannot be loaded, or the drawing does not have the scanned property.
    """
    models = []
    for i, name in enumerate(config.models):
        yield Progress(f"Loading {Path(name).name}", i, len(config.models))
        models.append(force_model(name, device=device, folder=folder))
    proteins = tuple(dict.fromkeys(protein for model in models for protein in model.proteins))
    drawing = config.drawing.with_proteins(proteins)
    config.scanned.change(drawing, config.low)
    drawn: Iterator[ScanStep] = _drawn(config, drawing)
    if config.as_movie:
        steps = []
        for step in drawn:
            yield Progress("Drawing the cells", step.index, config.n_cells)
            steps.append(step)
        cells = [step.cell for step in steps if step.cell is not None]
        models = [model.as_movie(cells) for model in models] if cells else models
        drawn = iter(steps)
    for step in drawn:
        yield _evaluated(step, models, config)


def _drawn(config: ScanConfig, drawing: Drawing) -> Iterator[ScanStep]:
    """Draw the cells one by one; those that cannot be drawn are noted."""
    for i, value in enumerate(np.repeat(config.values, config.cells).tolist()):
        seeded = replace(drawing, seed=drawing.seed + i % config.cells)
        try:
            yield ScanStep(i, value, seeded.seed, config.scanned.change(seeded, value).draw())
        except CellForceError as error:
            yield ScanStep(i, value, seeded.seed, None, problems=(_at(config, value, error),))


def _evaluated(step: ScanStep, models: Sequence[ForceModel], config: ScanConfig) -> ScanStep:
    """Return the step with what the models say."""
    if step.cell is None:
        return step
    evaluations, problems = [], []
    for model in models:
        try:
            evaluations.append(evaluate_model(model, step.cell, config.substrate))
        except CellForceError as error:
            problems.append(f"{model.name}, {_at(config, step.value, error)}")
    return replace(step, evaluations=tuple(evaluations), problems=tuple(problems))


def _at(config: ScanConfig, value: float, error: CellForceError) -> str:
    unit = f" {config.scanned.unit}" if config.scanned.unit else ""
    return f"at {config.scanned.title} {value:g}{unit}: {error}"
