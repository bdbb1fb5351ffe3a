"""Which processor computes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from napari_cellforce.errors import CellForceError, Topic

_unlimited: int | None = None
"""Number of threads before `limit_threads` changed it; None while it has not."""


def choose(name: str = "auto") -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    name : str
        ``"auto"`` (CUDA if there is one, else Apple's MPS, else the CPU), or a device as torch names it:
        ``"cpu"``, ``"mps"``, ``"cuda"``, ``"cuda:1"``.

    Raises
    ------
    CellForceError
        If that device is not there.
    """
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if _count(kind))
    kind, _, index = name.partition(":")
    if (index or "0").isdigit() and int(index or 0) < _count(kind):
        return torch.device(name)
    available = ", ".join(kind for kind in ("cpu", "mps", "cuda") if _count(kind))
    raise CellForceError(
        f"device {name!r} is not available",
        f"this computer and its installation of torch offer {available}",
        "Choose auto or cpu, or install a build of torch for your graphics card.",
        topic=Topic.DEVICE,
    )


def use_threads(threads: int) -> None:
    """Let this many threads compute, in torch and in the libraries under numpy."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    torch.set_num_threads(threads)
    threadpool_limits(threads)


def limit_threads(threads: int | None) -> None:
    """Let this many threads compute; None gives back the number that there was before the first limit."""
    global _unlimited
    if threads is None:
        if _unlimited is not None:
            use_threads(_unlimited)
        _unlimited = None
        return
    if _unlimited is None:
        _unlimited = torch.get_num_threads()
    use_threads(threads)


def describe(device: torch.device) -> str:
    """Return a device in words: ``"CPU (8 threads)"``, ``"GPU (NVIDIA RTX A4000)"``."""
    if device.type == "cuda":
        return f"GPU ({torch.cuda.get_device_name(device)})"
    if device.type == "mps":
        return "GPU (Apple)"
    return f"CPU ({torch.get_num_threads()} threads)"


def _count(kind: str) -> int:
    """Return how many devices there are of a kind."""
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    return int(kind == "cpu")


@contextlib.contextmanager
def memory_errors(shape: tuple[int, ...]) -> Iterator[None]:
    """Turn the several ways in which torch says that memory ran out into one for the user."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        words = ("out of memory", "not enough memory", "can't allocate memory")
        if not isinstance(error, MemoryError) and not any(word in str(error).lower() for word in words):
            raise
        raise CellForceError(
            f"memory ran out while predicting {shape[-2]} x {shape[-1]} pixels",
            "the network needs more than there is",
            "Close other programs, choose the CPU as device, or crop the image to the cell.",
            topic=Topic.DEVICE,
        ) from error
