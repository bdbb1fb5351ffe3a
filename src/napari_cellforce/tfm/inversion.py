"""Displacements -> regularisation -> tractions."""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from napari_cellforce.errors import CellForceWarning
from napari_cellforce.fields import BoolArray, FloatArray, VectorField
from napari_cellforce.physics.displacement import DisplacementResult, to_pixels
from napari_cellforce.physics.halfspace import HalfspaceKernel, halfspace_kernel, periodic_part
from napari_cellforce.physics.regularisation import Choice, Spectrum, choose, displacement_spectrum, fixed
from napari_cellforce.predict.config import Progress
from napari_cellforce.tfm.config import TfmConfig
from napari_cellforce.tfm.doubts import doubt_about_direction
from napari_cellforce.tfm.records import TfmFrame

if TYPE_CHECKING:
    from napari_cellforce.tfm.job import TfmJob


def from_displacement(
    displacement: npt.ArrayLike,
    spacing: float,
    config: TfmConfig,
    outside: BoolArray | None = None,
    window: float = 0.0,
) -> tuple[FloatArray, Choice]:
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
    choice = choice_for([displacement_spectrum(field, kernel, outside, window=window)], config)
    return kernel.traction(field, choice.regularisation).astype(np.float32), choice


def from_displacements(
    displacements: npt.ArrayLike, spacing: float, config: TfmConfig, window: float = 0.0
) -> list[tuple[FloatArray, Choice]]:
    """Return what `from_displacement` does for each frame of ``(T, 2, Y, X)``; one lambda if configured."""
    if not config.one_for_all:
        fields = np.asarray(displacements)
        return [from_displacement(field, spacing, config, window=window) for field in fields]
    fields = _fitted(displacements, config)
    kernel = _kernel(fields.shape[-2:], spacing, config)
    spectra = [displacement_spectrum(field, kernel, window=window) for field in fields]
    choice = choice_for(spectra, config)
    return [(kernel.traction(f, choice.regularisation).astype(np.float32), choice) for f in fields]


def window_of(displacement: VectorField) -> float:
    """Return the side of the windows that a displacement of ours was measured with, in vectors of its grid.

    Our files hold displacements interpolated to pixels: their noise is smooth, and would pass for precision.
    0 for other displacements, whose windows the file does not tell.
    """
    settings = displacement.provenance.settings
    beads = settings.get("displacement")
    if not isinstance(beads, dict) or beads.get("method") != "piv" or "pixel_size [µm]" not in settings:
        return 0.0
    return float(beads["windows"][-1] * settings["pixel_size [µm]"] / displacement.pixel_size.micron)


def tractions(
    job: TfmJob, found: list[DisplacementResult], common: Choice | None = None
) -> Iterator[Progress | Choice | TfmFrame]:
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
        common = choice_for([spectrum_of(job, found)], job.config)
        yield common
    for t, result in enumerate(found):
        yield Progress("Computing tractions", t, len(found))
        inverted = _fitted(_in_micron(job, t, result), job.config)
        choice = common or choice_for([_spectrum(job, t, inverted, kernel, result)], job.config)
        traction = _on_pixels(kernel.traction(inverted, choice.regularisation), result)
        mask = None if job.mask is None else job.mask.frame(t)
        inside = np.ones(result.shape, bool) if mask is None else mask
        if doubt := doubt_about_direction(traction, inside, job.pixel_size):
            warnings.warn(f"{job.loaded.name}, frame {t}: {doubt}", CellForceWarning, stacklevel=2)
        yield TfmFrame(t, traction, displacement_on_pixels(job, t, result), choice, mask)


def displacement_on_pixels(job: TfmJob, t: int, result: DisplacementResult) -> FloatArray:
    """Return the displacement of a frame on the grid of the images, ``(2, Y, X)`` in µm."""
    return _on_pixels(_in_micron(job, t, result), result)


def spectrum_of(job: TfmJob, found: list[DisplacementResult]) -> Spectrum:
    """Return the power of the displacements of all frames, which `choice_for` chooses from."""
    kernel = _kernel_of(job, found)
    return functools.reduce(
        operator.add,
        (
            _spectrum(job, t, _fitted(_in_micron(job, t, result), job.config), kernel, result)
            for t, result in enumerate(found)
        ),
    )


def choice_for(spectra: Sequence[Spectrum], config: TfmConfig) -> Choice:
    """Return one regularisation for all these spectra, by the configured criterion."""
    spectrum = functools.reduce(operator.add, spectra)
    if config.criterion == "fixed":
        return fixed(spectrum, config.regularisation or 0.0)
    return choose(spectrum, config.criterion)


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
