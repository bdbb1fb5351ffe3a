"""Monte Carlo dropout (Gal & Ghahramani 2016, arXiv:1506.02142)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from napari_cellforce.errors import CellForceError, Topic


def dropouts(module: nn.Module) -> list[nn.Dropout]:
    """Return the active dropout layers of a network."""
    return [m for m in module.modules() if isinstance(m, nn.Dropout) and m.p > 0]


def check_samples(samples: int, module: nn.Module, name: str) -> None:
    """Refuse a number of samples that gives no uncertainty.

    Parameters
    ----------
    samples : int
        Number of samples; 0 for one prediction without dropout.
    module : nn.Module
    name : str
        Name of the model.

    Raises
    ------
    CellForceError
        If `samples` is 1 or negative, or the network has no dropout.
    """
    if samples == 1 or samples < 0:
        raise CellForceError(
            f"the number of samples is {samples}",
            "an uncertainty needs at least two",
            "Set samples to 0 for a prediction without dropout, or to 5 or more.",
            topic=Topic.SAMPLES,
        )
    if samples and not dropouts(module):
        raise CellForceError(
            f"{samples} samples are requested from {name}",
            "it has no dropout: all samples would be equal, without an uncertainty",
            "Set samples to 0, or choose a network with dropout.",
            topic=Topic.SAMPLES,
        )


@contextlib.contextmanager
def active_dropout(module: nn.Module, device: torch.device, seed: int) -> Iterator[None]:
    """Activate the dropout layers in this block, with a separate random state."""
    cards = range(torch.cuda.device_count()) if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        torch.manual_seed(seed)
        layers = dropouts(module)
        for layer in layers:
            layer.train()
        try:
            yield
        finally:
            for layer in layers:
                layer.eval()
