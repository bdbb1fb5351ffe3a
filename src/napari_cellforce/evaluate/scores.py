"""One predicted frame against the measured one: the sums from which every figure follows.

A prediction in normalised units needs a scale before it can be compared. It is found for all cells of a
model together, once all frames are known; so what is kept of a frame are sums from which errors at any
scale s follow: sum |s P - M|² = s² sum P² - 2 s sum P.M + sum M².
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_cellforce import metrics
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize

STRONG = 0.2
"""Directions count where the measured traction exceeds this part of its maximum, unless told otherwise."""

_PIXELS_KEPT = 2000
"""Pixels a frame kept for the calibration of an uncertainty."""


@dataclass(frozen=True)
class FrameScore:
    """What a frame says of a model.

    Attributes
    ----------
    model, cell : str
    frame : int
    pixels : int
        In the mask.
    predicted_power, overlap, measured_power : float
        Sums over the mask of P², P.M and M².
    measured_sum : (float, float)
        Sum of the measured vectors over the mask, (y, x).
    pearson : float
        Correlation of |P| with |M|.
    angle_error : float
        Mean, in degrees, where |M| is strong; NaN for a model without directions.
    predicted_force, measured_force : float
        Total force in the model's unit times µm² / 1000, and in nN.
    net_ratio : float
        Net over total predicted force; NaN for a model without directions.
    predicted_energy, measured_energy : float
        Half the sum of P.u and M.u with the measured displacement u; NaN where none was measured.
    spread : (5, N) array
        P (y, x), M (y, x) and the uncertainty of P at some pixels; N is 0 without an uncertainty.
    """

    model: str
    cell: str
    frame: int
    pixels: int
    predicted_power: float
    overlap: float
    measured_power: float
    measured_sum: tuple[float, float]
    pearson: float
    angle_error: float
    predicted_force: float
    measured_force: float
    net_ratio: float
    predicted_energy: float = float("nan")
    measured_energy: float = float("nan")
    spread: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((5, 0)), compare=False)


def score_frame(
    model: str,
    cell: str,
    frame: int,
    predicted: FloatArray,
    measured: FloatArray,
    mask: BoolArray,
    pixel_size: PixelSize,
    *,
    uncertainty: FloatArray | None = None,
    displacement: FloatArray | None = None,
    threshold: float | None = None,
    directed: bool = True,
) -> FrameScore:
    """Compare one frame.

    Parameters
    ----------
    model, cell : str
    frame : int
    predicted : (2, Y, X) array
        (y, x), in any unit.
    measured : (2, Y, X) array
        (y, x), in Pa.
    mask : (Y, X) bool array
    pixel_size : PixelSize
    uncertainty : (Y, X) array, optional
        Standard deviation of the predicted vector, in the unit of `predicted`.
    displacement : (2, Y, X) array, optional
        Measured, in µm.
    threshold : float, optional
        In Pa; directions count where |measured| is above it. By default a fifth of the frame's maximum.
    directed : bool
        False for a "prediction" of magnitudes only: then nothing is said of directions.
    """
    p, m = (np.where(mask, np.asarray(v, dtype=np.float64), 0) for v in (predicted, measured))
    limit = STRONG * float(np.hypot(*m).max()) if threshold is None else threshold
    total = float(metrics.total_force(p, mask, pixel_size))
    net = float(np.linalg.norm(metrics.net_force(p, mask, pixel_size)))
    energies = [float("nan")] * 2
    if displacement is not None and directed:
        energies = [float(metrics.strain_energy(v, displacement, mask, pixel_size)) for v in (p, m)]
    return FrameScore(
        model=model,
        cell=cell,
        frame=frame,
        pixels=int(mask.sum()),
        predicted_power=float((p * p).sum()),
        overlap=float((p * m).sum()) if directed else float("nan"),
        measured_power=float((m * m).sum()),
        measured_sum=(float(m[0].sum()), float(m[1].sum())),
        pearson=float(metrics.pearson(p, m, mask)),
        angle_error=float(metrics.angle_error(p, m, mask, limit)) if directed else float("nan"),
        predicted_force=total,
        measured_force=float(metrics.total_force(m, mask, pixel_size)),
        net_ratio=net / total if directed and total > 0 else float("nan"),
        predicted_energy=energies[0],
        measured_energy=energies[1],
        spread=_spread(p, m, mask, uncertainty, frame),
    )


def _spread(
    p: npt.NDArray[np.float64],
    m: npt.NDArray[np.float64],
    mask: BoolArray,
    uncertainty: FloatArray | None,
    frame: int,
) -> npt.NDArray[np.float64]:
    if uncertainty is None:
        return np.zeros((5, 0))
    inside = np.flatnonzero(mask)
    chosen = np.random.default_rng(frame).permutation(inside)[:_PIXELS_KEPT]
    values = np.concatenate([p, m, np.asarray(uncertainty, dtype=np.float64)[None]])
    return np.asarray(values.reshape(5, -1)[:, chosen])
