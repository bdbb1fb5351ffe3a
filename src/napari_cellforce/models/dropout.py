"""Monte-Carlo dropout (Gal & Ghahramani 2016, arXiv:1506.02142): a network asked several times."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from napari_cellforce.errors import CellForceError, Topic


def dropouts(module: nn.Module) -> list[nn.Dropout]:
    """Return the layers of a network that drop anything."""
    return [m for m in module.modules() if isinstance(m, nn.Dropout) and m.p > 0]


def check_samples(samples: int, module: nn.Module, name: str) -> None:
    """Refuse a number of samples that gives no spread.

    Parameters
    ----------
    samples : int
        0 for one prediction without dropout.
    module : nn.Module
    name : str
        Of the model.

    Raises
    ------
    CellForceError
        If `samples` is 1 or negative, or the network has no dropout.
    """
    if samples == 1 or samples < 0:
        raise CellForceError(
            f"the number of samples is {samples}",
            "a spread needs two at least",
            "Set samples to 0 for a prediction without dropout, or to 5 and more.",
            topic=Topic.SAMPLES,
        )
    if samples and not dropouts(module):
        raise CellForceError(
            f"{samples} samples are asked of {name}",
            "it has no dropout, so all samples would be the same and there is no uncertainty",
            "Set samples to 0, or choose a network with dropout.",
            topic=Topic.SAMPLES,
        )


@contextlib.contextmanager
def active_dropout(module: nn.Module, device: torch.device, seed: int) -> Iterator[None]:
    """Switch on dropout in this block, and nothing else, with random numbers of its own."""
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
