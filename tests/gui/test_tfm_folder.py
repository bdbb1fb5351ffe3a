"""Numbers of regions, saving, and a whole folder in the panel Measured traction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QScrollArea
from superqt import QCollapsible

from napari_cellforce.fields import ImageStack, PixelSize, Substrate, VectorField
from napari_cellforce.io import read_field, write_field, write_stack
from napari_cellforce.layers import ArrowStyle
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair
from napari_cellforce.tfm import TfmConfig, TfmResult
from napari_cellforce.viewer.masks import labels_over
from napari_cellforce.widgets.base.panel import WIDTH
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.shared.import_dialog import ImportDialog
from napari_cellforce.widgets.shared.measured_fields import layer_of, show_field
from napari_cellforce.widgets.tfm.panel import TfmPanel
from napari_cellforce.widgets.tfm.results_section import ordered_columns

PATIENCE = 60_000
PIXEL, SIDE = 0.25, 96
SIZE = PixelSize.square(PIXEL)


@pytest.fixture
def panel(viewer: ViewerModel, tmp_path: Path) -> Iterator[TfmPanel]:
    made = TfmPanel(viewer, memory=Memory(tmp_path / "panels.json"), preferences=Preferences())
    yield made
    made.dispose()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def wait(qtbot: QtBot, panel: TfmPanel) -> Callable[[], None]:
    def until_done() -> None:
        qtbot.waitUntil(lambda: not (panel.numbers.busy or panel.folder.running), timeout=PATIENCE)

    return until_done


def two_cells(frames: int = 1) -> TfmResult:
    """A cell on the left that pulls with 100 Pa, one on the right with 300 Pa; weaker from frame to frame."""
    y, x = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) * PIXEL
    traction = np.zeros((2, SIDE, SIDE))
    for centre, strength in ((-6, 100), (6, 300)):
        for side in (-1, 1):
            spot = np.exp(-(y**2 + (x - centre - 3 * side) ** 2) / 2)
            traction[1] -= side * strength * spot
    stack = np.stack([traction / (t + 1) for t in range(frames)]).astype(np.float32)
    fields = [
        VectorField(data, quantity, unit, SIZE, 2.0, name="cell")
        for data, quantity, unit in ((stack, "traction", "Pa"), (stack * 1e-3, "displacement", "µm"))
    ]
    return TfmResult(*fields)


def halves() -> np.ndarray:
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[:, : SIDE // 2], labels[:, SIDE // 2 :] = 1, 2
    return labels


def test_forces_are_added_up_for_every_region_and_frame(
    panel: TfmPanel, viewer: ViewerModel, wait: Callable[[], None]
) -> None:
    viewer.add_labels(
        halves(), name="regions", scale=(PIXEL,) * 2, translate=(PIXEL / 2,) * 2, units=("um",) * 2
    )
    measured = two_cells(frames=2)
    show_field(viewer, measured.traction, ArrowStyle())
    panel.show_result(measured, None)
    wait()
    numbers = panel.numbers
    assert len(numbers.table) == 2, "the whole image, frame by frame"
    numbers.regions.setCurrentIndex(1)
    wait()
    forces = numbers.table.pivot(index="frame", columns="region", values="total force [nN]")
    assert forces.loc[0, 2] / forces.loc[0, 1] == pytest.approx(3, rel=0.02)
    assert forces.loc[1, 2] / forces.loc[0, 2] == pytest.approx(0.5, rel=1e-3)
    for column in ("strain energy [fJ]", "force dipole xx [nN·µm]", "direction of first [°]"):
        assert column in numbers.table
    assert numbers.plot.isVisibleTo(panel)
    assert numbers.cells_table.rowCount() == 4


def test_few_numbers_stand_below_each_other(panel: TfmPanel, wait: Callable[[], None]) -> None:
    panel.show_result(two_cells(), None)
    wait()
    cells = panel.numbers.cells_table
    names = [cells.verticalHeaderItem(i).text() for i in range(cells.rowCount())]
    assert names[:3] == ["total force [nN]", "strain energy [fJ]", "contractile moment [nN·µm]"]
    assert not panel.numbers.plot.isVisibleTo(panel)
    assert ordered_columns(["area [µm²]", "net force [nN]", "frame"]) == [
        "frame",
        "net force [nN]",
        "area [µm²]",
    ]


def test_regions_of_coarser_pixels_lie_where_they_were_drawn(viewer: ViewerModel) -> None:
    field = two_cells().traction
    image = viewer.add_image(np.zeros((SIDE, SIDE)), scale=(PIXEL, PIXEL), units=("um", "um"))
    show_field(viewer, field, ArrowStyle(), on=(image, SIZE))
    place = {"scale": (4 * PIXEL,) * 2, "translate": (1.5 * PIXEL,) * 2, "units": ("um", "um")}
    coarse = viewer.add_labels(halves()[::4, ::4], **place)
    np.testing.assert_array_equal(labels_over(coarse, layer_of(viewer, field)), halves()[None])


def test_what_is_saved_can_be_opened_again(panel: TfmPanel, wait: Callable[[], None], tmp_path: Path) -> None:
    config = TfmConfig(Substrate(2000.0, 0.5))
    panel.show_result(two_cells(), config)
    wait()
    panel.numbers.save(tmp_path / "out")
    wait()
    kept = read_field(tmp_path / "out" / "cell_measured_displacement.ome.tif")
    np.testing.assert_allclose(np.asarray(kept.data), two_cells().displacement.data)
    table = pd.read_csv(tmp_path / "out" / "cell_measured_summary.csv")
    assert table["total force [nN]"].iloc[0] > 0
    preset = (tmp_path / "out" / "cell_tfm_preset.json").read_text(encoding="utf-8")
    assert TfmConfig.from_json(preset) == config


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """Two pairs of bead images, and one without its reference."""
    y, x = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) * PIXEL
    left, right = (np.exp(-(y**2 + (x - at) ** 2) / (2 * 1.5**2)) for at in (-5, 5))
    moved = displacement(300 * np.stack([0 * x, left - right]), PIXEL, 2000.0, 0.5, padding=1)
    folder = tmp_path / "a day with a rather long name, as folders on servers have"
    for cell in (1, 2):
        pair = bead_pair(moved, BeadConfig(pixel_size=PIXEL, density=1.5), seed=cell)
        for word, image in (("reference", pair.reference), ("loaded", pair.loaded)):
            stack = ImageStack(image[None, None], ("beads",), SIZE, None, word)
            write_stack(folder / f"cell {cell}_{word}.ome.tif", stack)
    write_stack(folder / "cell 3_loaded.ome.tif", stack)
    return folder


def states(panel: TfmPanel) -> list[str]:
    table = panel.folder.table
    return [table.item(i, 1).text() for i in range(table.rowCount())]


def test_a_folder_is_measured_with_the_settings_of_the_panel(
    qtbot: QtBot, panel: TfmPanel, wait: Callable[[], None], viewer: ViewerModel, experiment: Path
) -> None:
    panel.folder.set_folder(str(experiment))
    qtbot.waitUntil(
        lambda: "stiffness of the gel is not given" in panel.folder.run_section.status, timeout=PATIENCE
    )
    panel.settings.show_config(TfmConfig(Substrate(2000.0, 0.5)))
    panel.settings.windows.setText("32, 24")
    panel.settings.windows.editingFinished.emit()
    qtbot.waitUntil(lambda: len(states(panel)) == 3, timeout=PATIENCE)
    assert states(panel)[2] == "no reference"
    assert panel.folder.run_section.button_label == "Measure 2 images"
    panel.folder.start()
    assert panel.folder.running
    wait()
    assert states(panel) == ["✓ done", "✓ done", "⚠ failed"]
    assert "2 of 3 are done, 1 failed" in panel.folder.run_section.status
    panel.folder.table.cellClicked.emit(2, 0)
    assert "no reference image" in panel.folder.message.text()
    out = experiment / "cellforce-tfm"
    assert len(pd.read_csv(out / "experiment.csv")) == 2
    panel.folder.table.cellDoubleClicked.emit(0, 0)
    assert any("cell 1_loaded" in layer.name for layer in viewer.layers)


def test_a_stopped_folder_keeps_what_is_done(
    qtbot: QtBot, panel: TfmPanel, wait: Callable[[], None], experiment: Path
) -> None:
    panel.settings.show_config(TfmConfig(Substrate(2000.0, 0.5)))
    panel.settings.windows.setText("32, 24")
    panel.settings.windows.editingFinished.emit()
    panel.folder.set_folder(str(experiment))
    qtbot.waitUntil(lambda: panel.folder.run_section.ready, timeout=PATIENCE)
    panel.folder.start()
    qtbot.waitUntil(lambda: "displacement measured" in states(panel), timeout=PATIENCE)
    panel.folder.job.stop()
    wait()
    assert "Press again to continue" in panel.folder.run_section.status
    assert list((experiment / "cellforce-tfm").glob("*displacement_windows.npz"))


def test_it_fits_into_350_pixels_with_everything_unfolded(panel: TfmPanel) -> None:
    panel.numbers.setVisible(True)
    for section in panel.findChildren(QCollapsible):
        section.expand(False)
    assert panel.findChild(QScrollArea).widget().minimumSizeHint().width() <= WIDTH


def test_settings_that_have_no_row_survive(panel: TfmPanel) -> None:
    config = TfmConfig(Substrate(750.0, 0.45), noise_outside=True, margin=7.0, fit_borders=False)
    panel.settings.show_config(config)
    assert panel.settings.config() == config


def test_an_opened_traction_is_added_up_too(
    panel: TfmPanel, viewer: ViewerModel, wait: Callable[[], None], tmp_path: Path
) -> None:
    path = tmp_path / "measured.ome.tif"
    write_field(path, two_cells().traction)
    show_field(viewer, read_field(path), ArrowStyle())
    panel.show_result(TfmResult(read_field(path)), None)
    wait()
    assert "total force [nN]" in panel.numbers.table
    assert "strain energy [fJ]" not in panel.numbers.table, "the displacement is not known"


def test_arrows_that_point_outward_are_doubted_when_a_file_is_opened(
    qtbot: QtBot, viewer: ViewerModel, tmp_path: Path
) -> None:
    rows, columns = np.mgrid[:SIDE:4, :SIDE:4]
    vectors = two_cells().traction.data[0][:, ::4, ::4]
    table = np.stack([columns, rows, -vectors[1], -vectors[0]], axis=-1).reshape(-1, 4)
    path = tmp_path / "beads.csv"
    np.savetxt(path, table, delimiter=",", header="x,y,tx [Pa],ty [Pa]", comments="")
    dialog = ImportDialog([str(path)], viewer, Memory(tmp_path / "panels.json"))
    dialog.pixel_size.setValue(PIXEL)
    qtbot.waitUntil(lambda: not dialog.reading and dialog.field is not None, timeout=PATIENCE)
    assert "point outward" in dialog.message.text()
    dialog.flip_x.setChecked(True)
    dialog.flip_y.setChecked(True)
    qtbot.waitUntil(lambda: not dialog.reading and dialog.field is not None, timeout=PATIENCE)
    assert "point outward" not in dialog.message.text()
    dialog.reject()
    dialog.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)
