"""Meshes of drawn cells: their area, their angles, their holes, and the way to pixels and back."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.physics.mesh import PUBLISHED_SETTINGS, Mesh, MeshSettings, mesh_cell
from napari_cellforce.physics.mesh.contour import crossing
from napari_cellforce.physics.mesh.refine import GROWTH, areas, triangulate

FIELD = 64.0
"""Width of the images in µm."""


def coordinates(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """y, x in µm from the middle of an n x n image, and the same in polar coordinates."""
    y, x = (np.mgrid[:n, :n] - (n - 1) / 2) * FIELD / n
    return y, x, np.hypot(y, x), np.arctan2(y, x)


def drawn(shape: str, n: int) -> np.ndarray:
    y, x, r, angle = coordinates(n)
    disk = r < 27
    shapes = {
        "circle": disk,
        "ellipse": (y / 15) ** 2 + (x / 30) ** 2 < 1,
        "square": (abs(y) < 22) & (abs(x) < 22),
        "star": r < 27 * (0.55 + 0.45 * np.cos(5 * angle)),
        "pointed star": r < 27 * (0.25 + 1.5 * abs((angle / (2 * np.pi) * 7) % 1 - 0.5)),
        "thin arms": (r < 11) | ((abs(x) < 2) & (abs(y) < 27)) | ((abs(y) < 1.7) & (abs(x) < 27)),
        "ring": disk & (np.hypot(y - 6, x) > 8),
        "thin ring": disk & (r > 24),
        "three holes": disk
        & (np.hypot(y - 6, x) > 4)
        & (np.hypot(y + 6, x - 8) > 5)
        & (np.hypot(y + 6, x + 8) > 3),
        "two cells": (np.hypot(y - 13, x - 14) < 11) | (np.hypot(y + 13, x + 13) < 16),
        "dumbbell": (np.hypot(y, abs(x) - 16) < 13) | ((abs(y) < 1.8) & (abs(x) < 20)),
        "wedge": (abs(np.arctan2(y, x + 28)) < np.pi / 24) & (x < 27),
        "touching the border": np.ones_like(disk),
    }
    return shapes[shape]


def blob(seed: int, n: int = 128) -> np.ndarray:
    """A cell with a ragged outline: the largest piece of thresholded noise."""
    noise = ndimage.gaussian_filter(
        np.random.default_rng(seed).normal(size=(n, n)), n * (0.03, 0.07)[seed % 2]
    )
    labels, count = ndimage.label(noise / noise.std() - 2.2 * (coordinates(n)[2] / 27) ** 2 + 0.9 > 0)
    return labels == 1 + np.argmax(np.bincount(labels.ravel())[1 : count + 1])


def meshed(mask: np.ndarray, edge_length: float) -> Mesh:
    return mesh_cell(mask, PixelSize.square(FIELD / len(mask)), MeshSettings(edge_length))


def border_loops(mesh: Mesh) -> int:
    """Number of closed curves that bound the mesh: the outlines and the holes."""
    sides = np.sort(mesh.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, count = np.unique(sides, axis=0, return_counts=True)
    assert set(count) <= {1, 2}, "a side belongs to one or two triangles"
    outer = unique[count == 1]
    graph = coo_array((np.ones(len(outer)), tuple(outer.T)), shape=(mesh.n_nodes,) * 2)
    labels = connected_components(graph, directed=False)[1]
    return len(np.unique(labels[outer]))


def require_sound(mesh: Mesh, mask: np.ndarray) -> None:
    area = mask.sum() * mesh.pixel_size.area
    assert mesh.area == pytest.approx(area, rel=0.01)
    assert mesh.angles.min() >= 15
    assert areas(mesh.nodes[mesh.triangles]).min() > 0
    assert len(np.unique(mesh.triangles)) == mesh.n_nodes, "every node belongs to a triangle"


HOLES_AND_OUTLINES = {"ring": 2, "thin ring": 2, "three holes": 4, "two cells": 2}
SHAPES = [
    "circle", "ellipse", "square", "star", "pointed star", "thin arms", "ring", "thin ring", "three holes",
    "two cells", "dumbbell", "wedge", "touching the border",
]  # fmt: skip


@pytest.mark.parametrize("edge_length", [1.5, 2.5, 4.0])
@pytest.mark.parametrize("n", [64, 128, 256])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_drawn_cell_keeps_its_area_and_gets_large_angles(shape, n, edge_length):
    mask = drawn(shape, n)
    mesh = meshed(mask, edge_length)
    require_sound(mesh, mask)
    assert border_loops(mesh) == HOLES_AND_OUTLINES.get(shape, 1)


@pytest.mark.parametrize("seed", range(16))
def test_a_ragged_cell_keeps_its_area_and_gets_large_angles(seed):
    mask = blob(seed)
    require_sound(meshed(mask, 2.0), mask)


@pytest.mark.parametrize("spikes", [9, 17, 25])
def test_the_tips_of_spikes_are_blunted_until_triangles_fit(spikes):
    """Retraction fibres, as sharp as pixels allow: refined in their tips, a mesh would never be done."""
    *_, r, angle = coordinates(160)
    cell = r < 30 * (0.2 + 1.6 * abs((angle / (2 * np.pi) * spikes) % 1 - 0.5))
    require_sound(meshed(cell, 2.5), cell)


def test_refinement_that_would_never_end_is_given_up():
    """A needle of 6 degrees, handed over without blunting it."""
    needle = np.array([[0.0, 0.0], [-1.0, 20.0], [0.0, 40.0], [1.0, 20.0]])
    assert len(triangulate((needle,), 5.0).nodes) <= GROWTH * 10


def test_sides_have_the_wanted_length():
    mesh = meshed(drawn("circle", 128), 2.0)
    a, b, c = mesh.nodes[mesh.triangles].transpose(1, 0, 2)
    lengths = np.concatenate([np.hypot(*(p - q).T) for p, q in ((a, b), (b, c), (c, a))])
    assert np.median(lengths) == pytest.approx(2.0, rel=0.05)
    assert lengths.max() < 2 * 2.0


def test_the_nodes_lie_where_the_cell_lies_in_y_and_in_x():
    mask = np.zeros((100, 160), dtype=bool)
    mask[20:40, 90:150] = True
    mesh = mesh_cell(mask, PixelSize.square(0.5), MeshSettings(2.0))
    np.testing.assert_allclose(mesh.nodes.min(axis=0), [19.5 * 0.5, 89.5 * 0.5], atol=0.2)
    np.testing.assert_allclose(mesh.nodes.max(axis=0), [39.5 * 0.5, 149.5 * 0.5], atol=0.2)


def test_a_one_pixel_bridge_is_cut_and_both_parts_are_meshed():
    y, x, _, _ = coordinates(128)
    two = np.hypot(y, abs(x) - 16) < 12
    bridged = two.copy()
    bridged[64, 40:90] = True
    mesh = meshed(bridged, 2.0)
    assert mesh.component.max() == 1
    ends = mesh.component[mesh.triangles]
    assert (ends == ends[:, :1]).all(), "no triangle joins the parts"
    require_sound(mesh, bridged)


def test_linear_values_are_drawn_exactly_and_constants_survive_the_way_to_nodes_and_back():
    mesh = meshed(drawn("three holes", 128), 2.5)
    y, x = np.argwhere(mesh.inside).T * mesh.pixel_size.micron
    slope = np.array([0.3, -0.7])
    drawn_plane = mesh.image(2.0 + mesh.nodes @ slope)[mesh.inside]
    np.testing.assert_allclose(drawn_plane, 2.0 + slope[0] * y + slope[1] * x, atol=1e-12)
    constant = mesh.image(mesh.sample(np.full(mesh.inside.shape, 3.0)))
    np.testing.assert_allclose(constant[mesh.inside], 3.0, rtol=1e-12)
    assert not constant[~mesh.inside].any()


def test_every_bright_pixel_reaches_a_node_and_vectors_go_the_same_way():
    mesh = meshed(drawn("ellipse", 128), 4.0)
    reached = np.asarray(mesh.to_nodes.sum(axis=0)).ravel()
    assert reached.min() > 0, "an adhesion between nodes is not overlooked"
    image = np.random.default_rng(0).random((2, *mesh.inside.shape))
    nodal = mesh.sample(image)
    np.testing.assert_array_equal(nodal[:, 1], mesh.sample(image[1]))
    assert mesh.image(nodal).shape == image.shape


def test_nodes_between_coarse_pixels_take_the_nearest_one():
    mask = np.hypot(*(np.mgrid[:20, :20] - 9.5)) < 7
    mesh = mesh_cell(mask, PixelSize.square(2.0), MeshSettings(1.0))
    np.testing.assert_allclose(mesh.to_nodes.sum(axis=1), 1.0, rtol=1e-12)


def test_pixels_on_the_mesh_are_the_cell_but_for_its_rim():
    mask = drawn("star", 256)
    mesh = meshed(mask, 2.5)
    wrong = mesh.inside ^ mask
    assert wrong.sum() < 0.03 * mask.sum()
    assert not (wrong & ndimage.binary_erosion(mask, iterations=8)).any()
    assert not (wrong & ~ndimage.binary_dilation(mask, iterations=8)).any()


def test_the_authors_mesh_is_wider_has_no_holes_and_small_triangles():
    r = 0.4 * np.hypot(*(np.mgrid[:260, :260] - 130))
    cell = (r < 45) & (r > 20)
    mesh = mesh_cell(cell, PixelSize.square(0.4), PUBLISHED_SETTINGS)
    assert mesh.area == pytest.approx(np.pi * (45 + 5 * 0.68) ** 2, rel=0.01)
    assert areas(mesh.nodes[mesh.triangles]).max() <= 20 * 0.68**2
    assert border_loops(mesh) == 1
    with pytest.raises(CellForceError, match="500"):
        mesh_cell(r < 20, PixelSize.square(0.4), PUBLISHED_SETTINGS)


def refusals() -> Iterator[tuple[str, np.ndarray, PixelSize, str]]:
    _, _, r, _ = coordinates(64)
    one = PixelSize.square(1.0)
    yield "empty", np.zeros((64, 64), dtype=bool), one, "empty"
    yield "small", r < 4, one, r"8 mesh nodes at an edge length of 4 µm.*at least 20"
    yield "tiny", r < 2, one, r"8 mesh nodes at an edge length of 4 µm.*at least 20"
    yield "sieve", (r < 25) & (np.indices((64, 64)) % 3 > 0).any(axis=0), one, "pinholes make up"
    yield (
        "threads",
        np.indices((64, 64))[0] % 3 == 0,
        one,
        "make up 100 % of the cell mask",
    )
    yield "oblong pixels", r < 25, PixelSize(1.0, 1.5), "square pixels"


@pytest.mark.parametrize(
    ("mask", "pixel_size", "message"), [pytest.param(*r[1:], id=r[0]) for r in refusals()]
)
def test_what_cannot_be_meshed_is_refused_with_a_remedy(mask, pixel_size, message):
    with pytest.raises(CellForceError, match=message) as caught:
        mesh_cell(mask, pixel_size, MeshSettings(4.0))
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("edge_length", "message"),
    [
        (0.0, "edge length of the mesh is 0 µm: it must be a number above 0"),
        (float("nan"), "edge length of the mesh is nan µm"),
        (0.03, "would have .* nodes at an edge length of 0.03 µm: at most 100,000"),
    ],
)
def test_an_edge_length_mistyped_is_refused_before_it_takes_all_memory(edge_length, message):
    with pytest.raises(CellForceError, match=message):
        mesh_cell(drawn("circle", 64), PixelSize.square(1.0), MeshSettings(edge_length))


def test_what_surrounds_a_cell_is_no_hole_however_tightly_the_image_is_cropped():
    """A round cell of few, long edges: there is less around it than in a hole that would be filled."""
    y, x = np.mgrid[:13, :13] - 6
    mesh = mesh_cell(np.hypot(y, x) < 6.4, PixelSize.square(1.0), MeshSettings(24.0, minimum_nodes=3))
    assert np.hypot(*(mesh.nodes - 6).T).max() < 7.5


def test_outlines_that_cross_are_noticed():
    square = np.array([[0.0, 0.0], [0.0, 4.0], [4.0, 4.0], [4.0, 0.0]])
    bow = square[[0, 2, 1, 3]]
    assert not crossing((square, square / 4 + 1))
    assert crossing((bow,))
    assert crossing((square, square + 2.5))


FLAT_SIDED = (
    "eNqFlMERhCAQBLF4+DQEQyE0Dc1QDIEnD4o9EJFtrLvj1wIzAy5rzO8xn0AJmJSocZOkyErBua1YRSR/aysyyf5sWKSO1ITqiLcL"
    "sE3WKLaR+OZSR8k9PSSHFsrWGV1Hrk1cG6F72XYqtlbh2Q9z2yqbYruJtlWu120JbJVrsXW0FdhqpWyrlbKtziRUSswUqRRwuuyz"
    "0Gelz0ZhgTCUPCOeo5JjYvkecVAaMvGwkUqBSueva0tUCry2g0osisii8PyzQ40YCCfWSHhV28zyWljGQ906bNU+B6vaACPfh38/"
    "LcutFlvHR2rxDDsmAwzE48KJnWLC2ifzDoy9QbWTd0wG2Nudw+SFnmiAujOuPUJtb0Pb3P90XfMBfxGUpQ=="
)
"""A simulated cell whose outline has three corners exactly in a row; 97 x 118 bits, packed."""


def test_three_corners_in_a_row_make_no_triangle_without_area():
    height, width = 97, 118
    bits = np.unpackbits(np.frombuffer(zlib.decompress(base64.b64decode(FLAT_SIDED)), np.uint8))
    mask = bits[: height * width].reshape(height, width).astype(bool)
    mesh = mesh_cell(mask, PixelSize.square(0.68))
    assert mesh.area == pytest.approx(mask.sum() * 0.68**2, rel=0.01)
    assert np.array_equal(np.unique(mesh.triangles), np.arange(mesh.n_nodes)), "every node has a triangle"
