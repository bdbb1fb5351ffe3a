"""Formulas of a fit: error against number of terms, choice of the number, display and export."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from napari.utils.notifications import show_info
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce import files, zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.explain.formula import formula_report
from napari_cellforce.models.symbolic import Formula, FormulaPredictor, SymbolicFit, save_formula
from napari_cellforce.widgets.base.form import Form, TextLine
from napari_cellforce.widgets.base.plots import LinesPlot
from napari_cellforce.widgets.base.worker import show_error
from napari_cellforce.widgets.explain.formula_rendering import render_formula
from napari_cellforce.widgets.explain.job import FormulaResult

_WIDTH = 324
"""Width of the rendered formula in a panel of 350 pixels with a scroll bar."""
_KINDS = "Text with all statistics (*.txt);;LaTeX (*.tex);;Model (*.json)"


class FormulaSection(QWidget):
    """Shows a fit; hidden until there is one.

    Parameters
    ----------
    viewer : ViewerModel

    Signals
    -------
    chosen
        Another number of terms was chosen.
    added : str
        The formula was added to the models under that name.
    """

    chosen = Signal()
    added = Signal(str)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._result: FormulaResult | None = None
        self._folder: str | None = None
        self._plot = LinesPlot(viewer, "Error against number of terms")
        self._slider = QSlider(Qt.Horizontal)
        self._slider.setPageStep(1)
        self._slider.valueChanged.connect(self._on_slider)
        self._count = QLabel()
        self.picture = QLabel()
        self.picture.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        self._note, self._stability = TextLine(), TextLine()
        form = Form()
        form.add(
            "Terms",
            self._slider,
            "Number of terms; little is gained beyond the knee",
            page="explain/formula/",
            beside=self._count,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        layout.addLayout(form)
        for widget in (self.picture, self._stability, self._note):
            layout.addWidget(widget)
        layout.addLayout(self._build_export())
        viewer.events.theme.connect(self._draw)
        self.hide()

    @property
    def result(self) -> FormulaResult | None:
        """The displayed result."""
        return self._result

    @property
    def formula(self) -> Formula | None:
        """The formula with the chosen number of terms."""
        return self._result.fit.formulas[self._slider.value()] if self._result else None

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._plot.dispose()
        self._viewer.events.theme.disconnect(self._draw)

    def set_result(self, result: FormulaResult | None, folder: str | None = None) -> None:
        """Show a fit at its knee, or nothing; `folder` is the model folder."""
        self._result, self._folder = result, folder
        self.setVisible(result is not None)
        if result is None:
            return
        fit = result.fit
        counts = list(fit.error)
        self._plot.draw(
            {"1 - R²": (counts, list(fit.error.values()))},
            title="error on validation frames, 1 - R²",
            x_label="terms",
            marks=[(fit.knee, "knee", "1 - R²")],
            cursor=fit.knee,
        )
        self._note.set_text(" ".join(fit.notes))
        self._slider.blockSignals(True)
        self._slider.setRange(counts[0], counts[-1])
        self._slider.setValue(fit.knee)
        self._slider.blockSignals(False)
        self._update_text()

    def save(self, path: Path) -> None:
        """Write the chosen formula as text, LaTeX or model, by the extension of `path`.

        Raises
        ------
        CellForceError
        """
        selected = self._selected_fit()
        if path.suffix == ".json":
            save_formula(path, self._predictor(path.stem))
        else:
            files.write_text(
                path, selected.best.latex + "\n" if path.suffix == ".tex" else formula_report(selected)
            )

    def add_to_models(self) -> str:
        """Add the chosen formula to the models of the zoo and return its name.

        Raises
        ------
        CellForceError
        """
        formula = self.formula
        assert formula is not None
        assert self._result is not None
        stem = f"{self._result.record.name}-{len(formula.terms)}-terms"
        taken = {entry.name for entry in zoo.entries(folder=self._folder)}
        names = (stem, *(f"{stem}-{n}" for n in range(2, 1000)))
        name = next(name for name in names if name not in taken)
        with tempfile.TemporaryDirectory() as temporary:
            path = save_formula(Path(temporary) / "formula.json", self._predictor(name))
            return zoo.import_checkpoint(path, name=name, folder=self._folder).name

    def _predictor(self, name: str) -> FormulaPredictor:
        assert self.formula is not None
        assert self._result is not None
        return FormulaPredictor(self.formula, dataclasses.replace(self._result.record, name=name))

    def _selected_fit(self) -> SymbolicFit:
        """Return the fit with the chosen formula as its best."""
        assert self._result is not None
        return dataclasses.replace(self._result.fit, knee=self._slider.value())

    def _build_export(self) -> QHBoxLayout:
        row = QHBoxLayout()
        buttons = (
            ("Copy LaTeX", "Copy the formula to the clipboard as LaTeX", self._on_copy),
            ("Save …", "Save the formula as text with statistics, as LaTeX, or as a model", self._on_save),
            ("Use as model", "Add this formula to the list of models", self._on_add),
        )
        for text, tip, slot in buttons:
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(slot)
            row.addWidget(button)
        return row

    def _on_copy(self) -> None:
        if self.formula is not None:
            QApplication.clipboard().setText(self.formula.latex)
            show_info("The formula was copied to the clipboard as LaTeX.")

    def _on_save(self) -> None:
        path, kind = QFileDialog.getSaveFileName(self, "Save the formula", "formula.txt", _KINDS)
        if path:
            chosen = Path(path)
            ending = kind.partition("*")[2].rstrip(")")
            try:
                self.save(chosen if chosen.suffix in (".txt", ".tex", ".json") else Path(path + ending))
            except CellForceError as error:
                show_error(error)

    def _on_add(self) -> None:
        try:
            name = self.add_to_models()
        except CellForceError as error:
            show_error(error)
            return
        show_info(f"{name} was added to the models.")
        self.added.emit(name)

    def _on_slider(self, count: int) -> None:
        self._plot.move_cursor(count)
        self._update_text()
        self.chosen.emit()

    def _update_text(self) -> None:
        assert self._result is not None
        fit, count = self._result.fit, self._slider.value()
        self._count.setText(f"{count}, R² {1 - fit.error[count]:.2f}")
        self._stability.set_text(describe_stability(fit) if count == fit.knee else "")
        self._draw()

    def _draw(self, event: Any = None) -> None:
        """Draw the formula in the text colour of the theme."""
        del event
        formula = self.formula
        if formula is None:
            return
        ink = get_theme(self._viewer.theme).text.as_hex()
        self.picture.setPixmap(render_formula(formula, ink, _WIDTH, self.devicePixelRatioF()))
        self.picture.setAccessibleName(formula.text)
        self.picture.setToolTip(f"<pre>{formula.text}</pre>")


def describe_stability(fit: SymbolicFit) -> str:
    """Return how often the terms are selected in resampled frames, and how many have near copies."""
    if not fit.stability:
        return ""
    shares = [round(100 * fit.stability.get(term, 0.0)) for term in fit.best.terms]
    copies = sum(bool(fit.equivalents.get(term)) for term in fit.best.terms)
    chosen = f"Selected in resampled frames, line by line: {', '.join(map(str, shares))} %."
    return f"{chosen} {copies} of them can be replaced by near copies (see Save)." if copies else chosen
