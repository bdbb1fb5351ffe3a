"""The sheet of a cell and its way to pixels, as torch tensors; remembered by the cell's outline."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn import functional

from napari_cellforce.fields import BoolArray, PixelSize
from napari_cellforce.physics.mesh import Mesh, MeshSettings, mesh_cell
from napari_cellforce.physics.sheet import ContractileSheet
from napari_cellforce.preprocess.regrid import Window

_REMEMBERED, _WHILE_TRAINING = 32, 1024
"""Sheets of a few megabytes each: the frames of a movie, or the cells of a training set."""
_MARGIN = 2
"""Pixels by which a mesh may reach beyond the mask."""


@dataclass(frozen=True, eq=False)
class CellSheet:
    """A mesh, the sheet on it, and the sparse matrices between pixels and nodes.

    Attributes
    ----------
    mesh : Mesh
    sheet : ContractileSheet
    to_nodes : (N, P) sparse tensor
    to_pixels : (P, N) sparse tensor
    gradients : two (N, N) sparse tensors
        int phi_j d phi_i / dy and / dx: from nodal values of a stress to the work that it does.
    pixels : (P,) tensor
        Flat indices of the pixels on the mesh.
    """

    mesh: Mesh
    sheet: ContractileSheet
    to_nodes: Tensor
    to_pixels: Tensor
    gradients: tuple[Tensor, Tensor]
    pixels: Tensor

    def pull(self, along: Tensor, across: Tensor) -> Tensor:
        """Return the nodal force of an active stress without a trace, ``-int S : grad v``, ``(N, 2)``.

        Parameters
        ----------
        along, across : (N,) tensor
            S_xx = -S_yy, and S_xy.
        """
        by_y, by_x = self.gradients

        def work(of_y: Tensor, of_x: Tensor) -> Tensor:
            done: Tensor = torch.sparse.mm(by_y, of_y[:, None]) + torch.sparse.mm(by_x, of_x[:, None])
            return done

        return -torch.cat([work(-along, across), work(across, along)], dim=1)


@dataclass(frozen=True, eq=False)
class PlacedSheet:
    """The sheet of a cell, and where in the image the cell lies.

    Attributes
    ----------
    cell : CellSheet
        On the pixels of `window`.
    window : Window
        May stick out of the image.
    """

    cell: CellSheet
    window: Window

    def at_nodes(self, image: Tensor) -> Tensor:
        """Return nodal means, ``(N,)`` float64, of an image ``(Y, X)``."""
        inside = self._cut(image).flatten()[self.cell.pixels.to(image.device)].to("cpu", torch.float64)
        nodal: Tensor = torch.sparse.mm(self.cell.to_nodes, inside[:, None])[:, 0]
        return nodal

    def stress(self, sigma_a: Tensor) -> Tensor:
        """Return an active stress as the sheet takes it: a number stays one, an image gives nodal means."""
        return self.at_nodes(sigma_a) if sigma_a.ndim else sigma_a.to("cpu", torch.float64)

    def pull(self, sigma_a: Tensor, direction: Tensor) -> Tensor:
        """Return the nodal force, ``(N, 2)``, of the active stress ``sigma_a Q``; see `SheetInputs`.

        Parameters
        ----------
        sigma_a : (N,) tensor
            At the nodes.
        direction : (2, Y, X) tensor
            Q_xx and Q_xy.
        """
        return self.cell.pull(*(sigma_a * self.at_nodes(part) for part in direction))

    def drawn(self, pixels: Tensor, like: Tensor) -> Tensor:
        """Return values at the pixels of the mesh, ``(P, k)``, as an image ``(k, Y, X)``; 0 elsewhere."""
        window = self.window
        blank = like.new_zeros(pixels.shape[1], window.height * window.width)
        where = self.cell.pixels.to(like.device)
        drawn = blank.index_copy(1, where, pixels.T.to(like.device, like.dtype))
        below, right = (n - m for n, m in zip(like.shape[-2:], self._far_corner, strict=True))
        beside = (window.left, right, window.top, below)
        return functional.pad(drawn.reshape(-1, window.height, window.width), beside)

    @property
    def _far_corner(self) -> tuple[int, int]:
        window = self.window
        return window.top + window.height, window.left + window.width

    def _cut(self, image: Tensor) -> Tensor:
        window = self.window
        below, right = (m - n for n, m in zip(image.shape[-2:], self._far_corner, strict=True))
        return functional.pad(image, (-window.left, right, -window.top, below))


class SheetCache:
    """Remembers the sheets of the outlines seen last, wherever they lie, for all threads."""

    def __init__(self) -> None:
        self._sheets: OrderedDict[str, CellSheet] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[object, ...]:
        return SheetCache, ()  # a copied or stored network starts with nothing remembered

    def get(
        self, mask: BoolArray, pixel_size: PixelSize, settings: MeshSettings, training: bool = False
    ) -> PlacedSheet:
        """Return the sheet of a mask, made if it is not remembered; errors as `mesh_cell`.

        While `training`, more are remembered: cells come back every epoch.
        """
        window = Window.around(mask, margin=_MARGIN) if mask.any() else Window(0, 0, *mask.shape)
        cut = window.cut(mask)
        content = hashlib.sha1(np.packbits(cut).tobytes(), usedforsecurity=False).hexdigest()
        key = f"{content} {cut.shape} {pixel_size.micron} {settings}"
        with self._lock:
            if key in self._sheets:
                self._sheets.move_to_end(key)
                return PlacedSheet(self._sheets[key], window)
        made = cell_sheet(cut, pixel_size, settings)
        with self._lock:
            self._sheets[key] = made
            while len(self._sheets) > (_WHILE_TRAINING if training else _REMEMBERED):
                self._sheets.popitem(last=False)
        return PlacedSheet(made, window)


def cell_sheet(mask: BoolArray, pixel_size: PixelSize, settings: MeshSettings) -> CellSheet:
    """Mesh a cell; parameters and errors as `napari_cellforce.physics.mesh.mesh_cell`."""
    mesh = mesh_cell(mask, pixel_size, settings)
    sheet = ContractileSheet(mesh.nodes, mesh.triangles)
    active = sheet.operators.active
    return CellSheet(
        mesh,
        sheet,
        _sparse(mesh.to_nodes),
        _sparse(mesh.to_pixels),
        (_sparse(active[0::2]), _sparse(active[1::2])),
        torch.from_numpy(np.flatnonzero(mesh.inside)),
    )


def _sparse(matrix: sp.csr_array) -> Tensor:
    coo = matrix.tocoo()
    where = torch.from_numpy(np.stack([coo.row, coo.col]).astype(np.int64))
    return torch.sparse_coo_tensor(
        where, torch.from_numpy(coo.data), coo.shape, check_invariants=False
    ).coalesce()
