"""The mesh of a cell, and the interpolation between its nodes and the pixels of the image.

Positions in `interpolation` and `averaging` are in pixels, (y, x), with pixel centres at integers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy import ndimage
from scipy.spatial import KDTree
from skfem import MeshTri

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, PixelSize, ShortRepr
from napari_cellforce.physics.linear_algebra import Array, Indices, one_blas_thread
from napari_cellforce.physics.mesh.contour import outlines
from napari_cellforce.physics.mesh.refine import Triangulation, angles, areas, triangulate

MIN_ANGLE = 15.0
MAX_NODES = 100_000
"""Upper limit; a larger mesh takes minutes and gigabytes to solve."""


@dataclass(frozen=True)
class MeshSettings(Settings):
    """How a mask becomes a mesh."""

    edge_length: float = setting(
        2.5,
        help="Wanted edge length of the triangles; narrow parts get shorter ones. 2 to 3 µm suit most cells.",
        unit="µm",
        above=0,
        label="edge length of the mesh",
    )
    max_area: float | None = setting(
        None,
        help="Area of the largest triangle; empty: limited by the edge length only.",
        unit="µm²",
        above=0,
    )
    dilation: float = setting(0.0, help="Widening of the mask before it is meshed.", unit="µm", minimum=0)
    fill_holes: bool = setting(False, help="Whether holes of the mask are meshed too.")
    minimum_nodes: int = setting(20, help="Cells with fewer nodes are refused.", minimum=0)


PUBLISHED_PIXEL = 0.68
PUBLISHED_SETTINGS = MeshSettings(
    edge_length=5.3 * PUBLISHED_PIXEL,
    max_area=20 * PUBLISHED_PIXEL**2,
    dilation=5 * PUBLISHED_PIXEL,
    fill_holes=True,
    minimum_nodes=500,
)
"""The mesh of Schmitt et al. 2024: mask widened by 5 px of 0.68 µm, holes filled, triangles of at most
20 px². Their edge length is not known; 5.3 px makes triangles of 12 px² on average."""


@dataclass(frozen=True, eq=False, repr=False)
class Mesh(ShortRepr):
    """Triangle mesh of a cell, and the sparse matrices between nodes and pixels.

    Attributes
    ----------
    nodes : (N, 2) array
        Positions (y, x) in µm; the centre of the first pixel is the origin.
    triangles : (M, 3) int array
    component : (N,) int array
        Index, from 0, of the connected part of the cell of each node.
    pixel_size : PixelSize
    inside : (Y, X) bool array
        True for the P pixels with centres in the mesh.
    to_pixels : (P, N) sparse array
        Linear interpolation of nodal values to these pixels, in the order of ``image[inside]``.
    to_nodes : (N, P) sparse array
        Mean of the pixels around a node, weighted by its hat function (the nearest pixel if there are
        none): preserves constants and signs, and uses every pixel.
    """

    nodes: Array
    triangles: Indices
    component: Indices
    pixel_size: PixelSize
    inside: BoolArray
    to_pixels: sp.csr_array = field(repr=False)
    to_nodes: sp.csr_array = field(repr=False)

    @property
    def n_nodes(self) -> int:
        """Number of nodes N."""
        return len(self.nodes)

    @property
    def area(self) -> float:
        """Area in µm²."""
        return float(areas(self.nodes[self.triangles]).sum())

    @property
    def angles(self) -> Array:
        """Angles of the triangles in degrees, ``(M, 3)``."""
        return angles(self.nodes[self.triangles])

    def skfem(self) -> MeshTri:
        """Return the mesh as a scikit-fem mesh."""
        return MeshTri(np.ascontiguousarray(self.nodes.T), np.ascontiguousarray(self.triangles.T))

    def image(self, nodal: Array) -> Array:
        """Interpolate nodal values, ``(N,)`` or ``(N, k)``, to ``(Y, X)`` or ``(k, Y, X)``; 0 outside."""
        pixels = self.to_pixels @ nodal
        image = np.zeros((*pixels.shape[1:], *self.inside.shape))
        image[..., self.inside] = pixels.T
        return image

    def sample(self, image: npt.ArrayLike) -> Array:
        """Return the nodal means of an image, ``(Y, X)`` or ``(k, Y, X)`` -> ``(N,)`` or ``(N, k)``."""
        nodal: Array = self.to_nodes @ np.asarray(image, dtype=np.float64)[..., self.inside].T
        return nodal


def mesh_cell(mask: npt.ArrayLike, pixel_size: PixelSize, settings: MeshSettings | None = None) -> Mesh:
    """Generate the triangle mesh of a cell.

    The area equals that of the mask within 1 %, every angle is at least 15 degrees; holes larger than half
    an edge across are preserved; threads and bridges of one or two pixels are cut, which may separate parts;
    parts smaller than a square of the edge length are omitted.

    Parameters
    ----------
    mask : (Y, X) array
        Nonzero inside the cell.
    pixel_size : PixelSize
        Size of the square pixels.
    settings : MeshSettings, optional
        `PUBLISHED_SETTINGS` for the published one.

    Returns
    -------
    Mesh
        Mesh of all parts of the cell, which share no nodes.

    Raises
    ------
    CellForceError
        If the mask is empty, too small or too large for this edge length, or has no valid outline; or if
        pixels are not square.
    """
    settings = settings or MeshSettings()
    pixel = pixel_size.micron
    inside = _prepared(np.asarray(mask, dtype=np.bool_), pixel, settings)
    parts = _parts(inside, pixel, settings)
    to_pixels, covered = interpolation(parts, inside.shape)
    component = np.repeat(np.arange(len(parts)), [len(p.nodes) for p in parts])
    offsets = np.cumsum([0, *(len(p.nodes) for p in parts)])
    return Mesh(
        nodes=np.vstack([p.nodes for p in parts]) * pixel,
        triangles=np.vstack([p.triangles + o for p, o in zip(parts, offsets, strict=False)]),
        component=component,
        pixel_size=pixel_size,
        inside=covered,
        to_pixels=to_pixels,
        to_nodes=averaging(to_pixels, np.vstack([p.nodes for p in parts]), covered),
    )


def _prepared(mask: BoolArray, pixel: float, settings: MeshSettings) -> BoolArray:
    """Dilate the mask and fill its holes according to the settings."""
    if mask.ndim != 2:
        raise ValueError(f"expected a mask (Y, X), got shape {mask.shape}")
    if settings.dilation and mask.any():
        mask = ndimage.distance_transform_edt(~mask) * pixel <= settings.dilation
    if settings.fill_holes:
        mask = np.asarray(ndimage.binary_fill_holes(mask), dtype=np.bool_)
    return mask


def _parts(mask: BoolArray, pixel: float, settings: MeshSettings) -> list[Triangulation]:
    """Return the meshes of the parts of the cell, in pixels."""
    edge = settings.edge_length / pixel
    _require_few_nodes(mask.sum() / (np.sqrt(0.75) * edge**2), settings)
    max_area = None if settings.max_area is None else settings.max_area / pixel**2
    meshes = [triangulate(polygons, edge, max_area) for polygons in outlines(mask, edge)]
    n_nodes = sum(len(mesh.nodes) for mesh in meshes)
    if n_nodes < settings.minimum_nodes:
        raise CellForceError(
            f"the cell has {n_nodes} mesh nodes at an edge length of {settings.edge_length:g} µm",
            f"it needs at least {settings.minimum_nodes}",
            "Choose a shorter edge length, or a larger cell.",
            topic=Topic.MASK,
        )
    for mesh in meshes:
        _require_quality(mesh)
    return meshes


def _require_few_nodes(expected: float, settings: MeshSettings) -> None:
    if expected > MAX_NODES:
        raise CellForceError(
            f"the cell would have {expected:,.0f} nodes at an edge length of {settings.edge_length:g} µm",
            f"at most {MAX_NODES:,} can be solved",
            "Choose a longer edge length, or check the pixel size.",
            topic=Topic.MASK,
        )


def _require_quality(mesh: Triangulation) -> None:
    smallest = angles(mesh.nodes[mesh.triangles]).min()
    if smallest < MIN_ANGLE:
        raise CellForceError(
            f"the cell mask gives triangles with angles down to {smallest:.1f} degrees",
            f"at least {MIN_ANGLE:g} are needed for a reliable solution",
            "Smooth the mask where it is pointed or rough, or choose another edge length.",
            topic=Topic.MASK,
        )


@one_blas_thread()
def interpolation(parts: list[Triangulation], shape: tuple[int, ...]) -> tuple[sp.csr_array, BoolArray]:
    """Return the linear interpolation matrix, (P, N), and the mask of the P pixels in the mesh, (Y, X).

    scipy's Delaunay solves a 2 x 2 system per triangle with LAPACK: with two BLAS threads on a busy machine
    this took 10 s instead of 10 ms.
    """
    covered = np.zeros(shape, dtype=np.bool_)
    rows, columns, weights, offset = [], [], [], 0
    for part in parts:
        low = np.maximum(np.floor(part.nodes.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(part.nodes.max(axis=0)).astype(int) + 1, shape)
        pixels = np.argwhere(np.ones(high - low)) + low
        simplex = part.delaunay.find_simplex(pixels)
        hit = (simplex >= 0) & part.inside[simplex] & ~covered[tuple(pixels.T)]
        pixels, simplex = pixels[hit], simplex[hit]
        covered[tuple(pixels.T)] = True
        rows.append(np.repeat(np.ravel_multi_index(tuple(pixels.T), shape), 3))
        columns.append(part.delaunay.simplices[simplex].ravel() + offset)
        weights.append(_barycentric(part, simplex, pixels).ravel())
        offset += len(part.nodes)
    place = np.cumsum(covered.ravel()) - 1
    values: Array = np.concatenate(weights)
    where = place[np.concatenate(rows)], np.concatenate(columns)
    return sp.csr_array(sp.coo_array((values, where), shape=(int(covered.sum()), offset))), covered


def _barycentric(part: Triangulation, simplex: npt.NDArray[np.intp], points: Indices) -> Array:
    """Return the barycentric weights of the corners of a triangle at points inside it, (n, 3)."""
    transform = part.delaunay.transform[simplex]
    first = np.einsum("nij,nj->ni", transform[:, :2], points - transform[:, 2])
    weights: Array = np.clip(np.hstack([first, 1 - first.sum(axis=1, keepdims=True)]), 0.0, 1.0)
    return weights


def averaging(to_pixels: sp.csr_array, nodes: Array, covered: BoolArray) -> sp.csr_array:
    """Return the averaging matrix weighted by hat functions, (N, P); the nearest pixel if none."""
    hats = sp.csr_array(to_pixels.T)
    total = np.asarray(hats.sum(axis=1)).ravel()
    alone = np.flatnonzero(total < 1e-6)
    nearest = np.asarray(KDTree(np.argwhere(covered)).query(nodes[alone])[1], dtype=np.int64)
    share = np.divide(1.0, total, out=np.zeros_like(total), where=total >= 1e-6)
    lone = sp.csr_array((np.ones(alone.size), (alone, nearest)), shape=hats.shape)
    return sp.csr_array(sp.diags_array(share) @ hats + lone)
