"""Choice of an image layer for each protein, and of the pixel size."""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Image, Layer
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.io.validate import pixel_size_warning, require_pixel_size
from napari_cellforce.viewer.coordinates import pixel_size_of
from napari_cellforce.viewer.images import (
    ChosenImage,
    check_time_axis,
    input_images,
    layer_role,
    no_image_error,
)
from napari_cellforce.viewer.workspace import Workspace
from napari_cellforce.widgets.base.form import (
    LABEL_WIDTH,
    PROBLEM_COLOUR,
    Form,
    TextLine,
    Tone,
    align_labels,
    shrinkable_combo,
)
from napari_cellforce.widgets.base.number_box import NumberBox

ANY_IMAGE = "image"
"""Label of the row, in place of a protein, for a model whose only input is the mask."""


class ImageSection(QWidget):
    """Rows for one image layer per protein and for the pixel size.

    Signals
    -------
    changed
        Another layer or pixel size was chosen, or layers were added or removed.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._combos: dict[str, QComboBox] = {}
        self._user_choices: dict[str, Image] = {}
        self._listed_layers: dict[Image, str] = {}
        self._workspace = Workspace.of(viewer)
        self._rows = QWidget()
        self._pixel = self._build_pixel()
        self._undo = QPushButton("Undo")
        self._undo.setToolTip("Give the image back the pixel size that it had when it was opened")
        self._undo.clicked.connect(self._on_undo)
        self._undo.hide()
        self._note = TextLine()
        form = Form()
        form.add(
            "Pixel",
            self._pixel,
            "Side of a pixel on the sample: camera pixel divided by magnification",
            page="tutorials/predict/#pixel-size",
            beside=self._undo,
        )
        align_labels(form, width=LABEL_WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._rows)
        layout.addLayout(form)
        layout.addWidget(self._note)
        self.set_model(("zyxin",), 0.68)
        self._workspace.layers_changed.connect(self._on_layers)
        self._workspace.layer_changed.connect(self._on_layer)

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._workspace.layers_changed.disconnect(self._on_layers)
        self._workspace.layer_changed.disconnect(self._on_layer)

    @property
    def layers(self) -> list[Image]:
        """The chosen layers, one per protein; empty if there is none."""
        chosen = [combo.currentData() for combo in self._combos.values()]
        return [layer for layer in chosen if layer is not None]

    @property
    def pixel_size(self) -> PixelSize | None:
        """The pixel size of the image; None while the box is empty."""
        if not self._pixel.value() or not self.layers:
            return None
        return pixel_size_of(self.layers[0])

    def chosen(self) -> ChosenImage:
        """Return the chosen layers as one stack, with the entered pixel size.

        Raises
        ------
        CellForceError
            If there is no image, or it is not usable.
        """
        if not self.layers:
            raise no_image_error(self._viewer)
        layers = tuple(self.layers)
        return ChosenImage.of(layers, self.pixel_size)

    def problem(self) -> CellForceError | None:
        """Return the reason why the image cannot be used, or None."""
        try:
            self.chosen()
            # Raises for pixels that are not square.
            _ = require_pixel_size(self.pixel_size).micron
        except CellForceError as error:
            return error
        return None

    def choose(self, layer: Image) -> None:
        """Choose a layer for the first protein."""
        first = next(iter(self._combos.values()))
        first.setCurrentIndex(first.findData(layer))

    def set_model(self, proteins: tuple[str, ...], pixel_size: float) -> None:
        """Show rows for the inputs of a model: its proteins in order, and its pixel size in µm."""
        self._model_pixel_size = pixel_size
        if tuple(self._combos) == proteins:
            self._update_note()
            return
        chosen = {protein: combo.currentData() for protein, combo in self._combos.items()}
        rows = QWidget()
        form = Form(rows)
        self._combos = {protein: shrinkable_combo(QComboBox()) for protein in proteins}
        for protein, combo in self._combos.items():
            combo.currentIndexChanged.connect(lambda _, protein=protein: self._on_choice(protein))
            form.add(protein.capitalize(), combo, f"Layer with the image of {protein}")
        align_labels(form, width=LABEL_WIDTH)
        self.layout().replaceWidget(self._rows, rows)
        self._order_tabs()
        self._rows.deleteLater()
        self._rows = rows
        self._fill(chosen)

    def _order_tabs(self) -> None:
        """Set the tab order: first the images, which were created last, then the pixel size."""
        last: QWidget = self._pixel
        for combo in self._combos.values():
            self.setTabOrder(last, combo)
            last = combo
        self.setTabOrder(last, self._pixel)

    def _build_pixel(self) -> NumberBox:
        pixel = NumberBox(0, 1000, unit="µm", empty="type it in")
        pixel.valueChanged.connect(self._on_pixel_size)
        return pixel

    def _on_layer(self, layer: Layer, what: str) -> None:
        """Show the pixel size that a chosen layer has now, and report that it has changed."""
        del what
        if layer in self.layers:
            self._on_chosen()

    def _on_layers(self) -> None:
        """Take notice of images that come, go or are renamed; layers of results come by the dozen."""
        names = {layer: layer.name for layer in self._viewer.layers if isinstance(layer, Image)}
        own = {layer: name for layer, name in names.items() if layer_role(layer) in ("", "image")}
        if own != self._listed_layers:
            self._listed_layers = own
            self._fill({protein: combo.currentData() for protein, combo in self._combos.items()})

    def _fill(self, chosen: dict[str, Image | None]) -> None:
        """List the image layers; keep the selection, else choose by name, selection and order."""
        layers = input_images(self._viewer)
        self._user_choices = {
            protein: layer for protein, layer in self._user_choices.items() if layer in layers
        }
        for i, (protein, combo) in enumerate(self._combos.items()):
            with QSignalBlocker(combo):
                combo.clear()
                for layer in layers:
                    combo.addItem(layer.name, layer)
                combo.setEnabled(bool(layers))
                if layers:
                    combo.setCurrentIndex(
                        layers.index(self._preferred(protein, i, layers, chosen.get(protein)))
                    )
        self._on_chosen()

    def _preferred(self, protein: str, position: int, layers: list[Image], chosen: Image | None) -> Image:
        """Return the chosen layer, or a newer one named after the protein if the user chose none."""
        likely = self._most_likely(protein, position, layers)
        if chosen is None or chosen not in layers:
            return likely
        by_chance = self._user_choices.get(protein) is not chosen and protein not in chosen.name.lower()
        return likely if by_chance and protein in likely.name.lower() else chosen

    def _most_likely(self, protein: str, position: int, layers: list[Image]) -> Image:
        named = [layer for layer in layers if protein in layer.name.lower()]
        active = self._viewer.layers.selection.active
        if position == 0 and active in layers and (not named or active in named):
            return active
        return (named or layers)[0]

    def _on_choice(self, protein: str) -> None:
        self._user_choices[protein] = self._combos[protein].currentData()
        self._on_chosen()

    def _on_chosen(self) -> None:
        """Show the pixel size of the chosen layer."""
        with QSignalBlocker(self._pixel):
            own = pixel_size_of(self.layers[0]) if self.layers else None
            self._pixel.setValue(own.y if own else 0.0)
        self._update_note()

    def _on_pixel_size(self, value: float) -> None:
        """Give the layer the pixel size that was typed, so that scale bar and other panels have it too."""
        if self.layers and value:
            self._workspace.set_pixel_size(self.layers[0], value)
        else:
            self._update_note()

    def _on_undo(self) -> None:
        if self.layers:
            self._workspace.undo_pixel_size(self.layers[0])

    def _update_note(self) -> None:
        self._pixel.setEnabled(bool(self.layers))
        missing = bool(self.layers) and not self._pixel.value()
        self._undo.setVisible(bool(self.layers) and self._workspace.can_undo_pixel_size(self.layers[0]))
        self._pixel.setStyleSheet(f"border: 1px solid {PROBLEM_COLOUR};" if missing else "")
        self._note.set_text(*self._status())
        self.changed.emit()

    def _naming_warning(self) -> str:
        """Return a warning about a layer chosen twice, or if another layer is named after the protein."""
        if len(set(self.layers)) < len(self.layers):
            return f"{self.layers[0].name} is chosen for {' and '.join(self._combos)}: please confirm."
        for protein, combo in self._combos.items():
            named = [layer for layer in input_images(self._viewer) if protein in layer.name.lower()]
            if protein != ANY_IMAGE and named and combo.currentData() not in named:
                return f"Is {combo.currentText()} the image of {protein}? {named[0].name} is also open."
        return ""

    def _status(self) -> tuple[str, Tone]:
        if not self.layers:
            return "", Tone.PLAIN
        layer, pixel_size, problem = self.layers[0], self.pixel_size, self.problem()
        if problem is not None or pixel_size is None:
            return str(problem), Tone.PROBLEM
        n_frames = layer.data.shape[0] if layer.ndim == 3 else 1
        frames = f"{n_frames} frames" if n_frames > 1 else "one frame"
        height, width = layer.data.shape[-2:]
        origin = "pixel size from the file" if pixel_size.source == "layer" else "pixel size entered"
        facts = f"{frames}, {height * pixel_size.y:.0f} x {width * pixel_size.x:.0f} µm; {origin}"
        doubt = (
            pixel_size_warning(pixel_size, self._model_pixel_size)
            or check_time_axis(layer)
            or self._naming_warning()
        )
        return (f"{facts}. {doubt}", Tone.PROBLEM) if doubt else (facts, Tone.PLAIN)
