"""Rows of a panel made from the settings themselves: label, unit, range, default and tooltip stand there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, TypeVar, get_args

from qtpy.QtCore import QObject, QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from napari_cellforce.config_io import Setting, SettingEntry, settings_of
from napari_cellforce.widgets.base.form import Form, shrinkable_combo
from napari_cellforce.widgets.base.number_box import NumberBox

T = TypeVar("T")


class SettingRows(QObject):
    """Controls for some settings of a dataclass.

    Parameters
    ----------
    cls : type
        Dataclass of settings.

    Signals
    -------
    changed
        Another value was chosen.
    """

    changed = Signal()

    def __init__(self, cls: type[Any], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries = {entry.path: entry for entry in settings_of(cls)}
        self._controls: dict[str, QWidget] = {}
        self._labels: dict[str, QWidget] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        """Dotted paths of the settings that have a control."""
        return tuple(self._controls)

    def control(self, path: str) -> QWidget:
        """Return the control of a setting."""
        return self._controls[path]

    def make(self, path: str, *, words: Mapping[Any, str] | None = None, empty: str = "") -> Any:
        """Make the control of a setting: a box to tick, a number, a choice or a line of text.

        Parameters
        ----------
        path : str
            Dotted path of the setting.
        words : mapping of object to str, optional
            Names of the choices for people, in their order; by default the choices of the setting.
        empty : str
            What is shown where there is no value; by default as the setting has it.
        """
        entry = self._entries[path]
        choices = dict(words or {word: str(word) for word in entry.setting.choices})
        control: QWidget
        if entry.type is bool:
            control = QCheckBox(entry.setting.label)
            control.toggled.connect(self._on_changed)
        elif choices:
            control = _choice(choices)
            control.currentIndexChanged.connect(self._on_changed)
        elif _is_number(entry):
            control = number_box(entry, empty)
            control.valueChanged.connect(self._on_changed)
        else:
            control = QLineEdit()
            control.setPlaceholderText(empty or entry.setting.empty or str(entry.default or ""))
            control.editingFinished.connect(self._on_changed)
        control.setToolTip(entry.setting.help)
        self._controls[path] = control
        if entry.default is not dataclasses.MISSING:
            self.set_value(path, entry.default)
        return control

    def add(
        self, form: Form, path: str, *, page: str = "", words: Mapping[Any, str] | None = None, **row: Any
    ) -> Any:
        """Make the control of a setting and add its row to a form; further arguments as of `Form.add`."""
        control, setting = self.make(path, words=words), self._entries[path].setting
        if isinstance(control, QCheckBox):
            form.addRow("", control)
        else:
            self._labels[path] = form.add(setting.label, control, tooltip(setting), page=page, **row)
        return control

    def set_visible(self, path: str, visible: bool) -> None:
        """Show or hide the row of a setting."""
        self._controls[path].setVisible(visible)
        if path in self._labels:
            self._labels[path].setVisible(visible)

    def value(self, path: str) -> Any:
        """Return the value of a setting."""
        control, entry = self._controls[path], self._entries[path]
        if isinstance(control, QCheckBox):
            return control.isChecked()
        if isinstance(control, QComboBox):
            return control.currentData()
        if isinstance(control, NumberBox):
            return control.number if type(None) in get_args(entry.type) else control.value()
        text = control.text().strip()
        if get_args(entry.type) and entry.type != (str | None):
            return tuple(part.strip() for part in text.split(",") if part.strip())
        return text or (entry.default if isinstance(entry.default, str) else "")

    def set_value(self, path: str, value: Any) -> None:
        """Show a value; one that is no choice of the control is added to them."""
        control = self._controls[path]
        if isinstance(control, QCheckBox):
            control.setChecked(bool(value))
        elif isinstance(control, QComboBox):
            if control.findData(value) < 0:
                control.addItem(str(value), value)
            control.setCurrentIndex(control.findData(value))
        elif isinstance(control, NumberBox):
            control.set_number(value)
        else:
            shown = "" if value == self._entries[path].default else value or ""
            control.setText(", ".join(map(str, shown)) if isinstance(shown, tuple) else str(shown))

    def applied_to(self, settings: T) -> T:
        """Return settings with the values of the controls."""
        return with_values(settings, {path: self.value(path) for path in self._controls})

    def show(self, settings: Any) -> None:
        """Show the values of settings."""
        with QSignalBlocker(self):
            for path in self._controls:
                self.set_value(path, attrgetter(path)(settings))
        self.changed.emit()

    def _on_changed(self, *_: object) -> None:
        self.changed.emit()


def number_box(entry: SettingEntry, empty: str = "") -> NumberBox:
    """Return the number box of a setting, at its default."""
    setting, optional = entry.setting, type(None) in get_args(entry.type)
    low = setting.above if setting.minimum is None else setting.minimum
    high = setting.below if setting.maximum is None else setting.maximum
    whole = int in (entry.type, *get_args(entry.type))
    zero_is_none = not optional and entry.default == 0
    words = (empty or setting.empty or "none") if optional or (zero_is_none and setting.empty) else ""
    exclusive = setting.minimum is None and setting.above is not None
    return NumberBox(low, high, unit=setting.unit, empty=words, whole=whole, exclusive=exclusive)


def tooltip(setting: Setting) -> str:
    """Return the help of a setting with its range."""
    with_period = setting.help.rstrip(".")
    return (
        f"{with_period} ({setting.range_text} {setting.unit}".rstrip() + ")"
        if setting.range_text
        else with_period
    )


def with_values(settings: T, values: Mapping[str, Any]) -> T:
    """Return settings with other values at some dotted paths."""
    changes: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        name, _, rest = path.partition(".")
        if rest:
            groups.setdefault(name, {})[rest] = value
        else:
            changes[name] = value
    changes |= {name: with_values(getattr(settings, name), inner) for name, inner in groups.items()}
    return dataclasses.replace(settings, **changes)  # type: ignore[type-var]


def _is_number(entry: SettingEntry) -> bool:
    kinds = {kind for kind in (get_args(entry.type) or (entry.type,)) if kind is not type(None)}
    return bool(kinds) and kinds <= {int, float}


def _choice(words: Mapping[Any, str]) -> QComboBox:
    """Return a choice between values, shown in words."""
    box = shrinkable_combo(QComboBox())
    for value, text in words.items():
        box.addItem(text, value)
    return box
