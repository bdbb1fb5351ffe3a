"""The panel Compare with measured: which fields it takes, what it shows and says, and bad input in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QFileDialog, QPushButton

from napari_cellforce.fields import PixelSize, Provenance, VectorField
from napari_cellforce.layers import ArrowStyle
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.compare.agreement_section import rose
from napari_cellforce.widgets.compare.comparison_layers import ANGLE, DIFFERENCE, A, B
from napari_cellforce.widgets.compare.panel import ComparePanel
from napari_cellforce.widgets.shared.import_dialog import ImportDialog
from napari_cellforce.widgets.shared.measured_fields import displayed_fields, show_field

PATIENCE = 60_000
SCALE = 200.0


def contracting(side: int, pixel: float, strength: float, **changes: Any) -> VectorField:
    """A lopsided cell of 12 µm x 8 µm that pulls inward, harder on the right."""
    y, x = (np.mgrid[:side, :side] + 0.5) * pixel - side * pixel / 2
    depth = 1 - (y / 8) ** 2 - (x / 12) ** 2
    inside = depth > 0
    data = -strength * np.stack([y, x]) * (1 + 0.05 * x) * depth * inside
    settings = {"mask": inside[None], "name": "cell", **changes}
    return VectorField(data[None].astype(np.float32), "traction", "Pa", PixelSize.square(pixel), **settings)


def measured() -> VectorField:
    return contracting(32, 1.0, SCALE, name="beads", provenance=Provenance(model="FTTC"))


def predicted() -> VectorField:
    field = contracting(64, 0.5, 1.0, provenance=Provenance(model="unet-sim"))
    return dataclasses.replace(field, unit="normalised")


@pytest.fixture
def panel(viewer: ViewerModel, tmp_path: Path) -> Iterator[ComparePanel]:
    made = ComparePanel(viewer, memory=Memory(tmp_path / "panels.json"), preferences=Preferences())
    yield made
    made.dispose()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


@pytest.fixture
def compare(qtbot: QtBot, panel: ComparePanel) -> Callable[[], None]:
    def run() -> None:
        panel.compare()
        qtbot.waitUntil(lambda: not panel.job.running, timeout=PATIENCE)

    return run


@pytest.fixture
def compared(panel: ComparePanel, viewer: ViewerModel, compare: Callable[[], None]) -> ComparePanel:
    """The panel after a prediction was compared with a measurement of the same cell."""
    for field in (predicted(), measured()):
        show_field(viewer, field, ArrowStyle())
    compare()
    return panel


def close(dialog: ImportDialog) -> None:
    dialog.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def press(panel: ComparePanel, text: str) -> None:
    (button,) = [b for b in panel.findChildren(QPushButton) if b.text() == text]
    assert button.isVisibleTo(panel)
    button.click()


def test_an_empty_panel_says_what_it_needs(panel: ComparePanel) -> None:
    assert not panel.run_section.ready
    assert "needs two" in panel.run_section.status
    assert panel.sample.isVisibleTo(panel)


def test_the_predicted_field_is_a_and_the_measured_one_b(panel: ComparePanel, viewer: ViewerModel) -> None:
    show_field(viewer, predicted(), ArrowStyle())
    assert "Only one field" in panel.run_section.status
    show_field(viewer, measured(), ArrowStyle())
    assert panel.choice.first.field.provenance.model == "unet-sim"
    assert panel.choice.second.field.provenance.model == "FTTC"
    assert panel.run_section.ready


def test_a_field_is_not_compared_with_itself(panel: ComparePanel, viewer: ViewerModel) -> None:
    for field in (predicted(), measured()):
        show_field(viewer, field, ArrowStyle())
    panel.choice.choose("B", panel.choice.first.field)
    assert not panel.run_section.ready
    assert "same field" in panel.run_section.status


def test_the_same_cell_on_another_grid_agrees_and_gives_the_scale(compared: ComparePanel) -> None:
    comparison = compared.comparison
    assert comparison.scaled
    # Brought to the coarser grid, the prediction loses some of its peaks.
    assert comparison.calibration.factor == pytest.approx(SCALE, rel=0.05)
    assert comparison.numbers[0].value > 0.99
    assert "Correlation 1.00" in compared.run_section.status


def test_both_are_shown_on_one_scale_where_the_cell_is(compared: ComparePanel, viewer: ViewerModel) -> None:
    first, second = (compared.result_view.layers(view)[0] for view in (A, B))
    assert first.contrast_limits == second.contrast_limits
    np.testing.assert_allclose(first.world_to_data((16.0, 4.0)), second.world_to_data((16.0, 4.0)))
    (field,) = [shown for shown in displayed_fields(viewer) if shown.predicted]
    own = field.layers[-1]
    # The corner of the common grid is that of the prediction.
    np.testing.assert_allclose(np.add(own.translate, -0.25), np.add(first.translate, -0.5))
    second.contrast_limits = (0, 500)
    assert first.contrast_limits == [0, 500], "linked"


def test_views_show_one_thing_at_a_time(compared: ComparePanel) -> None:
    compared.result_view.show_view(DIFFERENCE)
    assert [layer.visible for layer in compared.result_view.layers(DIFFERENCE)] == [True, True]
    assert not any(layer.visible for view in (A, B, ANGLE) for layer in compared.result_view.layers(view))
    (angles,) = compared.result_view.layers(ANGLE)
    low, high = angles.contrast_limits
    assert low == -high, "centred on 0"
    assert np.nanmax(np.abs(angles.data)) < 15


def test_blinking_shows_a_and_b_in_turn(qtbot: QtBot, compared: ComparePanel) -> None:
    seen: list[str] = []
    compared.result_view.view_changed.connect(seen.append)
    press(compared, "Blink A / B")
    qtbot.waitUntil(lambda: {A, B} <= set(seen), timeout=PATIENCE)
    press(compared, "Blink A / B")
    assert not compared.result_view.blinking


def test_calibrating_adds_the_prediction_in_pascal(compared: ComparePanel, viewer: ViewerModel) -> None:
    press(compared, "Calibrate the prediction to Pa")
    field = compared.choice.first.field
    assert field.unit == "Pa"
    low, high = field.provenance.settings["95 % interval [Pa]"]
    assert low <= field.provenance.settings["calibration factor [Pa]"] <= high
    assert field.magnitude().max() == pytest.approx(SCALE * predicted().magnitude().max(), rel=0.05)
    assert "|F| [Pa] cell (unet-sim, calibrated)" in viewer.layers


def test_comparing_again_replaces_the_layers(
    compared: ComparePanel, viewer: ViewerModel, compare: Callable[[], None]
) -> None:
    before = len(viewer.layers)
    compare()
    assert len(viewer.layers) == before


def test_fields_of_different_places_are_refused_in_words(
    panel: ComparePanel, viewer: ViewerModel, compare: Callable[[], None]
) -> None:
    elsewhere = Provenance(model="FTTC", settings={"origin [µm]": [500.0, 500.0]})
    for field in (predicted(), dataclasses.replace(measured(), provenance=elsewhere)):
        show_field(viewer, field, ArrowStyle())
    compare()
    assert panel.comparison is None
    assert "same place" in panel.run_section.status


def test_saving_writes_tables_and_figures(
    qtbot: QtBot, compared: ComparePanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    press(compared, "Save …")
    qtbot.waitUntil(lambda: not compared.saving.running, timeout=PATIENCE)
    assert {p.name for p in tmp_path.iterdir()} >= {
        "agreement.csv",
        "figure_maps.svg",
        "figure_agreement.png",
    }


def test_several_cells_are_judged_one_by_one(
    qtbot: QtBot, compared: ComparePanel, viewer: ViewerModel
) -> None:
    shape = compared.pair[0].field.data.shape[2:]
    labels = np.zeros(shape, np.uint8)
    labels[:, : shape[1] // 2], labels[:, shape[1] // 2 :] = 3, 7
    viewer.add_labels(labels, name="two")
    compared.choice.cell_list.setCurrentIndex(1)
    compared.compare()
    qtbot.waitUntil(lambda: not compared.job.running, timeout=PATIENCE)
    assert compared.comparison.cells["cell"].tolist() == [3, 7]
    table = compared.agreement.cells_table
    assert table.isVisibleTo(compared)
    assert [table.item(i, 0).text() for i in range(table.rowCount())] == ["3", "7"]
    assert "95 %" in table.item(0, 3).toolTip()


def test_the_longest_petal_points_where_most_angles_do() -> None:
    angles = [88.0, 89.0, 91.0, 4.0]
    x, y = rose(np.histogram(angles, bins=36, range=(-180, 180))[0])
    longest = int(np.hypot(x, y).argmax())
    assert np.degrees(np.arctan2(y[longest], x[longest])) == pytest.approx(90, abs=10)


def test_a_table_is_opened_with_what_it_does_not_say(
    qtbot: QtBot, viewer: ViewerModel, tmp_path: Path
) -> None:
    y, x = np.mgrid[:6, :5] * 10 + 5
    table = np.stack([x, y, 0 * x + 3, 0 * x + 7], axis=-1).reshape(-1, 4)
    path = tmp_path / "beads.csv"
    np.savetxt(path, table, delimiter=",", header="x,y,tx,ty", comments="")
    memory = Memory(tmp_path / "panels.json")
    dialog = ImportDialog([str(path)], viewer, memory)
    qtbot.waitUntil(lambda: not dialog.reading, timeout=PATIENCE)
    assert dialog.field is None
    assert "does not state the unit" in dialog.message.text()
    assert "--unit" not in dialog.message.text(), "options are for the command line"
    dialog.unit_list.setCurrentIndex(dialog.unit_list.findData("Pa"))
    dialog.pixel_size.setValue(0.2)
    dialog.flip_y.setChecked(True)
    qtbot.waitUntil(lambda: not dialog.reading, timeout=PATIENCE)
    np.testing.assert_allclose(dialog.field.data[0, :, 2, 2], (-7, 3))
    assert dialog.field.pixel_size.micron == pytest.approx(2.0)
    dialog.accept()
    close(dialog)
    again = ImportDialog([str(path)], viewer, memory)
    assert again.file_layout.flip_y, "remembered for the folder"
    qtbot.waitUntil(lambda: again.field is not None, timeout=PATIENCE)
    close(again)
