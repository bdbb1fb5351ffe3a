"""Figures of an explanation, as SVG and PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_cellforce.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Okabe & Ito (2008): distinguishable with colour vision deficiency.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
_FORMATS = ("svg", "png")


def save(figure: Figure, stem: Path) -> tuple[Path, ...]:
    """Write a figure as SVG and PNG beside each other."""
    paths = tuple(stem.with_name(f"{stem.name}.{kind}") for kind in _FORMATS)
    for path in paths:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], dpi=150)
    return paths
