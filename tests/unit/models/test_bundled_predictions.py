"""The models that come with the package predict what they predicted when their references were written.

The cell is a simulated one, kept in ``bundled_predictions.npz`` beside the values of every model's fields on
a coarse grid of its pixels. Write the file anew, where predictions are meant to change, with::

    python tests/unit/models/test_bundled_predictions.py --write

Without ``--write`` the command prints a SHA-256 of every whole field, to compare two states of the code bit
by bit on one computer. Other processors round otherwise, so stored values are compared to a tolerance.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_cellforce import zoo
from napari_cellforce.fields import FrameResult, ImageStack, Mask, PixelSize, Progress
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.predict import prepare
from napari_cellforce.zoo.registry import package_entries

REFERENCE = Path(__file__).with_name("bundled_predictions.npz")
STEP = 6
"""Every so many rows and columns are kept."""
TOLERANCE = 1e-5
"""Largest difference from a stored field over its largest value: what 32-bit processors round otherwise."""

BUNDLED = tuple(entry.name for entry in package_entries() if not entry.url)
FORMULA = {
    "pixel_size": 0.68,
    "smoothing": 1.0,
    "unit": "normalised",
    "terms": [
        {"coefficient": 0.8, "potential": {"scalar": "z", "kernel": "exp", "length": 12.0}, "factor": None},
        {
            "coefficient": -0.05,
            "potential": {"scalar": "z", "kernel": "log r", "length": 0.0},
            "factor": {"scalar": "z", "kernel": "exp", "length": 3.0},
        },
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def reference() -> dict[str, np.ndarray]:
    with np.load(REFERENCE) as file:
        return dict(file)


@pytest.fixture
def formula_file(tmp_path: Path) -> Path:
    return written_formula(tmp_path)


@pytest.mark.parametrize("name", [*BUNDLED, "formula"])
def test_every_bundled_model_predicts_what_it_did(name, reference, formula_file):
    fields = predicted(formula_file if name == "formula" else name, reference["image"], reference["mask"])
    stored = {key.split("/", 1)[1]: value for key, value in reference.items() if key.startswith(f"{name}/")}
    assert fields.keys() == stored.keys()
    for field, values in stored.items():
        largest = np.abs(values).max()
        np.testing.assert_allclose(
            coarse(fields[field]), values, rtol=0, atol=TOLERANCE * largest, err_msg=field
        )


@pytest.mark.parametrize("name", ["unet-sim", "gfnn-sim", "unet-sim-2"])
def test_frames_given_together_and_one_by_one_are_equal_bit_by_bit(name, reference):
    predictor = zoo.load_predictor(name, device="cpu", backend="eager")
    image, mask = normalised(reference["image"], reference["mask"], predictor.record)
    pixel = PixelSize.square(0.68)
    alone = predictor.predict_frame(image, mask, pixel)
    (together,) = predictor.predict_frames([image], [mask], pixel)
    np.testing.assert_array_equal(together.traction, alone.traction)
    assert [*together.scalars] == [*alone.scalars]
    for field, values in alone.scalars.items():
        np.testing.assert_array_equal(together.scalars[field], values)


def normalised(image: np.ndarray, mask: np.ndarray, record: ModelRecord) -> tuple[np.ndarray, np.ndarray]:
    job = prepare(stack_of(image, record), _Recorded(record), Mask(mask[None], "given"))
    *_, baselines = iterated(job.measure_baselines())
    return job.inputs(0, baselines), mask


class _Recorded:
    """No more of a predictor than its record."""

    def __init__(self, record: ModelRecord) -> None:
        self.record = record


def iterated(generator):
    """Yield what a generator yields, and what it returns last."""
    yield (yield from generator)


def stack_of(image: np.ndarray, record: ModelRecord) -> ImageStack:
    """The channels of the cell that a model reads."""
    channels = len(record.proteins)
    return ImageStack(image[None, :channels], record.proteins, PixelSize.square(0.68), name="cell")


def predicted(model: str | Path, image: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    """Traction and inner fields of a model, through the same job that panel and command line run."""
    predictor = zoo.load_predictor(model, device="cpu", backend="eager")
    job = prepare(stack_of(image, predictor.record), predictor, Mask(mask[None], "given"))
    (result,) = (item for item in job.run() if not isinstance(item, Progress))
    fields = {"traction": result.traction, **result.scalars}
    if hasattr(predictor, "read_frame"):
        *_, baselines = iterated(job.measure_baselines())
        read: FrameResult = predictor.read_frame(job.inputs(0, baselines), mask, job.pixel_size)
        fields |= {
            f"read {name}": values for name, values in {"traction": read.traction, **read.scalars}.items()
        }
    return fields


def coarse(field: np.ndarray) -> np.ndarray:
    return field[..., STEP // 2 :: STEP, STEP // 2 :: STEP]


def written_formula(folder: Path) -> Path:
    path = folder / "formula.json"
    path.write_text(ModelRecord("formula", "formula", architecture=FORMULA, pixel_size=0.68).to_json())
    return path


def simulated() -> tuple[np.ndarray, np.ndarray]:
    """Zyxin and actin of a small fibroblast, ``(2, 96, 96)``, and its mask."""
    from napari_cellforce.synthetic import CellConfig, Shape, draw
    from napari_cellforce.synthetic.proteins import protein_looks

    shape = Shape(kind="star", area=1500, aspect=1.3, angle=0.4)
    cell = draw(
        CellConfig(shape=shape, proteins=protein_looks(("zyxin", "actin")), side=96, pixel_size=0.68), 11
    )
    return cell.image.data[0], cell.mask.data[0]


def main(*options: str) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    image, mask = simulated() if "--write" in options else (np.load(REFERENCE)[k] for k in ("image", "mask"))
    arrays, hashes = {"image": image, "mask": mask}, {}
    with tempfile.TemporaryDirectory() as folder:
        models = {name: name for name in BUNDLED} | {"formula": written_formula(Path(folder))}
        models |= {Path(option).name: Path(option) for option in options if not option.startswith("--")}
        for name, model in models.items():
            for field, values in predicted(model, image, mask).items():
                arrays[f"{name}/{field}"] = coarse(values)
                hashes[f"{name}/{field}"] = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    if "--write" in options:
        np.savez_compressed(REFERENCE, **arrays)
    print(json.dumps(hashes, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
