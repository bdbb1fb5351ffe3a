"""Half precision where it is enough, on graphics cards (automatic mixed precision)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class Amp:
    """`Backend` of torch with mixed precision; see `napari_cellforce.models.backends.base.Backend`.

    Parameters
    ----------
    dtype : torch.dtype
        Of the convolutions.
    """

    name = "amp"
    title = "torch in mixed precision"
    devices: tuple[str, ...] = ("cuda", "mps")
    tolerance = 1e-2

    def __init__(self, dtype: torch.dtype = torch.float16) -> None:
        self._dtype = dtype

    def lacking(self) -> str:
        """Return an empty text: it comes with torch."""
        return ""

    def version(self) -> str:
        """Return the version of torch."""
        return torch.__version__

    def build(self, part: nn.Module, example: Tensor, multiple: int) -> nn.Module:
        """Return the network in mixed precision; sizes do not matter."""
        del example, multiple
        return _Mixed(part, self._dtype)


class _Mixed(nn.Module):
    def __init__(self, part: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self._part, self._dtype = part, dtype

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, self._dtype):
            return cast("Tensor", self._part(x)).float()
