"""Whatever is wrong with the input: one line that says what, why and what to do, and exit code 2."""

from __future__ import annotations

import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from napari_cellforce import io
from napari_cellforce.fields import PixelSize, VectorField
from napari_cellforce.models import checkpoint
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.record import ModelRecord

FILTER = ("--model", "adhesion-filter")
RESOLUTION = {"PhysicalSizeX": 0.68, "PhysicalSizeY": 0.68}
Spoil = Callable[[Path], tuple[object, ...]]
"""From a good movie to the arguments of ``cellforce predict`` that go wrong."""


def image(movie: Path, data: np.ndarray, axes: str = "YX", **metadata) -> Path:
    path = movie.with_name("bad.ome.tif")
    tifffile.imwrite(path, data, metadata={"axes": axes, **RESOLUTION, **metadata})
    return path


def pixels(movie: Path) -> np.ndarray:
    return tifffile.imread(movie)[0, 0].astype(np.float32)


def truncated(movie):
    whole = movie.read_bytes()
    movie.write_bytes(whole[: len(whole) * 2 // 3])
    return movie, *FILTER


def text_named_tif(movie):
    path = movie.with_name("notes.tif")
    path.write_text("buy milk")
    return path, *FILTER


def no_bytes(movie):
    movie.write_bytes(b"")
    return movie, *FILTER


def empty_folder(movie):
    folder = movie.with_name("empty")
    folder.mkdir()
    return folder, *FILTER


def colours(movie):
    path = movie.with_name("colours.tif")
    tifffile.imwrite(path, np.zeros((64, 64, 3), np.uint8), photometric="rgb")
    return path, *FILTER


def with_a_nan(movie):
    data = pixels(movie)
    data[3, 4] = np.nan
    return image(movie, data), *FILTER


def with_infinity(movie):
    data = pixels(movie)
    data[3, 4:6] = np.inf
    return image(movie, data), *FILTER


def constant(movie):
    return image(movie, np.full((64, 64), 7, np.uint16)), *FILTER


def nothing_but_noise(movie):
    noise = np.random.default_rng(0).poisson(100, (64, 64)).astype(np.uint16)
    return image(movie, noise), *FILTER


def planes(movie, *options):
    return image(movie, np.stack([pixels(movie)] * 3), "ZYX"), *FILTER, *options


def without_pixel_size(movie):
    path = movie.with_name("plain.tif")
    tifffile.imwrite(path, pixels(movie))
    return path, *FILTER


def a_field(movie):
    traction = np.ones((1, 2, 64, 64), np.float32)
    field = VectorField(traction, "traction", "Pa", PixelSize.square(0.68))
    return io.write_field(movie.with_name("cell 7_traction.ome.tif"), field), *FILTER


def mask(movie, values):
    path = movie.with_name("mask.tif")
    tifffile.imwrite(path, np.asarray(values, np.uint8))
    return path


def two_called_the_same(movie):
    other = movie.with_name("other")
    other.mkdir()
    shutil.copy(movie, other)
    return movie, other / movie.name, *FILTER, "--out", movie.parent


def two_that_differ_in_their_ending(movie):
    shutil.copy(movie, movie.with_name("cell 7.tif"))
    return movie, movie.with_name("cell 7.tif"), *FILTER


def output_is_a_file(movie):
    return movie, *FILTER, "--out", mask(movie, np.zeros((2, 2)))


BAD: dict[str, tuple[Spoil, str]] = {
    "truncated TIFF": (truncated, r"cell 7\.ome\.tif is incomplete.*copy it again"),
    "text file named .tif": (text_named_tif, r"notes\.tif is not a TIFF file"),
    "empty file": (no_bytes, r"is empty \(0 bytes\)"),
    "missing file": (lambda movie: (movie.with_name("gone.tif"), *FILTER), r"gone\.tif was not found"),
    "empty folder": (empty_folder, r"empty contains no TIFF images"),
    "RGB": (colours, r"colours\.tif.*(RGB|colour)"),
    "NaN": (with_a_nan, r"frame 0 of bad has 1 pixels that are NaN or infinite"),
    "infinite": (with_infinity, r"frame 0 of bad has 2 pixels that are NaN or infinite"),
    "constant image": (constant, r"channel 0 of frame 0 of bad is 7 everywhere"),
    "noise": (nothing_but_noise, r"no cell is visible above the background"),
    "a result as input": (a_field, r"holds a traction or displacement field"),
    "all-zero mask": (
        lambda movie: (movie, *FILTER, "--mask", mask(movie, np.zeros((64, 64)))),
        r"mask\.tif is 0 everywhere.*--mask",
    ),
    "mask of another shape": (
        lambda movie: (movie, *FILTER, "--mask", mask(movie, np.ones((64, 63)))),
        r"mask\.tif is 64 x 63 pixels.*64 x 64",
    ),
    "mask of another length": (
        lambda movie: (movie, *FILTER, "--mask", mask(movie, np.ones((2, 64, 64)))),
        r"mask\.tif has 2 frames.*has 3",
    ),
    "mask without background": (
        lambda movie: (movie, *FILTER, "--mask", mask(movie, np.ones((64, 64)))),
        r"covers the whole image",
    ),
    "label that is not there": (
        lambda movie: (movie, *FILTER, "--mask", mask(movie, np.eye(64)), "--label", 9),
        r"no pixel of value 9.*its values: .*1",
    ),
    "mask that is not there": (
        lambda movie: (movie, *FILTER, "--mask", "gone.tif"),
        r"gone\.tif was not found",
    ),
    "no pixel size": (without_pixel_size, r"has no pixel size: traction depends on it.*--pixel-size"),
    "pixel size 0": (
        lambda movie: (movie, *FILTER, "--pixel-size", 0),
        r"--pixel-size is 0.*1000 µm",
    ),
    "pixel size < 0": (
        lambda movie: (movie, *FILTER, "--pixel-size", -1),
        r"--pixel-size is -1.*1000 µm",
    ),
    "pixel size in metres": (
        lambda movie: (movie, *FILTER, "--pixel-size", 1.7e-7),
        r"--pixel-size is 1\.7e-07.*0\.001 to 1000 µm",
    ),
    "pixel size NaN": (lambda movie: (movie, *FILTER, "--pixel-size", "nan"), r"--pixel-size is nan"),
    "channel not there": (
        lambda movie: (movie, *FILTER, "--channel", "myosin"),
        r"'myosin' is not in cell 7.*0: zyxin, 1: actin.*--channel",
    ),
    "channel number too high": (
        lambda movie: (movie, *FILTER, "--channel", 2),
        r"channel '?2'? is not in cell 7",
    ),
    "too many channels": (
        lambda movie: (movie, *FILTER, "--channel", 0, "--channel", 1),
        r"2 channels are chosen.*reads 1: zyxin",
    ),
    "z-stack without --z": (planes, r"3 planes.*Option: --z"),
    "plane that is not there": (lambda movie: planes(movie, "--z", 3), r"plane 3"),
    "--z nonsense": (lambda movie: planes(movie, "--z", "middle"), r"--z is 'middle'"),
    "--z a number of another kind": (lambda movie: planes(movie, "--z", "²"), r"--z is '²'"),
    "label without a mask": (lambda movie: (movie, *FILTER, "--label", 3), r"--label is 3.*--mask"),
    "calibration in kPa": (
        lambda movie: (movie, *FILTER, "--calibration", 0.267),
        r"--calibration is 0\.267.*1 to 100000 Pa",
    ),
    "calibration < 0": (lambda movie: (movie, *FILTER, "--calibration", -267), r"--calibration is -267"),
    "sensitivity 0": (
        lambda movie: (movie, *FILTER, "--sensitivity", 0),
        r"--sensitivity is 0.*above 0",
    ),
    "samples of a formula": (lambda movie: (movie, *FILTER, "--samples", 5), r"5 samples are asked"),
    "unknown model": (lambda movie: (movie, "--model", "adhesion-fliter"), r"Did you mean adhesion-filter"),
    "model not downloaded": (
        lambda movie: (movie, "--model", "gfnn-schmitt2024"),
        r"Download gfnn-schmitt2024",
    ),
    "two inputs of one name": (two_called_the_same, r"2 of the inputs are called cell 7"),
    "two inputs of one stem": (two_that_differ_in_their_ending, r"2 of the inputs are called cell 7"),
    "the same input twice": (lambda movie: (movie, movie, *FILTER), r"2 of the inputs are called cell 7"),
    "output folder is a file": (output_is_a_file, r"cannot write .*mask\.tif.*Choose another output folder"),
}


def refused(answer, pattern: str) -> None:
    """The command ended with exit code 2 and one line that says the pattern."""
    assert answer.code == 2
    (line,) = answer.errors
    assert line.startswith("Error: ")
    assert re.search(pattern, line), line
    assert answer.output == ""


@pytest.mark.parametrize("case", BAD)
def test_bad_input(cellforce, movie, case):
    spoil, pattern = BAD[case]
    arguments = spoil(movie)
    before = {path: path.read_bytes() for path in movie.parent.rglob("*") if path.is_file()}
    refused(cellforce("predict", *arguments), pattern)
    after = {path: path.read_bytes() for path in movie.parent.rglob("*") if path.is_file()}
    assert after == before, "nothing was written, nothing was changed"


def test_memory_that_runs_out(cellforce, movie, monkeypatch):
    def read(*_, **__):
        return np.empty((1 << 62,), np.uint8)

    monkeypatch.setattr(io, "read", read)
    refused(cellforce("predict", movie, *FILTER), r"Memory ran out \(Unable to allocate.*crop the image")


class TestModels:
    """Weights files from elsewhere are read with suspicion."""

    @pytest.fixture
    def weights(self, tmp_path) -> Path:
        torch.manual_seed(1)
        network = GFNN(GFNNConfig(width=2, expansion=2, size=64, padding=64))
        return checkpoint.save(tmp_path / "draft.safetensors", network, ModelRecord("draft", "gfnn", grid=64))

    @staticmethod
    def change(weights: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
        with safe_open(weights, "pt") as file:
            header = file.metadata()
        tensors = load_file(weights)
        change(tensors)
        save_file(tensors, weights, header)
        return weights

    def test_a_pickle_that_would_run_code_does_not(self, cellforce, movie, tmp_path):
        class Trap:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "sprung"),)

        pickled, saved = tmp_path / "pickled.pt", tmp_path / "saved.pt"
        pickled.write_bytes(pickle.dumps(Trap(), protocol=2))
        torch.save({"model": Trap(), "model_kwargs": {}}, saved)
        for trap in (pickled, saved):
            for command in (("predict", movie, "--model", trap), ("models", "import", trap)):
                refused(cellforce(*command), rf"{trap.name}")
        assert not (tmp_path / "sprung").exists()
        pickle.loads(pickled.read_bytes())
        assert (tmp_path / "sprung").exists(), "the trap works where it is unpickled"

    def test_a_tensor_is_missing(self, cellforce, movie, weights):
        self.change(weights, lambda tensors: tensors.pop("kernel"))
        refused(cellforce("predict", movie, "--model", weights), r"draft\.safetensors.*kernel")

    def test_a_tensor_has_another_shape(self, cellforce, movie, weights):
        self.change(weights, lambda tensors: tensors.update(kernel=tensors["kernel"][:, :-1].clone()))
        refused(
            cellforce("predict", movie, "--model", weights),
            r"kernel in draft\.safetensors has shape \(3, 63\): it should be \(3, 64\)\.",
        )

    @pytest.mark.parametrize(
        ("spoilt", "words"), [("nan", r"1 number of kernel"), ("inf", r"1 number of kernel")]
    )
    def test_a_weight_is_no_number(self, cellforce, movie, weights, spoilt, words):
        """A training blew up, and its file was kept."""
        self.change(weights, lambda tensors: tensors["kernel"][0, 0].fill_(float(spoilt)))
        refused(
            cellforce("predict", movie, "--model", weights),
            rf"{words} in draft\.safetensors.*NaN or infinite",
        )

    def test_what_comes_out_is_no_number(self, cellforce, movie, weights):
        """Each weight is a number, but what they make of an image is none."""
        self.change(weights, lambda tensors: tensors["kernel"].fill_(100))
        answer = cellforce("predict", movie, "--model", weights, "--device", "cpu", "--backend", "eager")
        refused(answer, r"the traction of frame 0 of cell 7 is NaN or infinite: the model draft must")
        assert not list(movie.parent.glob("*_traction*")), "and none of it was written"

    def test_the_hash_is_another(self, cellforce, movie, weights, tmp_path):
        assert cellforce("models", "import", weights).code == 0
        copy = next((tmp_path / "models").glob("draft*.safetensors"))
        content = bytearray(copy.read_bytes())
        content[-1] ^= 1
        copy.write_bytes(content)
        refused(cellforce("predict", movie, "--model", "draft"), r"SHA-256.*Import draft again")

    def test_the_file_is_cut_off(self, cellforce, movie, weights):
        weights.write_bytes(weights.read_bytes()[:-100])
        refused(cellforce("predict", movie, "--model", weights), r"draft\.safetensors is damaged")

    def test_the_device_is_not_there(self, cellforce, movie, weights):
        refused(
            cellforce("predict", movie, "--model", weights, "--device", "cuda:99"),
            r"device 'cuda:99' is not available",
        )

    def test_the_backend_is_not_there(self, cellforce, movie, weights):
        refused(
            cellforce("predict", movie, "--model", weights, "--device", "cpu", "--backend", "abacus"),
            r"--backend is 'abacus'.*openvino",
        )
