"""Numbers as people type them, wherever they live: no digit is lost, nothing is read as another number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QLocale, QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

import napari_cellforce.widgets
from napari_cellforce.widgets.base.number_box import NumberBox, shown

LOCALES = ("de_DE", "fr_FR", "C", "en_US")


@pytest.fixture(params=LOCALES)
def _locale(request: pytest.FixtureRequest) -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield
    QLocale.setDefault(before)


def enter(qtbot: QtBot, box: NumberBox, text: str) -> None:
    """Type over what is there, and press Enter."""
    box.selectAll()
    if text:
        qtbot.keyClicks(box, text)
    else:
        qtbot.keyClick(box, Qt.Key_Delete)
    qtbot.keyClick(box, Qt.Key_Return)


@pytest.mark.usefixtures("_locale")
@pytest.mark.parametrize(
    ("text", "number"),
    [("8.5", 8.5), ("8,5", 8.5), (",5", 0.5), ("5.", 5), ("3e-4", 3e-4), ("1,5E2", 150), ("8.5 µm", 8.5),
     ("0.68123456789", 0.6812346)],
)  # fmt: skip
def test_a_number_is_read_with_either_decimal_sign(qtbot: QtBot, text: str, number: float) -> None:
    for empty in ("", "type it in"):
        box = NumberBox(0, 1000, unit="µm", empty=empty)
        qtbot.addWidget(box)
        enter(qtbot, box, text)
        assert box.number == number
        assert box.text() == f"{shown(number)} µm", "what is shown is what is used"


def test_a_pasted_unit_may_have_the_other_mu(qtbot: QtBot) -> None:
    box = NumberBox(unit="µm")
    qtbot.addWidget(box)
    QApplication.clipboard().setText("\N{MINUS SIGN}8,5 \N{GREEK SMALL LETTER MU}m")
    box.selectAll()
    box.lineEdit().paste()
    qtbot.keyClick(box, Qt.Key_Return)
    assert box.number == -8.5


@pytest.mark.usefixtures("_locale")
@pytest.mark.parametrize(
    "text", ["1,000.5", "1,00.5", "1 000", "1.2.3", "2000", "-3", "8 kPa", "1e", "nan", "inf", "0x1"]
)
def test_what_is_no_number_in_the_range_is_refused_in_words(qtbot: QtBot, text: str) -> None:
    box = NumberBox(0, 1000, value=7, unit="µm")
    qtbot.addWidget(box)
    with qtbot.waitSignal(box.refused) as refused:
        enter(qtbot, box, text)
    assert box.number == 7
    assert text in refused.args[0]
    assert "7 µm is kept" in refused.args[0]


def test_whole_numbers_lose_no_decimals(qtbot: QtBot) -> None:
    box = NumberBox(1, 512, value=8, whole=True)
    qtbot.addWidget(box)
    for text, number in (("16", 16), ("8.5", 16), ("1e2", 100), ("0", 100)):
        enter(qtbot, box, text)
        assert box.number == number
        assert isinstance(box.number, int)


def test_no_number_is_shown_in_words_and_can_be_had_again(qtbot: QtBot) -> None:
    box = NumberBox(0.1, 100, unit="µm", empty="from the files")
    qtbot.addWidget(box)
    assert box.number is None
    enter(qtbot, box, "0,05")
    assert box.number is None
    for text in ("", "0"):
        enter(qtbot, box, "0.5")
        assert box.number == 0.5
        enter(qtbot, box, text)
        assert box.number is None
        assert box.text() == "from the files"


def test_numbers_are_shown_short_and_without_groups() -> None:
    texts = {1234567.0: "1234567", 0.1 + 0.2: "0.3", 3e-4: "0.0003", 1e-5: "1e-5", 2.5e-7: "2.5e-7", 0: "0"}
    assert {value: shown(value) for value in texts} == texts


def test_arrow_keys_change_the_leading_digits(qtbot: QtBot) -> None:
    box = NumberBox(1e-6, 1, value=3e-3)
    qtbot.addWidget(box)
    qtbot.keyClick(box, Qt.Key_Up)
    assert box.number == 3.1e-3
    whole = NumberBox(1, 10, value=9, whole=True)
    qtbot.addWidget(whole)
    for _ in range(3):
        qtbot.keyClick(whole, Qt.Key_Up)
    assert whole.number == 10


def test_the_wheel_is_left_to_the_panel_unless_the_box_has_the_focus(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    box, other = NumberBox(0, 100, value=5), NumberBox()
    column = QVBoxLayout(window)
    for widget in (box, other):
        column.addWidget(widget)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    other.setFocus()
    assert not _turn_wheel(box)
    assert box.number == 5
    box.setFocus()
    assert _turn_wheel(box)
    assert box.number == 4.9


def _turn_wheel(box: NumberBox) -> bool:
    """Turn the wheel down over a box, and return whether the box has taken it."""
    centre = box.rect().center()
    event = QWheelEvent(
        QPointF(centre), QPointF(box.mapToGlobal(centre)), QPoint(), QPoint(0, -120), Qt.NoButton,
        Qt.NoModifier, Qt.NoScrollPhase, False,
    )  # fmt: skip
    box.wheelEvent(event)
    return bool(event.isAccepted())


def test_panels_have_no_other_boxes_for_numbers() -> None:
    root = Path(napari_cellforce.widgets.__file__).parent
    others = [
        f"{path.relative_to(root)}: {name}"
        for path in root.rglob("*.py")
        for name in re.findall(r"Q\w*SpinBox|Q(?:Int|Double)Validator", path.read_text(encoding="utf-8"))
        if path.name != "number_box.py"
    ]
    assert not others
