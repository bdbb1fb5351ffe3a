"""Finite differences inside a mask, without assumptions beyond its edge."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.ndimage
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray
from napari_cellforce.physics._grid import RealArray, pixel_side


class MaskedGrid:
    """The pixels of a mask as square elements with their corners as nodes.

    The gradient at the centre of a pixel follows from the differences along its two diagonals. Summation by
    parts is then exact: a gradient and the curl of a stream function that is 0 on the edge are orthogonal
    on any mask (``docs/physics/decomposition.md``). The corners form two interleaved lattices, as the
    colours of a chessboard, coupled only by `at_pixels` and `stiffness`.

    Parameters
    ----------
    mask : (Y, X) bool array
        True inside. The attribute `mask` is cropped to its bounding box.
    spacing : float
        Side of a pixel in µm.

    Raises
    ------
    CellForceError
        If the mask is empty.
    """

    def __init__(self, mask: npt.ArrayLike, spacing: float) -> None:
        full: BoolArray = np.asarray(mask, dtype=np.bool_)
        if full.ndim != 2:
            raise ValueError(f"expected axes (Y, X), got a mask of shape {full.shape}")
        if not full.any():
            raise CellForceError("the mask is empty", "a cell is needed", "Draw the cell.", topic=Topic.MASK)
        self.spacing = pixel_side(spacing)
        self._full_shape = full.shape
        self._rows, self._columns = scipy.ndimage.find_objects(full.astype(np.uint8))[0]
        self.mask: BoolArray = full[self._rows, self._columns]

    @property
    def node_shape(self) -> tuple[int, int]:
        return self.mask.shape[0] + 1, self.mask.shape[1] + 1

    def restrict(self, field: RealArray) -> RealArray:
        return np.where(self.mask, field[..., self._rows, self._columns], 0.0)

    def whole(self, values: RealArray) -> RealArray:
        full = np.zeros((*values.shape[:-2], *self._full_shape))
        full[..., self._rows, self._columns] = values
        return full

    def gradient(self, potential: RealArray) -> RealArray:
        falling = potential[..., 1:, 1:] - potential[..., :-1, :-1]
        rising = potential[..., :-1, 1:] - potential[..., 1:, :-1]
        weight = self.mask / (2 * self.spacing)
        return np.stack([(falling - rising) * weight, (falling + rising) * weight], axis=-3)

    def gradient_adjoint(self, field: RealArray) -> RealArray:
        weighted = field * (self.mask / (2 * self.spacing))
        falling = weighted[..., 1, :, :] + weighted[..., 0, :, :]
        rising = weighted[..., 1, :, :] - weighted[..., 0, :, :]
        nodes = self._nodes(field.shape[:-3])
        nodes[..., 1:, 1:] += falling
        nodes[..., :-1, :-1] -= falling
        nodes[..., :-1, 1:] += rising
        nodes[..., 1:, :-1] -= rising
        return nodes

    def at_pixels(self, potential: RealArray) -> RealArray:
        left, right = potential[..., :, :-1], potential[..., :, 1:]
        pairs = left + right
        mean: RealArray = (pairs[..., :-1, :] + pairs[..., 1:, :]) * (self.mask / 4)
        return mean

    def at_pixels_adjoint(self, values: RealArray) -> RealArray:
        quarter = values * (self.mask / 4)
        nodes = self._nodes(values.shape[:-2])
        for rows in (slice(1, None), slice(None, -1)):
            for columns in (slice(1, None), slice(None, -1)):
                nodes[..., rows, columns] += quarter
        return nodes

    def potential(self, field: RealArray, *, fixed_edge: bool) -> RealArray:
        unknown, factor = self._fixed if fixed_edge else self._free
        nodes = self._nodes(field.shape[:-3])
        if factor is not None:
            load = self.gradient_adjoint(field).reshape(-1, nodes.shape[-2] * nodes.shape[-1])
            flat = nodes.reshape(load.shape)
            flat[:, unknown] = factor.solve(load[:, unknown].T).T
        return nodes

    def without_gradients(self, field: RealArray) -> RealArray:
        return field - self.gradient(self.potential(field, fixed_edge=False))

    def centred(self, values: RealArray) -> RealArray:
        labels, count = self._parts
        flat = values.reshape(-1, values.shape[-2] * values.shape[-1]).copy()
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        for frame in flat:
            means = np.bincount(labels.ravel(), frame, minlength=count + 1) / np.maximum(sizes, 1)
            means[0] = 0
            frame -= means[labels.ravel()]
        return flat.reshape(values.shape)

    def stiffness(self, potential: RealArray) -> RealArray:
        down = np.diff(potential, axis=-2) * self._edge_weights[0]
        across = np.diff(potential, axis=-1) * self._edge_weights[1]
        nodes = self._nodes(potential.shape[:-2])
        nodes[..., 1:, :] += down
        nodes[..., :-1, :] -= down
        nodes[..., :, 1:] += across
        nodes[..., :, :-1] -= across
        return nodes

    def smooth(self, values: RealArray) -> RealArray:
        axes = (-2, -1)
        waves = scipy.fft.dctn(values, s=self._root.shape, axes=axes, norm="ortho")
        smoothed: RealArray = scipy.fft.idctn(waves * self._root, axes=axes, norm="ortho")
        return smoothed[..., : self.node_shape[0], : self.node_shape[1]]

    @functools.cached_property
    def coarser(self) -> MaskedGrid:
        return MaskedGrid(_blocks(self.mask) > 0, 2 * self.spacing)

    def averaged(self, field: RealArray) -> RealArray:
        return _blocks(field) / np.maximum(_blocks(self.mask), 1)

    def refined(self, potential: RealArray) -> RealArray:
        fine = _with_midpoints(_with_midpoints(potential, -2), -1)
        return fine[..., : self.node_shape[0], : self.node_shape[1]]

    def _nodes(self, leading: tuple[int, ...]) -> RealArray:
        return np.zeros((*leading, *self.node_shape))

    @functools.cached_property
    def _edge_weights(self) -> tuple[RealArray, RealArray]:
        """Weights of the edges: 1/2 for each of the one or two adjacent pixels in the mask."""
        padded = np.pad(self.mask, 1) / 2
        return padded[1:-1, :-1] + padded[1:-1, 1:], padded[:-1, 1:-1] + padded[1:, 1:-1]

    @functools.cached_property
    def _root(self) -> RealArray:
        sides = [scipy.fft.next_fast_len(n, real=True) for n in self.node_shape]
        rows, columns = (2 - 2 * np.cos(np.pi * np.arange(n) / n) for n in sides)
        root: RealArray = 1 / np.sqrt(rows[:, None] + columns[None, :] + (np.pi / max(sides)) ** 2)
        return root

    @functools.cached_property
    def _parts(self) -> tuple[npt.NDArray[np.intp], int]:
        labels, count = scipy.ndimage.label(self.mask)
        return labels.astype(np.intp), int(count)

    @functools.cached_property
    def _laplacian(self) -> scipy.sparse.csr_array:
        """Transpose of the gradient times the gradient: differences along the diagonals."""
        index = np.arange(np.prod(self.node_shape)).reshape(self.node_shape)
        starts = np.concatenate([index[:-1, :-1][self.mask], index[1:, :-1][self.mask]])
        ends = np.concatenate([index[1:, 1:][self.mask], index[:-1, 1:][self.mask]])
        edges = np.arange(starts.size)
        values = np.full(starts.size, 1 / (np.sqrt(2) * self.spacing))
        difference = scipy.sparse.csr_array(
            (
                np.concatenate([values, -values]),
                (np.concatenate([edges, edges]), np.concatenate([ends, starts])),
            ),
            shape=(starts.size, index.size),
        )
        return scipy.sparse.csr_array(difference.T @ difference)

    @functools.cached_property
    def _free(self) -> tuple[npt.NDArray[np.intp], Any]:
        """All nodes except one per connected lattice, where the potential is 0."""
        used = np.flatnonzero(self._laplacian.diagonal() > 0)
        _, lattice = scipy.sparse.csgraph.connected_components(self._laplacian[used][:, used], directed=False)
        _, pinned = np.unique(lattice, return_index=True)
        return self._factorised(np.delete(used, pinned))

    @functools.cached_property
    def _fixed(self) -> tuple[npt.NDArray[np.intp], Any]:
        """The interior nodes: those with the mask on all four sides."""
        padded = np.pad(self.mask, 1)
        inside = padded[1:, 1:] & padded[:-1, 1:] & padded[1:, :-1] & padded[:-1, :-1]
        return self._factorised(np.flatnonzero(inside))

    def _factorised(self, unknown: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], Any]:
        if unknown.size == 0:
            return unknown, None
        matrix = scipy.sparse.csc_array(self._laplacian[unknown][:, unknown])
        return unknown, scipy.sparse.linalg.splu(
            matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )


def _blocks(values: npt.NDArray[Any]) -> RealArray:
    """Return the sums over blocks of 2 x 2 pixels, ``(..., Y, X)``; missing pixels at the ends are 0."""
    rows, columns = values.shape[-2:]
    even = np.zeros((*values.shape[:-2], rows + rows % 2, columns + columns % 2))
    even[..., :rows, :columns] = values
    halves = even[..., ::2, :] + even[..., 1::2, :]
    blocks: RealArray = halves[..., ::2] + halves[..., 1::2]
    return blocks


def _with_midpoints(values: RealArray, axis: int) -> RealArray:
    """Return values with the means of neighbours inserted, along one axis."""
    along = np.moveaxis(values, axis, 0)
    finer = np.empty((2 * len(along) - 1, *along.shape[1:]))
    finer[::2] = along
    finer[1::2] = (along[1:] + along[:-1]) / 2
    return np.moveaxis(finer, 0, axis)
