"""What all backends have in common."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn


class Backend(Protocol):
    """A program that computes what a convolutional network computes, faster.

    Attributes
    ----------
    name : str
        What the user calls it by: ``"openvino"``.
    title : str
        For people: ``"OpenVINO"``.
    devices : tuple of str
        Kinds of `torch.device` on which it computes.
    tolerance : float
        Largest difference from plain torch in 32 bits, over the largest value, at which it is accepted.
    """

    name: str
    title: str
    devices: tuple[str, ...]
    tolerance: float

    def install_hint(self) -> str:
        """Return what to do so that it can be used on this computer; empty if it can. Quick."""
        ...

    def version(self) -> str:
        """Return the version of the program, for people."""
        ...

    def build(self, part: nn.Module, example: Tensor, multiple: int) -> nn.Module:
        """Return something that computes what `part` computes, for inputs of any size.

        Parameters
        ----------
        part : nn.Module
            In evaluation mode, on its device; takes ``(N, C, Y, X)`` to ``(N, K, Y', X')``. Left as it is.
        example : (1, C, Y, X) tensor
            An input of `part`, of a size that is not the only one.
        multiple : int
            Of which Y and X are always multiples.

        Raises
        ------
        Exception
            Of any kind, if it cannot.
        """
        ...
