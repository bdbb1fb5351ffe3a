"""Backend of OpenVINO on the CPU, an optional dependency: ``pip install "napari-cellforce[openvino]"``."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from napari_cellforce.models.backends import cache

_TELEMETRY = "openvino_telemetry"

P = ParamSpec("P")
R = TypeVar("R")


class OpenVINO:
    """`Backend` of OpenVINO; see `napari_cellforce.models.backends.base.Backend`."""

    name = "openvino"
    title = "OpenVINO"
    devices: tuple[str, ...] = ("cpu",)
    tolerance = 1e-5

    def install_hint(self) -> str:
        """Return how to install it, if it is not installed."""
        there = importlib.util.find_spec("openvino") is not None
        return "" if there else 'Install it with pip install "napari-cellforce[openvino]".'

    def version(self) -> str:
        """Return the installed version."""
        return metadata.version("openvino")

    def build(self, part: nn.Module, example: Tensor, multiple: int) -> nn.Module:
        """Convert a network, or load it from the cache, and compile it for this processor."""
        del multiple
        key = cache.key(part, {"backend": self.name, "version": self.version(), "torch": torch.__version__})
        return _Compiled(_in_openvino_thread(_request, part, example, key, _settings()))


class _Compiled(nn.Module):
    """A network computed by OpenVINO."""

    def __init__(self, request: Any) -> None:
        super().__init__()
        self._request = request

    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(_in_openvino_thread(self._infer, x.contiguous().numpy()))

    def _infer(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        # The memory of the result is reused by the next call.
        return np.array(self._request.infer([x], share_inputs=True, share_outputs=True)[0])


@functools.cache
def _thread() -> ThreadPoolExecutor:
    """Return the single thread that calls OpenVINO.

    Its bindings store the Python state of every calling thread. Threads of the Qt pool are not created by
    Python and get a new state in every job; the process crashes when such a thread ends.
    """
    return ThreadPoolExecutor(1, "openvino")


def _in_openvino_thread(do: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return _thread().submit(do, *args, **kwargs).result()


def _request(part: nn.Module, example: Tensor, key: str, settings: dict[str, Any]) -> Any:
    """Return the inference request of a network, converted now or cached."""
    openvino = _openvino()
    core = openvino.Core()
    model = _cached_model(core, key)
    if model is None:
        model = _converted(openvino, part, example)
        cache.write(key, _as_bytes(openvino, model))
    return core.compile_model(model, "CPU", settings).create_infer_request()


def _settings() -> dict[str, Any]:
    """Return the settings: float32, the number of threads of torch, no pinning to cores."""
    return {
        "INFERENCE_PRECISION_HINT": "f32",  # else CPUs with bfloat16 use it: off by 1e-2
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "ENABLE_CPU_PINNING": False,  # two processes would be pinned to the same core
        # Compiled kernels are cached per size, half a megabyte for a small network, and a moving cell has a
        # different size in every frame. The default, 5000, is effectively unlimited.
        "CPU_RUNTIME_CACHE_CAPACITY": 200,
    }


def _openvino() -> ModuleType:
    """Import OpenVINO without its telemetry, which reports the import and every conversion."""
    with _without_telemetry():
        openvino = importlib.import_module("openvino")
        importlib.import_module("openvino.tools.ovc.convert_impl")  # reads the telemetry setting once
    return openvino


@contextlib.contextmanager
def _without_telemetry() -> Iterator[None]:
    if _TELEMETRY in sys.modules:  # already imported
        yield
        return
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]


def _converted(openvino: ModuleType, part: nn.Module, example: Tensor) -> Any:
    """Return the network in OpenVINO's form, for images of any size."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch deprecates tracing
        traced = torch.jit.trace(part, example, check_trace=False)  # type: ignore[no-untyped-call]
        shape = openvino.PartialShape([-1, example.shape[1], -1, -1])
        return openvino.convert_model(torch.jit.freeze(traced), example_input=example, input=[shape])


def _as_bytes(openvino: ModuleType, model: Any) -> bytes:
    """Return a network as bytes: length of the text, text, and weights."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        text, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return len(text).to_bytes(8, "little") + text + weights


def _cached_model(core: Any, key: str) -> Any:
    """Return the cached network of a key, or None if there is none that can be read."""
    content = cache.read(key)
    if content is None:
        return None
    end = 8 + int.from_bytes(content[:8], "little")
    try:
        return core.read_model(content[8:end], content[end:])
    except RuntimeError:
        return None
