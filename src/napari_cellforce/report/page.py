"""The page about a batch: what came out, condition by condition and cell by cell, and what failed."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from napari_cellforce import files
from napari_cellforce.report.figures import TimeSeries, plot_conditions, plot_time_series, sparkline

_LARGEST = 40_000_000
"""Bytes of pictures that a page holds in itself; with more, it shows those beside it."""


@dataclass(frozen=True)
class Picture:
    """A picture that lies beside the page.

    Attributes
    ----------
    caption : str
    path : Path
    """

    caption: str
    path: Path


@dataclass(frozen=True)
class ModelResult:
    """What one model says of one input.

    Attributes
    ----------
    model : str
    quantity : str
        As of the model's `ModelSummary`.
    time_series : TimeSeries
    overview : Path
    pictures : tuple of Picture
        Of explanation and comparison.
    numbers : tuple of (str, str)
        Quantities of the comparison and their values.
    table : Path
        Its frames.
    notes : tuple of str
    """

    model: str
    quantity: str
    time_series: TimeSeries
    overview: Path
    pictures: tuple[Picture, ...]
    numbers: tuple[tuple[str, str], ...]
    table: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelSummary:
    """What one model says of all inputs.

    Attributes
    ----------
    name : str
    quantity : str
        The force's name with its unit: ``"total force [nN]"``.
    time_label : str
        ``"time [min]"`` or ``"frame"``.
    caveat : str
        What must not be read into the numbers; empty if nothing.
    series : tuple of TimeSeries
    """

    name: str
    quantity: str
    time_label: str
    caveat: str
    series: tuple[TimeSeries, ...]


@dataclass(frozen=True)
class BatchPage:
    """What is on the page.

    Attributes
    ----------
    title : str
    models : tuple of ModelSummary
    inputs : mapping of str to tuple of Result
        From the name of an input to what the models say of it.
    failures : mapping of str to str
        From an input to the reason why it failed.
    tables : tuple of str
        Names of the tables beside the page.
    settings : mapping of str to str
    version, date : str
    """

    title: str
    models: tuple[ModelSummary, ...]
    inputs: Mapping[str, tuple[ModelResult, ...]]
    failures: Mapping[str, str]
    tables: tuple[str, ...]
    settings: Mapping[str, str]
    version: str
    date: str

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that occur, by name."""
        return tuple(
            sorted({result.time_series.condition for results in self.inputs.values() for result in results})
        )

    @property
    def n_frames(self) -> int:
        """Frames of all inputs, whatever the number of models."""
        return sum(len(results[0].time_series.times) for results in self.inputs.values())


def write_page(path: Path, page: BatchPage) -> Path:
    """Write the page as HTML, whole or not at all; it needs no network.

    The pictures are in the page, so that it can be sent by mail; only those of very many inputs stay outside.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("napari_cellforce.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["href"] = lambda target: _href(Path(target), path.parent)
    environment.filters["picture"] = _source_of_pictures(page, path.parent)
    environment.filters["sparkline"] = sparkline
    template = environment.get_template("batch.html.j2")
    text = template.render(page=page, plots=[(model, _plots(model)) for model in page.models])
    return files.write_text(path, text.encode("utf-8", "replace").decode())


def _plots(model: ModelSummary) -> list[tuple[str, str]]:
    """Return captions and pictures of a model's plots."""
    if not model.series:
        return []
    plots = [("Total force over time", plot_time_series(model.series, model.quantity, model.time_label))]
    if len({item.condition for item in model.series}) > 1:
        plots.append(("By condition", plot_conditions(model.series, model.quantity)))
    return [(caption, _inline(png)) for caption, png in plots]


def _source_of_pictures(page: BatchPage, folder: Path) -> Callable[[Path], str]:
    """Return what says where a picture comes from: the page itself, or the file."""
    results = [result for results in page.inputs.values() for result in results]
    paths = [path for r in results for path in (r.overview, *(picture.path for picture in r.pictures))]
    if sum(path.stat().st_size for path in paths if path.is_file()) > _LARGEST:
        return lambda path: _href(path, folder)
    return lambda path: _inline(path.read_bytes()) if path.is_file() else ""


def _href(path: Path, folder: Path) -> str:
    return quote(os.fsencode(os.path.relpath(folder / path, folder)))


def _inline(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
