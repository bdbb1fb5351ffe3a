"""Watching a folder: a generator of events that can be stopped at any time and resumed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from napari_cellforce.errors import CellForceError
from napari_cellforce.models.record import Predictor
from napari_cellforce.resume import STATE_DIR, locked
from napari_cellforce.watch.change_waiter import FileChangeWaiter
from napari_cellforce.watch.config import WatchConfig, WatchEvent
from napari_cellforce.watch.movie_watcher import MovieWatcher
from napari_cellforce.watch.sources import Source, find_sources


def load(config: WatchConfig) -> Predictor:
    """Load the predictor that `config` names; see `napari_cellforce.zoo.load_predictor` for errors."""
    return config.run.load()


def watch(
    config: WatchConfig, predictor: Predictor, stop: threading.Event | None = None
) -> Generator[WatchEvent]:
    """Predict what is in a folder, and then what is written to it, frame by frame.

    A movie is a file, complete or growing (TIFF, OME-Zarr), or a folder with one file per frame. The newest
    frame is predicted once it no longer changes. Finished frames are on disk at once; the joined file of a
    movie is written again when it has grown by a quarter, and at the end. However it ends, a later watch
    with the same settings and folders resumes it.

    Parameters
    ----------
    config : WatchConfig
    predictor : Predictor
    stop : threading.Event, optional
        Ends it from another thread, after the frame that is being predicted. Closing the generator ends it
        too.

    Yields
    ------
    WatchEvent
        Also ``"idle"`` ones, every `config.every` seconds or sooner.

    Raises
    ------
    CellForceError
        If the folder is not there, another run writes to the output folder, or it cannot be written.
    """
    stop = stop or threading.Event()
    folder, out = config.paths
    find_sources(folder, out, config.pattern)
    state_dir = out / STATE_DIR / "watch"
    watchers: dict[Path, MovieWatcher] = {}
    with locked(out), FileChangeWaiter(folder) as changes:
        try:
            while not stop.is_set():
                _add_new_movies(watchers, config, predictor, state_dir, stop)
                busy = False
                for watcher in tuple(watchers.values()):
                    for event in watcher.step(time.monotonic()):
                        busy = busy or event.state in ("found", "frame")
                        yield event
                    if stop.is_set():
                        break
                if not busy and not stop.is_set():
                    yield WatchEvent("idle")
                    changes.wait(min(config.every, config.settle), stop)
            yield from _finish(watchers)
        finally:
            for _ in _finish(watchers):  # again, because the generator may have been closed
                pass


def _add_new_movies(
    watchers: dict[Path, MovieWatcher],
    config: WatchConfig,
    predictor: Predictor,
    state_dir: Path,
    stop: threading.Event,
) -> None:
    """Start watching the movies that are new."""
    folder, out = config.paths
    with contextlib.suppress(CellForceError):  # a network drive that is away for a moment
        for source in find_sources(folder, out, config.pattern, watchers):
            names = {watcher.source.name for watcher in watchers.values()}
            named = Source(source.path, source.path.name) if source.name in names else source
            watchers[source.path] = MovieWatcher(named, config, predictor, state_dir, stop)


def _finish(watchers: dict[Path, MovieWatcher]) -> Iterator[WatchEvent]:
    for watcher in watchers.values():
        event = watcher.finish()
        if event is not None:
            yield event
