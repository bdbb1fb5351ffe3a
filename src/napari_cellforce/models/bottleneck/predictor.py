"""Predictor of a trained physical bottleneck, with the mechanical fields of the sheet."""

from __future__ import annotations

import copy
import warnings
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from napari_cellforce.errors import CellForceWarning
from napari_cellforce.fields import BoolArray, FloatArray, FrameResult, PixelSize
from napari_cellforce.models.backends import EAGER, warn_if_not_torch
from napari_cellforce.models.bottleneck.network import PhysicalBottleneck, SheetInputs
from napari_cellforce.models.bottleneck.sheets import CellSheet
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.device import choose
from napari_cellforce.models.grid import on_model_grid
from napari_cellforce.models.kinds import refuse_samples
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.physics.sheet import Equilibrium, sample_traction
from napari_cellforce.preprocess.mask import touches_border


class BottleneckPredictor:
    """A physical bottleneck that predicts frame by frame; see `napari_cellforce.models.record.Predictor`.

    Parameters
    ----------
    loaded : LoadedModel
        Left as it is.
    device : str
        Of the network; the sheet is solved on the CPU.
    samples : int
        0: sheets give no uncertainty.
    backend : str
        Only torch computes these networks; another one is left aside with a `CellForceWarning`.

    Raises
    ------
    CellForceError
        If the device is not there, or samples are asked for.
    """

    def __init__(
        self, loaded: LoadedModel, device: str = "auto", samples: int = 0, backend: str = EAGER
    ) -> None:
        self._record = loaded.record
        self._device = choose(device)
        warn_if_not_torch(loaded.record.name, backend, self._device)
        refuse_samples(samples, loaded.record.name)
        module = copy.deepcopy(cast("PhysicalBottleneck", loaded.module))
        self._module = module.to(self._device).eval()

    @property
    def record(self) -> ModelRecord:
        """Inputs, units and origin of the network."""
        return self._record

    def predict_frame(self, image: FloatArray, mask: BoolArray, pixel_size: PixelSize) -> FrameResult:
        """Predict the traction of one frame; see `napari_cellforce.models.record.Predictor`.

        Returns
        -------
        FrameResult
            Traction whose forces and moments cancel on the model's pixels. ``scalars``: ``Y`` in 1/µm²;
            ``sigma_a``, one number inside the cell or a field, and ``alpha``, one number; displacement of
            the sheet ``u_y``, ``u_x`` in µm; its mean ``stress`` (half the trace, in units of E / (1 + nu))
            and ``strain`` (relative change of area). Where it contracts along a direction, ``Q_xx`` and
            ``Q_xy`` of the active stress ``sigma_a (I + Q)``. Where a network adds to the sheet's force,
            also that part, ``residual_y`` and ``residual_x``, in the unit of the traction.

        Raises
        ------
        CellForceError
            If the frame cannot be used, or the cell cannot be meshed or solved.

        Warns
        -----
        CellForceWarning
            If the cell is cut by the border of the frame: the balance is then an artefact.
        """
        if touches_border(mask):
            warnings.warn(
                "The cell is cut by the frame's border: the sheet ends there and its forces are made to"
                " balance all the same, which is artificial.",
                CellForceWarning,
                stacklevel=2,
            )
        grid = on_model_grid(image, mask, pixel_size, self._record, self._module.config.multiple)
        cell = grid.mask_to_model(mask)
        inputs = torch.from_numpy(np.concatenate([grid.inputs[:-1], cell[None].astype(np.float32)]))
        with torch.inference_mode():
            sheet_inputs = self._module.sheet_inputs(inputs[None].to(self._device))
        traction, scalars = self._solved(sheet_inputs, cell)
        return FrameResult(
            grid.to_image(traction),
            scalars={name: grid.to_image(values) for name, values in scalars.items()},
        )

    def _solved(self, sheet_inputs: SheetInputs, cell: BoolArray) -> tuple[FloatArray, dict[str, FloatArray]]:
        """Return traction and scalars on the pixels of the network."""
        placed, alpha = self._module.sheet(cell), float(sheet_inputs.alpha[0])
        with torch.inference_mode():
            Y, sigma_a = (
                placed.at_nodes(sheet_inputs.Y[0]).numpy(),
                placed.stress(sheet_inputs.sigma_a[0]).numpy(),
            )
            pull = (
                None
                if sheet_inputs.direction is None
                else placed.pull(torch.from_numpy(sigma_a), sheet_inputs.direction[0])
            )
        sheet, shape = placed.cell, (cell.shape[0], cell.shape[1])
        nodal_force = None if pull is None else pull.numpy()
        state = sheet.sheet.equilibrium(Y, sigma_a, alpha, nodal_force=nodal_force)
        traction = sample_traction(sheet.mesh, state, self._module.config.traction_scale).data
        traction = placed.window.paste(traction, shape)
        drawn = sheet_scalars(sheet, state, sigma_a, alpha)
        scalars = {name: placed.window.paste(values, shape) for name, values in drawn.items()}
        if sheet_inputs.direction is not None:
            scalars |= dict(zip(("Q_xx", "Q_xy"), sheet_inputs.direction[0].cpu().numpy(), strict=True))
        if sheet_inputs.residual is not None:
            residual = sheet_inputs.residual[0].cpu().numpy()
            traction += residual
            scalars |= {"residual_y": residual[0], "residual_x": residual[1]}
        return traction.astype(np.float32), scalars


def sheet_scalars(
    sheet: CellSheet, state: Equilibrium, sigma_a: npt.NDArray[np.float64], alpha: float
) -> dict[str, FloatArray]:
    """Return images of a solved sheet: its parameters, displacement, mean stress and strain.

    The strain is constant on a triangle and averaged at the nodes. The stress is elastic, without the active
    part: ``tr(sigma) / 2 = (alpha + 1/2) div u``.
    """
    mesh = sheet.mesh
    corners, u = mesh.nodes[mesh.triangles], state.u[mesh.triangles]
    edges, changes = corners[:, 1:] - corners[:, :1], u[:, 1:] - u[:, :1]
    divergence = np.trace(np.linalg.solve(edges, changes), axis1=1, axis2=2)
    nodes = mesh.triangles.ravel()
    share = np.bincount(nodes, minlength=mesh.n_nodes)
    strain = np.bincount(nodes, np.repeat(divergence, 3), minlength=mesh.n_nodes) / share
    columns = (state.Y, sigma_a, alpha, state.u[:, 0], state.u[:, 1], (alpha + 0.5) * strain, strain)
    drawn = mesh.image(np.column_stack([np.broadcast_to(column, state.Y.shape) for column in columns]))
    names = ("Y", "sigma_a", "alpha", "u_y", "u_x", "stress", "strain")
    return dict(zip(names, drawn.astype(np.float32), strict=True))
