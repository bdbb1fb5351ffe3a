"""Who is asked how hard a drawn cell pulls: exact mechanics, or predictors of the zoo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QComboBox, QListWidget, QListWidgetItem

from napari_cellforce import zoo
from napari_cellforce.scan import MECHANICS

_EXACT = {
    "sheet": "Exact mechanics of the drawn cell as a contractile sheet held by its adhesions, in Pa.",
    "fibres": "Exact mechanics of the drawn cell with forces along stress fibres only, in Pa.",
}


@dataclass(frozen=True)
class Asked:
    """One entry of the lists.

    Attributes
    ----------
    name : str
        For `napari_cellforce.scan.force_model`.
    words : str
        As listed.
    tip : str
    available : bool
        False if its weights are not on this computer.
    """

    name: str
    words: str
    tip: str
    available: bool = True


def everybody(folder: str | None) -> list[Asked]:
    """Return all that can be asked, exact mechanics first; `folder` as in `zoo.entries`."""
    exact = [Asked(name, f"{name} (exact)", _EXACT[name]) for name in MECHANICS]
    predictors = []
    for entry in zoo.entries(folder=folder):
        here = zoo.is_available(entry.name, folder)
        missing = "" if here else " (not downloaded yet)"
        tip = entry.card if here else f"{entry.card} Download it in the panel Models."
        predictors.append(Asked(entry.name, entry.name + missing, tip, here))
    return exact + predictors


def fill_combo(combo: QComboBox, folder: str | None) -> None:
    """List everybody in a combo box; the chosen one stays. Who is not here cannot be chosen."""
    chosen = combo.currentData()
    with QSignalBlocker(combo):
        combo.clear()
        for i, asked in enumerate(everybody(folder)):
            combo.addItem(asked.words, asked.name)
            combo.setItemData(i, asked.tip, Qt.ToolTipRole)
            combo.model().item(i).setEnabled(asked.available)
        combo.setCurrentIndex(max(combo.findData(chosen), 0))


def fill_list(listing: QListWidget, folder: str | None) -> None:
    """List everybody with a box to tick; at first the sheet is ticked."""
    ticked = ticked_in(listing) or ("sheet",)
    with QSignalBlocker(listing):
        listing.clear()
        for asked in everybody(folder):
            item = QListWidgetItem(asked.words, listing)
            item.setData(Qt.UserRole, asked.name)
            item.setToolTip(asked.tip)
            item.setFlags(Qt.ItemIsUserCheckable | Qt.ItemIsSelectable | Qt.ItemIsEnabled)
            if not asked.available:
                item.setFlags(Qt.NoItemFlags)
    tick(listing, ticked)


def tick(listing: QListWidget, names: Sequence[str]) -> None:
    """Tick these, as far as they can be asked, and no others."""
    with QSignalBlocker(listing):
        for i in range(listing.count()):
            item = listing.item(i)
            chosen = item.data(Qt.UserRole) in names and bool(item.flags() & Qt.ItemIsEnabled)
            item.setCheckState(Qt.Checked if chosen else Qt.Unchecked)


def ticked_in(listing: QListWidget) -> tuple[str, ...]:
    """Return the names of those ticked."""
    items = (listing.item(i) for i in range(listing.count()))
    return tuple(item.data(Qt.UserRole) for item in items if item.checkState() == Qt.Checked)
