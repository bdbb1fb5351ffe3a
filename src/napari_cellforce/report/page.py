"""The page about a batch: what came out, condition by condition and cell by cell, and what failed."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from napari_cellforce import files
from napari_cellforce.report.figures import Course, plot_conditions, plot_courses


@dataclass(frozen=True)
class Section:
    """One input on the page.

    Attributes
    ----------
    course : Course
    picture, table : str
        Paths from the page to the overview and the table.
    notes : tuple of str
    """

    course: Course
    picture: str
    table: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class BatchPage:
    """What is on the page.

    Attributes
    ----------
    title : str
    model : str
    quantity : str
        The force's name with its unit: ``"total force [nN]"``.
    time_label : str
        ``"time [min]"`` or ``"frame"``.
    caveat : str
        What must not be read into the numbers; empty if nothing.
    sections : tuple of Section
    failures : mapping of str to str
        From an input to the reason why it failed.
    settings : mapping of str to str
    version, date : str
    """

    title: str
    model: str
    quantity: str
    time_label: str
    caveat: str
    sections: tuple[Section, ...]
    failures: Mapping[str, str]
    settings: Mapping[str, str]
    version: str
    date: str


def write_page(path: Path, page: BatchPage) -> Path:
    """Write the page as HTML, whole or not at all; it needs its neighbours, but no network."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("napari_cellforce.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["href"] = lambda name: quote(os.fsencode(name))
    courses = [section.course for section in page.sections]
    plots = []
    if courses:
        plots.append(("Total force over time", plot_courses(courses, page.quantity, page.time_label)))
    if len({course.condition for course in courses}) > 1:
        plots.append(("By condition", plot_conditions(courses, page.quantity)))
    embedded = [(title, base64.b64encode(png).decode()) for title, png in plots]
    text = environment.get_template("batch.html.j2").render(page=page, plots=embedded)
    return files.write_text(path, text.encode("utf-8", "replace").decode())
