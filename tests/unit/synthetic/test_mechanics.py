"""The sheet pulls on its adhesions: inward, in balance, and more if it is larger or better held."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial import Delaunay

from napari_cellforce.errors import CellForceError
from napari_cellforce.physics.sheet import ContractileSheet
from napari_cellforce.synthetic import (
    AdhesionRule,
    CellConfig,
    Drug,
    Shape,
    SheetMechanics,
    SyntheticCell,
    simulate,
)
from napari_cellforce.synthetic.mechanics import equal_work

CONFIG = CellConfig(mechanics=SheetMechanics(), side=160, pixel_size=1.0)


def simulated(config: CellConfig = CONFIG, **shape: float) -> SyntheticCell:
    return simulate(dataclasses.replace(config, shape=Shape(**{"kind": "ellipse", **shape})), seed=3)


def total_force(cell: SyntheticCell, frame: int = 0) -> float:
    """Return the summed magnitude of the traction in nN."""
    return cell.traction.magnitude()[frame].sum() * cell.config.pixel_size**2 / 1000


def test_forces_and_moments_cancel_on_the_pixels() -> None:
    cell = simulated(kind="spread")
    field = cell.traction.data[0].astype(float)
    y, x = np.mgrid[: field.shape[1], : field.shape[2]]
    total = np.hypot(*field).sum()
    assert np.abs(field.sum(axis=(1, 2))).max() < 1e-6 * total
    assert abs((y * field[1] - x * field[0]).sum()) < 1e-4 * total


def test_forces_point_inward_where_adhesions_are() -> None:
    cell = simulated()
    field, adhesions = cell.traction.data[0], cell.adhesions[0]
    edge = np.hypot(*(adhesions.centre - cell.outline.centroid).T) > 20
    at = np.rint(adhesions.centre[edge] / cell.config.pixel_size).astype(int)
    force = field[:, at[:, 0], at[:, 1]].T
    inward = cell.outline.centroid - adhesions.centre[edge]
    cosine = (force * inward).sum(axis=1) / np.hypot(*force.T) / np.hypot(*inward.T)
    assert np.median(cosine) > 0.9
    assert (cosine > 0).mean() > 0.95


def test_a_sheet_held_tightly_all_over_pulls_with_its_tension_all_round_its_edge() -> None:
    tight = dataclasses.replace(
        CONFIG,
        adhesions=AdhesionRule(number=0),
        mechanics=SheetMechanics(tension=4.0, penetration=3.0, floor=1.0, edge_length=1.5),
    )
    cell = simulated(tight, kind="circle", area=np.pi * 40.0**2)
    assert total_force(cell) == pytest.approx(4.0 * 2 * np.pi * 40.0, rel=0.05)


def test_total_force_grows_with_area() -> None:
    totals = [total_force(simulated(area=area)) for area in (1000.0, 3000.0, 9000.0)]
    assert totals[0] < totals[1] < totals[2]


def test_total_force_grows_with_the_length_of_adhesions() -> None:
    totals = [
        total_force(simulated(dataclasses.replace(CONFIG, adhesions=AdhesionRule(number=40, length=length))))
        for length in (2.0, 4.0, 8.0)
    ]
    assert totals[0] < totals[1] < totals[2]


def test_a_typical_cell_pulls_with_a_few_hundred_pascal_and_peaks_of_some_kilopascal() -> None:
    cell = simulated(dataclasses.replace(CONFIG, side=256, pixel_size=0.68), kind="spread")
    magnitude = cell.traction.magnitude()[0]
    assert 200 < magnitude[cell.mask.frame(0)].mean() < 450
    assert 1500 < magnitude.max() < 5000


def test_the_total_force_falls_under_a_drug_and_recovers() -> None:
    drug = Drug(wash_in=2.0, wash_out=10.0, strength=0.8, onset=1.0, recovery=4.0)
    course = dataclasses.replace(CONFIG, drug=drug, frames=8, frame_interval=5.0)
    cell = simulated(course)
    totals = [total_force(cell, t) for t in range(8)]
    assert totals[2] < 0.4 * totals[0]
    assert totals[2] < totals[3] < totals[5]
    assert totals[7] == pytest.approx(totals[0], rel=0.15)


def test_a_cell_too_small_for_its_mesh_is_refused() -> None:
    tiny = dataclasses.replace(CONFIG, adhesions=AdhesionRule(length=1.0, width=0.5))
    with pytest.raises(CellForceError, match="mesh"):
        simulated(tiny, area=30.0)


@pytest.mark.parametrize("setting", ["tension", "penetration", "floor", "edge_length"])
def test_senseless_mechanics_are_refused(setting: str) -> None:
    with pytest.raises(CellForceError, match=setting.replace("_", " ")):
        SheetMechanics(**{setting: 0.0})


def test_a_tension_alike_in_all_directions_is_the_stress_that_the_sheet_knows() -> None:
    nodes = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0), indexing="ij"), axis=-1).reshape(-1, 2)
    sheet = ContractileSheet(nodes, Delaunay(nodes).simplices)
    force = equal_work(sheet, np.broadcast_to(np.eye(2), (len(nodes), 2, 2)))
    assert sheet.solve(0.1, 0.0, 0.5, force) == pytest.approx(sheet.solve(0.1, 1.0, 0.5), abs=1e-10)


def test_adhesions_without_grip_hold_no_more_than_the_rest_of_the_cell() -> None:
    firm, idle = (
        simulate(dataclasses.replace(CONFIG, adhesions=AdhesionRule(idle=share)), 3) for share in (0.0, 1.0)
    )
    assert np.array_equal(firm.image.data, idle.image.data), "grip does not show"
    assert idle.traction.magnitude().max() < 0.5 * firm.traction.magnitude().max()
