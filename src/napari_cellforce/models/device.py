"""Choice of the compute device, number of threads, and out-of-memory errors."""

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
        ``"auto"`` (CUDA if available, else Apple's MPS, else the CPU), or the torch name of a device:
        ``"cpu"``, ``"mps"``, ``"cuda"``, ``"cuda:1"``.

    Raises
    ------
    CellForceError
        If that device is not available.
    """
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if _count(kind))
    kind, _, index = name.partition(":")
    if (index or "0").isdigit() and int(index or 0) < _count(kind):
        return torch.device(name)
    available = ", ".join(kind for kind in ("cpu", "mps", "cuda") if _count(kind))
    raise CellForceError(
        f"device {name!r} is not available",
        f"available with this installation of torch: {available}",
        "Choose auto or cpu, or install a build of torch for your graphics card.",
        topic=Topic.DEVICE,
    )


def use_threads(threads: int) -> None:
    """Set the number of threads of torch and of the libraries used by numpy."""
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
    """Return the description of a device: ``"CPU (8 threads)"``, ``"GPU (NVIDIA RTX A4000)"``."""
    if device.type == "cuda":
        return f"GPU ({torch.cuda.get_device_name(device)})"
    if device.type == "mps":
        return "GPU (Apple)"
    return f"CPU ({torch.get_num_threads()} threads)"


def _count(kind: str) -> int:
    """Return the number of devices of a type."""
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    return int(kind == "cpu")


@contextlib.contextmanager
def memory_errors(shape: tuple[int, ...]) -> Iterator[None]:
    """Convert the various out-of-memory errors of torch into a `CellForceError`."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        words = ("out of memory", "not enough memory", "can't allocate memory")
        if not isinstance(error, MemoryError) and not any(word in str(error).lower() for word in words):
            raise
        raise CellForceError(
            f"out of memory while predicting {shape[-2]} x {shape[-1]} pixels",
            "the network needs more memory than is available",
            "Close other programs, choose the CPU as device, or crop the image to the cell.",
            topic=Topic.DEVICE,
        ) from error
