"""What the user chooses for a prediction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PredictConfig:
    """Settings of a prediction; the panel, the command line and the library build this same object.

    Attributes
    ----------
    channels : tuple of (int or str)
        One image channel for each protein of the model, by index or name; empty to find them by name.
    already_normalised : bool
        True if the image holds normalised intensities, not camera counts.
    calibration : float or None
        Mean traction magnitude in Pa of comparable cells; turns normalised tractions into Pa.
    sensitivity : float
        Of the automatic outline; above 1 gives a larger cell.
    cell_at : tuple of 2 float, or None
        (y, x) in pixels of a click on the cell to take; None takes the largest.
    """

    channels: tuple[int | str, ...] = ()
    already_normalised: bool = False
    calibration: float | None = None
    sensitivity: float = 1.0
    cell_at: tuple[float, float] | None = None


@dataclass(frozen=True)
class Progress:
    """How far a long job is, between its results.

    Attributes
    ----------
    what : str
        For people: ``"Measuring the cell's brightness"``.
    done, total : int
        Frames.
    """

    what: str
    done: int
    total: int
