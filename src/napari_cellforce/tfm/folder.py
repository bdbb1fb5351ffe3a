"""A folder of bead images measured with one preset: what is done is kept, what fails is listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import FloatArray, PixelSize, Progress
from napari_cellforce.io import read, read_mask, write_table
from napari_cellforce.physics.displacement import DisplacementResult
from napari_cellforce.physics.regularisation import RegularisationChoice, Spectrum
from napari_cellforce.tfm.config import TfmConfig
from napari_cellforce.tfm.displacement_cache import displacement_key, load_displacements, save_displacements
from napari_cellforce.tfm.file_pairing import BeadFiles, NameTokens, find_pairs
from napari_cellforce.tfm.job import (
    TfmDisplacement,
    TfmJob,
    common_regularisation,
    compute_tractions,
    prepare,
    total_spectrum,
)
from napari_cellforce.tfm.output import TfmPaths, choice_table, write_records

State = Literal["followed", "done", "failed"]


@dataclass(frozen=True)
class FolderConfig(Settings):
    """Settings of the measurement of a folder of bead images.

    With ``tfm.one_for_all``, one lambda serves all images, as magnitudes compare at one lambda only.
    """

    folder: str = setting(help="Folder of the bead images.")
    out: str = setting(help="Folder of the results; folders below are mirrored.")
    tfm: TfmConfig = setting(help="Settings from beads to tractions.")
    words: NameTokens = setting(default_factory=NameTokens, help="Words in file names that pair the images.")
    channel: str = setting("0", help="Channel of the beads, by name or number from 0.")
    pixel_size: float | None = setting(None, help="Pixel size for files that hold none.", unit="µm", above=0)

    def pairs(self) -> list[BeadFiles]:
        """Return the images of the folder that belong together; errors as `find_pairs`."""
        return find_pairs(Path(self.folder), self.words, Path(self.out))


@dataclass(frozen=True)
class FolderEvent:
    """How one pair of images fared.

    Attributes
    ----------
    name : str
        As `BeadFiles.name`.
    state : {"followed", "done", "failed"}
        Its displacement is kept; its tractions are written; why not is in `words`.
    words : str
    """

    name: str
    state: State
    words: str = ""


def run_folder(config: FolderConfig) -> Iterator[Progress | RegularisationChoice | FolderEvent]:
    """Measure all bead images of a folder: displacements first, then one lambda, then tractions.

    Displacements are kept in the results' folder: after a stop, and with another gel or lambda, they are not
    measured again. At the end, and after a stop, ``experiment.csv`` has the rows of all that is done and
    ``failed.csv`` what failed, with its reason.

    Yields
    ------
    Progress
        ``what`` names the image.
    FolderEvent
        Twice for an image that goes well.
    Choice
        The regularisation for all, if there is one.

    Raises
    ------
    CellForceError
        If the folder is not there, holds no bead images, or nothing can be written.
    """
    failed: dict[str, str] = {}
    tables: dict[str, pd.DataFrame] = {}
    try:
        spectra: dict[BeadFiles, Spectrum] = {}
        for files in config.pairs():
            try:
                spectra[files] = yield from _measure_displacements(files, config)
                yield FolderEvent(files.name, "followed")
            except CellForceError as error:
                failed[files.name] = str(error)
                yield FolderEvent(files.name, "failed", str(error))
        common = None
        if config.tfm.one_for_all and spectra:
            common = common_regularisation(list(spectra.values()), config.tfm)
            write_table(Path(config.out) / "regularisation.csv", choice_table(common))
            yield common
        for files in spectra:
            try:
                tables[files.name] = yield from _invert(files, config, common)
                yield FolderEvent(files.name, "done")
            except CellForceError as error:
                failed[files.name] = str(error)
                yield FolderEvent(files.name, "failed", str(error))
    finally:
        _summarise(Path(config.out), tables, failed)


def _measure_displacements(files: BeadFiles, config: FolderConfig) -> Generator[Progress, None, Spectrum]:
    """Measure and keep the displacements of one pair, or take those kept; return their spectrum."""
    job = _opened(files, config)
    path, key = _kept(files, config, job)
    found = load_displacements(path, key)
    if found is None:
        found = []
        for record in job.measure_displacements():
            if isinstance(record, TfmDisplacement):
                found.append(record.result)
            else:
                yield _named(record, files)
        save_displacements(path, found, key)
    return total_spectrum(job, found)


def _invert(
    files: BeadFiles, config: FolderConfig, common: RegularisationChoice | None
) -> Generator[Progress, None, pd.DataFrame]:
    """Compute and write the tractions of one pair; return its table."""
    job = _opened(files, config)
    path, key = _kept(files, config, job)
    found: list[DisplacementResult] | None = load_displacements(path, key)
    if found is None:
        raise CellForceError(
            f"the displacements of {files.name} are gone",
            "they were measured a moment ago",
            "Leave the results' folder alone, and press the button again.",
            topic=Topic.OUTPUT,
        )
    paths = _paths(files, config)
    for record in write_records(job, paths, compute_tractions(job, found, common)):
        if isinstance(record, Progress):
            yield _named(record, files)
    return pd.read_csv(paths.summary)


def _opened(files: BeadFiles, config: FolderConfig) -> TfmJob:
    if files.reference is None:
        raise CellForceError(
            "there is no reference image",
            f"one with {config.words.reference!r} instead of {config.words.loaded!r} in its name is needed",
            "Put it beside the loaded image, or correct the words.",
            topic=Topic.REFERENCE,
        )
    stack = read(files.loaded)
    mask = None if files.mask is None else read_mask(files.mask, shape=stack.shape, frames=stack.n_frames)
    size = None if config.pixel_size is None else PixelSize.square(config.pixel_size, "typed")
    reference, own_size = read_reference(files.reference, config.channel)
    return prepare(
        reference,
        stack,
        config.tfm,
        channel=config.channel,
        mask=mask,
        pixel_size=size,
        reference_size=size or own_size,
    )


def read_reference(path: Path, channel: str) -> tuple[FloatArray, PixelSize | None]:
    """Return the bead image of a reference file, which may have that channel only, and its pixel size."""
    stack = read(path)
    which = stack.channel(channel) if len(stack.channel_names) > 1 else 0
    return np.asarray(stack.frame(0, (which,))[0]), stack.pixel_size


def _paths(files: BeadFiles, config: FolderConfig) -> TfmPaths:
    place = Path(config.out) / files.name
    return TfmPaths.of(place.parent, place.name)


def _kept(files: BeadFiles, config: FolderConfig, job: TfmJob) -> tuple[Path, str]:
    place = Path(config.out) / files.name
    images = [path for path in (files.reference, files.loaded) if path is not None]
    key = displacement_key(images, config.tfm.displacement, job.channel)
    return place.with_name(f"{place.name}_displacement_windows.npz"), key


def _named(progress: Progress, files: BeadFiles) -> Progress:
    return dataclasses.replace(progress, what=f"{files.name}: {progress.what.lower()}")


def _summarise(out: Path, tables: dict[str, pd.DataFrame], failed: dict[str, str]) -> None:
    if tables:
        whole = pd.concat([table.assign(image=name) for name, table in tables.items()])
        write_table(out / "experiment.csv", whole[["image", *whole.columns.drop("image")]])
    if failed:
        write_table(out / "failed.csv", pd.DataFrame(failed.items(), columns=["image", "reason"]))
    else:
        (out / "failed.csv").unlink(missing_ok=True)
