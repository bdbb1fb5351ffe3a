"""The package as a library: arrays in, tractions out, and objects that print and compare as one expects."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re

import dask.array as da
import numpy as np
import pytest

import napari_cellforce
from napari_cellforce import io
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import (
    FrameResult,
    ImageStack,
    Mask,
    PixelSize,
    ScalarField,
    ShortRepr,
    VectorField,
)
from napari_cellforce.predict import predict
from napari_cellforce.zoo import load_predictor

FILTER = "adhesion-filter"


@pytest.fixture(scope="module")
def movie() -> np.ndarray:
    """A disk with bright spots at its rim, two frames, ``(T, Y, X)``."""
    y, x = np.mgrid[:64, :64] - 32.0
    image = np.where(np.hypot(y, x) < 22, 300.0, 50.0)
    for angle in np.linspace(0, 2 * np.pi, 7)[:-1]:
        image += 900 * np.exp(-((y - 18 * np.sin(angle)) ** 2 + (x - 18 * np.cos(angle)) ** 2) / 8)
    return np.random.default_rng(2).poisson(np.stack([image, 0.9 * image])).astype(np.uint16)


class TestFromArray:
    @pytest.mark.parametrize("axes", ["TCZYX", "XYZCT", "ZXTYC", "CYTXZ"])
    @pytest.mark.parametrize("wrap", [np.asarray, da.from_array], ids=["numpy", "dask"])
    def test_axes_come_in_any_order(self, axes, wrap):
        values = np.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6)
        array = wrap(values.transpose(["TCZYX".index(axis) for axis in axes]))
        stack = ImageStack.from_array(array, axes, 0.2, ("a", "b", "c"), z=1)
        assert np.array_equal(stack.data, values[:, :, 1])
        assert (stack.n_planes, stack.notes) == (4, ("plane 1 of 4",))
        assert np.array_equal(ImageStack.from_array(array, axes, 0.2, z="max").data, values.max(axis=2))

    def test_axes_that_are_not_there_have_length_one(self):
        image = np.arange(30.0).reshape(5, 6)
        for array, axes in ((image, "yx"), (image.T, "XY"), (image[None], "QYX"), (image[:, None], "YZX")):
            stack = ImageStack.from_array(array, axes, (0.2, 0.3))
            assert np.array_equal(stack.data[0, 0], image)
            assert stack.channel_names == ("channel 0",)
            assert stack.pixel_size == PixelSize(0.2, 0.3, "typed")

    @pytest.mark.parametrize(
        ("shape", "axes", "changes", "topic", "words"),
        [
            ((4, 5, 6), "YX", {}, "axes", "3 axes have 3 letters"),
            ((4, 5, 6), "TYY", {}, "axes", "Y is there more than once"),
            ((4, 5, 6), "TCY", {}, "axes", "X must be among them"),
            ((4, 5, 6), "RYX", {}, "axes", "the axis R of length 4"),
            ((0, 5, 6), "TYX", {}, "axes", "the axis T is empty"),
            ((4, 5, 6), "ZYX", {}, "z", "4 planes"),
            ((4, 5, 6), "ZYX", {"z": 4}, "z", "no plane 4"),
            ((5, 6), "YX", {"pixel_size": None}, "pixel size", "missing"),
            ((5, 6), "YX", {"pixel_size": 0.0}, "pixel size", "must be a positive number"),
            ((5, 6), "YX", {"channels": ("a", "b")}, "channel", "1 channel"),
            ((5, 6), "YX", {"channels": "zyxin"}, "channel", "'zyxin'"),
        ],
    )
    def test_what_does_not_fit_is_refused_by_name(self, shape, axes, changes, topic, words):
        with pytest.raises(CellForceError, match=re.escape(words)) as caught:
            ImageStack.from_array(np.zeros(shape), axes, **{"pixel_size": 0.1, **changes})
        assert caught.value.topic == topic

    @pytest.mark.parametrize("kind", [complex, object, "U3"])
    def test_values_that_are_no_numbers_are_refused(self, kind):
        with pytest.raises(CellForceError, match="real numbers"):
            ImageStack.from_array(np.zeros((5, 6)).astype(kind), "YX", 0.1)


class TestPredictForces:
    def test_it_gives_what_the_steps_give(self, movie):
        forces = napari_cellforce.predict_forces(movie, 0.5, axes="TYX", model=FILTER, frame_interval=2.0)
        stack = ImageStack.from_array(movie, "TYX", 0.5, frame_interval=2.0)
        frames = [result.traction for result in predict(stack, load_predictor(FILTER))]
        assert np.array_equal(forces.traction.data, frames)
        assert forces.traction.unit == "normalised"
        assert forces.traction.mask.any(axis=(1, 2)).all()
        assert list(forces.numbers["time [min]"]) == [0.0, 2.0]
        assert forces.traction.provenance.model == FILTER

    def test_a_file_and_a_stack_give_the_same_as_the_array(self, movie, tmp_path):
        stack = ImageStack.from_array(movie[:1], "TYX", 0.5, ("zyxin",))
        path = io.write_stack(tmp_path / "cell.ome.tif", stack)
        expected = napari_cellforce.predict_forces(movie[0], 0.5, model=FILTER).traction
        for source in (path, str(path), stack):
            found = napari_cellforce.predict_forces(source, model=FILTER).traction
            assert np.array_equal(found.data, expected.data)

    def test_mask_and_calibration(self, movie):
        inside = np.zeros((64, 64), np.uint8)
        inside[12:52, 12:52] = 3
        forces = napari_cellforce.predict_forces(movie[0], 0.5, model=FILTER, mask=inside, calibration=250.0)
        assert np.array_equal(forces.traction.mask[0], inside > 0)
        assert forces.numbers["mean traction [Pa]"][0] == pytest.approx(250, rel=1e-5)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({}, "axes of unknown meaning"),
            ({"axes": "TYX", "pixel_size": None}, "pixel size"),
            ({"axes": "TYX", "model": "no such model"}, "no such model"),
            ({"axes": "TYX", "mask": np.ones((5, 5))}, "mask"),
        ],
    )
    def test_what_is_missing_is_asked_for(self, movie, changes, words):
        with pytest.raises(CellForceError, match=words):
            napari_cellforce.predict_forces(movie, **{"pixel_size": 0.5, "model": FILTER, **changes})

    def test_axes_are_not_for_files(self):
        with pytest.raises(CellForceError, match="Leave out axes"):
            napari_cellforce.predict_forces("cell.tif", 0.5, axes="TYX")


def dataclasses_with_arrays() -> list[type]:
    """All of the package that hold arrays, tensors, sparse matrices or tables."""
    arrays = re.compile(r"Array\b|ndarray|NDArray|Tensor|DataFrame|csr_array")
    found = []
    for module in pkgutil.walk_packages(napari_cellforce.__path__, "napari_cellforce."):
        if module.name.endswith("__main__"):
            continue
        for cls in vars(importlib.import_module(module.name)).values():
            if not inspect.isclass(cls) or cls.__module__ != module.name or not dataclasses.is_dataclass(cls):
                continue
            fields = {field.name: str(field.type) for field in dataclasses.fields(cls)}
            held = [t for name, t in fields.items() if arrays.search(t) or (name, t) == ("data", "Any")]
            if any("Iterator" not in kind for kind in held):
                found.append(cls)
    return found


class TestObjectsWithArrays:
    def test_all_compare_by_identity_and_print_no_array(self):
        found = dataclasses_with_arrays()
        assert {VectorField, ImageStack, FrameResult} <= set(found)
        assert [cls for cls in found if cls.__eq__ is not object.__eq__] == []
        assert [cls for cls in found if not issubclass(cls, ShortRepr)] == []
        assert [cls for cls in found if cls.__dataclass_params__.repr] == []

    def test_texts_name_what_matters(self):
        data, size = np.zeros((12, 2, 480, 512), np.float32), PixelSize.square(0.108)
        stack = ImageStack(data, ("zyxin", "actin"), size, name="cell_07")
        field = VectorField(data, "traction", "Pa", size, name="cell_07")
        assert repr(field) == "VectorField(traction, 12 frames, 480 x 512 px, Pa, 'cell_07')"
        assert repr(stack) == "ImageStack(12 frames, 480 x 512 px, zyxin + actin, 0.108 µm, 'cell_07')"
        assert repr(Mask(data[:1, 0] > 0, "drawn")) == "Mask(1 frame, 480 x 512 px, drawn)"
        assert repr(ScalarField(data[:, 0], "phi", "", size)) == "ScalarField(phi, 12 frames, 480 x 512 px)"
        assert repr(FrameResult(data[0], scalars={"Y": data[0, 0]}, frame=3)) == (
            "FrameResult(frame 3, 480 x 512 px, Y)"
        )

    def test_two_of_the_same_values_are_two(self):
        first, second = (Mask(np.ones((1, 2, 3), bool)) for _ in range(2))
        assert first == first
        assert first != second
        assert len({first, second}) == 2

    def test_parts_are_shortened(self):
        @dataclasses.dataclass(eq=False, repr=False)
        class Holder(ShortRepr):
            values: list[np.ndarray]
            table: dict[str, np.ndarray]
            note: str

        text = repr(Holder([np.zeros(3)] * 9, {"a": np.zeros((2, 2))}, "x" * 500))
        assert "… 9 in all" in text
        assert "'a': float64 (2, 2)" in text
        assert len(text) < 300
