"""Metadata of TIFF files: channel names, pixel size, frame interval. Nothing is guessed."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_cellforce.fields import PixelSize
from napari_cellforce.io import units

_PRINTED_UNITS = {"cm", "centimeter", "inch", "in"}
_PLAUSIBLE = (0.005, 10.0)
"""Range of plausible pixel sizes in µm for a resolution per inch or cm, which programs also write for
printers (72, 96, 300, 1200 dpi are 353, 265, 85 and 21 µm)."""

_UNEVEN = 0.1
"""Relative deviation of time steps above which there is no constant frame interval."""

_TIFF_UNITS = {2: "inch", 3: "cm"}


def pixel_size(tiff: tifffile.TiffFile, series: int = 0) -> PixelSize | None:
    """Return the pixel size in µm; None if the file does not state it in a unit of length."""
    pixels = _ome_pixels(tiff, series)
    if pixels is not None:
        y, x = (
            units.micron(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
            for axis in "YX"
        )
    else:
        y, x = (_from_resolution(tiff, f"{axis}Resolution") for axis in "YX")
    return None if y is None or x is None else PixelSize(y, x, "file")


def frame_interval(tiff: tifffile.TiffFile, series: int = 0) -> float | None:
    """Return the time between frames in minutes; None if the file does not state it."""
    pixels = _ome_pixels(tiff, series)
    if pixels is not None:
        increment = units.minutes(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"))
        return increment or _even_interval(pixels)
    imagej = tiff.imagej_metadata or {}
    return units.minutes(imagej.get("finterval"), imagej.get("tunit", "s"))


def channel_names(tiff: tifffile.TiffFile, n_channels: int, series: int = 0) -> tuple[str, ...]:
    """Return the names of the channels, empty if not stated."""
    pixels = _ome_pixels(tiff, series)
    if pixels is not None:
        return tuple(str(channel.get("Name", "")).strip() for channel in pixels.findall("{*}Channel"))
    return tuple(_labels(tiff.imagej_metadata or {}, n_channels))


def series_names(tiff: tifffile.TiffFile) -> tuple[str, ...]:
    """Return the names of the images in the file, empty strings if not stated."""
    images = _ome_images(tiff)
    if len(images) == len(tiff.series):
        return tuple(str(image.get("Name", "")).strip() for image in images)
    return ("",) * len(tiff.series)


def annotation(tiff: tifffile.TiffFile, namespace: str) -> dict[str, Any] | None:
    """Return the JSON object of the comment annotation with that namespace; None if there is none."""
    try:
        xml = ElementTree.fromstring(tiff.ome_metadata or "")
        value = xml.find(f".//{{*}}CommentAnnotation[@Namespace='{namespace}']/{{*}}Value")
        entries = json.loads(value.text or "" if value is not None else "")
    except (ElementTree.ParseError, json.JSONDecodeError):
        return None
    return entries if isinstance(entries, dict) else None


def _ome_images(tiff: tifffile.TiffFile) -> list[ElementTree.Element]:
    try:
        return ElementTree.fromstring(tiff.ome_metadata or "").findall("{*}Image")
    except ElementTree.ParseError:
        return []


def _ome_pixels(tiff: tifffile.TiffFile, series: int) -> ElementTree.Element | None:
    images = _ome_images(tiff)
    return images[series].find("{*}Pixels") if series < len(images) else None


def _even_interval(pixels: ElementTree.Element) -> float | None:
    """Return the minutes between the planes of the first channel from their time stamps, if any."""
    times = {
        int(plane.get("TheT", 0)): units.minutes(plane.get("DeltaT"), plane.get("DeltaTUnit", "s")) or 0.0
        for plane in pixels.findall("{*}Plane")
        if plane.get("DeltaT") and plane.get("TheC") == "0" and plane.get("TheZ") == "0"
    }
    steps = np.diff([times[t] for t in sorted(times)])
    if len(times) != int(pixels.get("SizeT", 1)) or not steps.size:
        return None
    mean = float(steps.mean())
    return mean if mean > 0 and np.abs(steps - mean).max() <= _UNEVEN * mean else None


def _labels(imagej: dict[str, Any], n_channels: int) -> list[str]:
    """Return ImageJ's slice labels if they are channel names: the same in all frames, and distinct."""
    labels = [str(label).strip() for label in imagej.get("Labels", ())]
    names = labels[:n_channels]
    repeated = all(label == names[index % n_channels] for index, label in enumerate(labels))
    numbered = any(re.match(r"[ctz]:\d+/\d+", name) for name in names)
    return names if repeated and not numbered and len(set(names)) == n_channels else []


def _from_resolution(tiff: tifffile.TiffFile, tag: str) -> float | None:
    """Return µm per pixel from a resolution tag and the unit of ImageJ, or else of the tag."""
    tags = tiff.pages.first.tags
    unit = (tiff.imagej_metadata or {}).get("unit") or _TIFF_UNITS.get(
        int(tags.valueof("ResolutionUnit", default=1))
    )
    resolution = tags.valueof(tag)
    if not unit or not isinstance(resolution, tuple) or len(resolution) != 2 or not resolution[0]:
        return None
    pixels, lengths = resolution
    size = units.micron(lengths / pixels, str(unit))
    printed = units.normal_unit(str(unit)) in _PRINTED_UNITS
    if size is not None and printed and not _PLAUSIBLE[0] <= size <= _PLAUSIBLE[1]:
        return None
    return size
