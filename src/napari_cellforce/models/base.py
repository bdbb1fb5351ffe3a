"""What every network of the package can do: the base class of all kinds of networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from napari_cellforce.fields import ShortRepr
from napari_cellforce.models.record import OutputKind


class InnerFields(NamedTuple):
    """Everything between image and traction that has a meaning.

    Attributes
    ----------
    raw : (N, 2, Y, X) tensor
        What the network returns.
    scalars : mapping of str to (N, Y, X) tensor
    vectors : mapping of str to (N, 2, Y, X) tensor
        Components in the order of `raw`.
    """

    raw: Tensor
    scalars: Mapping[str, Tensor]
    vectors: Mapping[str, Tensor]


@dataclass(frozen=True, eq=False, repr=False)
class TrainingStep(ShortRepr):
    """A batch of training or validation, as a network sees it.

    Attributes
    ----------
    inputs : (N, C, Y, X) tensor
        Channels in the order of the model's inputs.
    traction : (N, 2, Y, X) tensor
        (y, x), in multiples of the data set's mean.
    mask : (N, 1, Y, X) tensor
        1 in the cell.
    loss : object
        `napari_cellforce.train.LossConfig`.
    traction_terms : callable
        From what a network returns to the terms of its error; see `napari_cellforce.train.losses`.
    epoch : float
        Number of the epoch; infinite in fine-tuning and validation, where no first stage is due.
    epochs : int
        Number of all epochs.
    """

    inputs: Tensor
    traction: Tensor
    mask: Tensor
    loss: Any
    traction_terms: Callable[[Tensor], dict[str, Tensor]]
    epoch: float
    epochs: int


class StepResult(NamedTuple):
    """Prediction and loss of a step.

    Attributes
    ----------
    raw : (N, 2, Y, X) tensor or None
        What the network returns; None in a stage of training that computes no traction.
    terms : dict of str to tensor
        Weighted terms of the loss, each a number.
    """

    raw: Tensor | None
    terms: dict[str, Tensor]


class Network(nn.Module):
    """Base class of all networks: ``(N, C, Y, X)`` images in, ``(N, 2, Y, X)`` tractions out.

    A subclass is built from its config alone and keeps it as ``config``, which has ``in_channels`` and, where
    sides of images must be multiples of something, ``multiple``.

    Attributes
    ----------
    config_type : type
        Dataclass of the architecture's settings.
    backend_part : str
        Name of the method or layer that is convolutions and activations and nothing else, which another
        program can compute; empty if there is none. See `napari_cellforce.models.backends`.
    potentials : tuple of str
        Names of the potentials that are computed by Green's functions; empty for other networks.
    """

    config_type: ClassVar[type[Any]]
    backend_part: ClassVar[str] = ""
    potentials: ClassVar[tuple[str, ...]] = ()
    config: Any

    @property
    def needs_mask(self) -> bool:
        """Whether the last input must be the cell's mask, also where not all networks of the kind need it."""
        return False

    @classmethod
    def derived_settings(cls, inputs: tuple[str, ...], pixel_size: float) -> dict[str, Any]:
        """Return the settings of the architecture that follow from the inputs and the pixel size in µm."""
        del pixel_size
        return {"in_channels": len(inputs)}

    def head_parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the last step from features to traction."""
        raise NotImplementedError

    def proportional_parameters(self) -> list[nn.Parameter]:
        """Return parameters that the traction is proportional to, all together."""
        return self.head_parameters()

    @torch.no_grad()
    def scale_output(self, factor: float, output: OutputKind = "vector") -> None:
        """Multiply all tractions by a factor, for good.

        Parameters
        ----------
        factor : float
        output : {"vector", "magnitude_angle"}
            What the network returns; of the latter, only the magnitude is scaled.
        """
        for parameter in self.proportional_parameters():
            scaled = parameter if output == "vector" else parameter[0]
            scaled.mul_(factor)

    def training_step(self, step: TrainingStep) -> StepResult:
        """Return the prediction of a batch and the terms of its loss."""
        raw: Tensor = self(step.inputs)
        return StepResult(raw, step.traction_terms(raw))

    def inner_fields(self, x: Tensor, *, detailed: bool = False) -> InnerFields:
        """Return what lies between image and traction, for kinds that list `inner_fields`.

        Parameters
        ----------
        x : (N, C, Y, X) tensor
        detailed : bool
            True for all fields; False for those that every prediction shows.
        """
        raise NotImplementedError

    def greens_functions(self, shape: tuple[int, int], device: torch.device | None = None) -> Tensor:
        """Return the Green's functions of `potentials` in Fourier space, ``(K, Y, X // 2 + 1)``."""
        raise NotImplementedError
