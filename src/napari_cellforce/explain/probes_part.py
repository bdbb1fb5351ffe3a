"""Probes of one frame, as tables, a figure, and the changes as fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from napari_cellforce.errors import CellForceError
from napari_cellforce.explain.config import ExplainConfig, Written, first_protein
from napari_cellforce.explain.figures import COLOURS, save
from napari_cellforce.explain.probes import (
    BRIGHTNESS,
    FACTORS,
    HIGH_PASS,
    LENGTHS,
    LOW_PASS,
    Prober,
    Response,
    adhesion_at,
    change_by_distance,
    find_adhesions,
)
from napari_cellforce.fields import BoolArray, VectorField
from napari_cellforce.io.write import write_field, write_table
from napari_cellforce.predict import Prediction, Progress
from napari_cellforce.preprocess.normalise import Baselines

_COLUMNS = {"total": "|F| over unchanged", "correlation": "likeness of the vectors"}


def write_probes(
    job: Prediction, baselines: Baselines | None, config: ExplainConfig, folder: Path
) -> Iterator[Progress | Written]:
    """Probe one frame and write what comes of it.

    Raises
    ------
    CellForceError
        If there is no such frame, or no adhesion where one is to be taken out.
    """
    t = _frame(job, config.probe_frame)
    channel = job.predictor.record.inputs.index(first_protein(job))
    image, mask = job.inputs(t, baselines), job.mask.frame(t)
    prober = Prober.of(job.predictor, image, mask, job.pixel_size, channel)
    adhesions = _adhesions(prober, config)
    count = len(adhesions) + 2 * len(LENGTHS) + len(FACTORS)
    responses: list[Response] = []
    for response in _responses(prober, adhesions):
        responses.append(response)
        yield Progress("Probing the model", len(responses), count)
    stem = folder / f"{job.stack.name}_probes"
    yield Written("probes", _write_changes(job, responses, adhesions, mask, t, stem))
    tables = curves(responses)
    tables["adhesion taken out"] = _by_distance(responses, adhesions, mask, job)
    for name, table in tables.items():
        path = stem.with_name(f"{stem.name}_{name.replace(' ', '_')}.csv")
        yield Written("probes", write_table(path, table))
    for path in save(probes_figure(tables), stem):
        yield Written("probes", path)


def curves(responses: list[Response]) -> dict[str, pd.DataFrame]:
    """Return a table for each of the filters and the brightness."""
    along = {LOW_PASS: "Gaussian [µm]", HIGH_PASS: "Gaussian [µm]", BRIGHTNESS: "factor"}
    tables = {}
    for probe, column in along.items():
        rows = [
            {column: r.value, **{title: getattr(r, key) for key, title in _COLUMNS.items()}}
            for r in responses
            if r.probe == probe
        ]
        tables[probe] = pd.DataFrame(rows)
    return tables


def _frame(job: Prediction, frame: int) -> int:
    if 0 <= frame < job.stack.n_frames:
        return frame
    raise CellForceError(
        f"frame {frame} is to be probed", f"{job.stack.name} has {job.stack.n_frames}, counted from 0",
        "Choose one of these.", topic="frame",
    )  # fmt: skip


def _adhesions(prober: Prober, config: ExplainConfig) -> list[BoolArray]:
    labels = find_adhesions(prober.protein, prober.mask, prober.pixel_size)
    if config.probe_at is not None:
        return [adhesion_at(labels, config.probe_at, prober.pixel_size)]
    return [labels == n for n in range(1, min(config.probe_adhesions, int(labels.max())) + 1)]


def _responses(prober: Prober, adhesions: list[BoolArray]) -> Iterator[Response]:
    for number, adhesion in enumerate(adhesions, start=1):
        yield prober.without(adhesion, number)
    for length in LENGTHS:
        yield prober.low_passed(length)
        yield prober.high_passed(length)
    for factor in FACTORS:
        yield prober.brightened(factor)


def _write_changes(
    job: Prediction,
    responses: list[Response],
    adhesions: list[BoolArray],
    mask: BoolArray,
    t: int,
    stem: Path,
) -> Path:
    """Write the change by every adhesion taken out, one a frame."""
    changes = np.stack([r.change for r in responses[: len(adhesions)]]).astype(np.float32)
    field = VectorField(
        changes,
        "traction",
        job.predictor.record.output_unit,
        job.pixel_size,
        mask=np.broadcast_to(mask, (len(changes), *mask.shape)),
        name=f"change of {job.stack.name}, frame {t}, adhesion by adhesion",
        provenance=job.provenance(),
    )
    return write_field(stem.with_name(f"{stem.name}_adhesion_changes.ome.tif"), field)


def _by_distance(
    responses: list[Response], adhesions: list[BoolArray], mask: BoolArray, job: Prediction
) -> pd.DataFrame:
    columns = {}
    for number, (response, adhesion) in enumerate(zip(responses, adhesions, strict=False), start=1):
        distance, change = change_by_distance(response.change, adhesion, mask, job.pixel_size)
        columns[f"adhesion {number}: mean |change| [{job.predictor.record.output_unit}]"] = pd.Series(
            change, index=distance
        )
    return pd.DataFrame(columns).rename_axis("distance [µm]").reset_index()


def probes_figure(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the curves of the probes, one panel each; the first column is along x."""
    figure = Figure(figsize=(3.6 * len(curves), 3.2), layout="constrained")
    for axes, (title, table) in zip(
        figure.subplots(1, len(curves), squeeze=False).flat, curves.items(), strict=True
    ):
        along = table.columns[0]
        for colour, column in zip(COLOURS, table.columns[1:], strict=False):
            axes.plot(table[along], table[column], marker="o", markersize=3, color=colour, label=column)
        axes.set(xlabel=along, title=title)
        axes.legend(frameon=False, fontsize="small")
    return figure
