"""A training run in a process of its own, heard and steered from another one.

Training is Python that keeps the interpreter busy: in a thread of the window's process it would make the
window stutter. The process is a fresh interpreter; see `napari_cellforce.process_pool`. It gets its orders,
line by line, on standard input, and answers with pickled records on standard output. It ends when its parent
does.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_cellforce.config_io import from_mapping, read_settings, to_mapping
from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.process_pool import claim_output, describe_exit, start_python
from napari_cellforce.train.calibration import Calibration, calibrate_file
from napari_cellforce.train.callbacks import LAST, Epoch, Event
from napari_cellforce.train.config import TrainConfig
from napari_cellforce.train.examples import prepare
from napari_cellforce.train.initialise import start
from napari_cellforce.train.loop import CONFIG, TrainResult, train
from napari_cellforce.train.preview import Preview, Previewer
from napari_cellforce.zoo.registry import FOLDER_VARIABLE

Task = Literal["train", "resume", "scale", "scale and offset"]

_PAUSE, _RESUME, _STOP = "pause", "go on", "stop"
_NICENESS = 5
"""By how much the process steps back behind the window, as in ``nice``."""


@dataclass(frozen=True)
class Preparing:
    """What is done before the first step; a total of 0 where it cannot be said how much that is."""

    what: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class WarningRecord:
    """Something the user should know; the run goes on."""

    text: str


@dataclass(frozen=True)
class ScaledModel:
    """A model whose scale alone was fitted."""

    model: Path
    calibration: Calibration


Record = Preparing | Event | Preview | WarningRecord | TrainResult | ScaledModel


@dataclass(frozen=True)
class _Crash:
    """A mistake in the program, as its traceback."""

    text: str


class SubprocessRun:
    """A run in a process of its own, which starts at once.

    Parameters
    ----------
    task : {"train", "resume", "scale", "scale and offset"}
        Train; go on with the run in `folder`; or fit the scale (and an offset) of a model only.
    config : TrainConfig
        Of a run that goes on, what stands in `folder` counts.
    folder : Path
    model_folder : path-like, optional
        See `napari_cellforce.zoo.model_folder`.
    """

    def __init__(
        self, task: Task, config: TrainConfig, folder: Path, model_folder: str | None = None
    ) -> None:
        environment = dict(os.environ)
        if model_folder:
            environment.setdefault(FOLDER_VARIABLE, model_folder)
        self._folder = folder
        self._process = start_python(__name__, "main", env=environment)
        command = {"task": task, "config": to_mapping(config), "folder": str(folder)}
        self._send(json.dumps(command))

    @property
    def process_id(self) -> int:
        """Number of the process."""
        return self._process.pid

    def records(self) -> Iterator[Record]:
        """Yield what the run tells, a `TrainResult` or `ScaledModel` last.

        Raises
        ------
        CellForceError
            That the run met; or if its process was killed.
        RuntimeError
            With the traceback of a mistake in the program.
        """
        answers, commands = self._process.stdout, self._process.stdin
        assert answers is not None
        assert commands is not None
        with answers, contextlib.closing(commands):
            while True:
                try:
                    record = pickle.load(answers)
                except (EOFError, pickle.UnpicklingError):
                    raise self._process_ended_error() from None
                if isinstance(record, CellForceError):
                    raise record
                if isinstance(record, _Crash):
                    raise RuntimeError(record.text)
                if isinstance(record, TrainResult | ScaledModel):
                    self._process.wait()
                    yield record
                    return
                yield record

    def pause(self) -> None:
        """Rest after the current step."""
        self._send(_PAUSE)

    def resume(self) -> None:
        """End a pause."""
        self._send(_RESUME)

    def stop(self) -> None:
        """End after the current step; the best state is kept."""
        self._send(_STOP)

    def kill(self) -> None:
        """End at once; what was written after the last whole epoch stays, and can go on."""
        self._process.kill()
        self._process.wait()

    def _send(self, line: str) -> None:
        commands = self._process.stdin
        assert commands is not None
        try:
            commands.write(f"{line}\n".encode())
            commands.flush()
        except (BrokenPipeError, ValueError):
            pass  # it has ended already

    def _process_ended_error(self) -> CellForceError:
        code = self._process.wait()
        again = (self._folder / LAST).is_file()
        return CellForceError(
            f"the training process ended by itself ({describe_exit(code)})",
            "mostly the reason is that memory ran out",
            ("Go on: it continues after the last whole pass. " if again else "")
            + "If it happens again, take fewer frames in a step, or a smaller largest side.",
            topic=Topic.MEMORY,
        )


class _Commands:
    """What the parent has asked for so far; asking stops the thread that asks while the run is paused."""

    def __init__(self, lines: io.FileIO) -> None:
        self._stopped = False
        self._may_run = threading.Event()
        self._may_run.set()
        threading.Thread(target=self._listen, args=(lines,), daemon=True).start()

    def should_stop(self) -> bool:
        """Wait for the end of a pause, and tell whether to stop."""
        self._may_run.wait()
        return self._stopped

    def _listen(self, lines: io.FileIO) -> None:
        for line in lines:
            command = line.decode().strip()
            if command == _PAUSE:
                self._may_run.clear()
            elif command == _RESUME:
                self._may_run.set()
            elif command == _STOP:
                break
        # Also at the end of the orders: the parent is gone.
        self._stopped = True
        self._may_run.set()


SendRecord = Callable[[Any], None]


def main() -> None:
    """Carry out what standard input says."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    with claim_output() as answers, _unbuffered_stdin() as lines:

        def send(record: Any) -> None:
            pickle.dump(record, answers)
            answers.flush()

        def caution(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
            if issubclass(category, CellForceWarning):
                send(WarningRecord(str(message)))

        warnings.showwarning = caution
        try:
            command = json.loads(lines.readline())
            send(_run_task(command, _Commands(lines), send))
        except CellForceError as error:
            send(error)
        except Exception:
            send(_Crash(traceback.format_exc()))
    os._exit(0)  # all is written; taking torch down in good order would only cost seconds


def _run_task(command: Mapping[str, Any], commands: _Commands, send: SendRecord) -> TrainResult | ScaledModel:
    folder, config = Path(command["folder"]), from_mapping(TrainConfig, command["config"])
    if command["task"] in ("scale", "scale and offset"):
        send(Preparing("Predicting all frames"))
        path = folder / f"{config.name}.safetensors"
        return ScaledModel(*calibrate_file(config.start_from, config.data, path, command["task"]))
    going_on = command["task"] == "resume"
    return _run_training(
        read_settings(folder / CONFIG, TrainConfig) if going_on else config, folder, going_on, commands, send
    )


def _run_training(
    config: TrainConfig, folder: Path, resume: bool, commands: _Commands, send: SendRecord
) -> TrainResult:
    initial = start(config)
    examples = prepare(initial.config, lambda what, done, total: send(Preparing(what, done, total)))
    previewer = Previewer(initial, examples)

    def listen(event: Event) -> None:
        send(event)
        if isinstance(event, Epoch):
            send(previewer.of(folder / LAST))

    return train(
        config, folder, resume=resume, listener=listen, should_stop=commands.should_stop, examples=examples
    )


def _unbuffered_stdin() -> io.FileIO:
    """Return standard input; a thread that waits in a buffered one would break the end of the process."""
    return io.FileIO(0, closefd=False)
