"""Movies as microscopes and Fiji write them arrive as (T, C, Y, X) with what the file says of itself."""

from __future__ import annotations

import gc
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile

from napari_cellforce import io
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.io.tiff import TiffPlanes

LENGTHS = {"T": 3, "C": 2, "Z": 4, "Y": 6, "X": 9}


def movie(axes: str) -> np.ndarray:
    """Every value tells its own place: digits are t, c, z, y, x."""
    places = np.indices([LENGTHS[axis] for axis in axes])
    weights = {"T": 10000, "C": 1000, "Z": 100, "Y": 10, "X": 1}
    return sum(weights[axis] * place for axis, place in zip(axes, places, strict=True)).astype(np.uint16)


def ome(path: Path, axes: str = "TCYX", **metadata: Any) -> Path:
    tifffile.imwrite(
        path, movie(axes), ome=True, photometric="minisblack", metadata={"axes": axes, **metadata}
    )
    return path


def imagej(path: Path, axes: str = "TCYX", resolution: float | None = None, **metadata: Any) -> Path:
    per_unit = {} if resolution is None else {"resolution": (resolution, resolution)}
    tifffile.imwrite(path, movie(axes), imagej=True, metadata={"axes": axes, **metadata}, **per_unit)
    return path


def about(number: float | None) -> Any:
    return None if number is None else pytest.approx(number, rel=1e-5)


def micron_of(size: PixelSize | None) -> float | None:
    return None if size is None else size.micron


@pytest.mark.parametrize("axes", ["TCYX", "CTYX", "TYX", "CYX", "YX", "TCZYX", "ZCTYX", "CZTYX"])
def test_axes_in_any_order_become_tcyx(tmp_path, axes):
    stack = io.read(ome(tmp_path / "a.ome.tif", axes), z=1 if "Z" in axes else None)
    expected = movie("TCYX")[: LENGTHS["T"] if "T" in axes else 1, : LENGTHS["C"] if "C" in axes else 1]
    np.testing.assert_array_equal(stack.data, expected + (100 if "Z" in axes else 0))
    np.testing.assert_array_equal(stack.frame(0), expected[0] + (100 if "Z" in axes else 0))


def test_hyperstacks_of_imagej_are_read(tmp_path):
    stack = io.read(imagej(tmp_path / "a.tif", unit="micron", resolution=1 / 0.17, finterval=90))
    np.testing.assert_array_equal(stack.data, movie("TCYX"))
    assert stack.pixel_size is not None
    assert stack.pixel_size.micron == pytest.approx(0.17, rel=1e-5)
    assert stack.frame_interval == pytest.approx(1.5)


def test_pages_of_a_plain_tiff_are_time_and_it_says_so(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", movie("TYX"), metadata=None, photometric="minisblack")
    stack = io.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(stack.data[:, 0], movie("TYX"))
    assert stack.notes == ("the file does not name its axes: 3 pages taken as time",)


def test_two_samples_a_pixel_are_two_channels(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", movie("YXC"), photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(io.read(tmp_path / "a.tif").data, movie("CYX")[None])


def test_maximum_over_planes_is_lazy_and_noted(tmp_path):
    stack = io.read(ome(tmp_path / "a.ome.tif", "TCZYX"), z="max")
    np.testing.assert_array_equal(stack.data, movie("TCYX") + 300)
    assert stack.notes == ("maximum over 4 planes",)
    assert stack.data.numblocks[:2] == (3, 2)


def test_a_chosen_plane_is_noted_and_harmless_for_flat_images(tmp_path):
    assert io.read(ome(tmp_path / "a.ome.tif", "ZYX"), z=2).notes == ("plane 2 of 4",)
    flat = ome(tmp_path / "b.ome.tif", "TYX")
    for choice in (0, "max"):
        np.testing.assert_array_equal(io.read(flat, z=choice).data[:, 0], movie("TYX"))


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "storage",
    [
        {},
        {"compression": "zlib"},
        {"compression": "lzw", "predictor": True},
        {"tile": (16, 16)},
        {"rowsperstrip": 2},
    ],
    ids=["raw", "deflate", "lzw", "tiles", "strips"],
)
def test_any_storage_gives_the_same_pixels(tmp_path, storage, byteorder, big):
    options = {
        "metadata": {"axes": "TCYX"},
        "photometric": "minisblack",
        "byteorder": byteorder,
        "bigtiff": big,
    }
    tifffile.imwrite(tmp_path / "a.tif", movie("TCYX"), **options, **storage)
    stack = io.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(stack.data, movie("TCYX"))
    assert stack.data.chunksize == (1, 1, 6, 9)


def test_a_pyramid_is_read_at_full_size(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tiff:
        tiff.write(movie("TCYX"), subifds=1, tile=(16, 16), metadata={"axes": "TCYX"})
        tiff.write(movie("TCYX")[..., ::2, ::2], subfiletype=1, tile=(16, 16))
    np.testing.assert_array_equal(io.read(tmp_path / "a.ome.tif").data, movie("TCYX"))


def two_positions(path: Path) -> Path:
    with tifffile.TiffWriter(path, ome=True) as tiff:
        size = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1}
        tiff.write(movie("TYX"), photometric="minisblack", metadata={"axes": "TYX", "Name": "control"})
        tiff.write(
            movie("YX") + 7,
            photometric="minisblack",
            metadata={"axes": "YX", "Name": "drug", "Channel": {"Name": ["zyxin"]}, **size},
        )
    return path


def test_of_several_images_none_is_taken_silently(tmp_path):
    path = two_positions(tmp_path / "a.ome.tif")
    with pytest.raises(CellForceError, match=r"2 images: 0 \(control\), 1 \(drug\)") as caught:
        io.read(path)
    assert str(path / "0") in caught.value.remedy


def test_each_of_several_images_has_a_path_of_its_own(tmp_path):
    path = two_positions(tmp_path / "a.ome.tif")
    control, drug = (io.read(image) for image in io.images_in(path))
    np.testing.assert_array_equal(control.data[:, 0], movie("TYX"))
    np.testing.assert_array_equal(drug.data[0, 0], movie("YX") + 7)
    assert (control.name, drug.name) == ("a_0", "a_1")
    assert (control.pixel_size, micron_of(drug.pixel_size)) == (None, 0.1)
    assert drug.channel_names == ("zyxin",)
    assert io.detect_kind(path / "1") == "image"
    with pytest.raises(CellForceError, match=r"image 2 is not in .*it contains 2, counted from 0"):
        io.read(path / "2")


def test_a_file_with_one_image_is_its_own_only_one(tmp_path):
    path = ome(tmp_path / "a.ome.tif")
    assert io.images_in(path) == (path,)
    np.testing.assert_array_equal(io.read(path / "0").data, movie("TCYX"))


def test_pages_that_tifffile_wrote_one_by_one_are_one_movie(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for frame in movie("TYX"):
            tiff.write(frame, photometric="minisblack", contiguous=False)
    np.testing.assert_array_equal(io.read(tmp_path / "a.tif").data[:, 0], movie("TYX"))


@pytest.mark.parametrize(
    ("value", "unit", "micron"),
    [
        (0.17, "µm", 0.17),
        (0.17, None, 0.17),
        (170, "nm", 0.17),
        (1.7e-4, "mm", 0.17),
        (1.7e-5, "cm", 0.17),
        (0.17, "pixel", None),
        (0.17, "reference frame", None),
        (0, "µm", None),
    ],
)
def test_pixel_size_of_ome(tmp_path, value, unit, micron):
    sizes = {f"PhysicalSize{axis}": value for axis in "XY"}
    units = {} if unit is None else {f"PhysicalSize{axis}Unit": unit for axis in "XY"}
    found = io.read(ome(tmp_path / "a.ome.tif", **sizes, **units)).pixel_size
    assert micron_of(found) == about(micron)


def test_pixels_of_ome_need_not_be_square(tmp_path):
    path = ome(tmp_path / "a.ome.tif", PhysicalSizeX=0.2, PhysicalSizeY=0.1)
    assert io.read(path).pixel_size == PixelSize(0.1, 0.2, "file")


def test_half_a_pixel_size_is_none(tmp_path):
    assert io.read(ome(tmp_path / "a.ome.tif", PhysicalSizeX=0.2)).pixel_size is None


@pytest.mark.parametrize(
    ("unit", "per_unit", "micron"),
    [
        ("micron", 10, 0.1),
        ("\\u00B5m", 10, 0.1),
        ("um", 10, 0.1),
        ("nm", 0.01, 0.1),
        ("mm", 10_000, 0.1),
        ("cm", 100_000, 0.1),
        ("inch", 254_000, 0.1),
        ("inch", 72, None),
        ("pixel", 1, None),
        (None, 10, None),
    ],
)
def test_pixel_size_of_imagej(tmp_path, unit, per_unit, micron):
    metadata = {} if unit is None else {"unit": unit}
    found = io.read(imagej(tmp_path / "a.tif", resolution=per_unit, **metadata)).pixel_size
    assert micron_of(found) == about(micron)


@pytest.mark.parametrize(
    ("unit", "per_unit", "micron"),
    [
        ("CENTIMETER", 1e4 / 0.17, 0.17),
        ("INCH", 25400 / 0.17, 0.17),
        ("INCH", 72, None),
        ("INCH", 96, None),
        ("INCH", 300, None),
        ("INCH", 1200, None),
        ("CENTIMETER", 28.35, None),
        ("NONE", 5, None),
        ("NONE", 1, None),
    ],
)
def test_printers_resolutions_are_no_pixel_size(tmp_path, unit, per_unit, micron):
    tifffile.imwrite(tmp_path / "a.tif", movie("YX"), resolution=(per_unit, per_unit), resolutionunit=unit)
    found = io.read(tmp_path / "a.tif").pixel_size
    assert micron_of(found) == about(micron)


@pytest.mark.parametrize(
    ("metadata", "minutes"),
    [
        ({"TimeIncrement": 30}, 0.5),
        ({"TimeIncrement": 2, "TimeIncrementUnit": "min"}, 2),
        ({"TimeIncrement": 500, "TimeIncrementUnit": "ms"}, 0.5 / 60),
        ({"TimeIncrement": 2, "TimeIncrementUnit": "h"}, 120),
        ({"TimeIncrement": 6e6, "TimeIncrementUnit": "µs"}, 0.1),
        ({"TimeIncrement": 0}, None),
        ({}, None),
    ],
)
def test_frame_interval_of_ome(tmp_path, metadata, minutes):
    found = io.read(ome(tmp_path / "a.ome.tif", **metadata)).frame_interval
    assert found == about(minutes)


@pytest.mark.parametrize(
    ("taken", "minutes"),
    [([10, 130, 250.5], 2), ([0, 120, 360], None), ([0, 0, 0], None)],
    ids=["evenly", "unevenly", "all at once"],
)
def test_times_of_single_planes_tell_the_interval_if_they_are_even(tmp_path, taken, minutes):
    """As Bio-Formats writes it: each plane has its own time, here the second channel 5 s after the first."""
    times = [second + 5 * c for second in taken for c in range(2)]
    ome(tmp_path / "a.ome.tif", Plane={"DeltaT": times, "DeltaTUnit": ["s"] * len(times)})
    found = io.read(tmp_path / "a.ome.tif").frame_interval
    assert found == (None if minutes is None else pytest.approx(minutes, rel=0.01))


@pytest.mark.parametrize(
    ("unit", "minutes"),
    [("sec", 0.5), ("seconds", 0.5), ("msec", 0.5 / 1000), ("minutes", 30), ("hrs", 1800), ("frames", None)],
)
def test_units_of_time_as_people_type_them_in_fiji(tmp_path, unit, minutes):
    metadata = {"axes": "TYX", "finterval": 30, "tunit": unit}
    tifffile.imwrite(tmp_path / "a.tif", movie("TYX"), imagej=True, metadata=metadata)
    assert io.read(tmp_path / "a.tif").frame_interval == about(minutes)


def test_channel_names_of_ome(tmp_path):
    path = ome(tmp_path / "a.ome.tif", Channel={"Name": ["GFP zyxin µ", ""]})
    assert io.read(path).channel_names == ("GFP zyxin µ", "channel 1")
    assert io.read(ome(tmp_path / "b.ome.tif")).channel_names == ("channel 0", "channel 1")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["zyxin", "actin"] * 3, ("zyxin", "actin")),
        ([f"c:{c}/2 t:{t}/3 - cell.nd2" for t in (1, 2, 3) for c in (1, 2)], ("channel 0", "channel 1")),
        ([f"img_{i:03d}.tif" for i in range(6)], ("channel 0", "channel 1")),
        (["cell"] * 6, ("channel 0", "channel 1")),
    ],
    ids=["names", "Bio-Formats", "files", "all the same"],
)
def test_labels_of_imagej_are_names_only_if_they_are(tmp_path, labels, names):
    assert io.read(imagej(tmp_path / "a.tif", Labels=labels)).channel_names == names


def test_name_and_path_are_the_files(tmp_path):
    path = ome(tmp_path / "Zelle 7 µ.ome.tif")
    assert io.read(path).name == "Zelle 7 µ"
    assert io.read(str(path)).path == str(path)


def test_twenty_gigabytes_open_without_being_loaded(tmp_path):
    """A sparse file: the disk holds one frame of 5000."""
    path, shape = tmp_path / "long.tif", (5000, 1, 1400, 1500)
    memory = tifffile.memmap(path, shape=shape, dtype=np.uint16, metadata={"axes": "TCYX"}, bigtiff=True)
    assert path.stat().st_size > 20e9
    frame = np.arange(1400 * 1500, dtype=np.uint16).reshape(1400, 1500)
    memory[4321, 0] = frame
    memory.flush()
    del memory
    np.asarray(io.read(ome(tmp_path / "warm up.ome.tif")).data)
    tracemalloc.start()
    start = time.perf_counter()
    stack = io.read(path)
    opened, (_, peak_open) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    read = stack.frame(4321)
    _, peak_read = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(read[0], frame)
    assert opened < 5
    assert peak_open < 20e6
    assert peak_read < 60e6


def test_files_are_closed_with_their_stack_and_nothing_is_warned_of(tmp_path):
    path = ome(tmp_path / "a.ome.tif")
    process = psutil.Process()

    def is_open() -> bool:
        return str(path) in {file.path for file in process.open_files()}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stack = io.read(path)
        part = stack.data[1:]
        del stack
        gc.collect()
        np.testing.assert_array_equal(part, movie("TCYX")[1:])
        assert is_open()
        del part
        gc.collect()
    assert not is_open()


def test_a_refused_file_is_closed_at_once(tmp_path):
    path = ome(tmp_path / "a.ome.tif", "ZYX")
    with pytest.raises(CellForceError):
        io.read(path)
    assert str(path) not in {file.path for file in psutil.Process().open_files()}


def test_a_pickled_stack_opens_the_file_again(tmp_path):
    """As dask does to send work to other processes."""
    planes = pickle.loads(pickle.dumps(TiffPlanes(ome(tmp_path / "a.ome.tif"))))
    np.testing.assert_array_equal(planes[2, 1], movie("TCYX")[2, 1])


def test_frames_read_from_several_threads_are_right(tmp_path):
    data = np.random.default_rng(0).integers(0, 1000, (40, 2, 64, 80)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", data, compression="zlib", metadata={"axes": "TCYX"})
    read = io.read(tmp_path / "a.tif").data.compute(scheduler="threads", num_workers=8)
    np.testing.assert_array_equal(read, data)


@pytest.mark.parametrize("share", [0.02, 0.4, 0.9, 0.99])
@pytest.mark.parametrize("layout", ["one block", "page by page", "compressed", "OME"])
def test_a_file_cut_off_is_refused_at_opening(tmp_path, layout, share):
    path = tmp_path / "a.tif"
    data = np.random.default_rng(0).integers(0, 1000, (10, 30, 40)).astype(np.uint16)
    pages = {"contiguous": False, "metadata": None, "photometric": "minisblack"}
    if layout == "page by page":
        with tifffile.TiffWriter(path) as tiff:
            for plane in data:
                tiff.write(plane, **pages)
    elif layout == "OME":
        tifffile.imwrite(path, data, ome=True, compression="zlib", metadata={"axes": "TYX"})
    else:
        tifffile.imwrite(path, data, compression="zlib" if layout == "compressed" else None)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(CellForceError, match=r"wait|Copy it again|save it as TIFF"):
        io.read(path)


def test_every_beginning_of_a_file_is_refused_or_misses_nothing(tmp_path):
    """The last bytes repeat the resolution for the last page; all others are needed."""
    whole = imagej(tmp_path / "whole.tif", unit="micron", resolution=10).read_bytes()
    path = tmp_path / "part.tif"
    refused = 0
    for length in range(1, len(whole), 5):
        path.write_bytes(whole[:length])
        assert io.detect_kind(path) == "image"
        try:
            stack = io.read(path)
        except CellForceError:
            refused += 1
        else:
            np.testing.assert_array_equal(stack.data, movie("TCYX"))
            assert micron_of(stack.pixel_size) == pytest.approx(0.1)
    assert refused > 0.95 * len(whole) / 5


def test_only_our_own_words_are_said_of_a_broken_file(tmp_path, caplog):
    whole = ome(tmp_path / "a.ome.tif").read_bytes()
    (tmp_path / "b.ome.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CellForceError, match="incomplete"):
        io.read(tmp_path / "b.ome.tif")
    assert caplog.text == ""
    tifffile.logger().warning("what others do with it is heard")
    assert "is heard" in caplog.text


def test_a_plane_that_cannot_be_decoded_is_told_when_read(tmp_path):
    path = ome(tmp_path / "a.ome.tif")
    tifffile.imwrite(path, movie("TCYX"), compression="zlib", ome=True, metadata={"axes": "TCYX"})
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages[3].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 20)
    stack = io.read(path)
    stack.frame(0)
    with pytest.raises(CellForceError, match=r"a\.ome\.tif cannot be read"):
        stack.frame(1)


def test_a_file_of_a_set_alone_is_refused(tmp_path):
    """An OME-TIFF may name planes in other files, which tifffile would show as zeros."""
    path = ome(tmp_path / "a.ome.tif", "TYX")
    with tifffile.TiffFile(path) as tiff:
        xml = tiff.ome_metadata.replace('SizeT="3"', 'SizeT="5"').replace('PlaneCount="3"', 'PlaneCount="5"')
    tifffile.tiffcomment(path, xml.encode())
    with pytest.raises(CellForceError, match="incomplete"):
        io.read(path)


def text_file(path: Path) -> None:
    path.write_text("frame,force\n0,1\n")


def empty_file(path: Path) -> None:
    path.touch()


def missing_file(path: Path) -> None:
    pass


def empty_folder(path: Path) -> None:
    path.mkdir()


def folder_of_text(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("hello")


def colour(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((6, 9, 3), np.uint8), photometric="rgb")


def colour_in_planes(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((3, 6, 9), np.uint8), photometric="rgb", planarconfig="separate")


def complex_numbers(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((6, 9), np.complex64))


def only_a_beginning(path: Path) -> None:
    path.write_bytes(b"II*\0 as a TIFF")


def planes(path: Path) -> None:
    ome(path, "TCZYX")


def unnamed_axes(path: Path) -> None:
    tifffile.imwrite(path, movie("TCYX"), photometric="minisblack")


@pytest.mark.parametrize(
    ("make", "value", "rule", "remedy"),
    [
        (text_file, "is not a TIFF file", "TIFF, OME-TIFF and ImageJ", "Fiji"),
        (empty_file, "is empty (0 bytes)", "contain an image", "again"),
        (missing_file, "was not found", "it must exist", "Check the path"),
        (empty_folder, "contains no TIFF images", "t000.tif", "Choose one of the files"),
        (folder_of_text, "contains no TIFF images", "t000.tif", "Choose one of the files"),
        (colour, "is a colour (RGB) image", "one greyscale image per protein", "Split Channels"),
        (colour_in_planes, "is a colour (RGB) image", "one greyscale image per protein", "Split Channels"),
        (complex_numbers, "has values of type complex64", "real numbers", "another image"),
        (only_a_beginning, "contains no image", "at least one page", "Copy or export it again"),
        (planes, "has 4 planes (Z)", "a two-dimensional image is needed", "maximum projection"),
        (unnamed_axes, "has axes QQYX of length 3 x 2 x 6 x 9", "must be named", "Stack to Hyperstack"),
    ],
)
def test_bad_input_is_told_in_words(tmp_path, make, value, rule, remedy):
    path = tmp_path / "cell 7.tif"
    make(path)
    with pytest.raises(CellForceError) as caught:
        io.read(path)
    error = caught.value
    assert "cell 7.tif" in error.value
    assert value in error.value
    assert rule in error.rule
    assert remedy in error.remedy
    assert error.topic in {"input", "axes", "z"}


READ_AS_NOBODY = """
import os, sys
from napari_cellforce import io
from napari_cellforce.errors import CellForceError
if os.geteuid() == 0:
    os.seteuid(65534)
for path in sys.argv[1:]:
    try:
        print(io.detect_kind(path))
        io.read(path)
    except CellForceError as error:
        print(error)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are another matter there")
def test_what_may_not_be_read_is_left_to_others_and_told_when_asked_for():
    """In a process of its own, where root is nobody."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    image, sealed = ome(folder / "a.ome.tif"), folder / "sealed"
    sealed.mkdir()
    within = ome(sealed / "b.ome.tif")
    image.chmod(0), sealed.chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", READ_AS_NOBODY, image, sealed, within],
        capture_output=True,
        text=True,
        check=True,
    )
    sealed.chmod(0o755)
    shutil.rmtree(folder)
    said = done.stdout.splitlines()
    assert said[::2] == ["None"] * 3
    assert all("cannot be read" in line for line in said[1::2])


@pytest.mark.parametrize("plane", [4, -1])
def test_a_plane_out_of_range_is_told(tmp_path, plane):
    with pytest.raises(CellForceError, match="it has 4 planes, counted from 0") as caught:
        io.read(ome(tmp_path / "a.ome.tif", "ZYX"), z=plane)
    assert caught.value.topic == "z"


def test_kinds_are_told_apart(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").touch()
    np.save(tmp_path / "mask.npy", np.zeros((6, 9)))
    np.save(tmp_path / "frame_1.npy", np.zeros((8, 6, 6)))
    text_file(tmp_path / "text.tif")
    ome(tmp_path / "a.OME.TIF")
    kinds = {path.name: io.detect_kind(path) for path in tmp_path.iterdir()}
    assert kinds == {
        "folder": None,
        "notes.txt": None,
        "mask.npy": None,
        "frame_1.npy": "frame",
        "text.tif": "image",
        "a.OME.TIF": "image",
    }
    assert io.detect_kind(tmp_path) == "dataset"


def test_importing_loads_neither_torch_nor_napari_nor_what_takes_long():
    heavy = "{'torch', 'napari', 'qtpy', 'dask.array', 'zarr', 'pandas'}"
    code = f"import sys, napari_cellforce.io; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_real_cells_say_their_pixel_size_and_proteins(shared_data):
    """Two fibroblasts read off published figures; see the data folder's README."""
    moving, fixed = (io.read(shared_data / "real" / name) for name in ("11_cell_1.ome.tif", "cell_0.ome.tif"))
    assert moving.data.shape == (4, 1, 256, 256)
    assert moving.pixel_size == PixelSize(0.68, 0.68, "file")
    assert moving.channel_names == ("zyxin (normalised)",)
    assert fixed.data.shape == (1, 2, 527, 527)
    assert fixed.pixel_size is not None
    assert fixed.pixel_size.micron == pytest.approx(0.32, rel=0.01)
    assert fixed.channel_names == ("zyxin", "actin")


def test_real_masks_fit_their_cells(shared_data):
    """The mask of four frames is marked as a colour image by its TIFF tags, and yet is four frames."""
    mask = io.read_mask(shared_data / "real" / "11_cell_1_mask.tif", shape=(256, 256), frames=4)
    assert mask.data.shape == (4, 256, 256)
    assert 0.1 < mask.data.mean() < 0.3
