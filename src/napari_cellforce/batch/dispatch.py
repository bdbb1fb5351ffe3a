"""Handing out the tasks of all inputs, the same way whoever does them."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from napari_cellforce.batch.brake import Brake
from napari_cellforce.batch.course import Course, InputEvent, settled
from napari_cellforce.batch.crew import Crew, News
from napari_cellforce.batch.row import PlannedInput


def dispatch(
    rows: Iterable[PlannedInput],
    crew: Crew,
    brake: Brake,
    look: Callable[[PlannedInput], PlannedInput],
    out: Path,
) -> Iterator[InputEvent]:
    """Hand out the tasks of all rows, those that were begun first; tell what becomes of them.

    Parameters
    ----------
    rows : iterable of PlannedInput
        In which something is to be done.
    crew : Crew
    brake : Brake
    look : callable
        Looks at a row again, right before it is begun: the night is long, and files change.
    out : Path
        The output folder.
    """
    waiting = deque(rows)
    courses: dict[str, Course] = {}
    with contextlib.closing(crew):
        while courses or (waiting and not brake.after_input):
            _hand_out(courses.values(), crew)
            while crew.room > 0 and waiting and not brake.after_input:
                row = look(waiting.popleft())
                if not row.to_do:
                    yield from settled(row)
                    continue
                courses[row.title] = Course(row, split=crew.split)
                yield InputEvent(row, "running", "Starting", finished=row.finished)
                _hand_out(courses.values(), crew)
            for news in crew.news():
                yield from _heard(news, courses, out)
            if brake.now:
                return


def _hand_out(courses: Iterable[Course], crew: Crew) -> None:
    for course in courses:
        while crew.room > 0 and (task := course.take_task()) is not None:
            crew.give(task)


def _heard(news: News, courses: dict[str, Course], out: Path) -> Iterator[InputEvent]:
    """Pass news on to the course they are about, and yield what that means."""
    name = news.task.row.title
    course = courses[name]
    if news.event is not None:
        yield course.hear(news.event)
        return
    if news.lost:
        yield course.lose(news.task, news.lost)
    else:
        course.end(news.task)
    if course.over:
        del courses[name]
        yield course.last_event(out)
