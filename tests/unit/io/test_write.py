"""What is written can be read by others and by us, exactly; a stop or a full disk keeps what was done."""

from __future__ import annotations

import errno
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_cellforce import io
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import ImageStack, Mask, PixelSize, Provenance, ScalarField, VectorField

SHAPE = (6, 9)
SIZE = PixelSize(0.17, 0.19, "typed")


def lopsided(n_frames: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """A field no two axes or components of which can be swapped unnoticed, with the hardest of floats."""
    t, c, y, x = np.indices((n_frames, 2, *shape)).astype(np.float32)
    field = np.exp(t / 7) * (1 + 10 * c) + y / 3 - x**2 / 11
    field[0, 0, 0, :4] = [np.nan, np.inf, -0.0, np.float32(1e-45)]
    return field.astype(np.float32)


def a_field(n_frames: int = 3, **changes: Any) -> VectorField:
    provenance = Provenance(
        model="sheet",
        settings={"µ": [1, 0.1], "note": '<&"> ]]>'},
        input_file="/daten/Zelle 7 µ.tif",
        date="2024-01-02",
    )
    entries = {"frame_interval": 1 / 3, "name": "Zelle µ", "provenance": provenance} | changes
    return VectorField(lopsided(n_frames), "traction", "Pa", SIZE, **entries)


def assert_equal(read: VectorField, written: VectorField) -> None:
    np.testing.assert_array_equal(
        np.asarray(read.data).view(np.uint32), np.asarray(written.data).view(np.uint32)
    )
    for entry in ("quantity", "unit", "pixel_size", "frame_interval", "frames", "name", "provenance"):
        assert getattr(read, entry) == getattr(written, entry), entry
    if written.mask is None:
        assert read.mask is None
    else:
        np.testing.assert_array_equal(np.asarray(read.mask), written.mask)


def writer(path: Path, **changes: Any) -> io.FieldWriter:
    entries = {"quantity": "traction", "unit": "Pa", "pixel_size": SIZE, "shape": SHAPE} | changes
    return io.FieldWriter(path, **entries)


def fill(path: Path, frames: Any, masks: Any = None, then: Any = None, **changes: Any) -> None:
    """Write frames 0, 1, ... and then do something while the file is still open."""
    with writer(path, shape=frames[0].shape[1:], **changes) as out:
        for t, frame in enumerate(frames):
            out.append(t, frame, None if masks is None else masks[t])
        if then is not None:
            then(out)


def fail(out: io.FieldWriter) -> None:
    raise ZeroDivisionError


def incompressible(shape: tuple[int, int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)


@pytest.mark.parametrize("n_frames", [1, 3])
@pytest.mark.parametrize("masked", ["no mask", "the same mask", "a mask a frame"])
def test_a_field_comes_back_as_it_was(tmp_path, n_frames, masked):
    mask = None
    if masked != "no mask":
        mask = np.zeros((n_frames, *SHAPE), bool)
        mask[:, 1:3, 2:7] = True
        mask[0, 0, 0] = masked == "a mask a frame"
    field = a_field(n_frames, mask=mask)
    path = io.write_field(tmp_path / "Ordner mit Leerzeichen" / "Kräfte µ.ome.tif", field)
    assert io.is_field(path)
    assert io.detect_kind(path) == "field"
    assert_equal(io.read_field(path), field)


def test_displacements_frames_and_missing_interval_come_back_too(tmp_path):
    field = VectorField(lopsided(2), "displacement", "µm", PixelSize(1 / 3, 1e-2, "model"), frames=(4, 17))
    assert_equal(io.read_field(io.write_field(tmp_path / "u.ome.tif", field)), field)


def test_an_input_path_that_is_not_unicode_survives(tmp_path):
    provenance = Provenance(input_file=b"/daten/\xff\x01.tif".decode(errors="surrogateescape"))
    field = a_field(name="\x01 \ud800", provenance=provenance)
    assert io.read_field(io.write_field(tmp_path / "f.ome.tif", field)).provenance == provenance


def test_reading_a_field_is_lazy(tmp_path):
    field = io.read_field(io.write_field(tmp_path / "f.ome.tif", a_field()))
    assert field.data.chunks == ((1, 1, 1), (1, 1), (6,), (9,))


def test_other_programs_find_axes_sizes_and_names(tmp_path):
    field = a_field(mask=np.ones((3, *SHAPE), bool))
    path = io.write_field(tmp_path / "f.ome.tif", field)
    np.testing.assert_array_equal(tifffile.imread(path), field.data)
    with tifffile.TiffFile(path) as tiff:
        pixels = ElementTree.fromstring(tiff.ome_metadata).find("{*}Image/{*}Pixels")
        assert tiff.series[0].axes == "TCYX"
        assert tiff.series[1].shape == SHAPE
        pixels_per_cm = tiff.pages[0].tags.valueof("XResolution")
        assert pixels_per_cm[1] / pixels_per_cm[0] * 1e4 == pytest.approx(0.19, rel=1e-6)
        assert not tiff.is_bigtiff
    assert (pixels.get("PhysicalSizeY"), pixels.get("PhysicalSizeX")) == ("0.17", "0.19")
    assert (pixels.get("PhysicalSizeXUnit"), pixels.get("TimeIncrementUnit")) == ("µm", "min")
    names = [channel.get("Name") for channel in pixels.findall("{*}Channel")]
    assert names == ["traction_y [Pa]", "traction_x [Pa]"]


def test_a_single_frame_keeps_its_time_axis_for_those_who_ask(tmp_path):
    """tifffile leaves out axes of length 1 of any OME-TIFF unless told otherwise."""
    path = io.write_field(tmp_path / "f.ome.tif", a_field(1))
    assert tifffile.imread(path).shape == (2, *SHAPE)
    assert tifffile.imread(path, squeeze=False).shape == (1, 2, 1, *SHAPE, 1)
    assert io.read_field(path).data.shape == (1, 2, *SHAPE)


def test_a_stop_keeps_the_frames_before_it(tmp_path):
    field, path = a_field(5), tmp_path / "f.ome.tif"

    def job() -> Iterator[int]:
        with writer(path, n_frames=5) as out:
            for t in range(5):
                out.append(t + 10, field.data[t])
                yield t

    running = job()
    next(running), next(running)
    assert list(tmp_path.glob("*.ome.tif")) == []
    running.close()
    read = io.read_field(path)
    assert read.frames == (10, 11)
    np.testing.assert_array_equal(read.data, field.data[:2])


def test_an_error_is_passed_on_and_keeps_the_frames_before_it(tmp_path):
    path = tmp_path / "f.ome.tif"
    with pytest.raises(ZeroDivisionError):
        fill(path, lopsided(1), then=fail)
    assert io.read_field(path).frames == (0,)


def test_without_a_frame_nothing_appears_and_the_former_file_stays(tmp_path):
    path = tmp_path / "f.ome.tif"
    with writer(path):
        pass
    assert list(tmp_path.iterdir()) == []
    io.write_field(path, a_field())
    with pytest.raises(KeyboardInterrupt), writer(path):
        raise KeyboardInterrupt
    assert io.read_field(path).data.shape[0] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["f.ome.tif"]


def test_provenance_may_be_completed_while_frames_arrive(tmp_path):
    def complete(out: io.FieldWriter) -> None:
        out.provenance = Provenance(settings={"baseline": "of the frames so far"})

    fill(tmp_path / "f.ome.tif", lopsided(1), then=complete)
    assert io.read_field(tmp_path / "f.ome.tif").provenance.settings["baseline"] == "of the frames so far"


def test_unknown_length_is_written_as_bigtiff(tmp_path):
    path = tmp_path / "f.ome.tif"
    fill(path, lopsided(1))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff


def test_four_gigabytes_are_written_as_bigtiff(tmp_path):
    path, shape = tmp_path / "f.ome.tif", (1000, 1000)
    fill(path, np.zeros((1, 2, *shape), np.float32), n_frames=500)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path):
    """60 frames of 80 kB pass through less than a quarter of their size."""
    frame, mask = incompressible((100, 100), 0), np.eye(100, dtype=bool)
    tracemalloc.start()
    with writer(tmp_path / "f.ome.tif", shape=(100, 100)) as out:
        for t in range(60):
            out.append(t, frame, np.roll(mask, t, axis=0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 * frame.nbytes / 4
    assert io.read_field(tmp_path / "f.ome.tif").data.shape[0] == 60


@pytest.mark.parametrize("n_frames", [None, 4])
def test_a_full_disk_keeps_the_frames_before_it(tmp_path, full_disk, n_frames):
    """The third frame does not fit and is cut off; the file is as if the job had stopped after the second."""
    path, shape = tmp_path / "f.ome.tif", (100, 120)
    frames = [incompressible(shape, seed) for seed in range(4)]
    mask = np.eye(*shape, dtype=bool)
    limit = 300_000 if n_frames is None else 230_000
    with full_disk(limit), pytest.raises(CellForceError) as caught:
        fill(path, frames, [mask] * 4, n_frames=n_frames)
    assert "frame 2 of" in caught.value.value
    assert "the 2 before it are kept" in caught.value.value
    read = io.read_field(path)
    assert read.frames == (0, 1)
    np.testing.assert_array_equal(np.asarray(read.data), frames[:2])
    np.testing.assert_array_equal(read.mask, [mask, mask])
    assert [p.name for p in tmp_path.iterdir()] == ["f.ome.tif"]


def test_masks_that_do_not_fit_any_more_are_left_out_with_a_warning(tmp_path, full_disk):
    path, shape = tmp_path / "f.ome.tif", (100, 120)
    rng = np.random.default_rng(0)
    frames = [incompressible(shape, seed) for seed in range(2)]
    masks = [rng.random(shape) < 0.5 for _ in frames]
    fill(path, frames, n_frames=2)
    with full_disk(path.stat().st_size + 1000), pytest.warns(CellForceWarning, match="masks are not in"):
        fill(path, frames, masks, n_frames=2)
    read = io.read_field(path)
    assert read.mask is None
    np.testing.assert_array_equal(np.asarray(read.data), frames)


def test_a_path_below_a_file_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "in the way").write_text("")
    with pytest.raises(CellForceError) as caught, writer(tmp_path / "in the way" / "f.ome.tif"):
        pytest.fail("nothing may be computed for a place that cannot be written")
    assert caught.value.topic == "output"


def test_a_read_only_disk_is_told(tmp_path, monkeypatch):
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(CellForceError, match="read-only"):
        io.write_field(tmp_path / "f.ome.tif", a_field())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda out: out.append(0, lopsided(1)[0]),
        lambda out: out.append(1, lopsided(1)[0].transpose(0, 2, 1)),
        lambda out: out.append(1, lopsided(1)[0], np.ones(SHAPE, bool)),
    ],
    ids=["the same frame twice", "turned", "a mask from the second frame on"],
)
def test_mistakes_of_the_caller_are_value_errors(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"frame|expected"):
        fill(tmp_path / "f.ome.tif", lopsided(1), then=wrong)
    assert io.read_field(tmp_path / "f.ome.tif").frames == (0,)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("n_frames", [1, 4])
def test_an_image_stack_comes_back(tmp_path, n_frames, dtype):
    data = np.arange(n_frames * 2 * 5 * 7).reshape(n_frames, 2, 5, 7).astype(dtype)
    stack = ImageStack(data, ("zyxin", "actin µ"), PixelSize(0.1, 0.2), 0.5)
    read = io.read(io.write_stack(tmp_path / "cell 1.ome.tif", stack))
    np.testing.assert_array_equal(read.data, data)
    assert read.data.dtype == dtype
    assert (read.channel_names, read.frame_interval, read.name) == (("zyxin", "actin µ"), 0.5, "cell 1")
    assert read.pixel_size == PixelSize(0.1, 0.2, "file")


def test_an_image_stack_without_pixel_size_gets_none(tmp_path):
    stack = ImageStack(np.ones((1, 1, 4, 5), np.int64), ("zyxin",))
    read = io.read(io.write_stack(tmp_path / "a.tif", stack))
    assert read.pixel_size is None
    assert read.data.dtype == np.float32


def test_a_mask_comes_back(tmp_path):
    data = np.zeros((4, 5, 7), bool)
    data[1, 2, 3] = True
    path = io.write_mask(tmp_path / "mask.ome.tif", Mask(data), SIZE)
    np.testing.assert_array_equal(io.read_mask(path, shape=(5, 7), frames=4).data, data)
    assert tifffile.imread(path).max() == 255


def test_a_scalar_field_has_unit_and_provenance(tmp_path):
    data = lopsided(2)[:, 1]
    field = ScalarField(data, "uncertainty", "Pa", SIZE, 2.0, Provenance(model="sheet"))
    path = io.write_scalar(tmp_path / "s.ome.tif", field)
    stack = io.read(path)
    np.testing.assert_array_equal(stack.data[:, 0], data)
    assert stack.channel_names == ("uncertainty [Pa]",)
    with tifffile.TiffFile(path) as tiff:
        value = ElementTree.fromstring(tiff.ome_metadata).findtext(".//{*}CommentAnnotation/{*}Value")
    assert Provenance.from_json(value).model == "sheet"


def test_a_table_comes_back(tmp_path):
    table = pd.DataFrame({"frame": [0, 1], "total force [nN]": [1.5, 2.25], "Zelle": ["µ", "a,b"]})
    path = io.write_table(tmp_path / "t.csv", table)
    pd.testing.assert_frame_equal(pd.read_csv(path), table)
    assert path.read_bytes().startswith("frame,total force [nN],Zelle\n0,1.5,µ\n".encode())


def test_a_field_is_no_image_and_an_image_no_field(tmp_path):
    field = io.write_field(tmp_path / "f.ome.tif", a_field())
    image = io.write_stack(tmp_path / "i.ome.tif", ImageStack(np.ones((1, 2, 4, 5)), ("a", "b"), SIZE))
    with pytest.raises(CellForceError, match="image of a protein is needed"):
        io.read(field)
    with pytest.raises(CellForceError, match="not a field written by"):
        io.read_field(image)


def test_no_warning_and_no_open_file_is_left(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        io.write_field(tmp_path / "f.ome.tif", a_field())
        np.asarray(io.read_field(tmp_path / "f.ome.tif").data)


@pytest.mark.parametrize(
    ("name", "unit"), [("uncertainty", "Pa"), ("phi", ""), ("phi [a]", "Pa·µm"), ("a b", "")]
)
def test_a_scalar_field_comes_back_with_its_name_and_unit(tmp_path, name, unit):
    values = np.random.default_rng(0).normal(size=(2, 6, 9)).astype(np.float32)
    path = io.write_scalar(tmp_path / "a.ome.tif", ScalarField(values, name, unit, PixelSize(0.5, 0.5)))
    back = io.read_scalar(path)
    assert (back.name, back.unit) == (name, unit)
    np.testing.assert_array_equal(back.data, values)
