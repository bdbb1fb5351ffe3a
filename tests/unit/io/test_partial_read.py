"""A movie that a microscope is still writing: whole frames, and nothing of the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_cellforce import io
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io.ometiff import OmeImage, ome_xml


def movie(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def cut(path: Path, share: float) -> Path:
    """What was there when so much of the file had been written."""
    whole = path.read_bytes()
    short = path.with_name(f"short_{path.name}")
    short.write_bytes(whole[: int(len(whole) * share)])
    return short


def page_by_page(path: Path, pages: np.ndarray) -> Path:
    """As most microscopes do: each page with its own header behind the one before."""
    with tifffile.TiffWriter(path) as tiff:
        for page in pages:
            tiff.write(page, photometric="minisblack", contiguous=False, metadata=None, compression="zlib")
    return path


def test_a_file_that_breaks_off_gives_the_pages_before(tmp_path):
    pages = movie(10, 30, 40)
    path = page_by_page(tmp_path / "a.tif", pages)
    short = cut(path, 0.55)
    with pytest.raises(CellForceError, match="incomplete"):
        io.read(short)
    stack = io.read_partial(short)
    assert 4 <= stack.n_frames <= 5
    np.testing.assert_array_equal(stack.data[:, 0], pages[: stack.n_frames])


def test_every_length_gives_only_whole_frames(tmp_path):
    pages = movie(6, 20, 20)
    path = page_by_page(tmp_path / "a.tif", pages)
    counts = []
    for share in np.linspace(0.05, 1, 30):
        try:
            stack = io.read_partial(cut(path, share))
        except CellForceError:
            counts.append(0)
            continue
        np.testing.assert_array_equal(stack.data[:, 0], pages[: stack.n_frames])
        counts.append(stack.n_frames)
    assert counts == sorted(counts)
    assert set(counts) == set(range(7)), counts


@pytest.mark.parametrize("axes", ["TCYX", "TZCYX"])
def test_channels_and_planes_that_ome_announces_are_kept_together(tmp_path, axes):
    """The description speaks of all frames from the start; a frame counts when all its planes are there."""
    lengths = {"T": 5, "Z": 3 if "Z" in axes else 1, "C": 2}
    values = movie(*lengths.values(), 20, 20)
    announced = OmeImage("a", (5, 2, 20, 20), np.uint16, ("a", "b"), PixelSize(0.1, 0.1))
    xml = ome_xml([announced]).replace(b'SizeZ="1"', f'SizeZ="{lengths["Z"]}"'.encode())
    xml = xml.replace(b"XYZCT", b"XYCZT")
    assert b"XYCZT" in xml
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tiff:
        for i, page in enumerate(values.reshape(-1, 20, 20)):
            described = {"description": xml} if i == 0 else {}
            tiff.write(page, photometric="minisblack", contiguous=False, metadata=None, **described)
    stack = io.read_partial(cut(tmp_path / "a.ome.tif", 0.7), z=1 if "Z" in axes else None)
    assert 2 <= stack.n_frames <= 4
    expected = values[:, 1] if "Z" in axes else values[:, 0]
    np.testing.assert_array_equal(stack.data, expected[: stack.n_frames])
    assert stack.channel_names == ("a", "b")
    assert stack.pixel_size is not None
    assert stack.pixel_size.micron == 0.1


def test_without_the_description_nobody_can_tell_channels_from_frames(tmp_path):
    """Some programs write it at the end: such a file is waited for."""
    tifffile.imwrite(
        tmp_path / "a.ome.tif", movie(5, 2, 20, 20), photometric="minisblack", compression="zlib", ome=True
    )
    with pytest.raises(CellForceError, match="incomplete"):
        io.read_partial(cut(tmp_path / "a.ome.tif", 0.7))


def test_a_whole_file_is_read_as_ever(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", movie(3, 2, 8, 9), imagej=True, metadata={"axes": "TCYX"})
    np.testing.assert_array_equal(io.read_partial(tmp_path / "a.tif").data, movie(3, 2, 8, 9))


def test_what_never_was_a_tiff_is_told_as_ever(tmp_path):
    (tmp_path / "a.tif").write_text("force,1")
    with pytest.raises(CellForceError, match="is not a TIFF"):
        io.read_partial(tmp_path / "a.tif")


def test_of_a_folder_the_unfinished_last_frame_is_left_for_later(tmp_path):
    for t, c in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0)):
        tifffile.imwrite(tmp_path / f"t{t}_c{c}.tif", movie(6, 9) + np.uint16(10 * t + c))
    stack = io.read_partial(tmp_path)
    assert stack.data.shape == (2, 2, 6, 9)


@pytest.mark.parametrize(("version", "separator"), [(3, "/"), (2, "/"), (2, ".")])
def test_an_ome_zarr_laid_out_beforehand_grows_with_its_chunks(tmp_path, version, separator):
    path = io.write_stack(tmp_path / "a.zarr", ImageStack(movie(3, 1, 6, 9), ("a",), PixelSize(1, 1)))
    attributes = dict(zarr.open_group(path, mode="r").attrs)
    group = zarr.create_group(tmp_path / "b.zarr", zarr_format=version, attributes=attributes)
    encoding = {"name": "default" if version == 3 else "v2", "separator": separator}
    array = group.create_array(
        "0", shape=(100, 1, 6, 9), chunks=(1, 1, 6, 9), dtype=np.uint16, chunk_key_encoding=encoding
    )
    with pytest.raises(CellForceError, match="no frame yet"):
        io.read_partial(tmp_path / "b.zarr")
    array[0], array[2] = 1, 3  # a frame of zeros may have no chunk
    stack = io.read_partial(tmp_path / "b.zarr")
    np.testing.assert_array_equal(stack.data[:, 0, 0, 0], [1, 0, 3])
