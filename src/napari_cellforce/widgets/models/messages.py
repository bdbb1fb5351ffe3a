"""Texts about models in the panel "Models"."""

from __future__ import annotations

import re
from html import escape

from napari_cellforce import zoo
from napari_cellforce.models import registry
from napari_cellforce.models.record import MASK_INPUT
from napari_cellforce.text import with_period
from napari_cellforce.widgets.shared.model_download import format_size

_DOI = re.compile(r"doi:(10\.\S+[^\s.,;])")
_DOWNLOAD = re.compile(r"(?<=downloaded from )https?://([^/\s]+)\S*[^\s:]")
"""Addresses are shortened to the server; the description contains them in full."""


def summary_text(entry: zoo.ZooEntry) -> str:
    """Return the purpose of a model, or its description if none is given, in one line."""
    return entry.good_for or entry.card


def describe_inputs(entry: zoo.ZooEntry) -> str:
    """Return proteins, pixel size and unit of a model in one line."""
    proteins = ", ".join(entry.proteins) or "the cell's mask"
    return f"{proteins} · {entry.pixel_size:g} µm · {entry.output}"


def status_text(entry: zoo.ZooEntry, state: zoo.ModelState) -> str:
    """Return the state of a model, with a sign."""
    if state == zoo.ModelState.TO_DOWNLOAD:
        return f"↓ {state}, {format_size(entry.size)}"
    return f"{'✓' if state.ready else '⚠'} {state}"


def accessible_text(entry: zoo.ZooEntry, state: zoo.ModelState) -> str:
    """Return the text of a list entry, for screen readers and the filter."""
    default = ", the default" if entry.name == zoo.DEFAULT_MODEL else ""
    return f"{entry.name}{default}, {state}: {summary_text(entry)}. {describe_inputs(entry)}"


def button_label(entry: zoo.ZooEntry, state: zoo.ModelState) -> str:
    """Return the text of the main button."""
    if state.ready or not entry.url:
        return f"Predict forces with {entry.name}"
    again = " again" if state == zoo.ModelState.DAMAGED else ""
    return f"Download {entry.name}{again} ({format_size(entry.size)})"


def card(entry: zoo.ZooEntry) -> str:
    """Return the description of a model as rich text."""
    units = {
        "normalised": "normalised traction; Pa only after a calibration with measured tractions",
        "Pa": "traction in Pa",
    }
    short = {
        "Good for": entry.good_for,
        "Kind": registry.title(entry.kind),
        "Reads": ", ".join("the cell's mask" if name == MASK_INPUT else name for name in entry.inputs),
        "Pixel size": _pixel_size(entry),
        "Gives": units[entry.output],
    }
    long = {
        "Measured": entry.measured,
        "Known limits": entry.limits,
        "Trained on": entry.training_data,
        "Licence, as stated by its owner": entry.licence,
        "Cite": entry.citation,
    }
    rows = [
        f"<tr><td><b>{name}</b>&nbsp;&nbsp;</td><td>{escape(fact)}</td></tr>"
        for name, fact in short.items()
        if fact
    ]
    paragraphs = [
        f"<p><b>{name}</b><br>{_linked(with_period(fact))}</p>" for name, fact in long.items() if fact
    ]
    head = f"<p><b>{escape(entry.title)}</b><br>{escape(with_period(entry.card))}</p>"
    return f"{head}<table cellspacing='2'>{''.join(rows)}</table>{''.join(paragraphs)}"


def shorten_urls(text: str) -> str:
    """Return a text with download addresses shortened to the server."""
    return _DOWNLOAD.sub(r"\1", text)


def docs_page(entry: zoo.ZooEntry) -> str:
    """Return the documentation page of a model."""
    return "models/#bringing-your-own" if entry.imported else f"models/{entry.name}/"


def removal_question(entry: zoo.ZooEntry) -> str:
    """Return the question before a model is removed."""
    after = "Its file is needed to import it again." if entry.imported else "It can be downloaded again."
    return f"Delete {entry.name} ({format_size(entry.size)}) from your model folder? {after}"


def _pixel_size(entry: zoo.ZooEntry) -> str:
    if entry.has_weights:
        return f"{entry.pixel_size:g} µm; other images are resampled to it, and results are resampled back"
    return f"any; lengths are in µm, fitted at {entry.pixel_size:g} µm"


def _linked(text: str) -> str:
    """Escape a text and link its DOIs."""
    return _DOI.sub(r"<a href='https://doi.org/\1'>doi:\1</a>", escape(text, quote=False))
