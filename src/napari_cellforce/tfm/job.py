"""Beads -> drift -> displacement -> regularisation -> traction, as a generator that can be stopped."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_cellforce import __version__
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import (
    FloatArray,
    ImageStack,
    Mask,
    PixelSize,
    Provenance,
)
from napari_cellforce.files import Fingerprint
from napari_cellforce.io.validate import require_pixel_size
from napari_cellforce.physics.displacement import displacement_field
from napari_cellforce.physics.halfspace import halfspace_kernel
from napari_cellforce.physics.regularisation import Choice
from napari_cellforce.predict.config import Progress
from napari_cellforce.tfm.config import TfmConfig
from napari_cellforce.tfm.doubts import doubt_about_pixels, doubt_about_substrate
from napari_cellforce.tfm.inversion import tractions
from napari_cellforce.tfm.records import TfmDisplacement, TfmFrame


@dataclass(frozen=True, eq=False)
class TfmJob:
    """A checked job; made by `prepare`.

    Attributes
    ----------
    reference : (Y, X) array
        Beads at rest.
    loaded : ImageStack
    channel : int
        Of the beads in `loaded`.
    mask : Mask or None
    pixel_size : PixelSize
    config : TfmConfig
    started : str
        ISO 8601 in UTC.
    """

    reference: FloatArray
    loaded: ImageStack
    channel: int
    mask: Mask | None
    pixel_size: PixelSize
    config: TfmConfig
    started: str

    def run(self) -> Iterator[Progress | TfmDisplacement | Choice | TfmFrame]:
        """Follow the beads in all frames, choose lambda, then compute the tractions.

        Yields
        ------
        Progress
            Before each frame of both rounds.
        TfmDisplacement
            One a frame.
        Choice
            The regularisation for all frames, unless each gets its own.
        TfmFrame
            One a frame.

        Raises
        ------
        CellForceError
            At the first frame that cannot be measured; what was yielded before stands.
        """
        found = []
        for record in self.follow():
            if isinstance(record, TfmDisplacement):
                found.append(record.result)
            yield record
        yield from tractions(self, found)

    def follow(self) -> Iterator[Progress | TfmDisplacement]:
        """Follow the beads in all frames; the first half of `run`."""
        for t in range(self.loaded.n_frames):
            yield Progress("Following the beads", t, self.loaded.n_frames)
            image = self.loaded.frame(t, (self.channel,))[0]
            yield TfmDisplacement(t, displacement_field(self.reference, image, self.config.displacement))

    def provenance(self) -> Provenance:
        """Return how the results come about, for layers and files."""
        path = Path(self.loaded.path)
        known = self.loaded.path and path.is_file()
        return Provenance(
            model="FTTC",
            version=__version__,
            settings=dataclasses.asdict(self.config) | {"pixel_size [µm]": self.pixel_size.micron},
            input_file=self.loaded.path,
            input_fingerprint=dataclasses.asdict(Fingerprint.of(path)) if known else {},
            date=self.started,
        )


def prepare(
    reference: npt.ArrayLike,
    loaded: ImageStack,
    config: TfmConfig,
    *,
    channel: int | str = 0,
    mask: Mask | None = None,
    pixel_size: PixelSize | None = None,
    reference_size: PixelSize | None = None,
) -> TfmJob:
    """Check what can be checked before the first frame, and return the job.

    Parameters
    ----------
    reference : (Y, X) array
        Beads at rest.
    loaded : ImageStack
        Beads pulled by the cell, one or more frames.
    config : TfmConfig
    channel : int or str
        Of the beads in `loaded`.
    mask : Mask, optional
        Where the cell is.
    pixel_size : PixelSize, optional
        In µm; by default the stack's own.
    reference_size : PixelSize, optional
        What the reference says of itself; nothing is computed with it.

    Raises
    ------
    CellForceError
        If the reference is missing, of another size or the loaded image itself, or the pixel size or a
        parameter of the gel is wrong.

    Warns
    -----
    CellForceWarning
        If the gel's stiffness is not one of gels, or the two images have different pixel sizes.
    """
    beads = np.asarray(reference, dtype=np.float32)
    if beads.size == 0:
        raise CellForceError(
            "there is no reference image",
            "displacements are measured against the beads at rest",
            "Take one after removing the cell (trypsin, detergent).",
            topic="reference",
        )
    size = require_pixel_size(pixel_size or loaded.pixel_size)
    gel = config.substrate
    halfspace_kernel((2, 2), size.micron, gel.young, gel.poisson, gel.thickness)  # refuses bad parameters
    for doubt in (doubt_about_substrate(gel), doubt_about_pixels(reference_size or size, size)):
        if doubt:
            warnings.warn(doubt, CellForceWarning, stacklevel=2)
    number = loaded.channel(channel)
    if loaded.n_frames == 1 and np.array_equal(beads, loaded.frame(0, (number,))[0]):
        raise CellForceError(
            f"the reference and {loaded.name or 'the loaded image'} are the same image",
            "one shows the beads at rest, the other pulled by the cell",
            "Choose the pair that belongs together.",
            topic="reference",
        )
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return TfmJob(beads, loaded, number, mask, size, config, started)
