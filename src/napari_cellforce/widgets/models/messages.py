"""What the panel says of a model."""

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
"""The card has the address in full."""


def summary_text(entry: zoo.ZooEntry) -> str:
    """Return what a model is good for, or what it is if nobody has said, in a line."""
    return entry.good_for or entry.card


def describe_inputs(entry: zoo.ZooEntry) -> str:
    """Return proteins, pixel size and unit of a model, in a line."""
    proteins = ", ".join(entry.proteins) or "the cell's mask"
    return f"{proteins} · {entry.pixel_size:g} µm · {entry.output}"


def status_text(entry: zoo.ZooEntry, state: zoo.ModelState) -> str:
    """Return whether a model can be used, with a sign and in a word."""
    if state == zoo.ModelState.TO_DOWNLOAD:
        return f"↓ {state}, {format_size(entry.size)}"
    return f"{'✓' if state.ready else '⚠'} {state}"


def accessible_text(entry: zoo.ZooEntry, state: zoo.ModelState) -> str:
    """Return all that the list shows of a model, for screen readers and the filter."""
    default = ", the default" if entry.name == zoo.DEFAULT_MODEL else ""
    return f"{entry.name}{default}, {state}: {summary_text(entry)}. {describe_inputs(entry)}"


def button_label(entry: zoo.ZooEntry, state: zoo.ModelState) -> str:
    """Return what the blue button does."""
    if state.ready or not entry.url:
        return f"Predict forces with {entry.name}"
    again = " again" if state == zoo.ModelState.DAMAGED else ""
    return f"Download {entry.name}{again} ({format_size(entry.size)})"


def card(entry: zoo.ZooEntry) -> str:
    """Return the card of a model as rich text."""
    units = {
        "normalised": "traction, normalised: Pa only through a calibration with measured tractions",
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
    """Return a text that fits a narrow panel: of an address only the server."""
    return _DOWNLOAD.sub(r"\1", text)


def docs_page(entry: zoo.ZooEntry) -> str:
    """Return the page of the documentation on a model."""
    return "models/#bringing-your-own" if entry.imported else f"models/{entry.name}/"


def removal_question(entry: zoo.ZooEntry) -> str:
    """Return what is asked before a model is removed."""
    after = "You will need its file to import it again." if entry.imported else "It can be downloaded again."
    return f"Delete {entry.name} ({format_size(entry.size)}) from your model folder? {after}"


def _pixel_size(entry: zoo.ZooEntry) -> str:
    if entry.has_weights:
        return f"{entry.pixel_size:g} µm; other images are resampled to it, and the result back"
    return f"any: its lengths are in µm, found at {entry.pixel_size:g} µm"


def _linked(text: str) -> str:
    """Escape a text, and let its DOIs be followed."""
    return _DOI.sub(r"<a href='https://doi.org/\1'>doi:\1</a>", escape(text, quote=False))
