"""Which images of a folder belong together: beads at rest, beads pulled, and where the cell is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io import detect_kind
from napari_cellforce.io.paths import stem


@dataclass(frozen=True)
class NameTokens(Settings):
    """Words in the names of files that say what they show; upper and lower case are the same.

    Without a word for `loaded`, every image that is neither a reference nor a mask is one.
    """

    reference: str = setting("reference", help="Word in the names of images of the relaxed beads.")
    loaded: str = setting("loaded", help="Word in the names of images of beads pulled by the cell.")
    mask: str = setting("mask", help="Word in the names of masks.")


@dataclass(frozen=True)
class BeadFiles:
    """Images that belong together.

    Attributes
    ----------
    name : str
        Of the loaded image, with the folder below that which was searched.
    loaded : Path
    reference, mask : Path or None
        None where there is none.
    """

    name: str
    loaded: Path
    reference: Path | None
    mask: Path | None


def find_pairs(folder: Path, words: NameTokens, results_folder: Path | None = None) -> list[BeadFiles]:
    """Find the bead images in a folder and its subfolders.

    Images of one subfolder belong together whose names differ by the words only, as do ``cell 3_reference``
    and ``cell 3_loaded``. A single reference, or mask, serves all of its subfolder.

    Parameters
    ----------
    folder : Path
    words : NameTokens
    results_folder : Path, optional
        Folder of results, which is not searched.

    Raises
    ------
    CellForceError
        If the folder is not there, or holds no loaded image.
    """
    if not folder.is_dir():
        raise CellForceError(
            f"{folder} is no folder", "it must hold the bead images", "Choose a folder.", topic=Topic.FOLDER
        )
    if not words.reference.strip():
        raise CellForceError(
            "there is no word for the reference",
            "images of beads at rest are recognised by a word in their file names",
            'Type one in, for example "reference".',
            topic=Topic.REFERENCE,
        )
    found = [
        files for images in _by_folder(folder, results_folder) for files in _pairs_in(folder, images, words)
    ]
    if not found:
        raise CellForceError(
            f"{folder} holds no images with {words.loaded!r} in their names",
            "there must be at least one image of beads pulled by a cell, in it or below",
            "Correct the word, or choose another folder.",
            topic=Topic.FOLDER,
        )
    return found


def _by_folder(folder: Path, results_folder: Path | None) -> Iterator[list[Path]]:
    images = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        result = results_folder is not None and path.is_relative_to(results_folder)
        if not hidden and not result and path.is_file() and detect_kind(path) == "image":
            images[path.parent].append(path)
    yield from images.values()


def _pairs_in(root: Path, images: Sequence[Path], words: NameTokens) -> Iterator[BeadFiles]:
    references = [path for path in images if _says(path, words.reference)]
    masks = [path for path in images if path not in references and words.mask and _says(path, words.mask)]
    others = [path for path in images if path not in references and path not in masks]
    loaded = {path: _without(path, words.loaded) for path in others if _says(path, words.loaded)}
    for path in loaded:
        folder = path.parent.relative_to(root)
        yield BeadFiles(
            (folder / stem(path)).as_posix(),
            path,
            _belonging(path, loaded, references, words.reference),
            _belonging(path, loaded, masks, words.mask),
        )


def _belonging(path: Path, loaded: Mapping[Path, str], files: Sequence[Path], word: str) -> Path | None:
    """Return which of the files belongs to a loaded image: of the same name, else the one for all."""
    for file in files:
        if _without(file, word) == loaded[path]:
            return file
    for_all = len(files) == 1 and _without(files[0], word) not in loaded.values()
    return files[0] if for_all else None


def _says(path: Path, word: str) -> bool:
    return word.casefold() in stem(path).casefold()


def _without(path: Path, word: str) -> str:
    """Return a name without a word and what joined it to the rest."""
    name = stem(path).casefold()
    if word:
        name = name.replace(word.casefold(), " ")
    return re.sub(r"[\s_\-.]+", " ", name).strip()
