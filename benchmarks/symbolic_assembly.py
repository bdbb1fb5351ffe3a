"""All 930 terms of the symbolic library, for 16 frames of 400 x 400 pixels: seconds and memory.

Run with ``python benchmarks/symbolic_assembly.py``. To be met: 60 s on 2 cores, 4 GB. Every term of every
pixel is computed (19 GB in all) and its sum of squares taken, so that nothing can be left out.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from napari_cellforce.models.symbolic.library import Library, assemble, potential_fields

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _report import write

FRAMES, SIDE = 16, 400


def measure() -> dict[str, Any]:
    """Assemble all terms of all frames."""
    library = Library()
    terms = library.terms
    rng = np.random.default_rng(0)
    potentials, products = 0.0, 0.0
    for _ in range(FRAMES):
        spots = rng.random((SIDE, SIDE)) > 0.999
        z = ndimage.gaussian_filter(spots.astype(np.float32), 2) * 30
        start = time.perf_counter()
        fields = potential_fields(z, library)
        middle = time.perf_counter()
        sums = [np.einsum("kcyx,kcyx->k", chunk, chunk) for chunk in assemble(fields, terms, chunk=8)]
        products += time.perf_counter() - middle
        potentials += middle - start
        assert sum(map(len, sums)) == len(terms)
        assert np.isfinite(np.concatenate(sums)).all()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {
        "frames": FRAMES,
        "side": SIDE,
        "terms": len(terms),
        "seconds": round(potentials + products, 1),
        "seconds for potentials": round(potentials, 1),
        "seconds for terms": round(products, 1),
        "peak memory [GB]": round(peak, 2),
    }


if __name__ == "__main__":
    write("symbolic_assembly", measure())
