from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from napari_cellforce.models import fold_batchnorm as module_under_test
from napari_cellforce.models.convnext import CellConfig, ConvNeXtCell, cells
from napari_cellforce.models.fold_batchnorm import fold_batchnorm

CELLS = [
    CellConfig(),
    CellConfig(kernel=9, padding="reflect", activation="sin", expansion=2),
    CellConfig(kernel=3, batchnorm=False, activation="relu"),
]


def lived_in(config: CellConfig) -> nn.Sequential:
    network = nn.Sequential(*cells(6, 3, config))
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(2, 6, 20, 24))
    return network.eval()


@pytest.mark.parametrize("config", CELLS, ids=["published", "reflecting", "bare"])
@pytest.mark.parametrize("strip", [7, 32768], ids=["many strips", "one strip"])
def test_the_faster_form_computes_the_same(config, strip, monkeypatch):
    monkeypatch.setattr(module_under_test, "_STRIP", strip)
    network, x = lived_in(config), torch.rand(2, 6, 21, 17)
    with torch.inference_mode():
        expected = network(x)
        assert (fold_batchnorm(network)(x) - expected).abs().max() < 1e-5 * expected.abs().max()


def test_the_network_itself_and_its_input_are_left_alone():
    network, x = lived_in(CellConfig()), torch.rand(1, 6, 16, 16)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    image = x.clone()
    with torch.inference_mode():
        fold_batchnorm(network)(x)
    assert torch.equal(x, image)
    assert all(isinstance(cell, ConvNeXtCell) for cell in network)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_many_threads_agree_with_one_and_their_number_stays(monkeypatch):
    monkeypatch.setattr(module_under_test, "_STRIP", 50)
    network, x = lived_in(CellConfig()), torch.rand(1, 6, 40, 40)
    before = torch.get_num_threads()
    quick, results = fold_batchnorm(network), {}

    @torch.inference_mode()
    def predict(threads: int) -> None:
        torch.set_num_threads(threads)
        results[threads] = quick(x)
        assert torch.get_num_threads() == threads

    try:
        for threads in (1, 3):
            # As a panel does: not in the main thread.
            worker = threading.Thread(target=predict, args=(threads,))
            worker.start()
            worker.join()
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[1], results[3])
