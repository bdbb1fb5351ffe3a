"""The registry of models: their metadata and the location of their files."""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from napari_cellforce import files
from napari_cellforce.config_io import (
    check_settings,
    parse_mapping,
    read_text,
    record_from_mapping,
    record_to_mapping,
    setting,
)
from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import Unit
from napari_cellforce.models.record import MASK_INPUT

PathLike = str | os.PathLike[str]

FOLDER_VARIABLE = "CELLFORCE_MODEL_DIR"
"""Environment variable that overrides the model folder."""

DEFAULT_MODEL = "consensus-sim"
"""The default: it works offline and scored best in the evaluations (docs/evaluation.md)."""

RECORD_SUFFIX = ".entry.json"
"""Suffix of the records next to imported weights in the model folder."""


@dataclass(frozen=True)
class ZooEntry:
    """Metadata of a model, as shown to the user.

    Attributes
    ----------
    name : str
        Identifier on the command line; also the stem of its file in the model folder.
    title : str
        Display name.
    card : str
        Description in one line.
    good_for : str
        Recommended use, in less than a line; may be empty.
    kind : str
        Name of one of the kinds in `napari_cellforce.models.registry`.
    inputs : tuple of str
        Proteins, in the order of the input channels.
    pixel_size : float
        Pixel size of the model in µm.
    licence : str
        Licence as stated by the owner of the weights.
    citation, training_data, limits, measured : str
        Sentences for the model card; `measured` states the measured accuracy, if available.
    output : {"normalised", "Pa"}
        Unit of the predicted traction.
    url : str or None
        Download address of the weights; None if they are not downloaded.
    file : str or None
        File of the weights, relative to the package or, if `imported`, to the model folder.
    sha256 : str
        Hash of the weights; empty if the model has none.
    size : int
        Size of the weights in bytes.
    imported : bool
        True if the user imported the weights.
    """

    name: str
    title: str
    card: str
    kind: str
    inputs: tuple[str, ...]
    pixel_size: float = setting(help="Pixel size of the model.", unit="µm", above=0)
    licence: str = setting(help="Licence, as stated by the owner of the weights.")
    citation: str = setting(help="What to cite.")
    training_data: str = setting(help="Cells that the model was trained on.")
    limits: str = setting(help="What the model cannot do.")
    good_for: str = ""
    measured: str = ""
    output: Unit = "normalised"
    url: str | None = None
    file: str | None = None
    sha256: str = ""
    size: int = setting(0, help="Size of the weights.", unit="bytes", minimum=0)
    imported: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.inputs:
            raise CellForceError(f"{self.name} has no inputs", "a model needs some", "", topic=Topic.MODEL)

    @property
    def has_weights(self) -> bool:
        """False for models without a weights file, such as the adhesion filter."""
        return bool(self.sha256)

    @property
    def install_hint(self) -> str:
        """Remedy if the weights are missing or damaged, as a sentence for the user."""
        if self.url:
            return f"Download {self.name} (Models panel, or command line)."
        if self.imported:
            return f"Import {self.name} again (Models panel, or command line)."
        return "Reinstall the package."

    @property
    def proteins(self) -> tuple[str, ...]:
        """Inputs that are images, in order, without the cell mask."""
        return tuple(name for name in self.inputs if name != MASK_INPUT)

    @property
    def in_model_folder(self) -> bool:
        """True if the weights belong in the model folder: they are downloaded or imported."""
        return self.has_weights and (self.imported or not self.file)

    def to_json(self) -> str:
        """Return all entries as one JSON object."""
        return json.dumps(record_to_mapping(self), ensure_ascii=False, indent=2)

    def path(self, folder: PathLike | None = None) -> Path:
        """Return the path of the weights, whether they exist or not; in the model folder unless bundled."""
        if not self.has_weights:
            raise ValueError(f"{self.name} has no weights, hence no file")
        if self.imported:
            return model_folder(folder) / str(self.file)
        if self.file:
            return Path(str(resources.files("napari_cellforce").joinpath(self.file)))
        return model_folder(folder) / f"{self.name}.pt"


def model_folder(folder: PathLike | None = None) -> Path:
    """Return the folder of downloaded and imported models, which need not exist.

    Parameters
    ----------
    folder : path-like, optional
        Preference of the user. The environment variable ``CELLFORCE_MODEL_DIR`` takes precedence;
        the default is ``models`` in the user's data directory.
    """
    chosen = os.environ.get(FOLDER_VARIABLE) or folder
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("napari-cellforce", appauthor=False) / "models"


@cache
def package_entries() -> tuple[ZooEntry, ...]:
    """Return the models listed in ``zoo.json``, in that order."""
    text = resources.files("napari_cellforce.zoo").joinpath("zoo.json").read_text(encoding="utf-8")
    return tuple(record_from_mapping(ZooEntry, values, source="zoo.json") for values in json.loads(text))


def entries(*, folder: PathLike | None = None) -> tuple[ZooEntry, ...]:
    """Return all models: those of the package, then imported ones sorted by name.

    A damaged record of an imported model is skipped with a `CellForceWarning`.
    """
    records = sorted(model_folder(folder).glob(f"*{RECORD_SUFFIX}"))
    return package_entries() + tuple(model for record in records if (model := _imported(record)))


def entry(name: str, *, folder: PathLike | None = None) -> ZooEntry:
    """Return the model of that name.

    Raises
    ------
    CellForceError
        If there is none; the message lists the available models.
    """
    by_name = {model.name: model for model in entries(folder=folder)}
    if name in by_name:
        return by_name[name]
    close = difflib.get_close_matches(name, by_name, n=1)
    raise CellForceError(
        f"there is no model {name!r}",
        f"there are {', '.join(by_name)}",
        f"Did you mean {close[0]}?" if close else "Choose one of these, or give the path of a weights file.",
        topic=Topic.MODEL,
    )


def _imported(record: Path) -> ZooEntry | None:
    """Read the record of an imported model; None, with a warning, if it is invalid."""
    try:
        return _read_record(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        warnings.warn(
            f"{record} cannot be used ({error}); the model is left out. Delete it and import again.",
            CellForceWarning,
            stacklevel=3,
        )
        return None


def _read_record(record: Path) -> ZooEntry:
    """Read and validate a record, which may have been edited or written by a later version."""
    model = record_from_mapping(
        ZooEntry, parse_mapping(read_text(record), str(record), yaml_too=False), source=record.name
    )
    name = record.name.removesuffix(RECORD_SUFFIX)
    model = dataclasses.replace(model, name=name, imported=True, url=None)
    if model.name in {known.name for known in package_entries()}:
        raise ValueError(f"{model.name} is also the name of a model of this package")
    if not (model.file and model.has_weights):
        raise ValueError("it does not name a weights file")
    files.inside(record.parent, model.file)
    return model
