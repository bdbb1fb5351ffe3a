from __future__ import annotations

import pytest
import torch

from napari_cellforce.errors import CellForceError
from napari_cellforce.models.device import choose, describe


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_prefers_a_graphics_card(cuda, mps, chosen, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose().type == chosen


@pytest.mark.parametrize("name", ["cuda", "cuda:3", "cuda:x", "gpu", "mps", "cpu:1", ""])
def test_a_device_that_is_not_there_is_refused_with_what_there_is(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(CellForceError, match="torch: cpu") as caught:
        choose(name)
    assert caught.value.topic == "device"


def test_the_second_card_of_two_can_be_chosen(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose("cuda:1") == torch.device("cuda:1")
    with pytest.raises(CellForceError, match="cuda:2"):
        choose("cuda:2")


def test_the_processor_is_described_with_its_threads():
    assert describe(torch.device("cpu")) == f"CPU ({torch.get_num_threads()} threads)"
