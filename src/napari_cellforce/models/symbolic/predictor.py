"""Predictor of a formula, and its file: a model record as JSON with the formula as numbers."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_cellforce import __version__, files
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize
from napari_cellforce.models.grid import FrameGrid, on_model_grid
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic.formula import Formula
from napari_cellforce.models.symbolic.library import Library, Potential, PotentialFields, potential_fields

FORMULA_KIND = "formula"
"""Kind in the record of a formula."""
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True, eq=False)
class FormulaFrame:
    """A frame with computed potentials, for the fast evaluation of several formulas.

    Attributes
    ----------
    grid : FrameGrid
    fields : PotentialFields
    """

    grid: FrameGrid
    fields: PotentialFields

    @classmethod
    def of(
        cls,
        image: FloatArray,
        mask: BoolArray,
        pixel_size: PixelSize,
        record: ModelRecord,
        library: Library,
        potentials: Sequence[Potential],
    ) -> FormulaFrame:
        """Compute potentials of a frame; image, mask and pixel size as in `Predictor.predict_frame`."""
        grid = on_model_grid(image, mask, pixel_size, record)
        return cls(grid, potential_fields(grid.inputs[0], library, potentials))

    def traction(self, formula: Formula) -> FloatArray:
        """Return the traction of a formula of these potentials, ``(2, Y, X)`` on the pixels of the image."""
        return self.grid.to_image(formula.traction_from(self.fields))


class FormulaPredictor:
    """A formula that predicts frame by frame; see `napari_cellforce.models.record.Predictor`.

    Parameters
    ----------
    formula : Formula
    record : ModelRecord
        Kind, architecture, pixel size and unit are set to those of the formula.
    """

    def __init__(self, formula: Formula, record: ModelRecord) -> None:
        self.formula = formula
        self._record = dataclasses.replace(
            record,
            kind=FORMULA_KIND,
            architecture=formula.to_mapping(),
            pixel_size=formula.library.pixel_size,
            output_unit="Pa" if formula.unit == "Pa" else "normalised",
        )

    @property
    def record(self) -> ModelRecord:
        """What it needs and gives."""
        return self._record

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame; see `napari_cellforce.models.record.Predictor`.

        Returns
        -------
        FrameResult
            ``scalars`` contains the potentials by their text, in powers of µm.
        """
        formula = self.formula
        frame = FormulaFrame.of(image, mask, pixel_size, self._record, formula.library, formula.potentials)
        fields = frame.fields
        scalars = {
            potential.text: frame.grid.to_image(values)
            for potential, values in zip(fields.potentials, fields.values, strict=True)
        }
        return FrameResult(frame.traction(formula), scalars=scalars)


def save_formula(path: str | os.PathLike[str], predictor: FormulaPredictor) -> Path:
    """Write a formula and its record as JSON, atomically."""
    record = dataclasses.replace(predictor.record, sha256="", version=__version__)
    return files.write_text(path, record.to_json())


def is_formula(path: str | os.PathLike[str]) -> bool:
    """Return whether a file may contain a formula: JSON, not weights."""
    with Path(path).open("rb") as file:
        return file.read(64).lstrip()[:1] == b"{"


def load_formula(
    path: str | os.PathLike[str], *, sha256: str | None = None, name: str | None = None
) -> FormulaPredictor:
    """Read a formula.

    Parameters
    ----------
    path : path-like
    sha256 : str, optional
        Required hash of the file.
    name : str, optional
        Name of the model; default: that of the record.

    Raises
    ------
    CellForceError
        If the file is not a formula, is damaged, or has another hash.
    """
    path = Path(path)
    try:
        found = files.sha256(path)
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError("it is too large")
        record = ModelRecord.from_json(path.read_text(encoding="utf-8"))
        if record.kind != FORMULA_KIND:
            raise ValueError(f"its kind is {record.kind!r}, not {FORMULA_KIND!r}")
        predictor = FormulaPredictor(Formula.from_mapping(record.architecture), record)
    except OSError as error:
        raise _refusal(f"cannot read {path}", error.strerror or str(error)) from error
    except CellForceError as error:
        reason = f"{error.value}: {error.rule}"
        raise _refusal(f"{path.name} holds no formula that can be used", reason) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refusal(f"{path.name} holds no formula that can be used", str(error)) from error
    if sha256 is not None and found != sha256.lower():
        raise _refusal(f"{path.name} has SHA-256 {found}", f"it should be {sha256}")
    record = dataclasses.replace(record, sha256=found, name=name or record.name)
    return FormulaPredictor(predictor.formula, record)


def _refusal(value: str, rule: str) -> CellForceError:
    return CellForceError(value, rule, "Choose another file, or export the formula again.", topic=Topic.MODEL)
