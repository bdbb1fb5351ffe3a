"""Jobs in threads: whatever they raise is told, and none leaves a trace in Python's warnings."""

from __future__ import annotations

import threading
import warnings

import pytest

from napari_cellforce.errors import CellForceWarning
from napari_cellforce.widgets.base.worker import Job


class Watched:
    """A job whose ending is noted down."""

    def __init__(self, qtbot):
        self.job, self._qtbot = Job(), qtbot
        self.failures, self.ends = [], []
        self.job.failed.connect(self.failures.append)
        self.job.ended.connect(self.ends.append)

    def wait(self):
        self._qtbot.waitUntil(lambda: not self.job.running, timeout=5000)


@pytest.fixture
def job(qtbot):
    return Watched(qtbot)


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), ValueError("a mistake")])
def test_whatever_is_raised_is_told_and_is_the_end(job, error):
    """What torch raises when its memory is full is a RuntimeError: the panel must not wait for ever."""

    def work():
        yield 1
        raise error

    job.job.start(work)
    job.wait()
    assert job.failures == [error]
    assert job.ends == [False]


def test_warnings_are_told_though_they_were_told_before(job, notifications):
    def work():
        warnings.warn("mind the gap", CellForceWarning, stacklevel=1)
        warnings.warn("a number overflowed", RuntimeWarning, stacklevel=1)
        yield

    for times in (1, 2):
        job.job.start(work)
        job.wait()
        assert notifications == ["mind the gap"] * times, "ours only"


def test_jobs_that_overlap_leave_the_hook_of_warnings_as_it_was(qtbot):
    before = warnings.showwarning
    first, second = Watched(qtbot), Watched(qtbot)
    first_may_end, second_may_end = threading.Event(), threading.Event()

    def until(event):
        def work():
            yield event.wait(5)

        return work

    first.job.start(until(first_may_end))
    second.job.start(until(second_may_end))
    first_may_end.set()
    first.wait()
    second_may_end.set()
    second.wait()
    assert warnings.showwarning == before
