"""One validation cell, measured and as the network sees it after each epoch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from napari_cellforce.fields import BoolArray, FloatArray, ShortRepr, Unit
from napari_cellforce.train.data import validation_loader
from napari_cellforce.train.examples import Examples
from napari_cellforce.train.initialise import InitialModel
from napari_cellforce.train.lightning_module import network_inputs
from napari_cellforce.train.losses import as_vectors


@dataclass(frozen=True, eq=False, repr=False)
class Preview(ShortRepr):
    """A validation frame on the model's grid.

    Attributes
    ----------
    cell : str
    image : (Y, X) array
        Its first protein, normalised.
    mask : (Y, X) bool array
    measured, predicted : (2, Y, X) array
        Traction (y, x) in `unit`.
    unit : {"Pa", "normalised"}
    pixel_size : float
        In µm.
    """

    cell: str
    image: FloatArray
    mask: BoolArray
    measured: FloatArray
    predicted: FloatArray
    unit: Unit
    pixel_size: float


class Previewer:
    """Predicts one validation frame with the weights of a run.

    Parameters
    ----------
    initial : InitialModel
        Its module is modified: the weights of the run are loaded into it.
    examples : Examples
    """

    def __init__(self, initial: InitialModel, examples: Examples) -> None:
        self._module, self._config = initial.module, initial.config
        multiple: int = getattr(initial.module.config, "multiple", 1)
        self._cell = examples.validation[0].cell
        (self._batch,) = validation_loader(examples.validation[:1], 1, multiple)
        self._unit: Unit = "Pa" if initial.config.data.sources else "normalised"
        self._scale = examples.mean_traction if self._unit == "Pa" else 1.0

    @torch.no_grad()
    def of(self, state: Path) -> Preview:
        """Return the frame as seen with the weights in a Lightning checkpoint of the run."""
        weights = torch.load(state, map_location="cpu", weights_only=True)["state_dict"]
        # They are those of the `TrainingModule`, whose attribute `module` the network is.
        self._module.load_state_dict({name.removeprefix("module."): w for name, w in weights.items()})
        raw = self._module.eval()(network_inputs(self._batch, self._config.inputs))
        predicted = as_vectors(raw, self._config.output)
        mask = self._batch.mask[0, 0].numpy() > 0.5
        return Preview(
            cell=self._cell,
            image=self._batch.proteins[0, 0].numpy(),
            mask=mask,
            measured=np.where(mask, self._scale * self._batch.traction[0].numpy(), 0),
            predicted=np.where(mask, self._scale * predicted[0].numpy(), 0),
            unit=self._unit,
            pixel_size=self._config.pixel_size,
        )
