"""The steps of a measurement as layers of the viewer."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Image

from napari_cellforce.layers import METADATA_KEY, ArrowLook
from napari_cellforce.physics.displacement import Drift
from napari_cellforce.tfm import TfmJob, TfmResult
from napari_cellforce.widgets.tfm.steps import displacement_of, in_place
from napari_cellforce.widgets.tfm.words import DISPLACEMENT, DRIFT, TRACTION
from napari_cellforce.widgets.view.measured_fields import show_field
from napari_cellforce.widgets.view.sources import frame_of, images


class TfmLayers:
    """Puts results into a viewer; doing a step again replaces its layers."""

    def __init__(self, viewer: ViewerModel, look: ArrowLook) -> None:
        self._viewer, self._look = viewer, look

    def show(self, step: str, result: Any, job: TfmJob | None) -> None:
        """Show what came of a step; without a job, that of a displacement that was opened."""
        if step == TRACTION:
            self.show_result(result)
        elif step == DRIFT and job is not None:
            self._show_in_place(job, result)
        elif step == DISPLACEMENT and job is not None:
            show_field(self._viewer, displacement_of(job, result), self._look, visible=False)

    def show_result(self, result: TfmResult) -> None:
        """Show a traction."""
        show_field(self._viewer, result.traction, self._look)
        self._viewer.canvas.overlays.scale_bar.visible = True

    def _show_in_place(self, job: TfmJob, drifts: list[Drift]) -> None:
        """Lay the loaded beads, drift taken off, over those at rest: white where they agree."""
        name = f"{job.loaded.name}, drift taken off"
        if name in self._viewer.layers:
            self._viewer.layers.remove(name)
        beads = job.loaded.channel_names[job.channel]
        source = next((layer for layer in images(self._viewer) if layer.name == beads), None)
        if source is None:  # closed meanwhile
            return
        place = frame_of(source)
        layer = Image(
            place.fit(in_place(job, drifts)),
            **place.attributes,
            name=name,
            colormap="green",
            blending="additive",
            visible=False,
            contrast_limits=source.contrast_limits,
            metadata={METADATA_KEY: {"role": "step"}},
        )
        active = self._viewer.layers.selection.active
        self._viewer.layers.insert(self._viewer.layers.index(source) + 1, layer)
        self._viewer.layers.selection.active = active
