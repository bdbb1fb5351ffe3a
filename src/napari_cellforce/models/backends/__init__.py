"""What runs a network's convolutions: several programs behind one interface, each checked before use."""

from napari_cellforce.models.backends.base import Backend
from napari_cellforce.models.backends.engine import Engine, make_engine
from napari_cellforce.models.backends.listing import (
    AUTO,
    EAGER,
    NAMES,
    Listed,
    leave_to_torch,
    listed,
    wanted,
)

__all__ = [
    "AUTO",
    "EAGER",
    "NAMES",
    "Backend",
    "Engine",
    "Listed",
    "leave_to_torch",
    "listed",
    "make_engine",
    "wanted",
]
