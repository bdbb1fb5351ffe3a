"""Predictions go to disk while they are made; whatever ends the job, what is finished is there."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_cellforce import io
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FrameResult, X
from napari_cellforce.predict import OutputPaths, PredictConfig, predict, predict_to_files, prepare
from napari_cellforce.results import column_names


@pytest.fixture
def paths(tmp_path) -> OutputPaths:
    return OutputPaths.of(tmp_path / "out", "cell 7")


ALL_THREE = ["cell 7_summary.csv", "cell 7_traction.ome.tif", "cell 7_uncertainty.ome.tif"]


def held(paths: OutputPaths) -> tuple[tuple[int, ...], list[int]]:
    """Which frames the two files hold."""
    return io.read_field(paths.traction).frames, pd.read_csv(paths.summary)["frame"].tolist()


def left_in(paths: OutputPaths) -> list[str]:
    return sorted(path.name for path in paths.traction.parent.glob("*"))


def test_the_names_follow_the_image(paths):
    assert paths.traction.name == "cell 7_traction.ome.tif"
    assert paths.summary.name == "cell 7_summary.csv"
    assert OutputPaths.beside(paths.traction) == paths
    assert OutputPaths.beside(Path("mine.ome.tif")).summary == Path("mine_summary.csv")


def test_what_is_written_is_what_was_predicted(movie, tug, cell, paths):
    config = PredictConfig(calibration=267)
    yielded = [
        record
        for record in predict_to_files(prepare(movie, tug, cell, config=config), paths)
        if isinstance(record, FrameResult)
    ]
    field, table = io.read_field(paths.traction), pd.read_csv(paths.summary)
    np.testing.assert_array_equal(field.data, [record.traction for record in yielded])
    np.testing.assert_array_equal(field.mask, np.repeat(cell.data, 3, axis=0))
    spread = io.read(paths.uncertainty)
    np.testing.assert_array_equal(spread.data[:, 0], [record.uncertainty for record in yielded])
    assert spread.channel_names == ("uncertainty [Pa]",)
    assert spread.pixel_size.micron == pytest.approx(0.68)
    assert (field.unit, field.name, field.frame_interval) == ("Pa", "cell 7", 2.0)
    assert field.pixel_size.micron == pytest.approx(0.68)
    assert (field.provenance.model, field.provenance.settings["calibration"]) == ("tug", 267)
    assert list(table.columns) == column_names("Pa")
    assert table["time [min]"].tolist() == [0, 2, 4]
    assert table["maximum traction [Pa]"].tolist() == pytest.approx(
        [0.5 * 298.5, 298.5, 1.5 * 298.5], rel=1e-3
    )
    assert left_in(paths) == ALL_THREE


def test_an_uncertainty_goes_with_the_traction_that_it_belongs_to(movie, tug, cell, paths, monkeypatch):
    pull = tug.predict_frame
    list(predict_to_files(prepare(movie, tug, cell), paths))
    monkeypatch.setattr(
        tug, "predict_frame", lambda *frame: dataclasses.replace(pull(*frame), uncertainty=None)
    )
    list(predict_to_files(prepare(movie, tug, cell), paths))
    assert left_in(paths) == ALL_THREE[:2]


def test_a_model_that_gives_no_number_is_told_of_and_nothing_of_it_is_written(
    movie, tug, cell, paths, monkeypatch
):
    pull = tug.predict_frame

    def spoil(*frame):
        result = pull(*frame)
        result.traction[X, 20, 40] = np.nan if len(tug.seen) == 3 else 1
        return result

    monkeypatch.setattr(tug, "predict_frame", spoil)
    with pytest.raises(CellForceError, match="the traction of frame 2 of cell 7 is NaN or infinite"):
        list(predict_to_files(prepare(movie, tug, cell), paths))
    assert held(paths) == ((0, 1), [0, 1])


def test_of_two_errors_the_first_is_told(movie, tug, cell, paths):
    """The summary cannot be written either: its name is taken by a folder."""
    paths.summary.mkdir(parents=True)
    movie.data[2] = 7
    job = prepare(movie, tug, cell, config=PredictConfig(already_normalised=True))
    with pytest.raises(CellForceError, match="frame 2 of cell 7 is 7 everywhere"):
        list(predict_to_files(job, paths))
    assert io.read_field(paths.traction).frames == (0, 1)


def test_stopped_after_two_frames(movie, tug, cell, paths):
    records = predict_to_files(prepare(movie, tug, cell), paths)
    while not (isinstance(record := next(records), FrameResult) and record.frame == 1):
        pass
    records.close()
    assert held(paths) == ((0, 1), [0, 1])


def test_stopped_before_the_first_frame_nothing_is_written_and_last_years_result_stays(
    movie, tug, cell, paths
):
    paths.traction.parent.mkdir()
    paths.traction.write_text("last year's")
    records = predict_to_files(prepare(movie, tug, cell), paths)
    next(records)
    records.close()
    assert left_in(paths) == [paths.traction.name]
    assert paths.traction.read_text() == "last year's"


def test_a_frame_that_cannot_be_predicted_does_not_take_the_others_along(movie, tug, cell, paths):
    movie.data[2] = 7
    job = prepare(movie, tug, cell, config=PredictConfig(already_normalised=True))
    with pytest.raises(CellForceError, match="frame 2 of cell 7 is 7 everywhere"):
        list(predict_to_files(job, paths))
    assert held(paths) == ((0, 1), [0, 1])


def test_a_bug_in_a_model_does_not_either(movie, tug, cell, paths, monkeypatch):
    pull = tug.predict_frame
    monkeypatch.setattr(tug, "predict_frame", lambda *frame: 1 / 0 if len(tug.seen) == 2 else pull(*frame))
    with pytest.raises(ZeroDivisionError):
        list(predict_to_files(prepare(movie, tug, cell), paths))
    assert held(paths) == ((0, 1), [0, 1])


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_is_full_keeps_the_frames_that_fitted(tmp_path):
    """Noise does not compress; three of its frames are under 100 kB, six are above."""
    code = """
import resource, sys
import numpy as np
from pathlib import Path
from napari_cellforce.fields import FrameResult, ImageStack, Mask, PixelSize
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.predict import OutputPaths, predict_to_files, prepare

class Noise:
    record = ModelRecord("noise", "noise", normalisation="none")
    def predict_frame(self, image, mask, pixel_size):
        return FrameResult(np.random.default_rng(0).random((2, *mask.shape), np.float32))

counts = np.random.default_rng(1).random((6, 1, 64, 64))
movie = ImageStack(counts, ("zyxin",), PixelSize.square(0.68), name="n")
job = prepare(movie, Noise(), Mask(np.ones((1, 64, 64), bool)))
resource.setrlimit(resource.RLIMIT_FSIZE, (130_000, 130_000))
list(predict_to_files(job, OutputPaths.of(Path(sys.argv[1]), "n")))
"""
    answer = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False
    )
    message = answer.stderr.splitlines()[-1]
    assert "the file is too large for the file system" in message
    frames, rows = held(OutputPaths.of(tmp_path, "n"))
    assert frames == tuple(rows) == tuple(range(len(rows)))
    assert 1 <= len(rows) < 6
    assert f"frame {len(rows)} of" in message
    assert f"the {len(rows)} before it are kept" in message


@pytest.mark.parametrize("already_there", [False, True])
def test_a_folder_that_cannot_be_made_is_told_before_the_work_starts(
    movie, tug, cell, tmp_path, already_there
):
    blocked = tmp_path / "out"
    blocked.write_text("a file")
    paths = OutputPaths.of(blocked / "sub" if already_there else blocked, "cell 7")
    with pytest.raises(CellForceError) as caught:
        list(predict_to_files(prepare(movie, tug, cell), paths))
    assert caught.value.topic == "output"
    assert tug.seen == []


def test_the_library_and_the_files_say_the_same(movie, tug, cell, paths):
    list(predict_to_files(prepare(movie, tug, cell), paths))
    direct = [result.traction for result in predict(movie, tug, cell)]
    np.testing.assert_array_equal(io.read_field(paths.traction).data, direct)


LONG_MOVIE = """
import sys
from pathlib import Path
import numpy as np
from napari_cellforce.fields import FrameResult, ImageStack, PixelSize
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.predict import OutputPaths, predict_to_files, prepare
from napari_cellforce.synthetic import drawn_cell

class LongMovie:
    ndim = 4
    def __init__(self, image, frames):
        self.image, self.shape, self.dtype = image, (frames, *image.shape), image.dtype
    def __getitem__(self, index):
        t, channels = index
        return np.roll(self.image, t % 7, axis=-1)[channels]

frames = int(sys.argv[1])
image = np.asarray(drawn_cell(pixel_size=0.68, side=256).image.data[0])
movie = ImageStack(LongMovie(image, frames), ("zyxin",), PixelSize.square(0.68), name="long")
job = prepare(movie, AdhesionFilter())
records = predict_to_files(job, OutputPaths.of(Path(sys.argv[2]), "long"))
done = sum(isinstance(record, FrameResult) for record in records)
assert done == frames
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak from /proc")
def test_memory_does_not_grow_with_the_movie(tmp_path):
    def peak(frames: int) -> int:
        command = [sys.executable, "-c", LONG_MOVIE, str(frames), str(tmp_path)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(answer.stdout)

    short, long = peak(50), peak(1000)
    assert long < 1.1 * short
