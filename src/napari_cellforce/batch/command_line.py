"""Settings as the command line that sets them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

SHARED_FLAGS = {
    "pattern": "--pattern",
    "pixel_size": "--pixel-size",
    "z": "--z",
    "predict.channels": "--channel",
    "predict.already_normalised": "--already-normalised",
    "predict.calibration": "--calibration",
    "predict.sensitivity": "--sensitivity",
    "samples": "--samples",
    "device": "--device",
    "backend": "--backend",
    "model_folder": "--model-folder",
}
"""Options of ``cellforce batch`` and ``cellforce watch``."""


def command_line(command: str, folder: str, options: Iterable[str]) -> str:
    """Return ``cellforce COMMAND FOLDER OPTIONS``, quoted for the shell.

    Parameters
    ----------
    command, folder : str
        A folder whose name begins with a hyphen comes last, where it cannot be taken for an option.
    options : iterable of str
    """
    words = (*options, "--", folder) if folder.startswith("-") else (folder, *options)
    return shlex.join(["cellforce", command, *words])


def changed(config: Any, plain: Any, flags: Mapping[str, str]) -> Iterator[str]:
    """Yield the options that differ from the defaults.

    Parameters
    ----------
    config, plain : dataclass
        Settings, and the same with all defaults.
    flags : mapping of str to str
        From attributes, as ``"predict.channels"``, to their options.
    """
    for name, flag in flags.items():
        value = attrgetter(name)(config)
        if value == attrgetter(name)(plain):
            continue
        if isinstance(value, bool):
            yield flag
        elif isinstance(value, tuple):
            yield from (f"{flag}={one}" for one in value)
        else:
            yield f"{flag}={value}"
