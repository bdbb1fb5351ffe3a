"""The U-Net on one frame of 960 x 960 pixels on the CPU: our predictor against the plain network.

usage: python benchmarks/unet_speed.py [RUNS]
"""

from __future__ import annotations

import sys

import numpy as np
import torch

import _report
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.network import NetworkPredictor
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.unet import UNet, UNetConfig

SIDE = 960
PIXEL = PixelSize.square(0.17)


def example_network() -> LoadedModel:
    """Return the published example configuration with random weights and lived-in batch norms."""
    torch.manual_seed(0)
    module = UNet(UNetConfig())
    with torch.no_grad():
        for _ in range(3):
            module(torch.rand(2, 1, 256, 256))
    record = ModelRecord(
        "example", "unet", pixel_size=PIXEL.y, output="magnitude_angle", output_order="xy", mask_margin=0
    )
    return LoadedModel(module.eval(), record)


def main(runs: int) -> None:
    """Time both ways in turn and compare what they return."""
    loaded = example_network()
    predictor = NetworkPredictor(loaded, device="cpu")
    image = np.random.default_rng(0).random((1, SIDE, SIDE), dtype=np.float32)
    mask = np.ones((SIDE, SIDE), dtype=np.bool_)

    @torch.inference_mode()
    def plain() -> np.ndarray:
        magnitude, angle = loaded.module(torch.from_numpy(image)[None])[0]
        return torch.stack([magnitude * torch.sin(angle), magnitude * torch.cos(angle)]).numpy()

    def ours() -> np.ndarray:
        return predictor.predict_frame(image, mask, PIXEL).traction

    expected = plain()
    difference = np.abs(ours() - expected).max() / np.abs(expected).max()
    seconds = _report.interleaved({"plain": plain, "predictor": ours}, runs)
    _report.write(
        "unet_speed",
        {
            "parameters": sum(p.numel() for p in loaded.module.parameters()),
            "frame": [SIDE, SIDE],
            "threads": torch.get_num_threads(),
            "runs": runs,
            "median [s]": {name: round(value, 3) for name, value in seconds.items()},
            "plain / predictor": round(seconds["plain"] / seconds["predictor"], 2),
            "largest difference / largest value": float(f"{difference:.2g}"),
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
