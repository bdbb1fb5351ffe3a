"""Inference backends for the convolutions of networks, each verified against torch before use."""

from napari_cellforce.models.backends.base import Backend
from napari_cellforce.models.backends.convolutional_part import has_convolutional_part
from napari_cellforce.models.backends.engine import Engine, make_engine
from napari_cellforce.models.backends.registry import (
    AUTO,
    EAGER,
    NAMES,
    BackendInfo,
    available_backends,
    find_backend,
    warn_if_not_torch,
)

__all__ = [
    "AUTO",
    "EAGER",
    "NAMES",
    "Backend",
    "BackendInfo",
    "Engine",
    "available_backends",
    "find_backend",
    "has_convolutional_part",
    "make_engine",
    "warn_if_not_torch",
]
