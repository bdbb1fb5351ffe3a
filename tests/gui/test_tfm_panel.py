"""The panel Measured traction: from beads in steps, what goes stale, presets, bad input, training data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent

from napari_cellforce.fields import PixelSize, Substrate, VectorField
from napari_cellforce.io.dataset import list_cells, read_cell
from napari_cellforce.layers import ArrowStyle
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair
from napari_cellforce.tfm import TfmConfig
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.shared.measured_fields import show_field
from napari_cellforce.widgets.tfm.panel import TfmPanel
from napari_cellforce.widgets.tfm.source_section import DISPLACEMENT_FIELD, TRACTION_FIELD
from napari_cellforce.widgets.tfm.steps import STEPS

PATIENCE = 30_000
PIXEL, SIDE = 0.25, 160
YOUNG = 2000.0
DRIFT = (1.0, -0.5)
"""In µm."""


def pinching() -> np.ndarray:
    """Two adhesions 16 µm apart on a row, pulling at each other with 400 Pa at most."""
    y, x = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) * PIXEL
    left, right = (np.exp(-(y**2 + (x - at) ** 2) / (2 * 2.0**2)) for at in (-8, 8))
    return 400 * np.stack([0 * x, left - right])


def in_microns(data: np.ndarray, name: str, kind: type = Image) -> Image | Labels:
    return kind(data, name=name, scale=(PIXEL, PIXEL), units=("micrometer", "micrometer"))


@pytest.fixture(scope="module")
def beads() -> tuple[np.ndarray, np.ndarray]:
    moved = displacement(pinching(), PIXEL, YOUNG, 0.5, padding=1)
    pair = bead_pair(moved, BeadConfig(pixel_size=PIXEL, density=1.5), drift=DRIFT, seed=4)
    return pair.reference, pair.loaded


@pytest.fixture
def panel(viewer: ViewerModel, tmp_path: Path) -> Iterator[TfmPanel]:
    made = TfmPanel(viewer, memory=Memory(tmp_path / "panels.json"), preferences=Preferences())
    yield made
    made.dispose()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def measure(qtbot: QtBot, panel: TfmPanel) -> Callable[..., None]:
    def run(*last: str) -> None:
        panel.measure(*last)
        qtbot.waitUntil(lambda: not panel.job.running and not panel.numbers.busy, timeout=PATIENCE)

    return run


@pytest.fixture
def filled(panel: TfmPanel, viewer: ViewerModel, beads: tuple[np.ndarray, np.ndarray]) -> TfmPanel:
    """The panel with two bead images, the cell and the gel."""
    reference, loaded = (
        in_microns(image, name) for image, name in zip(beads, ("rest", "pulled"), strict=True)
    )
    inside = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2)) * PIXEL < 13
    cell = in_microns(inside.astype(np.uint8), "cell", Labels)
    viewer.layers.extend([reference, loaded, cell])
    panel.source.choose(reference, loaded)
    panel.source.choose_cell(cell)
    panel.settings.show_config(TfmConfig(Substrate(YOUNG, 0.5)))
    panel.settings.windows.setText("32, 24")
    panel.settings.windows.editingFinished.emit()
    return panel


def stale(panel: TfmPanel) -> list[str]:
    return [step for step in STEPS if "out of date" in panel.progress.text_of(step)]


def test_an_empty_panel_says_what_it_needs(panel: TfmPanel) -> None:
    assert not panel.run_section.ready
    assert "No two bead images" in panel.run_section.status
    assert panel.sample.isVisibleTo(panel)


def test_from_beads_to_the_traction_that_moved_them(
    filled: TfmPanel, viewer: ViewerModel, measure: Callable[..., None]
) -> None:
    measure()
    assert "4.0 px down, 2.0 px left" in filled.progress.text_of("drift")
    field = filled.traction
    assert field.unit == "Pa"
    assert field.pixel_size.micron == PIXEL
    truth = pinching()
    found = field.data[0]
    assert (found * truth).sum() / np.sqrt((found**2).sum() * (truth**2).sum()) > 0.85
    for name in ("|F| [Pa] pulled (FTTC)", "|u| [µm] pulled (FTTC)", "pulled, drift corrected"):
        assert name in viewer.layers
    assert stale(filled) == []


def test_the_displacement_lies_over_the_beads(
    filled: TfmPanel, viewer: ViewerModel, measure: Callable[..., None]
) -> None:
    measure("displacement")
    assert filled.traction is None
    layer = viewer.layers["|u| [µm] pulled (FTTC)"]
    y, x = np.unravel_index(layer.data.argmax(), layer.data.shape)
    assert abs(layer.data_to_world((y, x))[0] - SIDE / 2 * PIXEL) < 3, "on the row of the adhesions"
    # Windows keep off the edge alike on all sides, so the field is centred on the image.
    middle = layer.data_to_world((np.array(layer.data.shape) - 1) / 2)
    np.testing.assert_allclose(middle, (SIDE - 1) / 2 * PIXEL, atol=1.0)


def test_a_changed_gel_makes_the_later_steps_stale_and_back_again(
    filled: TfmPanel, measure: Callable[..., None]
) -> None:
    measure()
    before = filled.traction.magnitude().max()
    filled.settings.young.setValue(4)
    assert stale(filled) == ["regularisation", "traction"]
    assert "press the button" in filled.run_section.status
    filled.settings.young.setValue(2)
    assert stale(filled) == []
    filled.settings.young.setValue(4)
    measure()
    assert filled.traction.magnitude().max() > 1.5 * before, "a stiffer gel takes more force to deform"
    filled.settings.windows.setText("32")
    filled.settings.windows.editingFinished.emit()
    assert stale(filled) == ["displacement", "regularisation", "traction"]


def test_a_stiffness_of_kilopascals_typed_as_pascals_is_asked_about(filled: TfmPanel) -> None:
    filled.settings.unit_list.setCurrentText("Pa")
    assert "meant in kPa?" in filled.settings.gel_message.text()
    assert filled.settings.use_kilopascal.isVisibleTo(filled)
    filled.settings.use_kilopascal.click()
    assert filled.settings.config().substrate.young == YOUNG
    assert not filled.settings.use_kilopascal.isVisibleTo(filled)


def test_a_missing_stiffness_and_nonsense_windows_are_told_in_words(filled: TfmPanel) -> None:
    filled.settings.young.setValue(0)
    assert not filled.run_section.ready
    assert "stiffness of the gel is not given" in filled.run_section.status
    filled.settings.young.setValue(2)
    filled.settings.windows.setText("wide")
    filled.settings.windows.editingFinished.emit()
    assert "The windows are" in filled.run_section.status


def test_images_that_have_nothing_in_common_are_refused_in_words(
    filled: TfmPanel, viewer: ViewerModel, measure: Callable[..., None], notifications: list[str]
) -> None:
    other = in_microns(np.rot90(viewer.layers["rest"].data).copy(), "elsewhere")
    viewer.add_layer(other)
    filled.source.choose(viewer.layers["rest"], other)
    measure()
    assert filled.traction is None
    assert filled.failure
    assert filled.failure in filled.run_section.status
    assert not notifications, "it is told once, where the eye is"


def test_a_preset_is_the_same_after_saving(panel: TfmPanel, tmp_path: Path, notifications: list[str]) -> None:
    config = TfmConfig(Substrate(750.0, 0.45, 30.0), criterion="gcv", one_for_all=False)
    path = tmp_path / "preset.json"
    path.write_text(config.to_json(), encoding="utf-8")
    panel.settings.open_preset(path)
    assert panel.settings.config() == config
    path.write_text("{}", encoding="utf-8")
    panel.settings.open_preset(path)
    assert "substrate is missing" in notifications[-1]
    assert panel.settings.config() == config


def test_a_displacement_of_another_program_gives_its_traction(
    panel: TfmPanel, viewer: ViewerModel, measure: Callable[..., None]
) -> None:
    coarse = pinching()[:, ::4, ::4]
    moved = displacement(coarse, 4 * PIXEL, YOUNG, 0.5)
    field = VectorField(
        moved[None].astype(np.float32), "displacement", "µm", PixelSize.square(4 * PIXEL), name="piv"
    )
    show_field(viewer, field, ArrowStyle())
    panel.source.kind_list.setCurrentText(DISPLACEMENT_FIELD)
    panel.settings.show_config(TfmConfig(Substrate(YOUNG, 0.5), criterion="fixed", regularisation=1e-5))
    measure()
    np.testing.assert_allclose(panel.traction.data[0], coarse, atol=40)
    assert not panel.progress.buttons["drift"].isVisibleTo(panel), "there are no beads to follow"
    assert "lambda 1e-05" in panel.progress.text_of("regularisation")


def test_a_traction_is_only_opened(panel: TfmPanel) -> None:
    panel.source.kind_list.setCurrentText(TRACTION_FIELD)
    assert panel.source.open_button.isVisibleTo(panel)
    assert not panel.run_section.isVisibleTo(panel)


def test_a_measured_cell_becomes_data_to_learn_from(
    qtbot: QtBot, filled: TfmPanel, measure: Callable[..., None], tmp_path: Path, notifications: list[str]
) -> None:
    measure()
    filled.export.write(tmp_path)
    qtbot.waitUntil(lambda: not filled.export.writing, timeout=PATIENCE)
    (path,) = list_cells(tmp_path / "pulled measured")
    cell = read_cell(path)
    np.testing.assert_allclose(np.asarray(cell.traction.data), filled.traction.data)
    np.testing.assert_allclose(
        np.asarray(cell.displacement.data), np.asarray(filled.result.displacement.data)
    )
    assert cell.traction.pixel_size.micron == PIXEL
    filled.export.write(tmp_path)
    qtbot.waitUntil(lambda: not filled.export.writing, timeout=PATIENCE)
    assert "nothing is overwritten" in notifications[-1]
