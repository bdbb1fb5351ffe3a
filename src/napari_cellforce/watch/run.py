"""Following a folder: a generator of events that can be stopped at any time, and taken up again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

from napari_cellforce import zoo
from napari_cellforce.batch.completion import STATE_DIR
from napari_cellforce.batch.lock import locked
from napari_cellforce.errors import CellForceError
from napari_cellforce.models.record import Predictor
from napari_cellforce.watch.bell import Bell
from napari_cellforce.watch.config import WatchConfig
from napari_cellforce.watch.events import WatchEvent
from napari_cellforce.watch.follower import Follower
from napari_cellforce.watch.sources import Source, find_sources


def load(config: WatchConfig) -> Predictor:
    """Load the predictor that `config` names; see `napari_cellforce.zoo.load_predictor` for errors."""
    return zoo.load_predictor(
        config.model,
        device=config.device,
        samples=config.samples,
        folder=config.model_folder or None,
        backend=config.backend,
    )


def watch(
    config: WatchConfig, predictor: Predictor, stop: threading.Event | None = None
) -> Generator[WatchEvent]:
    """Predict what is in a folder, and then what is written to it, frame by frame.

    A movie is a file that is there or becomes longer (TIFF, OME-Zarr), or a folder with one file a frame.
    The newest frame is waited for until it does not change any more. What is finished is on disk at once;
    the joined file of a movie is renewed when it has grown by a quarter, and at the end. However it ends,
    a later watch with the same settings and folders goes on where this one was.

    Parameters
    ----------
    config : WatchConfig
    predictor : Predictor
    stop : threading.Event, optional
        To end it from another thread: after the frame that is being predicted. Closing the generator ends
        it too.

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
    books = out / STATE_DIR / "watch"
    followers: dict[Path, Follower] = {}
    with locked(out / STATE_DIR / "lock"), Bell(folder) as bell:
        try:
            while not stop.is_set():
                _take_up(followers, config, predictor, books, stop)
                busy = False
                for follower in tuple(followers.values()):
                    for event in follower.step(time.monotonic()):
                        busy = busy or event.state in ("found", "frame")
                        yield event
                    if stop.is_set():
                        break
                if not busy and not stop.is_set():
                    yield WatchEvent("idle")
                    bell.wait(min(config.every, config.settle), stop)
            yield from _finish(followers)
        finally:
            for _ in _finish(followers):  # what was not told because the generator was closed
                pass


def _take_up(
    followers: dict[Path, Follower],
    config: WatchConfig,
    predictor: Predictor,
    books: Path,
    stop: threading.Event,
) -> None:
    """Look for movies that are new."""
    folder, out = config.paths
    with contextlib.suppress(CellForceError):  # a network drive that is away for a moment
        for source in find_sources(folder, out, config.pattern, followers):
            taken = {follower.source.name for follower in followers.values()}
            named = Source(source.path, source.path.name) if source.name in taken else source
            followers[source.path] = Follower(named, config, predictor, books, stop)


def _finish(followers: dict[Path, Follower]) -> Iterator[WatchEvent]:
    for follower in followers.values():
        event = follower.finish()
        if event is not None:
            yield event
