"""A microscope that writes one file a frame gives a folder, which is one movie."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_cellforce import io
from napari_cellforce.errors import CellForceError


def frame(value: int, shape: tuple[int, ...] = (6, 9)) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape) + np.uint16(100 * value)


def recorded(folder: Path, *names: str, shape: tuple[int, ...] = (6, 9), **options: object) -> Path:
    """Files in the order of `names`; the i-th holds `frame(i)`."""
    folder.mkdir(exist_ok=True)
    for value, name in enumerate(names):
        tifffile.imwrite(folder / name, frame(value, shape), photometric="minisblack", **options)
    return folder


def test_frames_follow_their_numbers_not_the_alphabet(tmp_path):
    folder = recorded(tmp_path / "cell 1", "t1.tif", "t2.tif", "t10.tif")
    stack = io.read(folder)
    np.testing.assert_array_equal(stack.data[:, 0], [frame(0), frame(1), frame(2)])
    assert (stack.name, stack.path) == ("cell 1", str(folder))
    assert stack.data.chunksize == (1, 1, 6, 9)


def test_channels_may_have_files_of_their_own(tmp_path):
    names = [f"cell_t{t:03d}_c{c}.tif" for t in range(3) for c in range(2)]
    stack = io.read(recorded(tmp_path / "a", *names))
    expected = np.array([[frame(2 * t + c) for c in range(2)] for t in range(3)])
    np.testing.assert_array_equal(stack.data, expected)
    np.testing.assert_array_equal(stack.frame(2, (1,)), expected[2, 1:])


def test_channels_and_planes_in_one_file_stay_what_they_are(tmp_path):
    folder = recorded(
        tmp_path / "a", "t0.tif", "t1.tif", shape=(2, 4, 6, 9), imagej=True, metadata={"axes": "ZCYX"}
    )
    stack = io.read(folder, z=1)
    np.testing.assert_array_equal(stack.data, [frame(t, (2, 4, 6, 9))[1] for t in range(2)])


def test_planes_may_have_files_of_their_own(tmp_path):
    names = [f"t{t}_z{z}.tif" for t in range(2) for z in range(3)]
    folder = recorded(tmp_path / "a", *names)
    assert io.read(folder, z="max").notes == ("maximum over 3 planes",)
    np.testing.assert_array_equal(io.read(folder, z=2).data[1, 0], frame(5))
    with pytest.raises(CellForceError, match="3 planes"):
        io.read(folder)


def test_pixel_size_and_names_come_from_the_first_file(tmp_path):
    folder = recorded(
        tmp_path / "a",
        "t0.ome.tif",
        "t1.ome.tif",
        shape=(2, 6, 9),
        metadata={
            "axes": "CYX",
            "PhysicalSizeX": 0.17,
            "PhysicalSizeY": 0.17,
            "Channel": {"Name": ["zyxin", "actin"]},
        },
    )
    stack = io.read(folder)
    assert stack.pixel_size is not None
    assert stack.pixel_size.micron == 0.17
    assert stack.channel_names == ("zyxin", "actin")


def test_a_gap_in_the_numbers_is_told(tmp_path):
    stack = io.read(recorded(tmp_path / "a", *(f"t{n}.tif" for n in (0, 5, 10, 25))))
    assert stack.n_frames == 4
    assert stack.notes == ("the frames 15, 20 are missing; the existing ones are taken as consecutive",)


def test_even_steps_are_no_gap(tmp_path):
    assert io.read(recorded(tmp_path / "a", *(f"t{n}.tif" for n in (0, 5, 10)))).notes == ()


@pytest.mark.parametrize(
    ("names", "certain"),
    [
        (("t0.tif", "t1.tif"), True),
        (("0001.tif", "0002.tif"), True),
        (("scan_frame_1.tif", "scan_frame_2.tif"), True),
        (("cell_1.tif", "cell_2.tif"), False),
        (("t0.tif",), False),
        (("t0.tif", "notes.tif"), False),
    ],
)
def test_only_numbers_that_are_called_time_make_a_folder_one_movie_unasked(tmp_path, names, certain):
    """`cell_1.tif` and `cell_2.tif` may be two cells: a batch keeps them apart."""
    assert io.detect_kind(recorded(tmp_path / "a", *names)) == ("image" if certain else None)


def test_a_folder_of_movies_is_not_one_movie(tmp_path):
    folder = recorded(tmp_path / "a", "t1.tif", "t2.tif", shape=(5, 6, 9), metadata={"axes": "TYX"})
    assert io.detect_kind(folder) is None
    with pytest.raises(CellForceError, match=r"t1.tif with 5 frames in one file"):
        io.read(folder)


def test_other_files_beside_do_no_harm(tmp_path):
    folder = recorded(tmp_path / "a", "t0.tif", "t1.tif")
    (folder / "metadata.txt").write_text("60x")
    tifffile.imwrite(folder / ".t2.tif", frame(2))
    assert io.read(folder).n_frames == 2


def test_a_frame_of_another_size_is_named(tmp_path):
    folder = recorded(tmp_path / "a", "t0.tif", "t1.tif")
    tifffile.imwrite(folder / "t2.tif", frame(2, (6, 10)))
    with pytest.raises(CellForceError, match=r"t2.tif is 6 x 10 pixels of uint16.*first is 6 x 9"):
        io.read(folder)


def test_a_frame_of_another_type_is_named(tmp_path):
    folder = recorded(tmp_path / "a", "t0.tif", "t1.tif")
    tifffile.imwrite(folder / "t2.tif", frame(2).astype(np.float32))
    with pytest.raises(CellForceError, match=r"t2.tif is .* of float32.*uint16"):
        io.read(folder)


def test_a_frame_that_changes_its_shape_but_not_its_length_is_told_when_it_is_read(tmp_path):
    folder = recorded(tmp_path / "a", "t0.tif", "t1.tif")
    tifffile.imwrite(folder / "t1.tif", frame(1, (9, 6)), photometric="minisblack")
    stack = io.read(folder)
    stack.frame(0)
    with pytest.raises(CellForceError, match=r"t1.tif is 9 x 6"):
        stack.frame(1)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("a1.tif", "b2.tif"), "2 patterns of names"),
        (("a1_b1.tif", "a2_b2.tif"), "names in which 2 numbers change"),
        (("t1.tif", "t01.tif"), "two files with the same number"),
        (("t1_xy1.tif", "t1_xy2.tif"), "several positions"),
        (("t0_c0.tif", "t0_c1.tif", "t1_c0.tif"), "no file for channel 1"),
    ],
)
def test_names_that_do_not_tell_are_refused_in_words(tmp_path, names, found):
    with pytest.raises(CellForceError, match=found):
        io.read(recorded(tmp_path / "a", *names))


def test_a_broken_frame_fails_alone(tmp_path):
    folder = recorded(tmp_path / "a", "t0.tif", "t1.tif", "t2.tif")
    whole = (folder / "t1.tif").read_bytes()
    (folder / "t1.tif").write_bytes(whole[: len(whole) // 2])
    stack = io.read(folder)
    np.testing.assert_array_equal(stack.frame(2)[0], frame(2))
    with pytest.raises(CellForceError, match=r"t1\.tif is incomplete"):
        stack.frame(1)


def test_an_ome_tiff_spread_over_files_is_read_by_its_own_account(tmp_path):
    """Every file has the same description of all; tifffile puts them together from any of them."""
    folder = tmp_path / "a"
    folder.mkdir()
    names = [f"t{t}.ome.tif" for t in range(3)]
    xml = tifffile.OmeXml()
    xml.addimage(np.uint16, (3, 6, 9), (3, 1, 1, 6, 9, 1), axes="TYX")
    text = xml.tostring()
    planes = "".join(
        f'<TiffData IFD="0" FirstT="{t}" PlaneCount="1">'
        f'<UUID FileName="{name}">urn:uuid:{t:08d}-0000-0000-0000-000000000000</UUID></TiffData>'
        for t, name in enumerate(names)
    )
    start, end = text.index("<TiffData"), text.index("</Pixels>")
    for t, name in enumerate(names):
        described = text[:start] + planes + text[end:]
        described = described.replace(
            text[text.index('UUID="') : text.index('"', text.index('UUID="') + 6) + 1],
            f'UUID="urn:uuid:{t:08d}-0000-0000-0000-000000000000"',
        )
        tifffile.imwrite(
            folder / name, frame(t), photometric="minisblack", description=described, metadata=None
        )
    np.testing.assert_array_equal(io.read(folder).data[:, 0], [frame(t) for t in range(3)])


def test_the_stack_travels_to_other_processes(tmp_path):
    stack = io.read(recorded(tmp_path / "a", "t0.tif", "t1.tif"))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(stack)).data, stack.data)
