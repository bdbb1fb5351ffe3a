"""Import of weights files into the model folder."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models import registry
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.zoo.local_files import model_folder_errors, size_on_disk
from napari_cellforce.zoo.registry import RECORD_SUFFIX, PathLike, ZooEntry, entries, model_folder

UNET_WEIGHTS_HINT = (
    "The authors' U-Net weights are on a web page that needs a browser: follow the link to the trained "
    "weights in the README of https://github.com/schmittms/cell_force_prediction (or the data link in the "
    "paper's Key resources table, doi:10.1016/j.cell.2023.11.041), save the file, then import it here."
)
"""Source of the weights that cannot be downloaded by a program; shown where a file is requested."""

_SAFE_NAME = re.compile(r"\w[\w.=+-]*")


def import_checkpoint(path: PathLike, *, name: str | None = None, folder: PathLike | None = None) -> ZooEntry:
    """Copy a weights file into the model folder, where it is listed by name.

    A file with the content of a listed model becomes that model, whatever the name of the file: this is
    how weights downloaded on another computer are installed.

    Parameters
    ----------
    path : path-like
        Weights in any format that `napari_cellforce.models.checkpoint.load` reads, or a formula (JSON).
    name : str, optional
        Name of the model: letters, digits and ``. _ - = +``. By default derived from the file name.
    folder : path-like, optional
        See `napari_cellforce.zoo.model_folder`.

    Returns
    -------
    ZooEntry
        Entry of the imported model.

    Raises
    ------
    CellForceError
        If the file cannot be loaded, the name is invalid or used by other weights, or the model
        folder cannot be written.
    """
    from napari_cellforce.models import checkpoint

    source = Path(path).expanduser()
    if not source.is_file():
        raise CellForceError(
            f"the file {source} does not exist",
            "a weights file is needed",
            UNET_WEIGHTS_HINT,
            topic=Topic.MODEL,
        )
    record = checkpoint.open_model(source).record
    chosen = _same_weights(record, name, folder) or _as_entry(source, record, name)
    _require_unused_name(chosen, folder)
    _copy(source, chosen.path(folder), chosen.sha256)
    if chosen.imported:
        path = model_folder(folder) / f"{chosen.name}{RECORD_SUFFIX}"
        with model_folder_errors(path):
            files.write_text(path, chosen.to_json())
    return chosen


def _same_weights(record: ModelRecord, name: str | None, folder: PathLike | None) -> ZooEntry | None:
    """Return the listed model with these weights; an imported one only under its own name."""
    for known in entries(folder=folder):
        same = (known.sha256, known.kind) == (record.sha256, record.kind)
        if same and (not known.imported or name in (None, known.name)):
            return known
    return None


def _as_entry(source: Path, record: ModelRecord, name: str | None) -> ZooEntry:
    """Create the entry of imported weights from their record."""
    if name is None:
        name = re.sub(r"[^\w.=+-]+", "-", _stem(source)).lstrip(".=+-") or "model"
    elif not _SAFE_NAME.fullmatch(name):
        raise CellForceError(
            f"the name {name!r} is invalid",
            "it may contain letters, digits and . _ - = + and must start with a letter or digit",
            "Choose another name.",
            topic=Topic.MODEL,
        )
    return ZooEntry(
        name=name,
        title=name,
        card=f"Imported {registry.title(record.kind)}: {', '.join(record.inputs)} in, {record.output_unit} "
        "traction out.",
        kind=record.kind,
        inputs=record.inputs,
        pixel_size=record.pixel_size,
        licence=record.licence or "not stated in the file",
        citation=record.citation or "not stated in the file",
        training_data=record.training_data or "not stated in the file",
        limits=record.limits or "not stated in the file",
        output=record.output_unit,
        file=name + _suffix(source),
        sha256=record.sha256,
        size=source.stat().st_size,
        imported=True,
    )


def _suffix(source: Path) -> str:
    """Return the suffix of the file format; published files have no suffix."""
    suffix = source.suffix.lower()
    return suffix if suffix in {".safetensors", ".json"} else ".pt"


def _stem(source: Path) -> str:
    """Return the file name without the suffix of a weights file; ``beta=0.1`` has none."""
    return (
        source.stem
        if source.suffix.lower() in {".safetensors", ".json", ".pt", ".pth", ".ckpt"}
        else source.name
    )


def _require_unused_name(chosen: ZooEntry, folder: PathLike | None) -> None:
    """Refuse a name used by other weights, ignoring case as some file systems do."""
    for known in entries(folder=folder):
        if known.name.casefold() == chosen.name.casefold() and known.sha256 != chosen.sha256:
            raise CellForceError(
                f"the name {chosen.name!r} is already used",
                f"{known.name} in {model_folder(folder)} has other weights"
                if known.imported
                else f"{known.name} is a model of this package",
                "Choose another name.",
                topic=Topic.MODEL,
            )


def _copy(source: Path, target: Path, sha256: str) -> None:
    with model_folder_errors(target):
        if size_on_disk(target) is not None and files.sha256(target) == sha256:
            return
        with files.atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
