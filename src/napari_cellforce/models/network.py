"""A trained network as a predictor: from an image on its own grid to traction on the same grid."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.device import choose
from napari_cellforce.models.fused import fused
from napari_cellforce.models.gfnn import GFNN, SCALARS, clebsch
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.tiles import in_tiles
from napari_cellforce.preprocess.mask import distance_margin
from napari_cellforce.preprocess.regrid import Regrid, Window

_LARGEST_GRID = 1 << 27
"""Model pixels beyond which the pixel size must be wrong: 2 mm across at 0.17 µm."""

_OVERLAP = 0.25
"""Overlap of tiles, as a share of their side."""

_OUTLINE = 1.0
"""How well an outline is known, in model pixels: traction is kept this far beyond the mask."""


class NetworkPredictor:
    """A network that predicts frame by frame; see `napari_cellforce.models.record.Predictor`.

    Parameters
    ----------
    loaded : LoadedModel
        Left as it is.
    device : str
        See `napari_cellforce.models.device.choose`.
    samples : int
        0 for one deterministic prediction; else how often to predict with dropout active: the mean is the
        traction, the spread its uncertainty (Gal & Ghahramani 2016, arXiv:1506.02142).
    seed : int
        Of the dropout, for every frame anew: a frame's result does not depend on the frames before it.
    max_side : int
        Longest side, in model pixels, that is predicted at once; larger cells are predicted in tiles.

    Raises
    ------
    CellForceError
        If the device is not there, or samples are wanted of a network without dropout.
    """

    def __init__(
        self, loaded: LoadedModel, device: str = "auto", samples: int = 0, seed: int = 0, max_side: int = 1536
    ) -> None:
        self._record = loaded.record
        self._device = choose(device)
        on_cpu = self._device.type == "cpu"
        self._module = (
            fused(loaded.module) if on_cpu else copy.deepcopy(loaded.module).to(self._device).eval()
        )
        self._multiple: int = getattr(loaded.module.config, "multiple", 1)
        self._max_side = max_side
        self._samples = samples
        self._seed = seed
        self._dropouts = [m for m in self._module.modules() if isinstance(m, nn.Dropout) and m.p > 0]
        if samples and not self._dropouts:
            raise CellForceError(
                f"{samples} samples are asked of {self._record.name}",
                "it has no dropout, so all samples would be the same and there is no uncertainty",
                "Set samples to 0, or choose a network with dropout.",
                topic="samples",
            )

    @property
    def record(self) -> ModelRecord:
        """What the network needs and gives."""
        return self._record

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame; see `napari_cellforce.models.record.Predictor`.

        Returns
        -------
        FrameResult
            On the grid of `image`, 0 farther than one model pixel from the mask. With samples,
            ``uncertainty`` is the standard deviation of the traction vector: the root of the summed
            variances of its components. Of a `GFNN`, ``scalars`` holds phi, psi and chi, in units such
            that grad(phi) + psi grad(chi), per model pixel, is the traction.

        Raises
        ------
        CellForceError
            If channels are missing or have holes, the mask is empty, the cell does not fit the network's
            grid, or memory runs out.
        """
        _check_frame(image, mask, self._record)
        near = _near(mask, self._record.mask_margin, pixel_size)
        _check_pixels(image, near)
        regrid = Regrid((mask.shape[0], mask.shape[1]), pixel_size.micron, self._record.pixel_size)
        _check_size(regrid)
        _check_fits(Window.around(mask), pixel_size, self._record)
        window = self._window(regrid.mask_to_model(near))
        inputs = window.cut(regrid.to_model(np.where(near, image, 0)))
        if self._record.low_pass is not None:
            inputs = low_pass(inputs, self._record.low_pass)
        with torch.inference_mode(), _memory_errors(inputs.shape):
            results = self._predict(inputs)
        cell = _near(mask, _OUTLINE * self._record.pixel_size, pixel_size)
        on_grid = {
            name: np.where(cell, regrid.to_image(window.paste(field, regrid.target_shape)), np.float32(0))
            for name, field in results.items()
        }
        return FrameResult(
            traction=on_grid.pop("traction"), uncertainty=on_grid.pop("uncertainty", None), scalars=on_grid
        )

    def _window(self, near: BoolArray) -> Window:
        """Return the part of the model's grid that the network sees, centred on the cell and its margin."""
        if self._record.grid is not None:
            return Window.around(near, side=self._record.grid)
        return Window.around(near, multiple=self._multiple)

    def _predict(self, inputs: FloatArray) -> dict[str, FloatArray]:
        """Return traction (y, x), uncertainty and scalars on the network's grid, where it has them."""
        if self._samples:
            return self._sampled(inputs)
        if isinstance(self._module, GFNN):
            fields = self._module.fields(self._tensor(inputs))
            scalars = {name: _array(fields[name]) for name in SCALARS}
            return {"traction": self._vectors(clebsch(fields)), **scalars}
        return {"traction": self._traction(inputs)}

    def _sampled(self, inputs: FloatArray) -> dict[str, FloatArray]:
        """Return mean and standard deviation over predictions with dropout (Welford's running sums)."""
        mean = np.zeros((2, *inputs.shape[-2:]), np.float32)
        squares = np.zeros_like(mean)
        with self._active_dropout():
            for n in range(1, self._samples + 1):
                sample = self._traction(inputs)
                change = sample - mean
                mean += change / n
                squares += change * (sample - mean)
        variance = squares.sum(axis=0) / max(self._samples - 1, 1)
        return {"traction": mean, "uncertainty": np.sqrt(variance)}

    def _traction(self, inputs: FloatArray) -> FloatArray:
        """Return the traction (y, x) of a ``(C, Y, X)`` image of any size that the network takes."""
        if self._record.grid is not None:
            return self._vectors(self._module(self._tensor(inputs)))
        side = max(self._max_side, self._multiple)
        return in_tiles(
            inputs,
            lambda tile: self._vectors(self._module(self._tensor(tile))),
            side=side,
            overlap=int(side * _OVERLAP),
            multiple=self._multiple,
        )

    def _vectors(self, raw: Tensor) -> FloatArray:
        """Return (y, x) vectors from what the network returns, ``(1, 2, Y, X)``."""
        first, second = raw[0]
        if self._record.output == "magnitude_angle":
            first, second = first * torch.cos(second), first * torch.sin(second)
        vectors = (second, first) if self._record.output_order == "xy" else (first, second)
        return torch.stack(vectors).cpu().numpy()

    def _tensor(self, image: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(image))[None].to(self._device)

    @contextlib.contextmanager
    def _active_dropout(self) -> Iterator[None]:
        """Switch on dropout, and nothing else, with random numbers of its own."""
        cards = range(torch.cuda.device_count()) if self._device.type == "cuda" else []
        with torch.random.fork_rng(devices=cards):
            torch.manual_seed(self._seed)
            for dropout in self._dropouts:
                dropout.train()
            try:
                yield
            finally:
                for dropout in self._dropouts:
                    dropout.eval()


def low_pass(image: FloatArray, modes: int) -> FloatArray:
    """Keep the Fourier modes of a ``(..., Y, X)`` image with at most so many waves across it."""
    waves_y = np.fft.fftfreq(image.shape[-2]) * image.shape[-2]
    waves_x = np.fft.rfftfreq(image.shape[-1]) * image.shape[-1]
    spectrum = np.fft.rfft2(image)
    spectrum[..., np.hypot(waves_y[:, None], waves_x) > modes] = 0
    return np.fft.irfft2(spectrum, s=image.shape[-2:]).astype(np.float32)


def _near(mask: BoolArray, micron: float, pixel_size: PixelSize) -> BoolArray:
    """Return the mask widened by a distance in µm, looking only where that can reach."""
    reach = math.ceil(micron / pixel_size.micron) + 1
    window = Window.around(mask, margin=reach)
    shape = (mask.shape[0], mask.shape[1])
    return window.paste(distance_margin(window.cut(mask), micron, pixel_size), shape)


def _array(tensor: Tensor) -> FloatArray:
    """Return the first of a batch as an array."""
    return tensor[0].cpu().numpy()


def _check_frame(image: FloatArray, mask: BoolArray, record: ModelRecord) -> None:
    if image.ndim != 3 or image.shape[1:] != mask.shape:
        raise ValueError(f"an image of shape {image.shape} and a mask of shape {mask.shape} do not match")
    if len(image) != len(record.inputs):
        raise CellForceError(
            f"the image has {len(image)} channel{'s' * (len(image) != 1)}",
            f"{record.name} needs {len(record.inputs)}: {', '.join(record.inputs)}",
            "Choose one channel for each, or a model for the proteins that you have.",
            topic="channel",
        )


def _check_pixels(image: FloatArray, near: BoolArray) -> None:
    holes = int(np.count_nonzero(~np.isfinite(image) & near))
    if holes:
        raise CellForceError(
            f"{holes} pixels in or near the cell are NaN or infinite",
            "a network needs a number everywhere",
            "Crop the image, or fill the holes.",
            topic="channel",
        )


def _check_size(regrid: Regrid) -> None:
    height, width = regrid.target_shape
    if height * width > _LARGEST_GRID:
        micron = max(regrid.shape) * regrid.source
        raise CellForceError(
            f"with pixels of {regrid.source:g} µm the image is {micron:.0f} µm across",
            f"that makes {height} x {width} pixels of {regrid.target:g} µm for the model, too many",
            "Correct the pixel size, or crop the image to the cell.",
            topic="pixel size",
        )


def _check_fits(cell: Window, pixel_size: PixelSize, record: ModelRecord) -> None:
    height, width = (side * pixel_size.micron for side in (cell.height, cell.width))
    if record.grid is not None and max(height, width) > record.grid * record.pixel_size:
        raise CellForceError(
            f"the cell is {height:.0f} x {width:.0f} µm",
            f"{record.name} sees {record.grid * record.pixel_size:.0f} µm at most",
            "Check the pixel size and the mask, or choose a model without a fixed grid.",
            topic="pixel size",
        )


@contextlib.contextmanager
def _memory_errors(shape: tuple[int, ...]) -> Iterator[None]:
    """Turn the several ways in which torch says that memory ran out into one for the user."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        words = ("out of memory", "not enough memory", "can't allocate memory")
        if not isinstance(error, MemoryError) and not any(word in str(error).lower() for word in words):
            raise
        raise CellForceError(
            f"memory ran out while predicting {shape[-2]} x {shape[-1]} pixels",
            "the network needs more than there is",
            "Close other programs, choose the CPU as device, or crop the image to the cell.",
            topic="device",
        ) from error
