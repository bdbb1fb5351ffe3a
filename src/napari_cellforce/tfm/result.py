"""What was measured, as fields: on the grid of the images, or of other images of the same place."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce.fields import MICROMETRE, PASCAL, FloatArray, PixelSize, VectorField, in_memory
from napari_cellforce.files import write_text
from napari_cellforce.io import write_field, write_table
from napari_cellforce.io.measured import ORIGIN
from napari_cellforce.physics.displacement import DisplacementResult, to_pixels
from napari_cellforce.physics.regularisation import Choice
from napari_cellforce.tfm.config import TfmConfig
from napari_cellforce.tfm.inversion import displacement_on_pixels
from napari_cellforce.tfm.job import TfmJob
from napari_cellforce.tfm.writing import TfmPaths, choice_table


@dataclass(frozen=True, eq=False)
class TfmResult:
    """Traction and displacement of all frames, on one grid.

    Attributes
    ----------
    traction, displacement : VectorField
        In Pa and µm; the displacement is None where only the traction is known.
    choice : Choice or None
        The regularisation, of the first frame if each has its own.
    """

    traction: VectorField
    displacement: VectorField | None = None
    choice: Choice | None = None

    @classmethod
    def of(
        cls, job: TfmJob, tractions: Sequence[FloatArray], found: Sequence[DisplacementResult], choice: Choice
    ) -> TfmResult:
        """Return the frames of a job as fields, with the cell's mask if it is known.

        Displacements are interpolated to the images when they are asked for: a movie's are large.
        """
        mask = None if job.mask is None else np.stack([job.mask.frame(t) for t in range(len(tractions))])
        traction = VectorField(
            np.stack(tractions),
            "traction",
            PASCAL,
            job.pixel_size,
            job.loaded.frame_interval,
            mask=mask,
            name=job.loaded.name,
            provenance=job.provenance(),
        )
        moved = dataclasses.replace(
            traction, data=_lazy(job, found), quantity="displacement", unit=MICROMETRE
        )
        return cls(traction, moved, choice)

    def on_pixels(self, size: PixelSize, shape: tuple[int, int]) -> TfmResult:
        """Interpolate to the pixels of an image of the same place, by cubic splines, held at the edge."""
        fields = [
            None if field is None else _on_pixels(field, size.micron, shape)
            for field in (self.traction, self.displacement)
        ]
        assert fields[0] is not None
        return TfmResult(fields[0], fields[1], self.choice)

    def save(self, folder: Path, config: TfmConfig | None = None) -> TfmPaths:
        """Write the fields, the curve of the regularisation, and the settings as a preset.

        Raises
        ------
        CellForceError
            If they cannot be written there.
        """
        paths = TfmPaths.of(folder, self.traction.name or "cell")
        write_field(paths.traction, self.traction)
        if self.displacement is not None:
            write_field(paths.displacement, self.displacement)
        if self.choice is not None:
            write_table(paths.regularisation, choice_table(self.choice))
        if config is not None:
            write_text(paths.preset, config.to_json())
        return paths


def _lazy(job: TfmJob, found: Sequence[DisplacementResult]) -> Any:
    """Return the displacements on the grid of the images, (T, 2, Y, X), as dask with a frame a chunk."""
    import dask
    import dask.array as da  # takes 0.6 s to load

    on_pixels = dask.delayed(displacement_on_pixels)
    shape = (2, *found[0].shape)
    return da.stack(
        [da.from_delayed(on_pixels(job, t, result), shape, np.float32) for t, result in enumerate(found)]
    )


def _on_pixels(field: VectorField, micron: float, shape: tuple[int, int]) -> VectorField:
    origin = field.provenance.settings.get(ORIGIN, (0.0, 0.0))
    places = [
        (start + (np.arange(n) + 0.5) * field.pixel_size.micron) / micron - 0.5
        for start, n in zip(origin, field.data.shape[2:], strict=True)
    ]
    data: FloatArray = np.stack(
        [to_pixels(in_memory(frame), places[0], places[1], shape) for frame in field.data]
    ).astype(np.float32)
    settings = {name: value for name, value in field.provenance.settings.items() if name != ORIGIN}
    return dataclasses.replace(
        field,
        data=data,
        pixel_size=PixelSize.square(micron),
        mask=None,
        provenance=dataclasses.replace(field.provenance, settings=settings),
    )
