"""What a TIFF says of itself: channel names, pixel size, time between frames. Nothing is guessed."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree import ElementTree

import tifffile

from napari_cellforce.fields import PixelSize

_MICRON_PER = {
    "pm": 1e-6,
    "å": 1e-4,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "inch": 25400.0,
    "in": 25400.0,
    "m": 1e6,
}
_MINUTES_PER = {"ms": 1 / 60000, "s": 1 / 60, "sec": 1 / 60, "min": 1.0, "h": 60.0, "hr": 60.0, "d": 1440.0}

_PRINTED_UNITS = {"cm", "centimeter", "inch", "in"}
_PLAUSIBLE = (0.005, 10.0)
"""Pixel sizes in µm believed of a resolution per inch or cm, which programs also write for printers
(72, 96, 300, 1200 dpi are 353, 265, 85 and 21 µm)."""

_TIFF_UNITS = {2: "inch", 3: "cm"}


def pixel_size(tiff: tifffile.TiffFile) -> PixelSize | None:
    """Return the size of a pixel in µm; None where the file does not say it in a unit of length."""
    pixels = _ome_pixels(tiff)
    if pixels is not None:
        y, x = (
            _micron(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
            for axis in "YX"
        )
    else:
        y, x = (_from_resolution(tiff, f"{axis}Resolution") for axis in "YX")
    return None if y is None or x is None else PixelSize(y, x, "file")


def frame_interval(tiff: tifffile.TiffFile) -> float | None:
    """Return the time between frames in minutes; None where the file does not say."""
    pixels = _ome_pixels(tiff)
    if pixels is not None:
        return _scaled(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), _MINUTES_PER)
    imagej = tiff.imagej_metadata or {}
    return _scaled(imagej.get("finterval"), imagej.get("tunit", "s"), _MINUTES_PER)


def channel_names(tiff: tifffile.TiffFile, n_channels: int) -> tuple[str, ...]:
    """Return one name a channel: the file's, else ``"channel 0"``, ``"channel 1"`` ..."""
    pixels = _ome_pixels(tiff)
    if pixels is not None:
        found = [str(channel.get("Name", "")).strip() for channel in pixels.findall("{*}Channel")]
    else:
        found = _labels(tiff.imagej_metadata or {}, n_channels)
    found = (found + [""] * n_channels)[:n_channels]
    return tuple(name or f"channel {index}" for index, name in enumerate(found))


def _ome_pixels(tiff: tifffile.TiffFile) -> ElementTree.Element | None:
    if not tiff.ome_metadata:
        return None
    try:
        return ElementTree.fromstring(tiff.ome_metadata).find("{*}Image/{*}Pixels")
    except ElementTree.ParseError:
        return None


def _labels(imagej: dict[str, Any], n_channels: int) -> list[str]:
    """Take ImageJ's slice labels for channel names if they are: the same in all frames, and different."""
    labels = [str(label).strip() for label in imagej.get("Labels", ())]
    names = labels[:n_channels]
    repeated = all(label == names[index % n_channels] for index, label in enumerate(labels))
    numbered = any(re.match(r"[ctz]:\d+/\d+", name) for name in names)
    return names if repeated and not numbered and len(set(names)) == n_channels else []


def _from_resolution(tiff: tifffile.TiffFile, tag: str) -> float | None:
    """Return µm a pixel from a resolution tag and ImageJ's unit, or else the tag's own."""
    tags = tiff.pages.first.tags
    unit = (tiff.imagej_metadata or {}).get("unit") or _TIFF_UNITS.get(
        int(tags.valueof("ResolutionUnit", default=1))
    )
    resolution = tags.valueof(tag)
    if not unit or not isinstance(resolution, tuple) or len(resolution) != 2 or not resolution[0]:
        return None
    pixels, units = resolution
    micron = _micron(units / pixels, str(unit))
    printed = _normal_unit(str(unit)) in _PRINTED_UNITS
    if micron is not None and printed and not _PLAUSIBLE[0] <= micron <= _PLAUSIBLE[1]:
        return None
    return micron


def _micron(value: Any, unit: str) -> float | None:
    return _scaled(value, unit, _MICRON_PER)


def _scaled(value: Any, unit: str, table: dict[str, float]) -> float | None:
    """Return `value` times the unit's factor, None unless it is a positive number in a known unit."""
    factor = table.get(_normal_unit(unit))
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    if factor is None or not (math.isfinite(number) and number > 0):
        return None
    return number * factor


def _normal_unit(unit: str) -> str:
    r"""Return a unit in lower case with the micro sign U+00B5.

    ImageJ writes the escape ``\u00B5``; others the Greek letter, or UTF-8 that was read as Latin-1.
    """
    return re.sub(r"\\u00b5|\u03bc|\u00e2\u00b5", "\u00b5", unit.strip().lower())
