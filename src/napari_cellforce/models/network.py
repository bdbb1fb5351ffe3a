"""A trained network as a predictor: from an image on its own grid to traction on the same grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize
from napari_cellforce.models import registry
from napari_cellforce.models.backends import (
    EAGER,
    Backend,
    Engine,
    find_backend,
    has_convolutional_part,
    make_engine,
    warn_if_not_torch,
)
from napari_cellforce.models.base import Network
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.device import choose, memory_errors
from napari_cellforce.models.dropout import active_dropout, check_samples
from napari_cellforce.models.grid import FrameGrid, in_tiles, low_pass, on_model_grid
from napari_cellforce.models.record import ModelRecord

_OVERLAP = 0.25
"""Overlap of tiles, as a share of their side."""

_FRAMES_AT_ONCE = 8
"""On a graphics card, which small images leave idle."""

_PIXELS_AT_ONCE = 1 << 22
"""Model pixels beyond which frames are predicted one by one."""


_Fields = dict[str, FloatArray]
"""By name, a field of each frame of a batch."""


class NetworkPredictor:
    """A network that predicts frame by frame; see `napari_cellforce.models.record.Predictor`.

    Parameters
    ----------
    loaded : LoadedModel
        Left as it is.
    device : str
        See `napari_cellforce.models.device.choose`.
    samples : int
        0 for one deterministic prediction; else how often, twice at least, to predict with dropout active:
        the mean is the traction, the spread its uncertainty; see `napari_cellforce.models.dropout`.
    seed : int
        Of the dropout, for every frame anew: a frame's result does not depend on the frames before it.
    max_side : int
        Longest side, in model pixels, that is predicted at once; larger cells are predicted in tiles.
    backend : str
        What computes the convolutions; see `napari_cellforce.models.backends`. With samples it is torch:
        the others have no dropout.
    frames_at_once : int, optional
        How many frames `predict_frames` computes together; by default 1 on a CPU and 8 on a graphics card.

    Raises
    ------
    CellForceError
        If the device or the backend is not there, or so many samples give no spread.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        device: str = "auto",
        samples: int = 0,
        seed: int = 0,
        max_side: int = 1536,
        backend: str = EAGER,
        frames_at_once: int | None = None,
    ) -> None:
        self._record = loaded.record
        self._device = choose(device)
        self._loaded = loaded.module
        self._multiple: int = getattr(loaded.module.config, "multiple", 1)
        self._max_side = max_side
        self._samples = samples
        self._seed = seed
        self._frames_at_once = frames_at_once or (1 if self._device.type == "cpu" else _FRAMES_AT_ONCE)
        check_samples(samples, loaded.module, self._record.name)
        kind = registry.find(loaded.record.kind)
        self._has_inner_fields = kind is not None and kind.has_inner_fields
        self._backend = self._choose_backend(backend)

    def _choose_backend(self, name: str) -> Backend | None:
        backend = find_backend(name, self._device)
        if backend is None:
            return None
        if self._samples:
            torch_only = "uncertainty, for it needs dropout"
        elif not has_convolutional_part(self._loaded):
            torch_only = self._record.name
        else:
            return backend
        warn_if_not_torch(torch_only, name, self._device)
        return None

    @property
    def record(self) -> ModelRecord:
        """What the network needs and gives."""
        return self._record

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._device

    @property
    def backend(self) -> str:
        """What computes the convolutions, with its version. It is made ready when first asked for."""
        return self._engine.description

    @property
    def samples(self) -> int:
        """How many predictions with dropout a result is the mean of; 0 for one without."""
        return self._samples

    @property
    def frames_at_once(self) -> int:
        """How many frames `predict_frames` should be given at once."""
        return 1 if self._samples else self._frames_at_once

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame; see `napari_cellforce.models.record.Predictor`.

        Returns
        -------
        FrameResult
            On the grid of `image`, 0 farther than one model pixel from the mask. With samples,
            ``uncertainty`` is the standard deviation of the traction vector: the root of the summed
            variances of its components. ``scalars`` holds the inner fields of kinds that have some, see
            `napari_cellforce.models.base.Network.inner_fields`: phi, psi and chi of a `GFNN`, in units
            such that grad(phi) + psi grad(chi), per model pixel, is the traction.

        Raises
        ------
        CellForceError
            If channels are missing or have holes, the mask is empty, the cell does not fit the network's
            grid, or memory runs out.
        """
        return self._on_image(image, mask, pixel_size, self._predict)

    def predict_frames(
        self, images: Sequence[FloatArray], masks: Sequence[BoolArray], pixel_size: PixelSize
    ) -> list[FrameResult]:
        """Predict several frames, together those that have the same size on the network's grid.

        Parameters, results and errors as those of `predict_frame`, one each a frame. A frame's result does
        not depend on the others, but for rounding.
        """
        frames = [self._grid(image, mask, pixel_size) for image, mask in zip(images, masks, strict=True)]
        results: dict[int, FrameResult] = {}
        for group in self._groups([frame.inputs.shape for frame in frames]):
            fields = self._run(np.stack([frames[i].inputs for i in group]), self._predict)
            results |= {i: self._result(frames[i], fields, n) for n, i in enumerate(group)}
        return [results[i] for i in range(len(frames))]

    def read_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict one frame and show everything between image and traction, where there is such a thing.

        Of a `GFNN`, ``scalars`` holds ``source_phi`` ..., ``phi`` ..., and the components of the two parts
        of the traction, ``grad_phi_y``, ``grad_phi_x``, ``psi_grad_chi_y``, ``psi_grad_chi_x``, in its unit.

        Parameters and errors as for `predict_frame`.
        """
        return self._on_image(
            image, mask, pixel_size, self._inner if self._has_inner_fields else self._predict
        )

    @cached_property
    def _engine(self) -> Engine:
        return make_engine(self._loaded, self._device, self._backend)

    @property
    def _module(self) -> Network:
        return self._engine.module

    def _on_image(
        self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize, run: Callable[[FloatArray], _Fields]
    ) -> FrameResult:
        """Bring a frame to the network's grid, run it, and bring what comes out back to the image."""
        frame = self._grid(image, mask, pixel_size)
        return self._result(frame, self._run(frame.inputs[None], run), 0)

    def _result(self, frame: FrameGrid, fields: _Fields, n: int) -> FrameResult:
        """Bring the n-th of each field back to the grid of its image."""
        on_image = {name: frame.to_image(field[n]) for name, field in fields.items()}
        traction = lengthened(on_image.pop("traction"), 1.0, self._record.output_offset)
        return FrameResult(traction, uncertainty=on_image.pop("uncertainty", None), scalars=on_image)

    def _grid(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameGrid:
        frame = on_model_grid(image, mask, pixel_size, self._record, self._multiple)
        if self._record.low_pass is None:
            return frame
        return dataclasses.replace(frame, inputs=low_pass(frame.inputs, self._record.low_pass))

    def _groups(self, shapes: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
        """Yield the indices of frames of one shape, of few enough pixels to be computed together."""
        for shape in dict.fromkeys(shapes):
            alike = [i for i, other in enumerate(shapes) if other == shape]
            count = min(self.frames_at_once, max(_PIXELS_AT_ONCE // (shape[-2] * shape[-1]), 1))
            yield from (alike[start : start + count] for start in range(0, len(alike), count))

    def _run(self, inputs: FloatArray, run: Callable[[FloatArray], _Fields]) -> _Fields:
        with torch.inference_mode(), memory_errors(inputs.shape):
            return run(inputs)

    def _predict(self, inputs: FloatArray) -> _Fields:
        """Return traction (y, x), uncertainty and scalars on the network's grid, where it has them."""
        if self._samples:
            return self._sampled(inputs)
        if self._has_inner_fields:
            return self._inner(inputs, detailed=False)
        return {"traction": self._traction(inputs)}

    def _inner(self, inputs: FloatArray, *, detailed: bool = True) -> _Fields:
        """Return the traction and the network's inner fields; its vectors as components."""
        raw, scalars, vectors = self._module.inner_fields(self._tensor(inputs), detailed=detailed)
        parts = {name: self._vectors(vector) for name, vector in vectors.items()}
        return {
            "traction": self._vectors(raw),
            **{name: _array(scalar) for name, scalar in scalars.items()},
            **{f"{name}_{axis}": part[:, i] for name, part in parts.items() for i, axis in enumerate("yx")},
        }

    def _sampled(self, inputs: FloatArray) -> _Fields:
        """Return mean and standard deviation over predictions with dropout (Welford's running sums)."""
        mean = np.zeros((len(inputs), 2, *inputs.shape[-2:]), np.float32)
        squares = np.zeros_like(mean)
        with active_dropout(self._module, self._device, self._seed):
            for n in range(1, self._samples + 1):
                sample = self._traction(inputs)
                change = sample - mean
                mean += change / n
                squares += change * (sample - mean)
        variance = squares.sum(axis=1) / max(self._samples - 1, 1)
        return {"traction": mean, "uncertainty": np.sqrt(variance)}

    def _traction(self, inputs: FloatArray) -> FloatArray:
        """Return the tractions (y, x) of ``(N, C, Y, X)`` images of any size that the network takes."""
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
        """Return (y, x) vectors from what the network returns, ``(N, 2, Y, X)``."""
        first, second = raw.unbind(1)
        if self._record.output == "magnitude_angle":
            first, second = first * torch.cos(second), first * torch.sin(second)
        vectors = (second, first) if self._record.output_order == "xy" else (first, second)
        return _array(torch.stack(vectors, dim=1))

    def _tensor(self, images: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(images)).to(self._device)


def lengthened(field: FloatArray, scale: float, offset: float) -> FloatArray:
    """Return a ``(..., 2, Y, X)`` field with lengths scaled and shifted, down to 0 at most; 0 stays 0."""
    if scale == 1 and offset == 0:
        return field
    length = np.linalg.norm(field, axis=-3, keepdims=True)
    find_backend = np.maximum(scale * length + offset, 0)
    turned = np.divide(field * find_backend, length, out=np.zeros_like(field), where=length > 0)
    return np.asarray(turned, dtype=np.float32)


def _array(tensor: Tensor) -> FloatArray:
    return tensor.cpu().numpy()
