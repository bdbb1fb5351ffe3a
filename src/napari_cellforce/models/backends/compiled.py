"""Backend of the torch compiler (inductor): the network as a C++ library for this processor, cached."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from napari_cellforce.models.backends import cache
from napari_cellforce.models.fold_batchnorm import fold_batchnorm

_SMALLEST = 2
"""Minimum number of multiples per side; the compiler would specialise for smaller sizes."""

_COMPILERS = ("g++", "clang++", "c++", "cl")


class Compiled:
    """`Backend` of the torch compiler; see `napari_cellforce.models.backends.base.Backend`."""

    name = "compile"
    title = "PyTorch's compiler"
    devices: tuple[str, ...] = ("cpu",)
    tolerance = 1e-5

    def install_hint(self) -> str:
        """Return what to install if there is no C++ compiler or torch is too old."""
        if not hasattr(torch._inductor, "aoti_load_package"):
            return "Install torch 2.6 or later."
        if any(name and shutil.which(name) for name in (os.environ.get("CXX"), *_COMPILERS)):
            return ""
        return "Install a C++ compiler, for example g++."

    def version(self) -> str:
        """Return the version of torch."""
        return torch.__version__

    def build(self, part: nn.Module, example: Tensor, multiple: int) -> nn.Module:
        """Compile a network, which takes one or two minutes, or load it from the cache."""
        key = cache.key(part, {"backend": self.name, "torch": torch.__version__, "cpu": _processor()})
        content = cache.read(key)
        if content is None:
            content = _compiled(part, example, multiple)
            cache.write(key, content)
        return _Library(part, content, _SMALLEST * multiple)


class _Library(nn.Module):
    """A compiled network; torch computes inputs of unsupported sizes."""

    def __init__(self, part: nn.Module, content: bytes, smallest: int) -> None:
        super().__init__()
        self._library: Any = torch._inductor.aoti_load_package(io.BytesIO(content))
        self._part, self._smallest = fold_batchnorm(part), smallest

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > 1 or min(x.shape[-2:]) < self._smallest:
            return cast("Tensor", self._part(x))
        return cast("Tensor", self._library(x.contiguous()))


def _compiled(part: nn.Module, example: Tensor, multiple: int) -> bytes:
    """Return the library for images of any size, as the content of a file."""
    sides = {axis: multiple * torch.export.Dim(name, min=_SMALLEST) for axis, name in ((2, "y"), (3, "x"))}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # internal warnings of torch
        program = torch.export.export(part, (example,), dynamic_shapes=(sides,))
        path = torch._inductor.aoti_compile_and_package(
            program, package_path=str(Path(folder) / "network.pt2")
        )
        return Path(path).read_bytes()


def _processor() -> str:
    """Return an identifier of the instruction set of this processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        flags = {line for line in cpuinfo.read_text().splitlines() if line.startswith(("flags", "Features"))}
        return hashlib.sha256("".join(sorted(flags)).encode()).hexdigest()
    return f"{platform.machine()} {platform.processor()}"
