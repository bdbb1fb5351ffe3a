"""The settings of a batch, and their form as JSON, as a command line and as a Python script."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.explain import PARTS, supported_parts
from napari_cellforce.fields import PASCAL, PixelSize
from napari_cellforce.io.measured import MeasuredLayout
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.predict import PredictConfig

EVERY_IMAGE = "*"
"""The pattern that takes all files of the kinds we read."""

PREDICT, COMPARE = "predict", "compare"
"""Parts of the work on an input besides those of an explanation."""

SHARED_FLAGS = {
    "pattern": "--pattern",
    "pixel_size": "--pixel-size",
    "z": "--z",
    "predict.channels": "--channel",
    "predict.already_normalised": "--already-normalised",
    "predict.calibration": "--calibration",
    "predict.sensitivity": "--sensitivity",
    "samples": "--samples",
    "device": "--device",
    "backend": "--backend",
    "model_folder": "--model-folder",
}
"""Settings that ``cellforce batch`` and ``cellforce watch`` have in common, and their options."""


@dataclass(frozen=True)
class BatchConfig:
    """Settings of a batch; the panel, the command line and the library build this same object.

    Attributes
    ----------
    folder : str
        Folder with the inputs.
    out : str
        Folder for the results. It may lie inside `folder`.
    models : tuple of str
        Model names in the zoo, or weights files; each predicts every input.
    pattern : str
        Glob pattern for the inputs' names; with a ``/`` it is matched with their paths below `folder`.
    recursive : bool
        Whether to search subfolders too.
    mask_pattern : str
        Path of an input's mask relative to the input's folder, ``*`` being the input's name without its
        suffix: ``"*_mask.tif"``, ``"../masks/*.tif"``. Empty to find the cells automatically.
    label : int or None
        Label of the cell in the mask files.
    pixel_size : float or None
        Pixel size of all inputs in µm; overrides the file metadata.
    z : "max", int or None
        For z-stacks: maximum projection, or one plane.
    conditions : str
        CSV with the columns ``file`` and ``condition``; empty to take the inputs' folders as conditions.
    explain : tuple of str
        Explanations of every prediction, out of `napari_cellforce.explain.PARTS`.
    compare : str
        Path of an input's measured field, in the form of `mask_pattern`: ``"../tfm/*_traction.csv"``. Empty
        for no comparison.
    measured : MeasuredLayout
        What the measured files do not state themselves.
    predict : PredictConfig
    samples : int
        Number of Monte Carlo dropout passes for an uncertainty map (0: off).
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...
    backend : str
        Inference backend: ``"auto"``, ``"eager"``, ``"openvino"`` ...
    workers : int
        Number of worker processes; 1 works in this process.
    scheduler : str
        Address of a running Dask scheduler, ``"tcp://host:8786"``; empty for none.
    cluster : str
        File that describes workers from a job queue; see `napari_cellforce.batch.jobqueue_config`.
    model_folder : str
        See `napari_cellforce.zoo.model_folder`; empty for the usual one.
    """

    folder: str
    out: str
    models: tuple[str, ...]
    pattern: str = EVERY_IMAGE
    recursive: bool = False
    mask_pattern: str = ""
    label: int | None = None
    pixel_size: float | None = None
    z: Literal["max"] | int | None = None
    conditions: str = ""
    explain: tuple[str, ...] = ()
    compare: str = ""
    measured: MeasuredLayout = field(default_factory=MeasuredLayout)
    predict: PredictConfig = field(default_factory=PredictConfig)
    samples: int = 0
    device: str = "auto"
    backend: str = "auto"
    workers: int = 1
    scheduler: str = ""
    cluster: str = ""
    model_folder: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.models, str):
            raise TypeError(f"models is a tuple of names: ({self.models!r},)")
        unknown = [part for part in self.explain if part not in PARTS]
        if unknown:
            raise CellForceError(
                f"{unknown[0]!r} cannot be explained",
                f"there are {', '.join(PARTS)}",
                "Choose among these.",
                topic=Topic.PARTS,
            )
        if self.scheduler and self.cluster:
            raise CellForceError(
                "both a running scheduler and a cluster file are given",
                "the work is done in one place",
                "Leave one of them out.",
                topic=Topic.SCHEDULER,
            )

    @property
    def size(self) -> PixelSize | None:
        """The pixel size to use in place of the files' own, or None."""
        return None if self.pixel_size is None else PixelSize.square(self.pixel_size, "typed")

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
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> BatchConfig:
        """Read what `to_json` wrote; entries of later versions are ignored.

        Raises
        ------
        CellForceError
            If these are no settings of a batch.
        """
        try:
            values = _known(cls, json.loads(text))
            predict = _known(PredictConfig, values.pop("predict", {}))
            predict["channels"] = tuple(predict.get("channels", ()))
            predict["cell_at"] = tuple(predict["cell_at"]) if predict.get("cell_at") else None
            measured = MeasuredLayout(**_known(MeasuredLayout, values.pop("measured", {})))
            values |= {name: tuple(values.get(name, ())) for name in ("models", "explain")}
            return cls(**values, measured=measured, predict=PredictConfig(**predict))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise CellForceError(
                f"these are no settings of a batch ({error})",
                "folder, out and models are needed, in JSON",
                "Choose a config.json that a batch has written.",
                topic=Topic.SETTINGS,
            ) from error

    def command(self) -> str:
        """Return the command line that does the same, quoted for the shell."""
        return command_line("batch", self.folder, self._options())

    def script(self) -> str:
        """Return a Python script that does the same."""
        text = _literal(self)
        return _SCRIPT.format(config=text, imports="".join(line for name, line in _IMPORTS if name in text))

    def _options(self) -> Iterator[str]:
        yield from ("--out", self.out)
        for model in self.models:
            yield from ("--model", model)
        if self.explain:
            yield f"--explain={','.join(self.explain)}"
        yield from changed_options(self, BatchConfig("", "", ()), _FLAGS)


_FLAGS = {
    **SHARED_FLAGS,
    "recursive": "--recursive",
    "mask_pattern": "--mask-pattern",
    "label": "--label",
    "conditions": "--conditions",
    "compare": "--compare",
    "measured.unit": "--measured-unit",
    "measured.position_unit": "--measured-positions",
    "measured.pixel_size": "--measured-pixel-size",
    "measured.spacing": "--measured-spacing",
    "measured.frame_interval": "--measured-interval",
    "measured.swap": "--measured-swap",
    "measured.flip_y": "--measured-flip-y",
    "measured.flip_x": "--measured-flip-x",
    "measured.scale": "--measured-scale",
    "workers": "--workers",
    "scheduler": "--scheduler",
    "cluster": "--cluster",
}

_IMPORTS = (
    ("MeasuredLayout", "from napari_cellforce.io.measured import MeasuredLayout\n"),
    ("PredictConfig", "from napari_cellforce.predict import PredictConfig\n"),
)
"""Imports that a script needs if it uses these names."""

_SCRIPT = """\
from napari_cellforce.batch import BatchConfig, run_batch
{imports}
config = {config}

for event in run_batch(config):
    print(event)
"""


def command_line(command: str, folder: str, options: Iterable[str]) -> str:
    """Return ``cellforce COMMAND FOLDER OPTIONS``, quoted for the shell.

    Parameters
    ----------
    command, folder : str
        A folder whose name begins with a hyphen comes last, where it cannot be taken for an option.
    options : iterable of str
    """
    words = (*options, "--", folder) if folder.startswith("-") else (folder, *options)
    return shlex.join(["cellforce", command, *words])


def changed_options(config: Any, plain: Any, flags: Mapping[str, str]) -> Iterator[str]:
    """Yield the options that differ from the defaults.

    Parameters
    ----------
    config, plain : dataclass
        Settings, and the same with all defaults.
    flags : mapping of str to str
        Options by attribute, e.g. ``"predict.channels"``.
    """
    for name, flag in flags.items():
        value = attrgetter(name)(config)
        if value == attrgetter(name)(plain):
            continue
        if isinstance(value, bool):
            yield flag
        elif isinstance(value, tuple):
            yield from (f"{flag}={one}" for one in value)
        else:
            yield f"{flag}={value}"


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return a path that stays valid wherever the work is done; links are kept."""
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 (Path.absolute keeps "..")


def _known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    names = {f.name for f in dataclasses.fields(cls)}
    return {key: value for key, value in values.items() if key in names}


def _literal(config: BatchConfig) -> str:
    """Return the Python expression that builds `config`, without what is left at its default."""
    return f"BatchConfig(\n{_changed(config, '    ')})"


def _changed(config: Any, indent: str) -> str:
    lines = []
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            inner = _changed(value, indent + "    ")
            text = f"{type(value).__name__}(\n{inner}{indent})" if inner else ""
        else:
            text = "" if f.default is not dataclasses.MISSING and value == f.default else repr(value)
        lines += [f"{indent}{f.name}={text},\n"] if text else []
    return "".join(lines)
