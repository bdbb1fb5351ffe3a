"""The network that a run starts from: a new one, or one to fine-tune; and what of it may change."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models import registry
from napari_cellforce.models.base import Network
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.train.config import Trainable, TrainConfig
from napari_cellforce.zoo import entries, load_weights


@dataclasses.dataclass(frozen=True)
class InitialModel:
    """What a run starts from.

    Attributes
    ----------
    module : Network
    config : TrainConfig
        With the grid, inputs and output of the module.
    record : ModelRecord
        Of the model that comes out, but for what the run will tell.
    """

    module: Network
    config: TrainConfig
    record: ModelRecord


def start(config: TrainConfig) -> InitialModel:
    """Return the network to train, with `config` completed.

    Raises
    ------
    CellForceError
        If the architecture is invalid, or the model to start from is missing or not a network.
    """
    return _pretrained(config) if config.start_from else _new(config)


def freeze(module: Network, trainable: Trainable) -> None:
    """Let only part of a network change.

    ``head``: its last layers, see `Network.head_parameters`. ``normalisation``: the
    scales and offsets of its batch norms. Batch norms that do not change also keep their statistics, see
    `freeze_batchnorm`.
    """
    if trainable == "all":
        return
    module.requires_grad_(False)
    if trainable == "head":
        for parameter in module.head_parameters():
            parameter.requires_grad_(True)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d) and trainable == "normalisation":
            part.requires_grad_(True)
    if not any(p.requires_grad for p in module.parameters()):
        raise CellForceError(
            f"there is nothing to train ({trainable})",
            "the network has no such layers",
            "Train all layers, or the head.",
            topic=Topic.TRAINED_LAYERS,
        )


def freeze_batchnorm(module: nn.Module) -> None:
    """Put batch norms whose parameters do not change into evaluation mode."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d) and not part.weight.requires_grad:
            part.eval()


def load_trainable(model: str | os.PathLike[str]) -> LoadedModel:
    """Load a network that learns, or gets another scale.

    Raises
    ------
    CellForceError
        If it is not there, or is more or less than one network.
    """
    listed = next((entry for entry in entries() if entry.name == model), None)
    kind = listed and registry.find(listed.kind)
    if listed is not None and listed.has_weights and not (kind and kind.trainable):
        raise CellForceError(
            f"{listed.name} is not one network ({registry.title(listed.kind)})",
            "only a network can learn",
            "Start from its network, unet-sim, or from another one.",
            topic=Topic.MODEL,
        )
    return load_weights(model)


def _new(config: TrainConfig) -> InitialModel:
    torch.manual_seed(config.optimise.seed)
    kind = registry.get_network(config.kind)
    if config.output not in kind.capabilities.outputs:
        outputs = " or ".join(kind.capabilities.outputs)
        raise _refusal(f"output is {config.output}", f"a network of kind {config.kind} returns {outputs}")
    module = kind.build_for(config.inputs, config.pixel_size, config.architecture)
    record = ModelRecord(
        config.name,
        config.kind,
        inputs=config.inputs,
        pixel_size=config.pixel_size,
        mask_margin=config.mask_margin,
        grid=getattr(module.config, "grid", None),
        output=config.output,
    )
    return InitialModel(module, config, record)


def _pretrained(config: TrainConfig) -> InitialModel:
    loaded = load_trainable(config.start_from)
    record = loaded.record
    if record.normalisation != "outside_inside" or record.shared_baselines or record.low_pass is not None:
        raise _refusal(
            f"{record.name} wants images prepared in the authors' way ({record.normalisation})",
            "only models trained on outside_inside images, each protein with its own baselines, can go on",
        )
    if record.output_order != "yx":
        raise _refusal(f"{record.name} returns x before y", "models of this program return y first")
    own: Mapping[str, Any] = {
        "kind": record.kind,
        "inputs": record.inputs,
        "pixel_size": record.pixel_size,
        "mask_margin": record.mask_margin,
        "output": record.output,
        "architecture": dict(record.architecture),
    }
    config.loss.check_for(registry.get_network(record.kind))
    freeze(loaded.module, config.trainable)
    return InitialModel(
        loaded.module,
        dataclasses.replace(config, **own),
        dataclasses.replace(
            record,
            name=config.name,
            sha256="",
            limits=f"Adapted to the cells it has seen since; of others is known what is of {record.name}.",
        ),
    )


def _refusal(found: str, rule: str) -> CellForceError:
    return CellForceError(
        found, rule, "Correct the settings, or start from another model.", topic=Topic.MODEL
    )
