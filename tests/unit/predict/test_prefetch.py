"""A movie is read ahead, predicted and written behind at once, in order; what fails does so in its turn."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from napari_cellforce import io
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FrameResult
from napari_cellforce.predict import OutputPaths, PredictConfig, predict_to_files, prepare
from napari_cellforce.predict.prefetch import BackgroundWriter, prefetch

AS_IT_IS = PredictConfig(already_normalised=True)
SOON = 10
"""Seconds after which something that was waited for has not happened."""


class Meeting(threading.Event):
    """An event that must happen soon."""

    def happens(self) -> None:
        assert self.wait(SOON), "it did not happen"


class TestAhead:
    def test_the_next_is_made_while_one_is_used(self):
        begun = [Meeting() for _ in range(3)]

        def make(n: int) -> int:
            begun[n].set()
            return n * n

        for n, square in enumerate(prefetch(make, range(3))):
            assert square == n * n
            if n < 2:
                begun[n + 1].happens()

    def test_no_more_than_one_step_ahead(self):
        made = []

        def make(n: int) -> int:
            made.append(n)
            return n

        steps = prefetch(make, range(100))
        assert next(steps) == 0
        steps.close()
        assert made == [0, 1]

    def test_what_fails_does_so_in_its_turn(self):
        steps = prefetch(lambda n: 6 // n, (3, 2, 0, 1))
        assert [next(steps), next(steps)] == [2, 3]
        with pytest.raises(ZeroDivisionError):
            next(steps)

    def test_nothing_comes_of_nothing(self):
        assert list(prefetch(str, ())) == []


class TestBehind:
    def test_the_caller_goes_on_while_the_work_is_done(self):
        go, done = Meeting(), []
        with BackgroundWriter() as writer_thread:
            writer_thread.submit(lambda n: (go.happens(), done.append(n))[-1], 1)
            assert done == []
            go.set()
        assert done == [1]

    def test_what_went_wrong_is_told_at_the_next_step_or_at_the_end(self):
        with BackgroundWriter() as writer_thread:
            writer_thread.submit(lambda n: 1 / n, 0)
            with pytest.raises(ZeroDivisionError):
                writer_thread.submit(print, 1)
        with pytest.raises(ZeroDivisionError), BackgroundWriter() as writer_thread:
            writer_thread.submit(lambda n: 1 / n, 0)

    def test_an_error_of_the_caller_comes_first(self):
        with pytest.raises(KeyError), BackgroundWriter() as writer_thread:
            {}[writer_thread.submit(lambda n: 1 / n, 0)]


def test_frames_are_read_and_written_while_others_are_predicted(
    movie, make_tug, cell, counting_array, tmp_path
):
    """While frame 1 is predicted, frame 2 is read and frame 0 is written; none waits for the others."""
    read, written = [Meeting() for _ in range(3)], [Meeting() for _ in range(3)]

    class Watched(counting_array):
        def __getitem__(self, index):
            read[index[0]].set()
            return super().__getitem__(index)

    class Slow(make_tug):
        def predict_frame(self, image, mask, pixel_size):
            if len(self.seen) == 1:
                read[2].happens()
                written[0].happens()
            return super().predict_frame(image, mask, pixel_size)

    stack = dataclasses.replace(movie, data=Watched(movie.data))
    job = prepare(stack, Slow(), cell, config=AS_IT_IS)
    row = type(job).row

    class ProgressCallback(type(job)):
        def row(self, result):
            values = row(self, result)
            written[result.frame].set()
            return values

    told = ProgressCallback(**{f.name: getattr(job, f.name) for f in dataclasses.fields(job)})
    paths = OutputPaths.of(tmp_path, "cell")
    assert [record.frame for record in predict_to_files(told, paths)] == [0, 1, 2]
    assert io.read_field(paths.traction).frames == (0, 1, 2)


class Several:
    """The model that predicts several frames at once, and tells how many it was given."""

    frames_at_once = 4

    def __init__(self, tug) -> None:
        self._tug, self.record, self.given = tug, tug.record, []

    def predict_frame(self, image, mask, pixel_size) -> FrameResult:
        return self.predict_frames([image], [mask], pixel_size)[0]

    def predict_frames(self, images, masks, pixel_size) -> list[FrameResult]:
        self.given.append(len(images))
        if any(image.max() > 900 for image in images):
            raise CellForceError("too bright", "the cell burns", "dim it")
        return [self._tug.predict_frame(image, mask, pixel_size) for image, mask in zip(images, masks)]  # noqa: B905


class TestSeveralFramesAtOnce:
    def test_they_give_what_single_frames_give(self, make_movie, make_tug, cell):
        movie, several = make_movie(frames=6), Several(make_tug())
        together = list(prepare(movie, several, cell).run())
        one_by_one = list(prepare(movie, make_tug(), cell).run())
        assert several.given == [4, 2]
        results = [[r for r in records if isinstance(r, FrameResult)] for records in (together, one_by_one)]
        assert [r.frame for r in results[0]] == list(range(6))
        for one, other in zip(*results, strict=True):
            np.testing.assert_array_equal(one.traction, other.traction)
            np.testing.assert_array_equal(one.mask, other.mask)

    def test_a_frame_that_cannot_be_read_takes_none_of_its_company_along(self, make_movie, tug, cell):
        movie = make_movie(frames=4)
        movie.data[2] = 7
        done, error = until_it_fails(prepare(movie, Several(tug), cell, config=AS_IT_IS))
        assert "frame 2 of cell 7 is 7 everywhere" in str(error)
        assert done == [0, 1]

    def test_nor_does_one_that_cannot_be_predicted(self, make_movie, tug, cell):
        movie, several = make_movie(frames=4), Several(tug)
        movie.data[2, 0][cell.frame(0)] = 1000
        done, error = until_it_fails(prepare(movie, several, cell, config=AS_IT_IS))
        assert "too bright" in str(error)
        assert done == [0, 1]
        assert several.given == [4, 1, 1, 1]


def until_it_fails(job) -> tuple[list[int], CellForceError | None]:
    """The frames that came before the error, and the error."""
    done = []
    try:
        for result in job.run():
            done.append(result.frame)  # noqa: PERF401 (what came before the error counts)
    except CellForceError as error:
        return done, error
    return done, None


def test_a_disk_that_fills_up_is_told_even_if_the_job_is_stopped_just_then(
    movie, make_tug, cell, tmp_path, full_disk
):
    """Noise does not compress: the first frame fits into 40 kB, the second does not."""

    class Noise(make_tug):
        def predict_frame(self, image, mask, _pixel_size):
            self.seen.append(image)
            noise = np.random.default_rng(len(self.seen)).random((2, *mask.shape), np.float32)
            return FrameResult(noise)

    paths = OutputPaths.of(tmp_path, "noise")
    records = predict_to_files(prepare(movie, Noise(), cell, config=AS_IT_IS), paths)
    with full_disk(40_000):
        assert [next(records).frame, next(records).frame] == [0, 1]
        with pytest.raises(CellForceError, match="the 1 before it are kept"):
            records.close()
    assert io.read_field(paths.traction).frames == (0,)
