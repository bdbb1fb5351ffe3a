"""A line of words fits its panel, whatever somebody called a file; the name can be copied as it is."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtWidgets import QApplication

from napari_cellforce.widgets.base.form import TextLine, Tone

NAME = "/data/20261122_U2OS-zyxin-mEGFP_actin-LifeAct_60x_series-04/position_17/cell_07_washout.ome.tif"


@pytest.fixture
def line():
    made = TextLine()
    made.set_text(f"{NAME} has no pixel size", Tone.PROBLEM)
    yield made
    made.deleteLater()
    QCoreApplication.sendPostedEvents(made, QEvent.DeferredDelete)


def test_a_long_name_does_not_widen_the_panel(line):
    assert line.minimumSizeHint().width() < 300


def test_it_still_says_the_name(line):
    assert NAME in line.text()


def test_the_name_is_copied_as_it_is(qtbot, line):
    line.setSelection(0, 1000)
    qtbot.keyClick(line, Qt.Key_C, Qt.ControlModifier)
    assert NAME in QApplication.clipboard().text()
