"""Settings of a prediction, and of how any model is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.fields import PixelSize
from napari_cellforce.zoo import DEFAULT_MODEL, load_predictor

if TYPE_CHECKING:
    from napari_cellforce.models.record import Predictor

BACKENDS = ("auto", "eager", "openvino", "compile", "amp")
"""Programs that compute networks; see `napari_cellforce.models.backends`."""


@dataclass(frozen=True)
class RunConfig(Settings):
    """Which model is run on which image data, and what computes it; part of every job that predicts."""

    model: str = setting(
        DEFAULT_MODEL,
        help="Model name (see `cellforce models list`) or path to a weights file.",
        label="Model",
    )
    device: str = setting(
        "auto", help="Device that computes: auto, cpu, cuda or mps; cuda:1 is the second GPU.", label="Device"
    )
    backend: str = setting(
        "auto",
        help="Inference backend; each is checked against PyTorch before it is used.",
        choices=BACKENDS,
        label="Backend",
    )
    samples: int = setting(
        0,
        help="Number of Monte Carlo dropout passes for an uncertainty map (0: off); "
        "for networks with dropout.",
        unit="passes",
        minimum=0,
        label="Uncertainty",
        empty="off",
    )
    pixel_size: float | None = setting(
        None,
        help="Pixel size; overrides the file metadata.",
        unit="µm",
        minimum=1e-3,
        maximum=1e3,
        label="Pixel size",
        empty="from the file",
    )
    z: Literal["max"] | int | None = setting(
        None,
        help="For z-stacks: max for the maximum projection, or the number of a plane, counted from 0.",
        minimum=0,
        label="Z-stacks",
        empty="as they are",
    )
    model_folder: str = setting(
        "", help="Folder of the models; empty for the standard one.", label="Model folder", empty="standard"
    )
    threads: int | None = setting(
        None,
        help="Number of CPU threads that compute; all cores by default.",
        unit="threads",
        minimum=1,
        label="CPU threads",
        empty="all cores",
    )

    @property
    def size(self) -> PixelSize | None:
        """Pixel size to use in place of that of the files, or None."""
        return None if self.pixel_size is None else PixelSize.square(self.pixel_size, "typed")

    def load(self) -> Predictor:
        """Load the model, ready to predict.

        Raises
        ------
        CellForceError
            See `napari_cellforce.zoo.load_predictor`.
        """
        from napari_cellforce.models.device import limit_threads

        limit_threads(self.threads)
        return load_predictor(
            self.model,
            device=self.device,
            samples=self.samples,
            folder=self.model_folder or None,
            backend=self.backend,
        )


@dataclass(frozen=True)
class PredictConfig(Settings):
    """Settings of a prediction; the panel, the command line and the library build this same object."""

    channels: tuple[int | str, ...] = setting(
        (),
        help="Channel of each protein of the model, by name or by number from 0; found by name if not given.",
        label="Channels",
        empty="by name",
        option="--channel",
    )
    already_normalised: bool = setting(
        False,
        help="Intensities are already normalised (not raw camera counts).",
        label="already normalised",
    )
    calibration: float | None = setting(
        None,
        help="Mean traction magnitude of comparable, measured cells (published: 196 to 444 Pa): converts "
        "normalised tractions to Pa.",
        unit="Pa",
        minimum=1,
        maximum=1e5,
        label="Calibration",
        empty="none",
    )
    sensitivity: float = setting(
        1.0,
        help="Sensitivity of the automatic cell outline; values above 1 give a larger outline.",
        above=0,
        label="Outline",
    )
    cell_at: tuple[float, float] | None = setting(
        None,
        help="Position (y, x) of the cell to take, where several are found; the largest by default.",
        unit="px",
        label="Pick cell",
        empty="largest",
    )
    run: RunConfig = setting(default_factory=RunConfig, help="Which model is run, on what, by what.")
