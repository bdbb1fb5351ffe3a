"""What ``napari.yaml`` names: readers, writer, sample data and menu entries, a few lines each.

Imports nothing heavy by itself: napari loads this module before anything is asked of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import ImageStack, PixelSize, VectorField

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_cellforce.layers import LayerTuple

PLUGIN = "napari-cellforce"

_MAX_IMAGES = 16
"""In one file, that are opened all at once; a plate of 96 wells is not."""


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerTuple]] | None:
    """Return a reader if all of `path` is what we know: images, fields, the authors' frames and folders."""
    from napari_cellforce.io import detect_kind

    return read_layers if all(detect_kind(p) for p in _as_list(path)) else None


def read_layers(path: str | Sequence[str]) -> list[LayerTuple]:
    """Read one or several files or folders into layers."""
    return [layer for one in _as_list(path) for layer in _read_one(one)]


def write_layers(path: str, layers: list[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write the field behind some of our layers, or plain layers as an image, as OME-TIFF or OME-Zarr.

    Raises
    ------
    RuntimeError
        In the words of a `CellForceError`. That is a ValueError, which napari takes for "no plugin can write
        this", dropping what it says.
    """
    try:
        return [str(_write(path, layers))]
    except CellForceError as error:
        raise RuntimeError(str(error)) from error


def sample_cell() -> list[LayerTuple]:
    """Return the layers of a cell that the package draws itself."""
    from napari_cellforce.layers import image_layers
    from napari_cellforce.synthetic import drawn_cell

    return image_layers(drawn_cell(frames=5).image)


def sample_measured() -> list[LayerTuple]:
    """Return the layers of a simulated cell: zyxin, actin, and the traction an instrument would measure."""
    from napari_cellforce.simulate.samples import measured_sample

    sample = measured_sample()
    return _cell_layers(sample.image, sample.traction)


def sample_drug() -> list[LayerTuple]:
    """Return the layers of a simulated cell whose contractility is lowered and recovers."""
    from napari_cellforce.simulate.samples import drug_sample

    sample = drug_sample()
    return _cell_layers(sample.image, sample.traction)


def open_batch(viewer: Viewer) -> None:
    """Open the panel "Batch-process folder"."""
    viewer.window.add_plugin_dock_widget(PLUGIN, "Batch-process folder")


def open_compare(viewer: Viewer) -> None:
    """Open the panel "Compare with measured"."""
    viewer.window.add_plugin_dock_widget(PLUGIN, "Compare with measured")


def open_predict(viewer: Viewer) -> None:
    """Open the panel "Predict forces"."""
    viewer.window.add_plugin_dock_widget(PLUGIN, "Predict forces")


def open_tfm(viewer: Viewer) -> None:
    """Open the panel "Measured traction (TFM)"."""
    viewer.window.add_plugin_dock_widget(PLUGIN, "Measured traction (TFM)")


def new_synthetic_mask(viewer: Viewer) -> None:
    """Add the mask of a drawn cell, to be painted in, and open the panel "Synthetic cell" with it."""
    _, panel = viewer.window.add_plugin_dock_widget(PLUGIN, "Synthetic cell")
    panel.paint()


def _write(path: str, layers: list[tuple[Any, dict[str, Any], str]]) -> Path:
    from napari_cellforce import io
    from napari_cellforce.layers import METADATA_KEY

    ours = [attributes.get("metadata", {}).get(METADATA_KEY, {}) for _, attributes, _ in layers]
    fields = {id(entries["field"]): entries["field"] for entries in ours if "field" in entries}
    if not fields:
        return io.write_stack(path, io.stack_from_layers(layers))
    if len(fields) > 1:
        raise CellForceError(
            f"the selected layers show {len(fields)} traction or displacement fields",
            "a file holds one",
            "Select the |F| or the arrow layer of one prediction, then save again.",
        )
    omitted = [
        str(attributes.get("name"))
        for entries, (_, attributes, _) in zip(ours, layers, strict=True)
        if "field" not in entries and entries.get("role") != "outline"
    ]
    if omitted:
        warnings.warn(
            f"{path} holds the field and its mask, not {', '.join(omitted)}: save these on their own.",
            CellForceWarning,
            stacklevel=4,
        )
    return io.write_field(path, *fields.values())


def _as_list(path: str | Sequence[str]) -> list[str]:
    return [path] if isinstance(path, str) else list(path)


def _read_one(path: str) -> list[LayerTuple]:
    from napari_cellforce import io

    match io.detect_kind(path):
        case "field":
            return _field_layers_with_warnings(io.read_field(path))
        case "scalar":
            return [_scalar_layer(path)]
        case "frame" | "dataset":
            cell = io.read_cell(_first_cell(path), PixelSize.unknown())
            return _cell_layers(cell.image, cell.traction)
        case _:
            several = io.images_in(path)
            images = several if len(several) <= _MAX_IMAGES else (Path(path),)  # then it is asked which
            return [layer for image in images for layer in _layers_with_warnings(io.read(image, z="max"))]


def _layers_with_warnings(image: ImageStack) -> list[LayerTuple]:
    """Return the layers of an image, with a warning of what was done to it."""
    from napari_cellforce.layers import image_layers

    another = ". One plane: Layers > Project > One plane of a z-stack" if image.n_planes > 1 else ""
    for note in image.notes:
        warnings.warn(f"{image.name}: {note}{another}", CellForceWarning, stacklevel=5)
    return image_layers(image)


def _scalar_layer(path: str) -> LayerTuple:
    from napari_cellforce.io import read_scalar
    from napari_cellforce.io.paths import stem
    from napari_cellforce.layers import LayerLabel, Placement, scalar_layer

    scalar = read_scalar(path)
    label = LayerLabel(stem(path).removesuffix(f"_{scalar.name}"), scalar.provenance.model)
    data, attributes, kind = scalar_layer(
        scalar, Placement.of(scalar.pixel_size, scalar.frame_interval), label
    )
    return data, {**attributes, "visible": True}, kind


def _field_layers_with_warnings(field: VectorField) -> list[LayerTuple]:
    """Return the layers of a field, with a warning if it lacks frames of its movie."""
    from napari_cellforce.layers import field_layers

    missing = 1 + field.frames[-1] - len(field.frames)
    if missing:
        warnings.warn(
            f"{field.name}: {missing} of the movie's first {field.frames[-1] + 1} frames are not in this "
            "file; those that are follow one another.",
            CellForceWarning,
            stacklevel=5,
        )
    return field_layers(field)


def _cell_layers(image: ImageStack, traction: VectorField) -> list[LayerTuple]:
    from napari_cellforce.layers import field_layers, image_layers

    return [*image_layers(image), *field_layers(traction)]


def _first_cell(path: str) -> Path:
    """Return the cell of a frame or folder; of a data set of many cells the first, with a warning."""
    from napari_cellforce.io import list_cells

    cells = list_cells(path) if Path(path).is_dir() else [Path(path)]
    if len(cells) > 1:
        warnings.warn(
            f"{path} holds {len(cells)} cells; {cells[0].name} is shown. Open others by their own folder.",
            CellForceWarning,
            stacklevel=4,
        )
    return cells[0]
