"""Tractions from displacements with the kernel kept, against the four Fourier transforms they need.

Run with ``python benchmarks/halfspace_speed.py``. Every time is the median of runs taken in turn.
"fttc over FFTs" must not exceed 2 on 256 x 256. Decompositions are timed by the processor's time; "coarse to
fine" are Clebsch potentials as they are found, and on the field's own grid alone.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft

from napari_cellforce.physics.decomposition import _clebsch, clebsch, helmholtz
from napari_cellforce.physics.halfspace import fttc, halfspace_kernel

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _report import interleaved, write

SPACING, YOUNG, POISSON, LAMBDA = 0.68, 8600.0, 0.48, 1e-5


def measure_fttc(side: int, runs: int) -> dict[str, Any]:
    """Compare, on one square field."""
    field = np.random.default_rng(0).normal(size=(2, side, side))
    kernel = halfspace_kernel((side, side), SPACING, YOUNG, POISSON)

    def transforms() -> None:
        scipy.fft.irfft2(scipy.fft.rfft2(field), s=(side, side))

    seconds = interleaved(
        {
            "FFTs": transforms,
            "fttc": lambda: fttc(field, SPACING, YOUNG, POISSON, LAMBDA),
            "kernel.traction": lambda: kernel.traction(field, LAMBDA),
        },
        runs,
    )
    return {
        "side": side,
        "fttc over FFTs": round(seconds["fttc"] / seconds["FFTs"], 3),
        "milliseconds": {name: round(1e3 * value, 3) for name, value in seconds.items()},
    }


def measure_decomposition() -> dict[str, float]:
    """Time the decompositions of a 256 x 256 field, whole and in a cell of 24,000 pixels."""
    y, x = np.indices((256, 256))
    mask = ((y - 128) / 70) ** 2 + ((x - 128) / 110) ** 2 < 1
    field = np.stack([np.sin(x / 9) * np.exp(-((y - 100) ** 2) / 2e3), np.cos(y / 7 + x / 30)])
    seconds = interleaved(
        {
            "Helmholtz, periodic": lambda: helmholtz(field, SPACING),
            "Helmholtz, masked": lambda: helmholtz(field, SPACING, mask),
            "Clebsch, periodic": lambda: clebsch(field, SPACING),
            "Clebsch, masked": lambda: clebsch(field, SPACING, mask),
        },
        3,
        clock=time.process_time,
    )
    return {name: round(value, 4) for name, value in seconds.items()}


def measure_coarse_to_fine(side: int, masked: bool) -> dict[str, Any]:
    """Compare time and residual on a random field of many lengths, in a disk or periodic."""
    waves = np.hypot(scipy.fft.fftfreq(side)[:, None], scipy.fft.rfftfreq(side)[None, :])
    noise = scipy.fft.rfft2(np.random.default_rng(0).normal(size=(2, side, side)))
    field = scipy.fft.irfft2(noise / (1 + (side / 8 * waves) ** 2) ** 2, s=(side, side))
    y, x = np.indices((side, side)) - side / 2
    mask = np.hypot(y, x) < 0.45 * side if masked else None
    found: dict[str, Any] = {"side": side, "masked": masked}
    usual = _clebsch._COARSEST
    for name, coarsest in (("coarse to fine", usual), ("one grid", side)):
        _clebsch._COARSEST = coarsest
        start = time.process_time()
        parts = clebsch(field, SPACING, mask)
        found[name] = {
            "seconds": round(time.process_time() - start, 2),
            "residual fraction": round(parts.residual_fraction, 5),
        }
    _clebsch._COARSEST = usual
    return found


if __name__ == "__main__":
    results = {
        "fttc": [measure_fttc(side, runs) for side, runs in ((256, 301), (255, 101), (1024, 15))],
        "decomposition seconds": measure_decomposition(),
        "coarse to fine": [
            measure_coarse_to_fine(side, masked) for side in (128, 256, 768) for masked in (False, True)
        ],
    }
    write("halfspace_speed", results)
