"""Text for messages: plurals and sentences."""

from __future__ import annotations


def pluralise(number: int, noun: str, plural: str = "") -> str:
    """Return ``"1 cell"`` or ``"3 cells"``; `plural` is given where it is irregular."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def with_period(text: str) -> str:
    """Return `text` with a full stop, unless it already ends a sentence."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", ".)", "!)", "?)")) else text + "."
