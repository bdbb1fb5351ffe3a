"""A running Dask cluster: one task an input, on workers that see the same files as we do."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from napari_cellforce.batch.brake import Brake
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.model import load
from napari_cellforce.batch.one import InputEvent, process_input
from napari_cellforce.batch.plan import PlannedInput
from napari_cellforce.errors import CellForceError
from napari_cellforce.models.record import Predictor

_PATIENCE = "20s"
"""How long a scheduler may take to answer."""

_TICK = 0.1
"""Seconds between looks at the brake."""


def in_cluster(rows: Iterable[PlannedInput], config: BatchConfig, brake: Brake) -> Iterator[InputEvent]:
    """Process inputs on the cluster of ``config.scheduler``.

    The task of a worker that dies is done again by another, a few times; then the input has failed. No more
    inputs are handed out than there are workers, so that a stop leaves the others untouched.

    Yields
    ------
    InputEvent
        The last of each input; what happens in between is not sent.

    Raises
    ------
    CellForceError
        If distributed is not installed, or no scheduler answers.
    """
    waiting = deque(rows)
    with contextlib.closing(_connect(config.scheduler)) as client:
        running: dict[Any, PlannedInput] = {}
        while running or (waiting and not brake.after_input):
            while waiting and not brake.after_input and len(running) < max(len(client.nthreads()), 1):
                row = waiting.popleft()
                yield InputEvent(row, "running", "On the cluster")
                running[client.submit(_process, row, config, pure=False)] = row
            for future in _finished(running):
                yield _last_event(future, running.pop(future))
            if brake.now:
                client.cancel(list(running), force=True)
                return


def _connect(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise CellForceError(
            "Dask's scheduler is asked for, and distributed is not installed",
            "it is an extra",
            'Install it: pip install "napari-cellforce[cluster]".',
            topic="scheduler",
        ) from error
    try:
        return Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CellForceError(
            f"no Dask scheduler answers at {address}",
            "its address looks like tcp://host:8786",
            "Start it (dask scheduler), or correct the address.",
            topic="scheduler",
        ) from error


def _finished(running: dict[Any, PlannedInput]) -> list[Any]:
    """Return the futures that are done, after a short wait if none is."""
    done = [future for future in running if future.done()]
    if not done:
        time.sleep(_TICK)  # distributed's own wait insists on a client that is everybody's
    return done


def _last_event(future: Any, row: PlannedInput) -> InputEvent:
    error = future.exception()
    if error is None:
        event: InputEvent = future.result()
        return event
    return InputEvent(row, "failed", reason=f"The cluster gave up: {type(error).__name__}: {error}")


def _process(row: PlannedInput, config: BatchConfig) -> InputEvent:
    """Process an input, on a worker; return the last event."""
    *_, last = process_input(row, config, _loaded(config))
    return last


@lru_cache(maxsize=1)
def _loaded(config: BatchConfig) -> Predictor:
    """Return the model, which a worker loads once."""
    return load(config)
