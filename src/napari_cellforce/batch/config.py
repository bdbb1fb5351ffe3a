"""The settings of a batch, and their form as JSON, as a command line and as a Python script."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cellforce.config_io import (
    Settings,
    changed_options,
    command_line,
    from_mapping,
    parse_mapping,
    setting,
    to_json,
)
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.explain import PARTS, supported_parts
from napari_cellforce.fields import PASCAL
from napari_cellforce.io.measured import MeasuredLayout
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.predict import PredictConfig, RunConfig

EVERY_IMAGE = "*"
"""The pattern that takes all files of the kinds we read."""

PREDICT, COMPARE = "predict", "compare"
"""Parts of the work on an input besides those of an explanation."""

_EARLIER_RUN_KEYS = ("pixel_size", "z", "samples", "device", "backend", "model_folder")
"""Settings of ``predict.run`` that earlier versions have written at top level."""


@dataclass(frozen=True)
class BatchConfig(Settings):
    """Settings of a batch; the panel, the command line and the library build this same object.

    The model of ``predict.run`` is the first of `models`.
    """

    folder: str = setting(help="Folder with the images.", label="Folder")
    out: str = setting(
        help="Output folder, which may lie inside the folder of the images; run again on it to continue.",
        label="Results",
    )
    models: tuple[str, ...] = setting(
        help="Model name (see `cellforce models list`) or path to a weights file; "
        "with several, each predicts every image.",
        label="Model",
        option="--model",
    )
    pattern: str = setting(
        EVERY_IMAGE,
        help="Glob pattern for image names (`*_zyxin.tif`); include a / to match relative paths.",
        label="Images",
    )
    recursive: bool = setting(False, help="Search subfolders too.", label="with subfolders")
    mask_pattern: str = setting(
        "",
        help="Mask file of each image, * standing for its name: `*_mask.tif` or `../masks/*.tif`; "
        "empty to find the cells automatically.",
        label="Masks",
        empty="find automatically",
    )
    label: int | None = setting(
        None, help="Label of the cell in the mask files.", minimum=1, label="Label", empty="the only one"
    )
    conditions: str = setting(
        "",
        help="CSV file with the columns file and condition; by default the names of the subfolders.",
        label="Conditions",
        empty="subfolders",
    )
    explain: tuple[str, ...] = setting(
        (), help="Explanations of every prediction.", choices=PARTS, label="Explain"
    )
    compare: str = setting(
        "",
        help="Measured field of each image, * standing for its name: `../tfm/*_traction.csv`.",
        label="Measured",
        empty="compare with nothing",
    )
    measured: MeasuredLayout = setting(
        default_factory=MeasuredLayout,
        help="What the measured files do not state themselves.",
        option="--measured-",
    )
    predict: PredictConfig = setting(default_factory=PredictConfig, help="How every image is predicted.")
    workers: int = setting(1, help="Number of processes that work at once.", minimum=1, label="Processes")
    scheduler: str = setting(
        "", help="Address of a running Dask scheduler: tcp://host:8786.", label="Scheduler", empty="none"
    )
    cluster: str = setting(
        "",
        help="File that describes workers from a job queue (Slurm, PBS, ...).",
        label="Cluster file",
        empty="none",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.models and self.run.model != self.models[0]:
            predict = dataclasses.replace(self.predict, run=self.run_for(self.models[0]))
            object.__setattr__(self, "predict", predict)
        if self.scheduler and self.cluster:
            raise CellForceError(
                "both a running scheduler and a cluster file are given",
                "the work is done in one place",
                "Leave one of them out.",
                topic=Topic.SCHEDULER,
            )

    @property
    def run(self) -> RunConfig:
        """Which model is run first, and how all are run."""
        return self.predict.run

    def run_for(self, model: str) -> RunConfig:
        """Return how one of the models is run."""
        return dataclasses.replace(self.run, model=model)

    def parts_for(self, record: ModelRecord) -> tuple[str, ...]:
        """Return the parts of the work on every input with this model, in the order in which they are done.

        Explanations that a model of this kind does not support are left out: another model may have them.
        """
        explained = tuple(part for part in self.explain if part in supported_parts(record.kind))
        return (PREDICT, *explained, *((COMPARE,) if self.compare else ()))

    def predict_for(self, record: ModelRecord) -> PredictConfig:
        """Return the settings for one of several models: those that predict in Pa are not calibrated."""
        if len(self.models) > 1 and record.output_unit == PASCAL:
            return dataclasses.replace(self.predict, calibration=None)
        return self.predict

    def to_json(self) -> str:
        """Return all settings as one JSON object."""
        return to_json(self, indent=1)

    @classmethod
    def from_json(cls, text: str, *, source: str = "config.json") -> BatchConfig:
        """Read what `to_json` wrote, also that of an earlier version.

        Raises
        ------
        CellForceError
            See `napari_cellforce.config_io.from_mapping`.
        """
        values = dict(parse_mapping(text, source, yaml_too=False))
        run = {key: values.pop(key) for key in _EARLIER_RUN_KEYS if key in values}
        predict = values.get("predict", {})
        if run and isinstance(predict, Mapping):
            values["predict"] = {**predict, "run": {**run, **predict.get("run", {})}}
        return from_mapping(cls, values, source=source)

    def command(self) -> str:
        """Return the command line that does the same, quoted for the shell."""
        return command_line(
            "batch", self.folder, changed_options(self, leave_out=("folder", "predict.run.model"))
        )

    def script(self) -> str:
        """Return a Python script that does the same."""
        text = _literal(self)
        return _SCRIPT.format(config=text, imports="".join(line for name, line in _IMPORTS if name in text))


_IMPORTS = (
    ("MeasuredLayout", "from napari_cellforce.io.measured import MeasuredLayout\n"),
    ("PredictConfig", "from napari_cellforce.predict import PredictConfig\n"),
    ("RunConfig", "from napari_cellforce.predict import RunConfig\n"),
)
"""Imports that a script needs if it uses these names."""

_SCRIPT = """\
from napari_cellforce.batch import BatchConfig, run_batch
{imports}
config = {config}

for event in run_batch(config):
    print(event)
"""


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return a path that stays valid wherever the work is done; links are kept."""
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 (Path.absolute keeps "..")


def _literal(config: BatchConfig) -> str:
    """Return the Python expression that builds `config`, without what is left at its default."""
    plain = BatchConfig(config.folder, config.out, config.models)
    needed = "".join(f"    {name}={getattr(config, name)!r},\n" for name in ("folder", "out", "models"))
    return f"BatchConfig(\n{needed}{_changed(config, plain, '    ')})"


def _changed(config: Any, plain: Any, indent: str) -> str:
    lines = []
    for f in dataclasses.fields(config):
        value, default = getattr(config, f.name), getattr(plain, f.name)
        if value == default:
            continue
        text = repr(value)
        if dataclasses.is_dataclass(value):
            text = f"{type(value).__name__}(\n{_changed(value, default, indent + '    ')}{indent})"
        lines.append(f"{indent}{f.name}={text},\n")
    return "".join(lines)
