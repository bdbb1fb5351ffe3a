"""One formula: the error against the number of terms, a slider that picks it, and how it reads."""

from __future__ import annotations

from napari.components import ViewerModel
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

from napari_cellforce.models.symbolic import Formula, SymbolicFit
from napari_cellforce.widgets._form import Form, TextLine
from napari_cellforce.widgets.lines_plot import LinesPlot


class FormulaSection(QWidget):
    """Shows a fit; hidden until there is one.

    Parameters
    ----------
    viewer : ViewerModel

    Signals
    -------
    chosen
        Another number of terms was picked.
    """

    chosen = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._fit: SymbolicFit | None = None
        self._plot = LinesPlot(viewer, "Error against number of terms")
        self._slider = QSlider(Qt.Horizontal)
        self._slider.setPageStep(1)
        self._slider.valueChanged.connect(self._on_slider)
        self._count = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self._note = TextLine()
        form = Form()
        form.add(
            "Terms",
            self._slider,
            "More terms explain more, up to the knee",
            page="explain/formula/",
            beside=self._count,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        layout.addLayout(form)
        layout.addWidget(self._text)
        layout.addWidget(self._note)
        self.hide()

    @property
    def formula(self) -> Formula | None:
        """The formula that is picked."""
        return self._fit.formulas[self._slider.value()] if self._fit else None

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        self._plot.disconnect_viewer()

    def set_fit(self, fit: SymbolicFit | None) -> None:
        """Show a fit at its knee, or nothing."""
        self._fit = fit
        self.setVisible(fit is not None)
        if fit is None:
            return
        counts = list(fit.error)
        self._plot.draw(
            {"1 - R²": (counts, list(fit.error.values()))},
            title="unexplained on frames not fitted to, 1 - R²",
            along="terms",
            marks=[(fit.knee, "knee", "1 - R²")],
            cursor=fit.knee,
        )
        self._note.say(" ".join(fit.notes))
        self._slider.blockSignals(True)
        self._slider.setRange(counts[0], counts[-1])
        self._slider.setValue(fit.knee)
        self._slider.blockSignals(False)
        self._tell()

    def _on_slider(self, count: int) -> None:
        self._plot.move(count)
        self._tell()
        self.chosen.emit()

    def _tell(self) -> None:
        assert self._fit is not None
        count = self._slider.value()
        self._count.setText(f"{count}, R² {1 - self._fit.error[count]:.2f}")
        self._text.setText(self._fit.formulas[count].text)
