"""Protocol of the inference backends."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn


class Backend(Protocol):
    """An inference engine for convolutional networks.

    Attributes
    ----------
    name : str
        Name in settings: ``"openvino"``.
    title : str
        Display name: ``"OpenVINO"``.
    devices : tuple of str
        Supported types of `torch.device`.
    tolerance : float
        Maximum difference from float32 torch, relative to the largest value, at which it is accepted.
    """

    name: str
    title: str
    devices: tuple[str, ...]
    tolerance: float

    def install_hint(self) -> str:
        """Return how to make it usable on this computer; empty if it is. Fast."""
        ...

    def version(self) -> str:
        """Return the version of the program, for display."""
        ...

    def build(self, part: nn.Module, example: Tensor, multiple: int) -> nn.Module:
        """Return a module equivalent to `part`, for inputs of any size.

        Parameters
        ----------
        part : nn.Module
            In evaluation mode, on its device; maps ``(N, C, Y, X)`` to ``(N, K, Y', X')``. Not modified.
        example : (1, C, Y, X) tensor
            Example input of `part`; other sizes must be supported too.
        multiple : int
            Common divisor of Y and X.

        Raises
        ------
        Exception
            Any exception, if it fails.
        """
        ...
