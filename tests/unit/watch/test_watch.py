"""A microscope writes, and we predict along: each frame once, when it is whole, whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import tifffile

from napari_cellforce import io
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io.ometiff import OmeImage, ome_xml
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.predict import PredictConfig, RunConfig, predict
from napari_cellforce.watch import WatchConfig, WatchEvent, watch

SIDE, MICRON = 48, 0.68


def cell(frames: int, seed: int = 0) -> np.ndarray:
    """A round cell with a ring of adhesions that grow brighter, ``(T, Y, X)`` in counts."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    r, angle = np.hypot(y, x), np.arctan2(y, x)
    ring = np.exp(-((r - SIDE * 0.3) ** 2) / 3) * (1 + np.cos(7 * angle + seed))
    brightness = 1 + 0.1 * np.arange(frames)[:, None, None]
    still = 100 + 300 * (r < SIDE * 0.36) + 900 * ring * brightness
    return (still + rng.normal(scale=5, size=(frames, SIDE, SIDE))).clip(0).astype(np.uint16)


class Microscope:
    """Writes a movie step by step, in one of the ways that microscopes have."""

    def __init__(self, folder: Path, frames: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.frames = cell(frames)

    def file_a_frame(self, t: int) -> None:
        stack = ImageStack(self.frames[t][None, None], ("zyxin",), PixelSize.square(MICRON), 1.0)
        io.write_stack(self.folder / f"t{t:03d}.tif", stack)

    def half_a_frame(self, t: int) -> None:
        self.file_a_frame(t)
        path = self.folder / f"t{t:03d}.tif"
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])

    def page(self, t: int) -> None:
        """One more page in one file, which stays open, and whose first page speaks of a hundred."""
        if t == 0:
            self._file = (self.folder / "run.tif").open("w+b", buffering=0)
            self._tiff = tifffile.TiffWriter(self._file)
        image = OmeImage("run", (1, 1, SIDE, SIDE), np.uint16, ("zyxin",), PixelSize.square(MICRON), 1.0)
        described = {"description": ome_xml([image]).replace(b'SizeT="1"', b'SizeT="100"')} if t == 0 else {}
        plain = {"photometric": "minisblack", "contiguous": False, "metadata": None}
        self._tiff.write(self.frames[t], **plain, **described)

    def movie(self, name: str, frames: int) -> None:
        stack = ImageStack(self.frames[:frames, None], ("zyxin",), PixelSize.square(MICRON), 1.0)
        io.write_stack(self.folder / name, stack)


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., WatchConfig]:
    def make(**changes) -> WatchConfig:
        values = {"settle": 0.05, "patience": 0.4, "every": 0.05, "predict": running(), **changes}
        return WatchConfig(str(tmp_path / "run"), str(tmp_path / "out"), **values)

    return make


def running(**changes) -> PredictConfig:
    """Settings of a prediction by the adhesion filter, with changes of how it is run."""
    return PredictConfig(run=RunConfig("adhesion-filter", **changes))


def follow(config: WatchConfig, *steps: Callable[[], object], rest: float = 0.3) -> list[WatchEvent]:
    """Watch; take a step whenever there is nothing to do, and go home `rest` seconds after the last."""
    events, left, since = [], list(steps), time.monotonic()
    session = watch(config, AdhesionFilter())
    for event in session:
        if event.state != "idle":
            events.append(event)
            since = time.monotonic()
        elif time.monotonic() - since > 0.15 and left:
            left.pop(0)()
            since = time.monotonic()
        elif not left and time.monotonic() - since > rest:
            session.close()
    return events


def frames_of(events: Iterable[WatchEvent]) -> list[int]:
    return [event.frame for event in events if event.state == "frame"]


def failures(events: Iterable[WatchEvent]) -> list[str]:
    return [event.reason for event in events if event.state == "failed"]


def result(config: WatchConfig, name: str = "run"):
    return io.read_field(Path(config.out) / f"{name}_traction.ome.tif")


def test_single_frames_are_predicted_as_they_come(tmp_path, config):
    scope = Microscope(tmp_path / "run", 3)
    scope.file_a_frame(0)
    events = follow(config(), lambda: scope.file_a_frame(1), lambda: scope.file_a_frame(2))
    assert [event.state for event in events if event.state != "written"] == [
        "found",
        "frame",
        "frame",
        "frame",
    ]
    assert frames_of(events) == [0, 1, 2]
    field = result(config())
    assert field.frames == (0, 1, 2)
    table = pd.read_csv(tmp_path / "out" / "run_summary.csv")
    assert list(table["frame"]) == [0, 1, 2]


def test_a_frame_is_seen_with_the_brightness_of_those_that_had_arrived(tmp_path, config):
    """Alone, the first is normalised by itself; the last by all, as in a prediction of the whole movie."""
    scope = Microscope(tmp_path / "run", 3)
    scope.file_a_frame(0)
    follow(config(), lambda: scope.file_a_frame(1), lambda: scope.file_a_frame(2))
    field = result(config())
    *_, last = predict(io.read(tmp_path / "run"), AdhesionFilter())
    np.testing.assert_allclose(field.data[2], last.traction, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(field.mask[2], last.mask)
    alone = ImageStack(scope.frames[:1, None], ("zyxin",), PixelSize.square(MICRON))
    (first,) = predict(alone, AdhesionFilter())
    np.testing.assert_allclose(field.data[0], first.traction, rtol=1e-5, atol=1e-7)
    assert field.provenance.settings["baselines"] == "over the 3 frames that had arrived"


def test_pages_appended_to_a_file_are_picked_up(tmp_path, config):
    scope = Microscope(tmp_path / "run", 4)
    steps = [lambda t=t: scope.page(t) for t in range(4)]
    events = follow(config(), *steps)
    assert frames_of(events) == [0, 1, 2, 3]
    assert failures(events) == []
    assert events[0].name == "run"


def test_whole_movies_that_appear_are_predicted_each_for_itself(tmp_path, config):
    scope = Microscope(tmp_path / "run", 3)
    events = follow(config(), lambda: scope.movie("a.tif", 2), lambda: scope.movie("b.ome.tif", 3))
    assert [(event.name, event.frame) for event in events if event.state == "frame"] == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("b", 1),
        ("b", 2),
    ]
    assert result(config(), "b").frames == (0, 1, 2)


def test_an_ome_zarr_that_grows_is_followed(tmp_path, config):
    import zarr

    scope = Microscope(tmp_path / "run", 3)

    def longer(frames: int) -> None:
        array = zarr.open_array(tmp_path / "run" / "a.zarr" / "0", mode="r+")
        array.resize((frames, 1, SIDE, SIDE))
        array[frames - 1, 0] = scope.frames[frames - 1]

    events = follow(config(), lambda: scope.movie("a.zarr", 1), lambda: longer(2), lambda: longer(3))
    assert frames_of(events) == [0, 1, 2]
    np.testing.assert_array_equal(result(config(), "a").frames, [0, 1, 2])


def test_a_half_written_frame_is_waited_for(tmp_path, config):
    scope = Microscope(tmp_path / "run", 2)
    scope.file_a_frame(0)
    events = follow(config(patience=30), lambda: scope.half_a_frame(1), lambda: scope.file_a_frame(1))
    assert frames_of(events) == [0, 1]
    assert failures(events) == []


def test_a_file_that_keeps_changing_is_not_touched(tmp_path, config):
    """The newest frame counts when it has been left alone for `settle` seconds."""
    scope = Microscope(tmp_path / "run", 1)
    steps = [lambda: scope.file_a_frame(0)] * 3
    events = follow(config(settle=0.6), *steps, rest=0.3)
    assert frames_of(events) == []
    assert frames_of(follow(config(settle=0.1))) == [0]


def test_a_frame_that_never_becomes_readable_is_told_and_left_out(tmp_path, config):
    scope = Microscope(tmp_path / "run", 3)
    scope.file_a_frame(0)
    events = follow(config(), lambda: scope.half_a_frame(1), lambda: scope.file_a_frame(2), rest=0.9)
    assert frames_of(events) == [0, 2]
    assert len(failures(events)) == 1
    assert "t001.tif" in failures(events)[0]
    assert result(config()).frames == (0, 2)


def test_a_file_that_never_becomes_readable_is_told_once(tmp_path, config):
    scope = Microscope(tmp_path / "run", 1)
    scope.movie("good.tif", 1)
    (tmp_path / "run" / "bad.tif").write_text("not an image")
    events = follow(config(), rest=1.2)
    assert [event.name for event in events if event.state == "failed"] == ["bad"]
    assert "is not a TIFF file" in failures(events)[0]
    assert frames_of(events) == [0]


def test_a_frame_that_no_model_can_use_is_left_out(tmp_path, config):
    scope = Microscope(tmp_path / "run", 3)
    scope.frames[1] = 100
    for t in range(3):
        scope.file_a_frame(t)
    events = follow(config())
    assert frames_of(events) == [0, 2]
    assert "everywhere" in failures(events)[0]
    assert result(config()).frames == (0, 2)


def test_a_frame_that_comes_late_does_not_shift_the_others(tmp_path, config):
    scope = Microscope(tmp_path / "run", 3)
    scope.file_a_frame(0)
    events = follow(config(), lambda: scope.file_a_frame(2), lambda: scope.file_a_frame(1))
    assert frames_of(events) == [0, 1]
    assert "t001.tif came after a later frame was predicted" in failures(events)[0]
    assert frames_of(follow(config())) == []


def test_a_movie_without_a_pixel_size_asks_for_it(tmp_path, config):
    (tmp_path / "run").mkdir()
    tifffile.imwrite(tmp_path / "run" / "a.tif", cell(2), photometric="minisblack", metadata={"axes": "TYX"})
    assert "has no pixel size" in failures(follow(config()))[0]
    assert frames_of(follow(config(predict=running(pixel_size=MICRON)))) == [0, 1]


def test_a_watch_goes_on_where_the_one_before_was(tmp_path, config):
    scope = Microscope(tmp_path / "run", 5)
    for t in range(3):
        scope.file_a_frame(t)
    assert frames_of(follow(config())) == [0, 1, 2]
    for t in (3, 4):
        scope.file_a_frame(t)
    events = follow(config())
    assert (events[0].state, events[0].frame) == ("found", 3)
    assert frames_of(events) == [3, 4]
    field = result(config())
    assert field.frames == (0, 1, 2, 3, 4)
    *_, last = predict(io.read(tmp_path / "run"), AdhesionFilter())
    np.testing.assert_allclose(field.data[4], last.traction, rtol=1e-5, atol=1e-7)
    assert frames_of(follow(config())) == []


def test_with_other_settings_or_another_movie_it_begins_anew(tmp_path, config):
    scope = Microscope(tmp_path / "run", 2)
    scope.movie("a.tif", 2)
    follow(config())
    assert frames_of(follow(config(predict=PredictConfig(calibration=300)))) == [0, 1]
    scope.frames = cell(2, seed=5)
    scope.movie("a.tif", 2)
    assert frames_of(follow(config(predict=PredictConfig(calibration=300)))) == [0, 1]


def test_a_movie_that_becomes_shorter_is_told(tmp_path, config):
    scope = Microscope(tmp_path / "run", 3)
    scope.movie("a.tif", 3)
    events = follow(config(), lambda: scope.movie("a.tif", 1))
    assert "has 1 frame, and 3 were predicted" in failures(events)[0]
    assert result(config(), "a").frames == (0, 1, 2)


def test_many_small_parts_become_few(tmp_path, config, monkeypatch):
    """A frame every five minutes for two days: no folder of hundreds of files."""
    monkeypatch.setattr("napari_cellforce.watch.chunked_output._MERGE_COUNT", 3)
    scope = Microscope(tmp_path / "run", 7)
    scope.file_a_frame(0)
    events = follow(config(), *(lambda t=t: scope.file_a_frame(t) for t in range(1, 7)))
    assert frames_of(events) == list(range(7))
    parts = sorted((tmp_path / "out" / ".cellforce").rglob("*_traction.ome.tif"))
    assert [io.read_field(part).frames for part in parts] == [(0, 1, 2), (3, 4, 5), (6,)]
    assert result(config()).frames == tuple(range(7))
    assert list(pd.read_csv(tmp_path / "out" / "run_summary.csv")["frame"]) == list(range(7))


def test_a_movie_that_rests_is_joined_and_let_go(tmp_path, config, monkeypatch):
    """Of hundreds of movies in a folder not all files stay open."""
    monkeypatch.setattr("napari_cellforce.watch.movie_watcher._CHUNK_FRAMES", 4)
    scope = Microscope(tmp_path / "run", 5)
    monkeypatch.setattr("napari_cellforce.watch.movie_watcher._GROWTH", 10.0)
    scope.movie("a.tif", 5)
    opened = []
    for event in watch(config(), AdhesionFilter()):
        opened.append("a.tif" in " ".join(file.path for file in psutil.Process().open_files()))
        if event.state == "written" and event.frames == 5:
            break
    assert any(opened)
    assert not opened[-1]
    assert result(config(), "a").frames == (0, 1, 2, 3, 4)


def test_a_doubtful_pixel_size_is_doubted_once(tmp_path, config):
    scope = Microscope(tmp_path / "run", 3)
    scope.file_a_frame(0)
    given = config(predict=running(pixel_size=0.05))
    with pytest.warns(CellForceWarning, match="times apart") as told:
        follow(given, lambda: scope.file_a_frame(1), lambda: scope.file_a_frame(2))
    assert len(told) == 1


def test_results_in_the_watched_folder_are_not_taken_for_movies(tmp_path, config):
    scope = Microscope(tmp_path / "run", 1)
    scope.movie("a.tif", 1)
    folder = str(tmp_path / "run")
    inside = WatchConfig(folder, folder, predict=running(), settle=0.05, every=0.05)
    assert {event.name for event in follow(inside)} == {"a"}
    assert {event.name for event in follow(inside)} <= {"a"}


def test_two_watches_do_not_write_to_one_folder(tmp_path, config):
    (tmp_path / "run").mkdir()
    first = watch(config(), AdhesionFilter())
    next(first)
    with pytest.raises(CellForceError, match="one run at a time"):
        next(watch(config(), AdhesionFilter()))
    first.close()


def test_a_folder_that_is_not_there_is_told(tmp_path, config):
    with pytest.raises(CellForceError, match="is no folder"):
        next(watch(config(), AdhesionFilter()))


def test_a_folder_that_goes_away_for_a_while_does_no_harm(tmp_path, config):
    """As a network drive does."""
    scope = Microscope(tmp_path / "run", 2)
    scope.movie("a.tif", 1)
    away = tmp_path / "away"

    def back() -> None:
        shutil.move(away, tmp_path / "run")
        scope.movie("b.tif", 1)

    events = follow(config(), lambda: shutil.move(tmp_path / "run", away), back)
    assert [event.name for event in events if event.state == "frame"] == ["a", "b"]


def test_it_works_where_the_system_does_not_tell(tmp_path, config, monkeypatch):
    """Network drives send no events, and watchdog is an extra."""
    monkeypatch.setitem(sys.modules, "watchdog.observers", None)
    scope = Microscope(tmp_path / "run", 2)
    scope.file_a_frame(0)
    assert frames_of(follow(config(), lambda: scope.file_a_frame(1))) == [0, 1]


def test_where_the_system_tells_it_looks_at_once(tmp_path, config):
    pytest.importorskip("watchdog")
    scope = Microscope(tmp_path / "run", 2)
    (tmp_path / "run").mkdir(exist_ok=True)
    session = watch(config(every=60.0, settle=60.0, patience=60), AdhesionFilter())
    next(event for event in session if event.state == "idle")
    started = time.monotonic()
    scope.movie("a.tif", 2)
    event = next(event for event in session if event.state == "frame")  # the newest has to settle
    assert (event.frame, time.monotonic() - started < 20) == (0, True)
    session.close()


WATCH = """
import sys
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.watch import WatchConfig, watch
config = WatchConfig(sys.argv[1], sys.argv[2], settle=0.05, every=0.05)
for event in watch(config, AdhesionFilter()):
    if event.state == "frame":
        print(event.frame, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_it_nothing_is_lost_and_nothing_done_twice(tmp_path, config, how):
    scope = Microscope(tmp_path / "run", 6)
    scope.file_a_frame(0)
    process = subprocess.Popen(
        [sys.executable, "-c", WATCH, str(tmp_path / "run"), str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for t in range(3):
        assert process.stdout.readline() == f"{t}\n"
        if t < 2:
            time.sleep(0.3)
            scope.file_a_frame(t + 1)
    time.sleep(0.5)
    os.kill(process.pid, how)
    process.wait(20)
    if how == signal.SIGINT:
        assert result(config()).frames == (0, 1, 2)
    for t in range(3, 6):
        scope.file_a_frame(t)
    assert frames_of(follow(config())) == [3, 4, 5]
    assert result(config()).frames == (0, 1, 2, 3, 4, 5)
    assert list(pd.read_csv(tmp_path / "out" / "run_summary.csv")["frame"]) == [0, 1, 2, 3, 4, 5]
