"""A kind of networks that the package does not know is listed by the panels as any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QWidget
from torch import nn

from napari_cellforce import zoo
from napari_cellforce.config_io import Settings, setting
from napari_cellforce.models import checkpoint, registry
from napari_cellforce.models.base import Network
from napari_cellforce.models.kinds import NetworkKind
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.widgets.base.preferences import Preferences
from napari_cellforce.widgets.explain.parts_section import PartsSection
from napari_cellforce.widgets.models.messages import card
from napari_cellforce.widgets.shared.model_section import ModelSection
from napari_cellforce.widgets.train.settings_section import TrainSettingsSection


@dataclass(frozen=True)
class PointwiseConfig(Settings):
    """Settings of a `Pointwise` network."""

    in_channels: int = setting(1, help="Channels of the image.", minimum=1, maximum=8)


class Pointwise(Network):
    """A 1x1 convolution."""

    config_type = PointwiseConfig

    def __init__(self, config: PointwiseConfig) -> None:
        super().__init__()
        self.config = config
        self.mix = nn.Conv2d(config.in_channels, 2, 1)


@pytest.fixture(autouse=True)
def model(monkeypatch, tmp_path) -> str:
    """Name of an imported model of that kind, which reads the mask too."""
    monkeypatch.setattr(registry, "REGISTRY", dict(registry.REGISTRY))
    purpose = "Every pixel pulls by what it shows itself."
    kind = NetworkKind(
        name="pointwise",
        title="pointwise network",
        purpose=purpose,
        network=lambda: Pointwise,
        needs_mask=True,
    )
    registry.register(kind)
    torch.manual_seed(0)
    record = ModelRecord("ours", "pointwise", inputs=("zyxin", "mask"))
    module = Pointwise(PointwiseConfig(2))
    return zoo.import_checkpoint(checkpoint.save(tmp_path / "ours.safetensors", module, record)).name


@pytest.fixture
def shown() -> Iterator[Callable[[QWidget], QWidget]]:
    """Keep a section for the time of the test."""
    sections = []

    def keep(section: QWidget) -> QWidget:
        sections.append(section)
        return section

    yield keep
    for section in sections:
        section.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def entries(widget) -> list[str]:
    """All entries of all lists of a widget."""
    boxes = widget.findChildren(QComboBox)
    return [box.itemText(i) for box in boxes for i in range(box.count())]


def test_training_starts_from_it_or_from_scratch(shown, model):
    section = shown(TrainSettingsSection(""))
    assert {model, "from scratch: pointwise network"} <= set(entries(section))
    section.recall({"start": "from scratch: pointwise network"})
    section.show_defaults()
    config = section.config()
    assert (config.kind, config.inputs) == ("pointwise", ("zyxin", "mask"))


def test_it_is_offered_for_predicting_and_has_a_card(shown, model):
    section = shown(ModelSection(Preferences()))
    assert any(text.startswith(model) for text in entries(section))
    assert "Imported pointwise network" in card(zoo.entry(model))


def test_only_what_it_supports_can_be_explained_and_ticks_come_back(shown):
    section = shown(PartsSection())
    boxes = {box.text(): box for box in section.findChildren(QCheckBox)}
    section.set_kind("gfnn")
    boxes["Green's functions"].setChecked(True)
    section.set_kind("pointwise")
    assert section.chosen == ()
    assert not boxes["inner fields"].isEnabled()
    assert "pointwise network" in boxes["Green's functions"].toolTip()
    section.set_kind("gfnn")
    assert section.chosen == ("fields", "greens")
