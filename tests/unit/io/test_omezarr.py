"""OME-Zarr as others write it, and as we do: read on demand, written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from napari_cellforce import io
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import ImageStack, PixelSize, Provenance, VectorField
from napari_cellforce.io import omezarr

LENGTHS = {"t": 3, "c": 2, "z": 4, "y": 6, "x": 9}
UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "nanometer"}
SCALES = {"t": 90.0, "c": 1.0, "z": 2.0, "y": 0.1, "x": 200.0}


def movie(axes: str) -> np.ndarray:
    """Every value tells its own place: digits are t, c, z, y, x."""
    places = np.indices([LENGTHS[axis] for axis in axes])
    weights = {"t": 10000, "c": 1000, "z": 100, "y": 10, "x": 1}
    return sum(weights[axis] * place for axis, place in zip(axes, places, strict=True)).astype(np.uint16)


def described(axes: str, version: str) -> dict[str, Any]:
    kinds = {"t": "time", "c": "channel"}
    named = [
        {"name": axis, "type": kinds.get(axis, "space")} | ({"unit": UNITS[axis]} if axis in UNITS else {})
        for axis in axes
    ]
    levels = [
        {
            "path": f"scale{level}",
            "coordinateTransformations": [{"type": "scale", "scale": [SCALES[axis] for axis in axes]}],
        }
        for level in range(2)
    ]
    scales = {"axes": named, "datasets": levels, "name": "cell"}
    channels = {"channels": [{"label": "zyxin"}, {"label": "actin"}]}
    if version == "0.5":
        return {"ome": {"version": "0.5", "multiscales": [scales], "omero": channels}}
    return {"multiscales": [{**scales, "version": version}], "omero": channels}


def image(path: Path, axes: str = "tcyx", version: str = "0.5", **chunked: Any) -> Path:
    """An image of two resolutions, as ome-zarr-py and bioformats2raw write them."""
    zarr_format = 3 if version == "0.5" else 2
    group = zarr.create_group(path, zarr_format=zarr_format, attributes=described(axes, version))
    chunks = chunked.get("chunks") or (1,) * (len(axes) - 2) + (4, 4)
    full = group.create_array("scale0", shape=movie(axes).shape, dtype=np.uint16, chunks=chunks)
    full[...] = movie(axes)
    half = group.create_array("scale1", shape=movie(axes)[..., ::2, ::2].shape, dtype=np.uint16)
    half[...] = movie(axes)[..., ::2, ::2]
    return path


def attributes(path: Path) -> dict[str, Any]:
    return json.loads((path / "zarr.json").read_text())["attributes"]


def set_attributes(path: Path, entries: dict[str, Any]) -> None:
    whole = json.loads((path / "zarr.json").read_text())
    (path / "zarr.json").write_text(json.dumps({**whole, "attributes": entries}))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", ["tcyx", "ctyx", "yx", "cyx", "tyx", "tzcyx", "xyct"])
def test_axes_in_any_order_and_both_versions(tmp_path, axes, version):
    stack = io.read(image(tmp_path / "a.ome.zarr", axes, version), z=1 if "z" in axes else None)
    expected = movie("tcyx")[: LENGTHS["t"] if "t" in axes else 1, : LENGTHS["c"] if "c" in axes else 1]
    np.testing.assert_array_equal(stack.data, expected + (100 if "z" in axes else 0))
    assert stack.pixel_size == PixelSize(0.1, 0.2, "file")
    assert stack.frame_interval == (1.5 if "t" in axes else None)
    assert stack.channel_names[0] == "zyxin"
    assert stack.name == "a"


def test_a_plane_is_read_at_a_time_however_it_is_stored(tmp_path):
    for name, chunks in {"tiles": (1, 1, 4, 4), "blocks": (3, 2, 6, 9)}.items():
        stack = io.read(image(tmp_path / f"{name}.zarr", chunks=chunks))
        assert stack.data.chunksize == (1, 1, 6, 9)
        np.testing.assert_array_equal(stack.frame(2, (1,)), movie("tcyx")[2, 1:])


def test_the_scale_of_all_resolutions_counts_too(tmp_path):
    path = image(tmp_path / "a.zarr")
    entries = attributes(path)
    scale = {"type": "scale", "scale": [1, 1, 2, 2]}
    entries["ome"]["multiscales"][0]["coordinateTransformations"] = [scale]
    set_attributes(path, entries)
    assert io.read(path).pixel_size == PixelSize(0.2, 0.4, "file")


def test_without_a_unit_there_is_no_pixel_size(tmp_path):
    path = image(tmp_path / "a.zarr")
    entries = attributes(path)
    for axis in entries["ome"]["multiscales"][0]["axes"]:
        axis.pop("unit", None)
    set_attributes(path, entries)
    stack = io.read(path)
    assert (stack.pixel_size, stack.frame_interval) == (None, None)


def test_the_stack_travels_to_other_processes(tmp_path):
    stack = io.read(image(tmp_path / "a.zarr"))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(stack)).data, movie("tcyx"))


def test_a_missing_chunk_is_the_fill_value(tmp_path):
    path = image(tmp_path / "a.zarr", chunks=(1, 1, 6, 9))
    (path / "scale0" / "c" / "1" / "1" / "0" / "0").unlink()
    expected = movie("tcyx")
    expected[1, 1] = 0
    np.testing.assert_array_equal(io.read(path).data, expected)


def test_a_damaged_chunk_fails_in_words_and_alone(tmp_path):
    path = image(tmp_path / "a.zarr", chunks=(1, 1, 6, 9))
    (path / "scale0" / "c" / "1" / "1" / "0" / "0").write_bytes(b"not compressed")
    stack = io.read(path)
    np.testing.assert_array_equal(stack.frame(0), movie("tcyx")[0])
    with pytest.raises(CellForceError, match="must be complete and intact"):
        stack.frame(1)


def several(path: Path) -> Path:
    """Two images in one, in the layout of bioformats2raw."""
    zarr.create_group(path, zarr_format=2, attributes={"bioformats2raw.layout": 3})
    for series in ("0", "1"):
        image(path / series, version="0.4")
    return path


def test_each_of_several_images_has_a_path_of_its_own(tmp_path):
    path = several(tmp_path / "a.zarr")
    with pytest.raises(CellForceError, match=r"2 images: 0 \(cell\), 1 \(cell\)"):
        io.read(path)
    first, second = io.images_in(path)
    assert (first, second) == (path / "0", path / "1")
    np.testing.assert_array_equal(io.read(second).data, movie("tcyx"))
    assert io.read(second).name == "a_1"


def plate(path: Path) -> Path:
    wells = [
        {"path": "A/1", "rowIndex": 0, "columnIndex": 0},
        {"path": "A/2", "rowIndex": 0, "columnIndex": 1},
    ]
    zarr.create_group(path, zarr_format=3, attributes={"ome": {"version": "0.5", "plate": {"wells": wells}}})
    for well in ("A/1", "A/2"):
        zarr.create_group(
            path / well,
            zarr_format=3,
            attributes={"ome": {"version": "0.5", "well": {"images": [{"path": "0"}]}}},
        )
        image(path / well / "0")
    return path


def test_of_a_plate_a_well_is_asked_for(tmp_path):
    path = plate(tmp_path / "p.zarr")
    with pytest.raises(CellForceError, match="plate of 2 wells") as caught:
        io.read(path)
    assert str(path / "A/1/0") in caught.value.remedy
    assert io.images_in(path) == (path / "A/1/0", path / "A/2/0")
    np.testing.assert_array_equal(io.read(path / "A/1").data, movie("tcyx"))
    assert io.read(path / "A/2/0").name == "p_A_2_0"


def no_multiscales(path: Path) -> None:
    zarr.create_group(path)


def empty_folder(path: Path) -> None:
    path.mkdir()


def bare_array(path: Path) -> None:
    zarr.create_array(path, shape=(6, 9), dtype=np.uint16)


def labels_only(path: Path) -> None:
    zarr.create_group(path)
    zarr.create_group(path / "labels", attributes={"ome": {"labels": ["cells"]}})


def one_above(path: Path) -> None:
    zarr.create_group(path)
    image(path / "inner")


def odd_axis(path: Path) -> None:
    image(path)
    entries = attributes(path)
    entries["ome"]["multiscales"][0]["axes"][0]["name"] = "lifetime"
    set_attributes(path, entries)


def no_resolution(path: Path) -> None:
    image(path)
    entries = attributes(path)
    entries["ome"]["multiscales"][0]["datasets"] = []
    set_attributes(path, entries)


def lost_resolution(path: Path) -> None:
    image(path)
    entries = attributes(path)
    entries["ome"]["multiscales"][0]["datasets"][0]["path"] = "elsewhere"
    set_attributes(path, entries)


def too_few_axes(path: Path) -> None:
    image(path)
    entries = attributes(path)
    scales = entries["ome"]["multiscales"][0]
    scales["axes"] = scales["axes"][1:]
    scales["datasets"][0]["coordinateTransformations"][0]["scale"].pop()
    set_attributes(path, entries)


def torn_metadata(path: Path) -> None:
    image(path)
    (path / "zarr.json").write_text('{"attributes": {"ome"')


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (no_multiscales, "is not an OME-Zarr"),
        (empty_folder, "is not an OME-Zarr"),
        (bare_array, "without OME metadata"),
        (labels_only, "only labels"),
        (one_above, "it contains inner"),
        (odd_axis, "axes lifetime, c, y, x"),
        (no_resolution, "multiscales of .* are damaged"),
        (lost_resolution, "cannot be read"),
        (too_few_axes, "has the axes CYX and an array of 3 x 2 x 6 x 9"),
        (torn_metadata, "cannot be read"),
    ],
)
def test_bad_input_is_told_in_words(tmp_path, make, found):
    make(tmp_path / "bad.zarr")
    assert io.detect_kind(tmp_path / "bad.zarr") == "image"
    with pytest.raises(CellForceError, match=found) as caught:
        io.read(tmp_path / "bad.zarr")
    assert caught.value.remedy


# What we write


def lopsided_field(masked: bool = True) -> VectorField:
    """Every value tells its place; frame 1 is missing, as after a stop."""
    data = np.arange(2 * 2 * 6 * 9, dtype=np.float32).reshape(2, 2, 6, 9) / 7
    mask = data[:, 0] > 3 if masked else None
    made = Provenance(model="m", settings={"samples": 2}, input_file="/home/µ/a.tif")
    return VectorField(
        data, "traction", "Pa", PixelSize(0.17, 0.19, "typed"), 1.5, (0, 2), mask, "cell", made
    )


@pytest.mark.parametrize("masked", [True, False])
def test_a_field_comes_back_equal(tmp_path, masked):
    field = lopsided_field(masked)
    path = io.write_field(tmp_path / "a.ome.zarr", field)
    back = io.read_field(path)
    assert io.detect_kind(path) == "field"
    np.testing.assert_array_equal(back.data, field.data)
    assert back.data.dtype == np.float32
    if field.mask is None:
        assert back.mask is None
    else:
        np.testing.assert_array_equal(back.mask, field.mask)
    for name in ("quantity", "unit", "pixel_size", "frame_interval", "frames", "name", "provenance"):
        assert getattr(back, name) == getattr(field, name)


def test_what_we_write_is_valid_to_others(tmp_path):
    """ome-zarr-models checks every entry against the specification; ome-zarr-py reads it."""
    models = pytest.importorskip("ome_zarr_models")
    reader = pytest.importorskip("ome_zarr.reader")
    ome_io = pytest.importorskip("ome_zarr.io")
    field = lopsided_field()
    path = io.write_field(tmp_path / "a.ome.zarr", field)
    for inner in ("", "labels", "labels/mask"):
        models.open_ome_zarr(zarr.open_group(path / inner, mode="r"))
    nodes = [node for node in reader.Reader(ome_io.parse_url(str(path)))() if node.data]
    np.testing.assert_array_equal(nodes[0].data[0], field.data)
    np.testing.assert_array_equal(nodes[1].data[0][:, 0], field.mask)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_image_comes_back_equal_in_both_versions(tmp_path, version):
    models = pytest.importorskip("ome_zarr_models")
    stack = ImageStack(movie("tcyx"), ("zyxin", "actin"), PixelSize(0.1, 0.2), 2.5, "a")
    path = omezarr.write_stack(tmp_path / "a.zarr", stack, version=version)
    back = io.read(path)
    np.testing.assert_array_equal(back.data, stack.data)
    assert back.data.dtype == np.uint16
    assert (back.channel_names, back.pixel_size, back.frame_interval) == (
        ("zyxin", "actin"),
        stack.pixel_size,
        2.5,
    )
    checked = models.open_ome_zarr(zarr.open_group(path, mode="r"))
    assert type(checked).__module__.endswith(f"v{version.replace('.', '')}.image")


def test_an_image_without_scales_comes_back_without_them(tmp_path):
    back = io.read(io.write_stack(tmp_path / "a.zarr", ImageStack(movie("tcyx"), ("a", "b"))))
    assert (back.pixel_size, back.frame_interval) == (None, None)


def test_a_field_is_refused_as_an_image(tmp_path):
    path = io.write_field(tmp_path / "a.zarr", lopsided_field())
    with pytest.raises(CellForceError, match="holds a traction or displacement field"):
        io.read(path)
    with pytest.raises(CellForceError, match="is not a field written by"):
        io.read_field(image(tmp_path / "b.zarr"))


def writer(path: Path) -> Any:
    return io.field_writer(path)(
        path, quantity="traction", unit="Pa", pixel_size=PixelSize(1, 1), shape=(6, 9)
    )


def test_the_frames_before_a_failure_are_kept(tmp_path):
    field = lopsided_field()
    with contextlib.suppress(RuntimeError), writer(tmp_path / "a.zarr") as out:
        out.append(0, field.data[0])
        out.append(4, field.data[1])
        raise RuntimeError
    back = io.read_field(tmp_path / "a.zarr")
    assert back.frames == (0, 4)
    np.testing.assert_array_equal(back.data, field.data)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr"]


def test_without_a_frame_nothing_appears_and_a_former_result_stays(tmp_path):
    before = io.write_field(tmp_path / "a.zarr", lopsided_field())
    with pytest.raises(RuntimeError), writer(before):
        raise RuntimeError
    assert io.read_field(before).frames == (0, 2)
    with writer(tmp_path / "b.zarr"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr"]


def test_a_new_result_replaces_the_former_whole(tmp_path):
    path = io.write_field(tmp_path / "a.zarr", lopsided_field())
    with writer(path) as out:
        out.append(7, lopsided_field().data[0])
        assert io.read_field(path).frames == (0, 2)  # until the block ends
    assert io.read_field(path).frames == (7,)
    assert io.read_field(path).mask is None
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.zarr"]


def test_a_full_disk_keeps_the_frames_before(tmp_path, full_disk):
    """Noise does not compress: a plane is larger than what a file may hold."""
    noise = np.random.default_rng(0).normal(size=(2, 6, 9)).astype(np.float32)
    big = np.random.default_rng(0).normal(size=(2, 200, 200)).astype(np.float32)
    path = tmp_path / "a.zarr"
    made = io.OmeZarrWriter(
        path, quantity="traction", unit="Pa", pixel_size=PixelSize(1, 1), shape=(200, 200)
    )
    assert noise.nbytes < 20_000 < big[0].nbytes
    with made as out:
        out.append(0, np.zeros_like(big))
        with full_disk(20_000), pytest.raises(CellForceError, match=r"frame 1 .*the 1 before it are kept"):
            out.append(1, big)
    back = io.read_field(path)
    assert back.frames == (0,)
    np.testing.assert_array_equal(back.data, np.zeros_like(big)[None])


def test_a_disk_full_from_the_start_is_told_and_nothing_stays(tmp_path, full_disk):
    with (
        full_disk(10),
        pytest.raises(CellForceError, match=r"cannot write .*a\.zarr"),
        writer(tmp_path / "a.zarr"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
