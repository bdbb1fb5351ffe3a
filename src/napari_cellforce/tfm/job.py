"""Beads -> drift -> displacement -> regularisation -> traction, as a generator that can be stopped."""

from __future__ import annotations

import dataclasses
import functools
import operator
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from napari_cellforce import __version__
from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import (
    BoolArray,
    FloatArray,
    ImageStack,
    Mask,
    PixelSize,
    Progress,
    Provenance,
    ShortRepr,
    VectorField,
)
from napari_cellforce.io.validate import require_pixel_size
from napari_cellforce.physics.displacement import DisplacementResult, displacement_field, to_pixels
from napari_cellforce.physics.halfspace import HalfspaceKernel, halfspace_kernel, periodic_part
from napari_cellforce.physics.regularisation import (
    RegularisationChoice,
    Spectrum,
    choose_regularisation,
    displacement_spectrum,
    fixed_regularisation,
)
from napari_cellforce.resume import Fingerprint
from napari_cellforce.tfm.config import TfmConfig
from napari_cellforce.tfm.plausibility import check_direction, check_pixel_sizes, check_substrate


@dataclass(frozen=True, eq=False)
class TfmDisplacement:
    """The displacement of one frame, found before any traction.

    Attributes
    ----------
    frame : int
    result : DisplacementResult
        In pixels on the windows' grid.
    """

    frame: int
    result: DisplacementResult


@dataclass(frozen=True, eq=False, repr=False)
class TfmFrame(ShortRepr):
    """One frame of measured traction, on the grid of the images.

    Attributes
    ----------
    frame : int
    traction : (2, Y, X) float32 array
        In Pa.
    displacement : (2, Y, X) float32 array
        In µm; its median far from the cell (or all over) is 0.
    choice : Choice
        The regularisation; ``choice.traction_noise`` is the uncertainty of each component in Pa.
    mask : (Y, X) bool array or None
    """

    frame: int
    traction: FloatArray
    displacement: FloatArray
    choice: RegularisationChoice
    mask: BoolArray | None


@dataclass(frozen=True, eq=False, repr=False)
class TfmJob(ShortRepr):
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

    def run(self) -> Iterator[Progress | TfmDisplacement | RegularisationChoice | TfmFrame]:
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
        for record in self.measure_displacements():
            if isinstance(record, TfmDisplacement):
                found.append(record.result)
            yield record
        yield from compute_tractions(self, found)

    def measure_displacements(self) -> Iterator[Progress | TfmDisplacement]:
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
            topic=Topic.REFERENCE,
        )
    size = require_pixel_size(pixel_size or loaded.pixel_size)
    gel = config.substrate
    halfspace_kernel((2, 2), size.micron, gel.young, gel.poisson, gel.thickness)  # refuses bad parameters
    for warning in (check_substrate(gel), check_pixel_sizes(reference_size or size, size)):
        if warning:
            warnings.warn(warning, CellForceWarning, stacklevel=2)
    number = loaded.channel(channel)
    if loaded.n_frames == 1 and np.array_equal(beads, loaded.frame(0, (number,))[0]):
        raise CellForceError(
            f"the reference and {loaded.name or 'the loaded image'} are the same image",
            "one shows the beads at rest, the other pulled by the cell",
            "Choose the pair that belongs together.",
            topic=Topic.REFERENCE,
        )
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return TfmJob(beads, loaded, number, mask, size, config, started)


def invert_displacement(
    displacement: npt.ArrayLike,
    spacing: float,
    config: TfmConfig,
    outside: BoolArray | None = None,
    window: float = 0.0,
) -> tuple[FloatArray, RegularisationChoice]:
    """Return traction, in Pa, and regularisation for a displacement that was measured elsewhere.

    Parameters
    ----------
    displacement : (2, Y, X) array
        In µm.
    spacing : float
        Of its grid in µm.
    config : TfmConfig
    outside : (Y, X) bool array, optional
        Far from the cell, where the noise is measured.
    window : float
        Side of the interrogation windows in units of `spacing`; 0 for independent vectors.
    """
    field = _fitted(displacement, config)
    kernel = _kernel(field.shape[-2:], spacing, config)
    choice = common_regularisation([displacement_spectrum(field, kernel, outside, window=window)], config)
    return kernel.traction(field, choice.regularisation).astype(np.float32), choice


def invert_displacements(
    displacements: npt.ArrayLike, spacing: float, config: TfmConfig, window: float = 0.0
) -> list[tuple[FloatArray, RegularisationChoice]]:
    """Return what `invert_displacement` does for each frame of ``(T, 2, Y, X)``; one lambda if configured."""
    if not config.one_for_all:
        fields = np.asarray(displacements)
        return [invert_displacement(field, spacing, config, window=window) for field in fields]
    fields = _fitted(displacements, config)
    kernel = _kernel(fields.shape[-2:], spacing, config)
    spectra = [displacement_spectrum(field, kernel, window=window) for field in fields]
    choice = common_regularisation(spectra, config)
    return [(kernel.traction(f, choice.regularisation).astype(np.float32), choice) for f in fields]


def piv_window(displacement: VectorField) -> float:
    """Return the side of the windows that a displacement of ours was measured with, in vectors of its grid.

    Our files hold displacements interpolated to pixels: their noise is smooth, and would pass for precision.
    0 for other displacements, whose windows the file does not tell.
    """
    settings = displacement.provenance.settings
    beads = settings.get("displacement")
    if not isinstance(beads, dict) or beads.get("method") != "piv" or "pixel_size [µm]" not in settings:
        return 0.0
    return float(beads["windows"][-1] * settings["pixel_size [µm]"] / displacement.pixel_size.micron)


def compute_tractions(
    job: TfmJob, found: list[DisplacementResult], common: RegularisationChoice | None = None
) -> Iterator[Progress | RegularisationChoice | TfmFrame]:
    """Choose lambda and invert the displacements of all frames; the second half of `TfmJob.run`.

    Parameters
    ----------
    job : TfmJob
    found : list of DisplacementResult
        One a frame.
    common : Choice, optional
        The regularisation for all frames, where it was chosen before, for several jobs together.
    """
    kernel = _kernel_of(job, found)
    if job.config.one_for_all and common is None:
        common = common_regularisation([total_spectrum(job, found)], job.config)
        yield common
    for t, result in enumerate(found):
        yield Progress("Computing tractions", t, len(found))
        inverted = _fitted(_in_micron(job, t, result), job.config)
        choice = common or common_regularisation([_spectrum(job, t, inverted, kernel, result)], job.config)
        traction = _on_pixels(kernel.traction(inverted, choice.regularisation), result)
        mask = None if job.mask is None else job.mask.frame(t)
        inside = np.ones(result.shape, bool) if mask is None else mask
        if warning := check_direction(traction, inside, job.pixel_size):
            warnings.warn(f"{job.loaded.name}, frame {t}: {warning}", CellForceWarning, stacklevel=2)
        yield TfmFrame(t, traction, displacement_on_pixels(job, t, result), choice, mask)


def displacement_on_pixels(job: TfmJob, t: int, result: DisplacementResult) -> FloatArray:
    """Return the displacement of a frame on the grid of the images, ``(2, Y, X)`` in µm."""
    return _on_pixels(_in_micron(job, t, result), result)


def total_spectrum(job: TfmJob, found: list[DisplacementResult]) -> Spectrum:
    """Return the power of the displacements of all frames, which `common_regularisation` chooses from."""
    kernel = _kernel_of(job, found)
    return functools.reduce(
        operator.add,
        (
            _spectrum(job, t, _fitted(_in_micron(job, t, result), job.config), kernel, result)
            for t, result in enumerate(found)
        ),
    )


def common_regularisation(spectra: Sequence[Spectrum], config: TfmConfig) -> RegularisationChoice:
    """Return one regularisation for all these spectra, by the configured criterion."""
    spectrum = functools.reduce(operator.add, spectra)
    if config.criterion == "fixed":
        return fixed_regularisation(spectrum, config.regularisation or 0.0)
    return choose_regularisation(spectrum, config.criterion)


def _fitted(displacement: npt.ArrayLike, config: TfmConfig) -> npt.NDArray[np.float64]:
    """Return what is inverted: a displacement whose opposite borders fit, if so configured."""
    return periodic_part(displacement) if config.fit_borders else np.asarray(displacement, dtype=np.float64)


def _kernel(shape: tuple[int, ...], spacing: float, config: TfmConfig) -> HalfspaceKernel:
    gel = config.substrate
    return halfspace_kernel((shape[0], shape[1]), spacing, gel.young, gel.poisson, gel.thickness)


def _kernel_of(job: TfmJob, found: list[DisplacementResult]) -> HalfspaceKernel:
    return _kernel(found[0].signal_to_noise.shape, found[0].step * job.pixel_size.micron, job.config)


def _on_pixels(field: npt.NDArray[np.float64], result: DisplacementResult) -> FloatArray:
    return to_pixels(field, result.y, result.x, result.shape).astype(np.float32)


def _in_micron(job: TfmJob, t: int, result: DisplacementResult) -> npt.NDArray[np.float64]:
    """Return the displacement in µm, what is left of the drift taken off."""
    field = result.displacement * np.float64(job.pixel_size.micron)
    still = _outside(job, t, result)
    still = np.ones(field.shape[1:], bool) if still is None or not still.any() else still
    rest: npt.NDArray[np.float64] = field - np.median(field[:, still], axis=1)[:, None, None]
    return rest


def _spectrum(
    job: TfmJob, t: int, field: npt.NDArray[np.float64], kernel: HalfspaceKernel, result: DisplacementResult
) -> Spectrum:
    outside = _outside(job, t, result) if job.config.noise_outside else None
    beads = job.config.displacement
    window = beads.windows[-1] / beads.step if beads.method == "piv" else 0.0
    return displacement_spectrum(field, kernel, outside, window=window)


def _outside(job: TfmJob, t: int, result: DisplacementResult) -> BoolArray | None:
    """Return which vectors were measured far from the cell."""
    if job.mask is None:
        return None
    distance = distance_transform_edt(~job.mask.frame(t)) * job.pixel_size.micron
    near = np.ix_(np.rint(result.y).astype(int), np.rint(result.x).astype(int))
    outside: BoolArray = (distance[near] > job.config.margin) & ~result.replaced
    return outside
