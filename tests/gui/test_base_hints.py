"""An error in a panel names the row of that panel which corrects it."""

from __future__ import annotations

from qtpy.QtWidgets import QLineEdit, QWidget

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.widgets.base.form import Form
from napari_cellforce.widgets.base.hints import with_row


def test_the_row_is_named_if_the_panel_has_it(qtbot):
    panel = QWidget()
    qtbot.addWidget(panel)
    form = Form(panel)
    form.add("Pixel", QLineEdit(), "Side of a pixel")
    error = CellForceError("the image has no scale", "it is needed", "Type it in.", topic=Topic.PIXEL_SIZE)
    assert with_row(error, panel).endswith("Type it in. Row: Pixel.")
    other = CellForceError("the disk is full", "there must be room", "Free some.", topic=Topic.OUTPUT)
    assert with_row(other, panel) == str(other)
