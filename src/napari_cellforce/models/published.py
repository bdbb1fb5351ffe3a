"""Conversion of the two checkpoint formats of Schmitt et al., Cell 2024, to model records.

All conventions of these files are here: names of settings, order of components, scale of the forces.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, get_args

from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.models.gfnn import GFNN_KIND, GFNNConfig
from napari_cellforce.models.record import ModelRecord, Normalisation, OutputKind
from napari_cellforce.models.unet import UNET_KIND, StackConfig, UNetConfig

CAMERA_PIXEL = 0.17
"""Pixel size of the authors' images in µm."""

MASK_MARGIN = 50 * CAMERA_PIXEL
"""Margin in µm: the authors set images to 0 beyond the mask dilated by 50 pixels."""

_ORIGIN: dict[str, Any] = {
    "mask_margin": MASK_MARGIN,
    "output_order": "xy",
    "licence": "none stated by the authors",
    "citation": (
        "Schmitt, Colen, Sala, Devany, Seetharaman, Caillier, Gardel, Oakes, Vitelli: Machine learning "
        "interpretable models of cell mechanics from protein images. Cell 187(2):481-494 (2024), "
        "doi:10.1016/j.cell.2023.11.041"
    ),
}

_ASSUMED = "Pixel size 0.17 µm and order (x, y) are not in the file: taken from the paper and its code."


def unet(content: Mapping[str, Any], name: str) -> ModelRecord:
    """Return the record of a published U-Net checkpoint.

    Parameters
    ----------
    content : mapping
        The checkpoint: ``model``, ``model_kwargs``, ``dataset_kwargs`` ...
    name : str
        Name of the model.

    Raises
    ------
    KeyError, TypeError, ValueError
        If settings are missing or unknown.
    """
    settings, data = content["model_kwargs"], content["dataset_kwargs"]
    inputs = tuple(part.strip() for part in settings["input_type"].split(","))
    scale, scale_note = _unet_scale(data)
    return ModelRecord(
        name=name,
        kind=UNET_KIND,
        architecture=dataclasses.asdict(unet_config(settings)),
        inputs=inputs,
        pixel_size=CAMERA_PIXEL,
        normalisation=_normalisation(data.get("input_baseline_normalization")),
        shared_baselines=len(inputs) > 1,
        output=_output_kind(settings["loss_hparams"]["loss_type"], data["transform_kwargs"]),
        output_scale=scale,
        training_data=f"{data.get('root', 'unknown')}, held out: {data.get('test_cells', 'unknown')}",
        limits=f"{scale_note} {_ASSUMED}",
        source="U-Net checkpoint in the authors' format",
        **_ORIGIN,
    )


def unet_config(settings: Mapping[str, Any]) -> UNetConfig:
    """Return the architecture that ``model_kwargs`` describes."""
    encoder, decoder = settings["encoder_hparams"], settings["decoder_hparams"]
    prepend, append = settings["prepend_hparams"], settings["append_hparams"]
    downsample = encoder["downsample_kwargs"]
    _require(encoder["n_layers"] == decoder["n_layers"], "encoder and decoder differ in n_layers")
    _require(
        downsample["kernel"] == decoder["upsample_kernel"] or not encoder["n_layers"],
        "downsampling and upsampling differ in their kernel",
    )
    _require(
        prepend["end_channel"] == encoder["n_ch"] == append["start_channel"],
        "end_channel, n_ch and start_channel differ",
    )
    return UNetConfig(
        in_channels=prepend["start_channel"],
        out_channels=append["end_channel"],
        width=encoder["n_ch"],
        levels=encoder["n_layers"],
        scale=downsample["kernel"],
        encoder_blocks=encoder["N_node_blocks"],
        skip_blocks=encoder["N_skip_blocks"],
        decoder_blocks=decoder["N_node_blocks"],
        encoder_cell=_cell(encoder["interlayer_kwargs"]),
        decoder_cell=_cell(decoder),
        downsample_activation=downsample.get("activation", "gelu"),
        downsample_batchnorm=_flag(downsample.get("batchnorm", True)),
        prepend=StackConfig(prepend["resnet_channel"], prepend["N_blocks"], _cell(prepend)),
        append=StackConfig(append["resnet_channel"], append["N_blocks"], _cell(append)),
    )


def gfnn(content: Mapping[str, Any], name: str) -> ModelRecord:
    """Return the record of a published Green's-function network; parameters as in `unet`."""
    settings, state = content["hparams"], content["state_dict"]
    for variant, usual in {"real": True, "coulomb": False, "linear": False}.items():
        found = settings.get(variant, usual)
        _require(found == usual, f"{variant} is {found!r}, a variant that is not known here")
    width, in_channels = (int(n) for n in state["conv_in.0.conv1.weight"].shape[:2])
    size, downsample = settings["size"], settings["downsample"]
    config = GFNNConfig(
        form="published",
        in_channels=in_channels,
        width=width,
        expansion=int(state["conv_in.0.conv2.weight"].shape[0]) // width,
        size=size if isinstance(size, int) else size[0],
    )
    return ModelRecord(
        name=name,
        kind=GFNN_KIND,
        architecture=dataclasses.asdict(config),
        pixel_size=CAMERA_PIXEL * downsample,
        grid=config.size,
        low_pass=settings["nmax"],
        output_scale=0.1 / 0.25,
        training_data="the U-Net's prediction on fibroblast movies of the paper, 11_cell_1 held out",
        limits=f"Learned from the U-Net's prediction, so in its force scale: 0.4 F / mean|F|. {_ASSUMED}",
        source="Green's-function network checkpoint in the authors' format",
        **_ORIGIN,
    )


def _cell(settings: Mapping[str, Any]) -> CellConfig:
    for name in ("stride", "dilation"):
        _require(settings.get(name, 1) == 1, f"{name} is {settings.get(name)!r}, but must be 1")
    return CellConfig(
        kernel=settings.get("kernel", 7),
        expansion=settings.get("inv_bottleneck_factor", 4),
        dropout=settings.get("dropout_rate", 0.0),
        activation=settings.get("activation", "gelu"),
        batchnorm=_flag(settings.get("batchnorm", True)),
    )


def _flag(value: object) -> bool:
    """Read a setting that the authors write as 0, 1, True, False or "none"."""
    return bool(value) and value != "none"


def _normalisation(value: object) -> Normalisation:
    name = value or "none"
    if name not in get_args(Normalisation):
        raise ValueError(f"input_baseline_normalization is {value!r}, which is not known here")
    return name  # type: ignore[return-value]


def _output_kind(loss_type: str, transform: Mapping[str, Any]) -> OutputKind:
    _require(not transform.get("magnitude_only", False), "it predicts magnitudes without direction")
    if "am" in loss_type:
        return "magnitude_angle"
    _require(loss_type in ("xy", "r_mse"), f"loss_type is {loss_type!r}, which is not known here")
    return "vector"


def _unet_scale(data: Mapping[str, Any]) -> tuple[float, str]:
    """Return the value of the mean ``|F|`` in the output of the network, and a note on its origin.

    The released loader trains on ``F / (10 * mean|F|) / rescale``.
    """
    if data.get("output_baseline_normalization") not in ("mean_dataset", "mean"):
        return 1.0, "The file does not say how forces were scaled: only their pattern has a meaning."
    scale = 0.1 / (data["transform_kwargs"].get("norm_output") or {}).get("rescale", 1.0)
    return scale, f"Force scale {scale:g} F / mean|F|, derived from the settings of the authors' loader."


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
