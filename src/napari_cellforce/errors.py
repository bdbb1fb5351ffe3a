"""The error class shown to users: the value found, the rule it violates, and the remedy."""

from __future__ import annotations

from napari_cellforce.text import with_period


class CellForceError(ValueError):
    """An error that the user can cause and correct.

    The GUI shows it as a notification, the command line as one line with exit code 2.

    Parameters
    ----------
    value : str
        What was found, naming the file, layer or number: ``"pixel size of cell.tif is 0 µm"``.
    rule : str
        What is needed instead: ``"it must be positive"``.
    remedy : str
        What the user can do: ``"Type it in."``. The command line adds the name of its option, a panel that
        of its row.
    topic : str, optional
        Name of the setting at fault (``"pixel size"``, ``"mask"``, ``"model"`` ...),
        so that a panel can mark the right row.
    """

    def __init__(self, value: str, rule: str, remedy: str, *, topic: str | None = None) -> None:
        self.value = value
        self.rule = rule
        self.remedy = remedy
        self.topic = topic
        super().__init__(value, rule, remedy)

    def __str__(self) -> str:
        return " ".join(with_period(part) for part in (f"{self.value}: {self.rule}", self.remedy) if part)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.value, self.rule, self.remedy, self.topic)


class CellForceWarning(UserWarning):
    """A result or setting that may be intended but should be checked; the computation continues."""


def _rebuild(value: str, rule: str, remedy: str, topic: str | None) -> CellForceError:
    return CellForceError(value, rule, remedy, topic=topic)
