"""The bundled physical bottleneck is chosen in the panel, and predicts like any other model."""

from __future__ import annotations

import numpy as np

from napari_cellforce.layers import METADATA_KEY


def test_its_forces_lie_on_the_image_and_cancel(viewer, add, make_movie, hand):
    add(make_movie())
    hand.control("Model").setCurrentText("pbnn-sim")
    hand.predict()
    shown = {layer.name: layer for layer in viewer.layers}
    assert any(name.startswith("|F|") and "pbnn-sim" in name for name in shown), sorted(shown)
    magnitude = next(layer for name, layer in shown.items() if name.startswith("|F|"))
    force = np.asarray(magnitude.metadata[METADATA_KEY]["field"].data, dtype=np.float64)
    net = np.hypot(*force.sum(axis=(2, 3)).T)
    assert (net < 2e-3 * np.hypot(force[:, 0], force[:, 1]).sum(axis=(1, 2))).all()
