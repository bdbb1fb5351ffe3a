"""``cellforce tfm``: two images, a folder, a displacement; and every bad input in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io import read_field, write_stack
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair

PIXEL, SIDE = 0.25, 128
GEL = ("--young", 2000, "--window", 32, "--window", 24)


def beads_of(strength=300, seed=1):
    y, x = (np.indices((SIDE, SIDE)) - SIDE / 2) * PIXEL
    left, right = (np.exp(-(y**2 + (x - at) ** 2) / (2 * 2.0**2)) for at in (-6, 6))
    moved = displacement(strength * np.stack([0 * x, left - right]), PIXEL, 2000.0, 0.5, padding=1)
    return bead_pair(moved, BeadConfig(pixel_size=PIXEL, density=1.5), seed=seed)


@pytest.fixture(scope="module")
def pair():
    return beads_of()


@pytest.fixture
def put(tmp_path):
    def write(name, image, size=PIXEL):
        path = tmp_path / f"{name}.ome.tif"
        known = PixelSize.square(size) if size else None
        write_stack(path, ImageStack(np.asarray(image)[None, None], ("beads",), known, None, name))
        return path

    return write


def scrambled(image, columns):
    """Beads that are other beads in the first columns."""
    other, rng = image.copy(), np.random.default_rng(0)
    part = other[:, :columns]
    other[:, :columns] = rng.permutation(part.ravel()).reshape(part.shape)
    return other


BAD = {
    "sizes": (lambda p: p.loaded[:100], (), r"128 x 128 pixels, the loaded image 100 x 128"),
    "no beads": (lambda p: p.loaded * 0 + 100, (), r"100 everywhere: it must show beads"),
    "only noise": (
        lambda p: np.random.default_rng(0).integers(90, 130, p.loaded.shape),
        (),
        r"nothing in common",
    ),
    "saturated": (
        lambda p: np.minimum(p.loaded, np.percentile(p.loaded, 70).astype(np.uint16)),
        (),
        r"30 % of the loaded bead image is saturated",
    ),
    "NaN": (lambda p: np.where(p.loaded > 600, np.nan, p.loaded), (), r"NaN or infinite pixels"),
    "all rejected": (lambda p: scrambled(p.loaded, 128), (), r"nothing in common|were rejected"),
    "most rejected": (lambda p: scrambled(p.loaded, 78), (), r"% of the displacement vectors were rejected"),
    "drift beyond the windows": (
        lambda p: np.roll(p.loaded, 40, axis=0),
        ("--drift", "none"),
        r"shifted against each other by 40 pixels.*Switch the drift correction on",
    ),
    "Poisson 0.6": (lambda p: p.loaded, ("--poisson", 0.6), r"--poisson is 0\.6"),
    "misspelt criterion": (lambda p: p.loaded, ("--criterion", "GVC"), r"--criterion is 'GVC'"),
    "window too large": (lambda p: p.loaded, ("--window", 200), r"largest window, 200 pixels|windows"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_beads_are_refused_in_one_line(cellforce, put, pair, tmp_path, case):
    spoil, options, pattern = BAD[case]
    out = tmp_path / "out"
    answer = cellforce(
        "tfm", put("rest", pair.reference), put("pulled", spoil(pair)), *GEL, *options, "--out", out
    )
    assert answer.code == 2
    line = answer.errors[-1]
    assert line.startswith("Error: ")
    assert re.search(pattern, line), line
    assert not list(out.glob("*traction*")), "no half results"


def test_what_is_missing_is_asked_for(cellforce, put, pair, tmp_path):
    rest, pulled = put("rest", pair.reference), put("pulled", pair.loaded)
    for arguments, pattern in (
        ((tmp_path / "gone.tif", pulled, *GEL), r"gone\.tif was not found"),
        ((rest, pulled), r"stiffness is not given.*--young"),
        ((rest, put("unknown", pair.loaded, None), *GEL), r"no pixel size.*--pixel-size"),
        ((rest, pulled, "--preset", tmp_path / "gone.json"), r"cannot read .*gone\.json"),
    ):
        answer = cellforce("tfm", *arguments, "--out", tmp_path / "out")
        assert answer.code == 2
        assert re.search(pattern, answer.errors[-1]), answer.errors


@pytest.mark.filterwarnings("always")
def test_doubts_are_told_and_the_rest_is_done(cellforce, put, pair, tmp_path):
    rest, pulled = put("rest", pair.reference), put("pulled", pair.loaded)
    kilo = cellforce("tfm", rest, pulled, "--young", 8, *GEL[2:], "--out", tmp_path / "a")
    assert kilo.code == 0
    assert "is that meant in kPa? Then type 8000" in kilo.errors[0]
    exchanged = cellforce("tfm", pulled, rest, *GEL, "--poisson", 0.5, "--out", tmp_path / "b")
    assert exchanged.code == 0
    assert "point outward" in exchanged.errors[0]


def test_a_displacement_of_ours_gives_the_traction_it_came_with(cellforce, put, pair, tmp_path):
    """Interpolated to pixels its noise is smooth: were that not known, lambda would be 300 times less."""
    rest, pulled = put("rest", pair.reference), put("pulled", pair.loaded)
    first = cellforce("tfm", rest, pulled, *GEL, "--out", tmp_path / "beads")
    assert first.code == 0
    moved = tmp_path / "beads" / "pulled_measured_displacement.ome.tif"
    again = cellforce("tfm", moved, "--young", 2000, "--out", tmp_path / "again")
    assert again.code == 0
    a, b = (
        np.asarray(read_field(tmp_path / folder / "pulled_measured_traction.ome.tif").data[0]).ravel()
        for folder in ("beads", "again")
    )
    assert np.corrcoef(a, b)[0, 1] > 0.95
    traction = tmp_path / "beads" / "pulled_measured_traction.ome.tif"
    refused = cellforce("tfm", traction, "--young", 2000, "--out", tmp_path / "again")
    assert "holds a traction" in refused.errors[-1]


def test_a_folder_is_measured_and_failures_end_with_3(cellforce, put, pair, tmp_path):
    put("one_rest", pair.reference)
    put("one_pulled", pair.loaded)
    put("two_pulled", pair.loaded)
    preset = tmp_path / "preset.json"
    out = tmp_path / "out"
    words = ("--words", "rest", "pulled", "mask")
    answer = cellforce("tfm", tmp_path, *GEL, *words, "--out", out)
    assert answer.code == 3
    assert "one_pulled: done" in answer.output
    assert "two_pulled: failed: there is no reference image" in " ".join(answer.output.split())
    assert pd.read_csv(out / "experiment.csv")["image"].tolist() == ["one_pulled"]
    settings = json.loads((out / "one_pulled_tfm_preset.json").read_text(encoding="utf-8"))
    preset.write_text(json.dumps(settings), encoding="utf-8")
    Path(tmp_path / "two_pulled.ome.tif").unlink()
    again = cellforce("tfm", tmp_path, "--preset", preset, *words, "--out", out)
    assert again.code == 0
    assert not (out / "failed.csv").exists()
