"""The Green's-function network of Schmitt et al., Cell 2024, doi:10.1016/j.cell.2023.11.041.

``F = grad(phi) + psi grad(chi)``, the Clebsch form of any smooth planar vector field. Each scalar is the
convolution of a learned Green's function with a source, a local nonlinear function of the image:
``phi(q) = G_phi(q) f_phi(q)`` in Fourier space, likewise psi and chi.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models.base import InnerFields, Network, StepResult, TrainingStep
from napari_cellforce.models.field_ops import balanced, blur
from napari_cellforce.models.record import OutputKind

GFNN_KIND = "gfnn"
"""Kind of its records."""

SCALARS = ("phi", "psi", "chi")
"""Names of the potentials, in the order of the kernels and sources."""

_LARGEST_WAVENUMBER = math.sqrt(0.5)
"""|q| in the corner of Fourier space, in cycles per pixel."""


@dataclass(frozen=True)
class GFNNConfig(Settings):
    """Settings of a `GFNN`.

    `form`: ``isotropic`` is ours: Green's functions that are real and depend on ``|q|`` only, hence valid on
    any grid; a convolution in open space; no force without protein; the gradient, (y, x). ``published`` is
    the form that the authors' weights rely on: one complex number per Fourier mode of one grid; a periodic
    convolution; minus the gradient, whose row component they call F_x (the record of such weights says so by
    ``output_order="xy"``).

    `balance`: with ``shared``, psi and chi have one source, s. Then what a place does to another it suffers
    from it, and all forces and moments cancel over the plane (not over a part of it): ``int psi grad chi =
    sum_q G_psi(q) G_chi(q) |s(q)|² i q``, odd in q. With ``projected``, the last channel of the image is the
    cell's mask; the traction is cut off there, and net force and moment are taken out of it in proportion to
    |F|.
    """

    form: Literal["isotropic", "published"] = setting(
        "isotropic", help="Green's functions of the distance, or those of the authors' weights."
    )
    in_channels: int = setting(1, help="Channels of the image.", minimum=1, maximum=64)
    haze: tuple[float, ...] = setting(
        (),
        help="Isotropic form only: Gaussians whose local mean counts as haze; the network also "
        "sees what stands "
        "out from it.",
        unit="pixels",
        minimum=0.1,
        maximum=100,
    )
    width: int = setting(64, help="Channels of the source network.", minimum=1, maximum=4096)
    expansion: int = setting(4, help="Hidden channels per channel.", minimum=1, maximum=64)
    size: int = setting(
        64,
        help="Number of wavenumbers (isotropic), or side of the grid in pixels (published).",
        minimum=4,
        maximum=4096,
    )
    padding: int = setting(
        128,
        help="Isotropic form only: width of the empty border that keeps the image from meeting itself.",
        unit="pixels",
        minimum=0,
        maximum=4096,
    )
    lengths: tuple[float, float, float] = setting(
        (34.0, 7.4, 34.0),  # the paper's two lengths, 23 and 5 µm, in pixels of 0.68 µm
        help="Initial decay lengths of phi, psi and chi.",
        unit="pixels",
        above=0,
    )
    balance: Literal["none", "shared", "projected"] = setting(
        "none", help="Isotropic form only: how forces and moments are made to cancel."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.form == "published" and (self.balance != "none" or self.haze):
            raise CellForceError(
                f"balance is {self.balance} and haze is {list(self.haze)}",
                "both must be left out in the published form",
                "Leave them out, or choose the isotropic form.",
                topic=Topic.SETTINGS,
            )

    @property
    def grid(self) -> int | None:
        """Side of the only grid that the network knows, in pixels; None if it takes any."""
        return self.size if self.form == "published" else None

    @property
    def multiple(self) -> int:
        """What height and width of the image must be a multiple of, in pixels."""
        return self.grid or 1


class SourceBlock(nn.Module):
    """3x3 convolution by groups with the edge repeated, 1x1 up, sine, 1x1 down.

    A group sees one channel where `width` is a multiple of `channels`.
    """

    def __init__(self, channels: int, width: int, expansion: int) -> None:
        super().__init__()
        groups = math.gcd(channels, width)
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, padding_mode="replicate", groups=groups)
        self.conv2 = nn.Conv2d(width, expansion * width, 1)
        self.conv3 = nn.Conv2d(expansion * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Take ``(N, channels, Y, X)`` to ``(N, width, Y, X)``."""
        return cast("Tensor", self.conv3(torch.sin(self.conv2(self.conv1(x)))))


class GFNN(Network):
    """Sources from the image, Green's functions to potentials, potentials to traction.

    Parameters
    ----------
    config : GFNNConfig
    """

    config: GFNNConfig
    config_type = GFNNConfig
    backend_part = "conv_in"
    potentials = SCALARS

    def __init__(self, config: GFNNConfig) -> None:
        super().__init__()
        self.config = config
        self.conv_in = nn.Sequential(
            SourceBlock(config.in_channels * (1 + len(config.haze)), config.width, config.expansion),
            SourceBlock(config.width, config.width, config.expansion),
            nn.Conv2d(config.width, len(SCALARS) - (config.balance == "shared"), 1),
        )
        if config.form == "published":
            q = wavevectors((config.size, config.size))
            self.register_buffer("q", q)
            start = _screened_laplacians(config.lengths, torch.linalg.vector_norm(q, dim=0))
            self.kernel = nn.Parameter(start.to(torch.complex64))
        else:
            # Quadratic spacing: half of them are in the lowest quarter, where long-range kernels differ.
            wavenumbers = _LARGEST_WAVENUMBER * torch.linspace(0, 1, config.size) ** 2
            self.kernel = nn.Parameter(_screened_laplacians(config.lengths, wavenumbers))

    def forward(self, x: Tensor) -> Tensor:
        """Return the traction, ``(N, 2, Y, X)``, of an ``(N, C, Y, X)`` image."""
        return self.traction(self.fields(x), x)

    def traction(self, fields: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Return the traction, ``(N, 2, Y, X)``, from the result of `fields` for the image `x`."""
        traction = clebsch(fields)
        return balanced(traction * x[:, -1:]) if self.config.balance == "projected" else traction

    def fields(self, x: Tensor) -> dict[str, Tensor]:
        """Return everything between image and traction.

        Parameters
        ----------
        x : (N, C, Y, X) tensor
            Normalised image; Y = X = ``config.size`` for the published form.

        Returns
        -------
        dict of str to tensor
            ``sources`` (N, 3, Y, X); ``phi``, ``psi``, ``chi`` (N, Y, X); ``grad_phi``, ``grad_chi``
            (N, 2, Y, X), row component first; in the published form minus the gradient.
        """
        sources = self.sources(x)
        height, width = sources.shape[-2:]
        padding = 0 if self.config.form == "published" else self.config.padding
        grid = (height + padding, width + padding)
        spectra = torch.fft.rfft2(sources, s=grid) * self.greens_functions(grid, x.device)
        steps = self._derivative(grid, x.device)

        def real(spectrum: Tensor) -> Tensor:
            return cast("Tensor", torch.fft.irfft2(spectrum, s=grid)[..., :height, :width])

        return {
            "sources": sources,
            **dict(zip(SCALARS, real(spectra).unbind(1), strict=True)),
            "grad_phi": real(steps * spectra[:, 0:1]),
            "grad_chi": real(steps * spectra[:, 2:3]),
        }

    def sources(self, x: Tensor) -> Tensor:
        """Return the sources of phi, psi and chi, ``(N, 3, Y, X)``, of an ``(N, C, Y, X)`` image."""
        seen = torch.cat([x, *(functional.relu(x - blur(x, sigma)) for sigma in self.config.haze)], dim=1)
        sources = cast("Tensor", self.conv_in(seen))
        if self.config.form == "published":
            return sources
        sources = sources - cast("Tensor", self.conv_in(x.new_zeros(1, seen.shape[1], 1, 1)))
        return sources[:, [0, 1, 1]] if self.config.balance == "shared" else sources

    def greens_functions(self, shape: tuple[int, int], device: torch.device | None = None) -> Tensor:
        """Return the Green's functions of phi, psi and chi in Fourier space.

        Parameters
        ----------
        shape : tuple of int
            Grid in pixels; the published form is defined on one grid only.
        device : torch.device, optional

        Returns
        -------
        (3, Y, X // 2 + 1) tensor
            In the order of `torch.fft.rfft2`.
        """
        if self.config.form == "published":
            return self.kernel.exp()
        wavenumber = torch.linalg.vector_norm(wavevectors(shape, device), dim=0)
        place = (wavenumber / _LARGEST_WAVENUMBER).sqrt() * (self.config.size - 1)
        below = place.floor().clamp(max=self.config.size - 2)
        left = below.long()
        share = (place - below).to(self.kernel.dtype)
        return torch.lerp(self.kernel[:, left], self.kernel[:, left + 1], share).exp()

    @property
    def needs_mask(self) -> bool:
        """Whether the traction is cut off outside the mask."""
        return self.config.balance == "projected"

    def head_parameters(self) -> list[nn.Parameter]:
        """Return weight and bias of the last convolution of the sources."""
        return list(self.conv_in[-1].parameters())

    @torch.no_grad()
    def scale_output(self, factor: float, output: OutputKind = "vector") -> None:
        """Multiply all tractions for good: they are proportional to the Green's functions of phi and psi."""
        del output
        self.kernel[:2] += torch.log(torch.tensor(factor))

    def training_step(self, step: TrainingStep) -> StepResult:
        """Return prediction and loss; its setting `green` keeps the Green's functions small."""
        result = super().training_step(step)
        if not step.loss.green:
            return result
        return StepResult(result.raw, {**result.terms, "green": step.loss.green * self.green_penalty()})

    def green_penalty(self) -> Tensor:
        """Return the mean of |G|² over the wavenumbers but q = 0."""
        squared = self.kernel.exp().abs().square()
        return squared.flatten(1)[:, 1:].mean()

    def inner_fields(self, x: Tensor, *, detailed: bool = False) -> InnerFields:
        """Return the potentials; if detailed, also their sources and the two parts of the traction."""
        fields = self.fields(x)
        raw = self.traction(fields, x)
        scalars = {name: fields[name] for name in SCALARS}
        if not detailed:
            return InnerFields(raw, scalars, {})
        sources = zip(SCALARS, fields["sources"].unbind(1), strict=True)
        scalars |= {f"source_{name}": source for name, source in sources}
        product = fields["psi"].unsqueeze(-3) * fields["grad_chi"]
        return InnerFields(raw, scalars, {"grad_phi": fields["grad_phi"], "psi_grad_chi": product})

    def _derivative(self, shape: tuple[int, int], device: torch.device) -> Tensor:
        """Return the factors of a spectrum for differentiation, ``(2, Y, X // 2 + 1)``."""
        if self.config.form == "published":
            return -2j * math.pi * self.get_buffer("q")
        q = wavevectors(shape, device)
        # The sign of the highest mode of an even side, and hence its derivative, is undefined.
        return 2j * math.pi * torch.where(q.abs() < 0.5, q, 0)


def clebsch(fields: Mapping[str, Tensor]) -> Tensor:
    """Return grad(phi) + psi grad(chi), ``(N, 2, Y, X)``, from the result of `GFNN.fields`."""
    return fields["grad_phi"] + fields["psi"].unsqueeze(-3) * fields["grad_chi"]


def wavevectors(shape: tuple[int, int], device: torch.device | None = None) -> Tensor:
    """Return q along rows and columns in cycles per pixel, ``(2, Y, X // 2 + 1)``, as `rfft2` orders it."""
    along_y = torch.fft.fftfreq(shape[0], device=device)
    along_x = torch.fft.fftfreq(shape[1], device=device)[: shape[1] // 2 + 1]
    return torch.stack(torch.meshgrid(along_y, along_x, indexing="ij"))


def _screened_laplacians(lengths: tuple[float, ...], wavenumber: Tensor) -> Tensor:
    """Return log G of ``(1 - l^2 laplacian) G = delta`` for each decay length l, ``(3, ...)``."""
    return torch.stack([-torch.log1p((2 * math.pi * length * wavenumber) ** 2) for length in lengths])
