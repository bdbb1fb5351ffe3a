"""The files of one measured cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_cellforce.io.dataset.index import frame_paths

FILES = ("image", "mask", "traction", "displacement")
"""What a cell's files hold, as patterns and columns call them."""


@dataclass(frozen=True)
class CellSource:
    """One cell's files.

    Attributes
    ----------
    cell : str
        Its name, unique in a data set.
    image : Path
        The movie; or, where nothing else is given, a folder or frame in the authors' layout.
    mask, traction, displacement : Path or None
        Mask file, and fields written by this package.
    pixel_size : float or None
        In µm, where it has to be told.
    columns : mapping
        What else a table says of the cell (drug, day): splits can go by it.
    dataset : str
        Folder or table that it was found in.
    """

    cell: str
    image: Path
    mask: Path | None = None
    traction: Path | None = None
    displacement: Path | None = None
    pixel_size: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    dataset: str = field(default="", compare=False)

    @property
    def in_the_authors_layout(self) -> bool:
        """Whether everything is in one folder of frames."""
        return self.mask is None and self.traction is None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that hold the cell."""
        if self.in_the_authors_layout:
            return tuple(frame_paths(self.image))
        return tuple(p for p in (self.image, self.mask, self.traction, self.displacement) if p is not None)
