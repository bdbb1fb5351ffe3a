"""The panel "Compare with measured": agreement of a predicted with a measured field."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from napari.layers import Layer
from napari.utils.notifications import show_info
from napari.viewer import Viewer
from qtpy.QtWidgets import QFileDialog, QPushButton

from napari_cellforce.compare import CompareConfig, ComparePaths, Comparison, compare, write_comparison
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PASCAL, FrameResult, ImageStack, Mask, Progress, VectorField
from napari_cellforce.layers import image_layers
from napari_cellforce.predict import Prediction, prepare
from napari_cellforce.simulate.samples import measured_sample
from napari_cellforce.widgets.base.form import Tone
from napari_cellforce.widgets.base.hints import with_row
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import Job, error_text, show_error
from napari_cellforce.widgets.compare.agreement_section import AgreementSection
from napari_cellforce.widgets.compare.comparison_layers import ComparisonLayers, ComparisonStacks
from napari_cellforce.widgets.compare.field_choice import FieldChoiceSection, default_folder
from napari_cellforce.widgets.shared.import_dialog import open_field
from napari_cellforce.widgets.shared.measured_fields import DisplayedField, show_field
from napari_cellforce.zoo import load_predictor

WELCOME = "Compares a predicted with a measured field: how much they differ, and where."


class ComparePanel(Panel):
    """Compares two fields and shows where and how much they differ.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    """

    def __init__(self, napari_viewer: Viewer, **options: Unpack[PanelOptions]) -> None:
        super().__init__(napari_viewer, **options)
        self._arrow_style = self._preferences.arrows
        self.pair: tuple[DisplayedField, DisplayedField] | None = None
        self._comparison: Comparison | None = None
        self._failed = ""
        self.choice = FieldChoiceSection(self._viewer)
        self.run_section = RunSection()
        self.result_view = ComparisonLayers(self._viewer, self._arrow_style, self)
        self.agreement = AgreementSection(self._viewer, self.result_view)
        self.job = Job(self)
        self.saving = Job(self)
        self._build()
        self._connect()
        self._refresh()

    @property
    def comparison(self) -> Comparison | None:
        """Result of the last comparison."""
        return self._comparison

    def compare(self) -> None:
        """Compare the chosen fields, off the GUI thread."""
        first, second = self.choice.first, self.choice.second
        if first is None or second is None:
            return
        try:
            mask, config = self.choice.mask, self.choice.config
        except CellForceError as error:
            self._on_failed(error)
            self._refresh()
            return
        self.pair, self._comparison, self._failed = (first, second), None, ""
        a, b = (dataclasses.replace(shown.field, name=shown.title) for shown in self.pair)
        self.job.start(lambda: _comparison_records(a, b, mask, config))
        self._refresh()

    def open_file(self, name: str) -> None:
        """Ask for a file and show its field as A or B."""
        opened = open_field(self, self._viewer, self._memory)
        if opened is not None:
            field, image = opened
            show_field(self._viewer, field, self._arrow_style, on=image)
            self.choice.choose(name, field)

    def _build(self) -> None:
        self.sample = QPushButton("Try it on a sample cell")
        self.sample.setToolTip("Simulated cell with measured traction, predicted by the adhesion filter")
        self.sample.clicked.connect(self._open_sample)
        self._build_layout((self.sample, self.choice, self.run_section, self.agreement), self.choice.reset)

    def _connect(self) -> None:
        self.choice.changed.connect(self._on_choice)
        self.choice.opened.connect(self.open_file)
        self.run_section.started.connect(self.compare)
        self.run_section.stopped.connect(self.job.stop)
        self.job.yielded.connect(self._on_record)
        self.job.failed.connect(self._on_failed)
        self.job.ended.connect(self._refresh)
        self.saving.failed.connect(show_error)
        self.saving.yielded.connect(_show_saved)
        self.agreement.calibrate.connect(self._on_calibrate)
        self.agreement.save.connect(self._on_save)

    def _dispose(self) -> None:
        self.result_view.blink(False)
        self.job.cancel()
        self.choice.dispose()
        self.agreement.dispose()

    def _on_choice(self) -> None:
        self._failed = ""
        self._refresh()

    def _refresh(self, complete: bool = True) -> None:
        """Update the button and the status line."""
        del complete
        running, problem = self.job.running, self.choice.problem()
        self.sample.setVisible(self.choice.count == 0)
        self.run_section.set_button("Compare A with B", ready=problem is None and not running)
        self.run_section.set_running(running)
        if not running:
            self.run_section.set_status(*self._status(with_row(problem, self) if problem else ""))

    def _status(self, problem: str) -> tuple[str, Tone]:
        if self.choice.count == 0:
            return f"{WELCOME} {problem}", Tone.PLAIN
        if problem:
            return problem, Tone.PLAIN if self.choice.count < 2 else Tone.PROBLEM
        if self._failed:
            return self._failed, Tone.PROBLEM
        if self._comparison is None or not self._still_chosen():
            return "", Tone.PLAIN
        return headline(self._comparison), Tone.GOOD

    def _still_chosen(self) -> bool:
        """Return True if the compared fields are still chosen."""
        chosen = (self.choice.first, self.choice.second)
        return self.pair is not None and all(
            shown is not None and shown.field is compared.field
            for shown, compared in zip(chosen, self.pair, strict=True)
        )

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            self.run_section.set_status(f"{record.what} …")
            self.run_section.show_progress(record.done, record.total)
        elif isinstance(record, ComparisonStacks) and self.pair is not None and self._comparison is not None:
            self.result_view.show(self._comparison, record, *self.pair)
            normalised = self.pair[0].field.unit != PASCAL
            self.agreement.show_comparison(self._comparison, normalised=normalised)
        elif isinstance(record, Comparison):
            self._comparison = record
        else:
            self._show_sample(*record)

    def _on_failed(self, error: Exception) -> None:
        """Show the error in the status line."""
        self._failed = error_text(error)

    def _open_sample(self) -> None:
        self.job.start(sample_fields)
        self._refresh()

    def _show_sample(self, image: Any, predicted: VectorField, measured: VectorField) -> None:
        layers = [Layer.create(*data) for data in image_layers(image)]
        self._viewer.layers.extend(layers)
        on = layers[0], image.pixel_size
        show_field(self._viewer, measured, self._arrow_style, on=on, visible=False)
        show_field(self._viewer, predicted, self._arrow_style, on=on)

    def _on_calibrate(self) -> None:
        """Add A in Pa as a new field, and choose it as A."""
        if self._comparison is None or self.pair is None or self._comparison.calibration is None:
            return
        field = calibrated(self.pair[0].field, self._comparison)
        show_field(self._viewer, field, self._arrow_style, beside=self.pair[0], visible=False)
        self.choice.choose("A", field)
        fit = self._comparison.calibration
        error = 50 * (fit.high - fit.low) / fit.factor
        show_info(
            f"{field.name} ({field.provenance.model}) was added as a field in Pa and chosen as A. "
            f"All of its magnitudes share the error of the scale, ±{error:.0f} %."
        )

    def _on_save(self) -> None:
        comparison = self._comparison
        start = default_folder(self.choice.first)
        folder = QFileDialog.getExistingDirectory(self, "Folder for figures and tables", start)
        if not folder or comparison is None:
            return

        def write() -> Iterator[Any]:
            write_comparison(comparison, ComparePaths.of(Path(folder)), CompareConfig().formats)
            yield folder

        self.saving.start(write)


def _comparison_records(
    first: VectorField, second: VectorField, mask: Any, config: CompareConfig
) -> Iterator[Progress | Comparison | ComparisonStacks]:
    for record in compare(first, second, mask, config):
        yield record
        if isinstance(record, Comparison):
            yield ComparisonStacks.of(record)


def calibrated(field: VectorField, comparison: Comparison) -> VectorField:
    """Return a field converted to Pa by the scale of a comparison, which is recorded with its error."""
    fit = comparison.calibration
    assert fit is not None
    found = {"calibration factor [Pa]": fit.factor, "95 % interval [Pa]": [fit.low, fit.high]}
    settings = {**field.provenance.settings, **found, "calibrated to": comparison.names[1]}
    model = f"{field.provenance.model}, calibrated"
    provenance = dataclasses.replace(field.provenance, model=model, settings=settings)
    return dataclasses.replace(field, data=field.data * fit.factor, unit=PASCAL, provenance=provenance)


def headline(comparison: Comparison) -> str:
    """Return the main results in one line."""
    correlation, _, angle = (n.value for n in comparison.numbers[:3])
    vectors = sum(int(frame.pair.mask.sum()) for frame in comparison.frames)
    return f"Correlation {correlation:.2f}, angle error {angle:.0f}° over {vectors} vectors."


def _show_saved(folder: str) -> None:
    show_info(f"Figures and tables were written to {folder}.")


MODEL = "adhesion-filter"


def sample_fields() -> Iterator[Progress | tuple[ImageStack, VectorField, VectorField]]:
    """Yield progress, then image, predicted and measured field of a simulated cell."""
    yield Progress("Simulating a cell", 0, 2)
    sample = measured_sample()
    yield Progress("Predicting its forces", 1, 2)
    job = prepare(sample.image, load_predictor(MODEL), Mask(sample.traction.mask), sample.image.pixel_size)
    yield sample.image, _field(job, sample.traction), sample.traction


def _field(job: Prediction, measured: VectorField) -> VectorField:
    frames = [record.traction for record in job.run() if isinstance(record, FrameResult)]
    return VectorField(
        np.stack(frames),
        "traction",
        job.unit,
        job.pixel_size,
        mask=measured.mask,
        name=job.stack.name,
        provenance=job.provenance(),
    )
