"""Short texts for objects that hold arrays: shape and type, never the values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from napari_cellforce.text import pluralise

_LONGEST = 60
"""Number of characters at which a value is cut."""
_MOST = 4
"""Number of elements of a tuple, list or mapping that are shown."""


class ShortRepr:
    """Base of dataclasses that hold arrays; these are made with ``eq=False, repr=False``.

    They compare by identity, since two arrays have no one truth value, and print the shape of an array
    in place of its values.
    """

    def __repr__(self) -> str:
        shown = [field.name for field in dataclasses.fields(self) if field.repr]  # type: ignore[arg-type]
        parts = [f"{name}={short(getattr(self, name))}" for name in shown]
        return f"{type(self).__qualname__}({', '.join(parts)})"


def short(value: Any) -> str:
    """Return a text for a value, of an array its type and shape."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        kind = getattr(value, "dtype", None) or type(value).__name__
        return f"{kind} ({', '.join(map(str, shape))})"
    if isinstance(value, Mapping):
        items = [f"{key!r}: {short(item)}" for key, item in list(value.items())[:_MOST]]
        return f"{{{_joined(items, len(value))}}}"
    if isinstance(value, tuple | list):
        return f"({_joined([short(item) for item in value[:_MOST]], len(value))})"
    text = repr(value)
    return text if len(text) <= _LONGEST or isinstance(value, ShortRepr) else f"{text[: _LONGEST - 1]}…"


def sizes(shape: tuple[int, ...]) -> str:
    """Return frames, height and width of an array ``(T, ..., Y, X)``: ``"12 frames, 480 x 512 px"``."""
    return f"{pluralise(shape[0], 'frame')}, {shape[-2]} x {shape[-1]} px"


def _joined(items: list[str], count: int) -> str:
    more = [f"… {count} in all"] if count > _MOST else []
    return ", ".join(items + more)
