"""Frames to learn from, on the model's grid, and the batches they come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import distributed
from torch.utils.data import DataLoader, Sampler

from napari_cellforce.fields import BoolArray, FloatArray, PixelSize, ShortRepr
from napari_cellforce.preprocess.mask import distance_margin
from napari_cellforce.preprocess.regrid import Regrid, Window
from napari_cellforce.train.augment import Batch

Half = npt.NDArray[np.float16]

_POOL = 8
"""Batches whose frames are sorted by size together, so that small cells do not wait for large ones."""


@dataclass(frozen=True, eq=False, repr=False)
class Example(ShortRepr):
    """One frame on the model's grid, in a square window around its cell.

    Attributes
    ----------
    cell : str
    proteins : (C, S, S) float16 array
        Normalised; 0 far from the cell.
    mask : (S, S) bool array
    traction : (2, S, S) float16 array
        (y, x), over `Examples.mean_traction`.
    displacement : (2, S, S) float16 array or None
        (y, x), in µm.
    """

    cell: str
    proteins: Half
    mask: BoolArray
    traction: Half
    displacement: Half | None = None

    @property
    def radius(self) -> float:
        """How far the cell reaches from the middle of the window, in pixels."""
        middle = (self.mask.shape[0] - 1) / 2
        y, x = np.nonzero(self.mask)
        return float(np.hypot(y - middle, x - middle).max())


@dataclass(frozen=True)
class ModelGrid:
    """The pixels that a model sees.

    Attributes
    ----------
    pixel_size : float
        In µm.
    margin : float
        Images are 0 farther than this from the cell, in µm.
    side : int
        Largest window in pixels.
    """

    pixel_size: float
    margin: float
    side: int

    def example(
        self,
        cell: str,
        proteins: FloatArray,
        mask: BoolArray,
        traction: FloatArray,
        pixel_size: PixelSize,
        displacement: FloatArray | None = None,
    ) -> Example:
        """Return a frame on this grid, as `NetworkPredictor` would show it to the network.

        Parameters
        ----------
        cell : str
        proteins : (C, Y, X) array
            Normalised.
        mask : (Y, X) bool array
        traction : (2, Y, X) array
            In multiples of the data set's mean.
        pixel_size : PixelSize
            Of these arrays.
        displacement : (2, Y, X) array, optional
        """
        near = distance_margin(mask, self.margin, pixel_size)
        regrid = Regrid((mask.shape[0], mask.shape[1]), pixel_size.micron, self.pixel_size)
        inside = regrid.mask_to_model(mask)
        box = Window.around(inside)
        rim = 2 * int(np.ceil(self.margin / self.pixel_size))
        window = Window.around(inside, side=min(max(box.height, box.width) + rim, self.side))

        def cut(array: FloatArray) -> Half:
            return window.cut(regrid.to_model(array)).astype(np.float16)

        u = None if displacement is None else cut(displacement)
        return Example(cell, cut(np.where(near, proteins, 0)), window.cut(inside), cut(traction), u)


class SizeBatchSampler(Sampler[list[int]]):
    """Which frames go into which step, from the seed and the epoch alone, cells of like size together.

    Parameters
    ----------
    radii : sequence of float
        Of all frames.
    size : int
        Frames in a batch; the last may have fewer, but never one only (batch norm needs two).
    seed : int
    """

    def __init__(self, radii: Sequence[float], size: int, seed: int) -> None:
        self._radii = np.asarray(radii)
        self._size = size
        self._seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        whole, rest = divmod(len(self._radii), self._size)
        batches = whole + (rest > 1 or whole == 0)
        return len(range(_rank(), batches, _processes()))

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self._seed, self.epoch))
        order = rng.permutation(len(self._radii))
        batches: list[list[int]] = []
        for start in range(0, len(order), _POOL * self._size):
            pool = order[start : start + _POOL * self._size]
            pool = pool[np.argsort(self._radii[pool], kind="stable")]
            batches += [pool[i : i + self._size].tolist() for i in range(0, len(pool), self._size)]
        batches = [batch for batch in batches if len(batch) > 1 or len(batches) == 1]
        return iter([batches[i] for i in rng.permutation(len(batches))][_rank() :: _processes()])


def _processes() -> int:
    """Return how many processes share the batches."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def _rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def train_loader(examples: Sequence[Example], size: int, seed: int, multiple: int) -> DataLoader[Batch]:
    """Return the batches of an epoch, in windows that hold the cells at any angle."""
    radii = [example.radius for example in examples]

    def collate(frames: Sequence[Example]) -> Batch:
        return stack_frames(frames, _side((2 * max(f.radius for f in frames) + 2 for _ in (0,)), multiple))

    sampler = SizeBatchSampler(radii, size, seed)
    return DataLoader(list(examples), batch_sampler=sampler, collate_fn=collate)  # type: ignore[arg-type]


def validation_loader(examples: Sequence[Example], size: int, multiple: int) -> DataLoader[Batch]:
    """Return the frames in order, in windows that hold them all."""

    def collate(frames: Sequence[Example]) -> Batch:
        return stack_frames(frames, _side((f.mask.shape[0] for f in frames), multiple))

    return DataLoader(list(examples), batch_size=size, collate_fn=collate)  # type: ignore[arg-type]


def stack_frames(frames: Sequence[Example], side: int) -> Batch:
    """Return frames as one batch, their windows cut or padded with 0 to `side` about the middle."""

    def tensor(arrays: Iterable[npt.NDArray[np.generic]]) -> torch.Tensor:
        return torch.from_numpy(np.stack([_centred(array, side) for array in arrays]).astype(np.float32))

    u = [frame.displacement for frame in frames if frame.displacement is not None]
    return Batch(
        tensor(frame.proteins for frame in frames),
        tensor(frame.mask[None] for frame in frames),
        tensor(frame.traction for frame in frames),
        tensor(u) if len(u) == len(frames) else None,
    )


def _side(needed: Iterable[float], multiple: int) -> int:
    return int(-(-max(needed) // multiple) * multiple)


def _centred(array: npt.NDArray[np.generic], side: int) -> npt.NDArray[np.generic]:
    start = (array.shape[-1] - side) // 2
    return Window(start, start, side, side).cut(array)
