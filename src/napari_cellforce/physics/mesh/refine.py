"""Triangulation of polygons: a hexagonal lattice, then Delaunay refinement to a minimum angle.

The refinement is that of Ruppert (J. Algorithms 18:548, 1995): sides with a point inside their diametral
circle are halved; triangles with a small angle get a point at the centre of their circumcircle. Many
points are added per round, since `scipy.spatial.Delaunay` computes a new triangulation every time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import Delaunay, KDTree
from skimage.measure import points_in_poly

from napari_cellforce.fields import BoolArray, ShortRepr
from napari_cellforce.physics.linear_algebra import Array, Indices

_FLAT = 1e-9
"""Ratio of area and squared extent below which a triangle is degenerate."""

WANTED_ANGLE = 20.0
"""Minimum angle of the refinement in degrees; Ruppert's method is guaranteed to terminate up to 20.7."""
CLEARANCE = 0.6
"""Minimum distance of the lattice from the outline, in edge lengths."""
ROUNDS = 80
GROWTH = 5
"""Maximum growth of the number of points; at a sharp corner the refinement would not terminate."""


@dataclass(frozen=True, eq=False, repr=False)
class Triangulation(ShortRepr):
    """Triangulation of polygons.

    Attributes
    ----------
    delaunay : scipy.spatial.Delaunay
        Triangulation of all points, for point location.
    inside : (S,) bool array
        True for simplices inside the polygons.
    """

    delaunay: Delaunay
    inside: BoolArray

    @property
    def nodes(self) -> Array:
        """(N, 2) array."""
        return np.asarray(self.delaunay.points)

    @property
    def triangles(self) -> Indices:
        """(M, 3) int array."""
        return np.asarray(self.delaunay.simplices[self.inside], dtype=np.int64)


def triangulate(polygons: tuple[Array, ...], edge: float, max_area: float | None = None) -> Triangulation:
    """Triangulate polygons with large angles.

    Parameters
    ----------
    polygons : tuple of (n, 2) array
        The outline and the holes; their corners become nodes.
    edge : float
        Target length of the interior sides.
    max_area : float, optional
        Maximum area of a triangle.
    """
    sides = _sides(polygons)
    points = np.vstack([*polygons, _clear_lattice(polygons, sides, edge)])
    mesh = _delaunay(points, polygons)
    fewest = areas(points[mesh.triangles]).sum() / (max_area or np.inf)
    most = GROWTH * max(len(points), fewest)
    for _ in range(ROUNDS):
        improved = _improved(mesh, sides, max_area)
        if improved is None or len(improved[0]) > most:
            break
        points, sides = improved
        mesh = _delaunay(points, polygons)
    return mesh


def _delaunay(points: Array, polygons: tuple[Array, ...]) -> Triangulation:
    delaunay = Delaunay(points)
    corners = points[delaunay.simplices]
    # Three collinear points on the outline give a degenerate triangle, neither inside nor outside.
    flat = areas(corners) <= _FLAT * (np.ptp(corners, axis=1) ** 2).sum(axis=1)
    return Triangulation(delaunay, _within(corners.mean(axis=1), polygons) & ~flat)


def _improved(mesh: Triangulation, sides: Indices, max_area: float | None) -> tuple[Array, Indices] | None:
    """Return the points and sides after one refinement step; None if the mesh is good."""
    points = mesh.nodes
    encroached = _encroached(points, sides, points)
    if not encroached.any():
        centres = _centres_of_bad(points[mesh.triangles], max_area)
        if not len(centres):
            return None
        encroached = _encroached(points, sides, centres)
        if not encroached.any():
            return np.vstack([points, centres]), sides
    return _halve(points, sides, encroached)


def _sides(polygons: tuple[Array, ...]) -> Indices:
    """Return the indices of the two corners of every side, over all polygons, (S, 2)."""
    ends, first = [], 0
    for polygon in polygons:
        own = first + np.arange(len(polygon), dtype=np.int64)
        ends.append(np.stack([own, np.roll(own, -1)], axis=1))
        first += len(polygon)
    return np.vstack(ends)


def _clear_lattice(polygons: tuple[Array, ...], sides: Indices, edge: float) -> Array:
    """Return a hexagonal lattice inside the polygons, away from their sides."""
    corners = np.vstack(polygons)
    lattice = _lattice(corners.min(axis=0), corners.max(axis=0), edge)
    lattice = lattice[_within(lattice, polygons)]
    fractions = np.arange(4)[:, None] / 4
    outline = corners[sides[:, 0], None] + fractions * _along(corners, sides)[:, None]
    return lattice[KDTree(outline.reshape(-1, 2)).query(lattice)[0] > CLEARANCE * edge]


def angles(corners: Array) -> Array:
    """Return the angles of triangles, ``(M, 3, 2)`` -> ``(M, 3)``, in degrees."""
    forth = np.roll(corners, -1, axis=1) - corners
    back = np.roll(corners, 1, axis=1) - corners
    dot = (forth * back).sum(axis=-1)
    cross = forth[..., 0] * back[..., 1] - forth[..., 1] * back[..., 0]
    degrees: Array = np.degrees(np.arctan2(np.abs(cross), dot))
    return degrees


def areas(corners: Array) -> Array:
    """Return the areas of triangles, ``(M, 3, 2)`` -> ``(M,)``."""
    b, c = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    doubled: Array = np.abs(b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    return doubled / 2


def _lattice(low: Array, high: Array, edge: float) -> Array:
    rows = np.arange(low[0], high[0], edge * np.sqrt(3) / 2)
    columns = np.arange(low[1], high[1] + edge, edge)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    x[1::2] -= edge / 2
    return np.stack([y.ravel(), x.ravel()], axis=1)


def _within(points: Array, polygons: tuple[Array, ...]) -> BoolArray:
    """Return which points are inside the first polygon and outside all others."""
    outline, *holes = (np.asarray(points_in_poly(points, p), dtype=np.bool_) for p in polygons)
    for hole in holes:
        outline &= ~hole
    return outline


def _along(points: Array, sides: Indices) -> Array:
    along: Array = points[sides[:, 1]] - points[sides[:, 0]]
    return along


def _encroached(points: Array, sides: Indices, others: Array) -> BoolArray:
    """Return which sides have one of `others` inside their diametral circle."""
    middle = points[sides].mean(axis=1)
    radius = np.hypot(*_along(points, sides).T) / 2
    nearest = KDTree(others).query(middle)[0]
    return np.asarray(nearest < radius * (1 - 1e-9), dtype=np.bool_)


def _halve(points: Array, sides: Indices, which: BoolArray) -> tuple[Array, Indices]:
    """Insert the midpoints of the selected sides."""
    a, b = sides[which].T
    middle = len(points) + np.arange(a.size)
    halves = np.concatenate([np.stack([a, middle], axis=1), np.stack([middle, b], axis=1)])
    return np.vstack([points, (points[a] + points[b]) / 2]), np.vstack([sides[~which], halves])


def _centres_of_bad(corners: Array, max_area: float | None) -> Array:
    """Return circumcentres of triangles with a small angle or large area, worst first, well separated."""
    smallest = angles(corners).min(axis=1)
    bad = smallest < WANTED_ANGLE
    if max_area is not None:
        bad |= areas(corners) > max_area
    order = np.flatnonzero(bad)[np.argsort(smallest[bad])]
    centres, radii = _circumcircles(corners[order])
    return _spread(centres, radii)


def _circumcircles(corners: Array) -> tuple[Array, Array]:
    b, c = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    cross = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    bb, cc = (b**2).sum(axis=1), (c**2).sum(axis=1)
    offset = np.stack([c[:, 1] * bb - b[:, 1] * cc, b[:, 0] * cc - c[:, 0] * bb], axis=1) / cross[:, None]
    return corners[:, 0] + offset, np.hypot(*offset.T)


def _spread(centres: Array, radii: Array) -> Array:
    """Remove points inside the circle of a previous point."""
    free = np.ones(len(centres), dtype=bool)
    for i in range(len(centres)):
        if free[i]:
            later = np.hypot(*(centres[i + 1 :] - centres[i]).T) < np.maximum(radii[i], radii[i + 1 :])
            free[i + 1 :] &= ~later
    return centres[free]
