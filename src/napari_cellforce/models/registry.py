"""The kinds of models there are, by name.

Training, zoo, panels, command line and batch ask this registry; nothing else names a kind.

A new kind of network is one module, with a subclass of `napari_cellforce.models.base.Network` and the
dataclass of its settings, and one call of `register` here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models.kinds import (
    ARBITRARY_UNIT,
    TRACTION_UNIT,
    Capabilities,
    NetworkKind,
    PredictorKind,
)
from napari_cellforce.models.record import ModelRecord, Predictor

if TYPE_CHECKING:
    from napari_cellforce.models.adhesion_unet import AdhesionUNet
    from napari_cellforce.models.bottleneck.network import PhysicalBottleneck
    from napari_cellforce.models.checkpoint import LoadedModel
    from napari_cellforce.models.gfnn import GFNN
    from napari_cellforce.models.unet import UNet

DEFAULT_NETWORK = "adhesion-unet"
"""Kind that is trained where the settings name none."""

REGISTRY: dict[str, PredictorKind] = {}
"""All kinds by name, in the order of lists."""


def register(kind: PredictorKind) -> None:
    """Make a kind known to training, zoo, panels, command line and batch.

    Raises
    ------
    ValueError
        If there is a kind of that name.
    """
    if kind.name in REGISTRY:
        raise ValueError(f"there is a kind of models called {kind.name!r}")
    REGISTRY[kind.name] = kind


def networks() -> tuple[NetworkKind, ...]:
    """Return all kinds of networks, in the order of lists."""
    return tuple(kind for kind in REGISTRY.values() if isinstance(kind, NetworkKind))


def find(name: str) -> PredictorKind | None:
    """Return the kind of that name, or None if this version knows none."""
    return REGISTRY.get(name)


def get(name: str) -> PredictorKind:
    """Return the kind of that name.

    Raises
    ------
    CellForceError
        If this version knows none; names those that it knows.
    """
    kind = find(name)
    if kind is None:
        raise _unknown("model", name, tuple(REGISTRY))
    return kind


def get_network(name: str) -> NetworkKind:
    """Return the kind of networks of that name; errors as `get`."""
    kind = find(name)
    if not isinstance(kind, NetworkKind):
        raise _unknown("network", name, tuple(known.name for known in networks()))
    return kind


def title(name: str) -> str:
    """Return what a kind is called for people; its name, where this version knows none."""
    kind = find(name)
    return name if kind is None else kind.title


def scalar_unit(name: str, record: ModelRecord) -> str:
    """Return the unit of a field of ``FrameResult.scalars`` of a model.

    Parameters
    ----------
    name : str
        Key of the field.
    record : ModelRecord
    """
    kind = find(record.kind)
    return ARBITRARY_UNIT if kind is None else kind.scalar_unit(name, record)


def inapplicable_loss_settings(kind: NetworkKind, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the names of loss settings that do nothing for a kind."""
    particular = {name for other in networks() for name in other.loss_settings}
    return tuple(
        name
        for name in names
        if name not in kind.loss_settings and (name in particular or not kind.traction_loss)
    )


def _unknown(what: str, name: str, known: tuple[str, ...]) -> CellForceError:
    return CellForceError(
        f"the kind of {what} is {name!r}",
        f"known are {', '.join(known)}",
        "Choose one of these, or update napari-cellforce.",
        topic=Topic.MODEL,
    )


@dataclass(frozen=True)
class _EnsembleKind(PredictorKind):
    """A kind whose weights are those of one network, and whose predictor is made from that network's."""

    def _make(self, opened: LoadedModel, device: str, samples: int, backend: str) -> Predictor:
        network = get_network(opened.record.kind)
        member = network.predictor(opened, device=device, samples=samples, backend=backend)
        return self.predictor_type()(member)


def _unet() -> type[UNet]:
    from napari_cellforce.models.unet import UNet

    return UNet


def _adhesion_unet() -> type[AdhesionUNet]:
    from napari_cellforce.models.adhesion_unet import AdhesionUNet

    return AdhesionUNet


def _gfnn() -> type[GFNN]:
    from napari_cellforce.models.gfnn import GFNN

    return GFNN


def _bottleneck() -> type[PhysicalBottleneck]:
    from napari_cellforce.models.bottleneck.network import PhysicalBottleneck

    return PhysicalBottleneck


def _bottleneck_predictor() -> Callable[..., Predictor]:
    from napari_cellforce.models.bottleneck.predictor import BottleneckPredictor

    return BottleneckPredictor


def _consensus() -> Callable[..., Predictor]:
    from napari_cellforce.models.consensus import Consensus

    return Consensus


def _adhesion_filter() -> Callable[..., Predictor]:
    from napari_cellforce.models.filters import AdhesionFilter

    return AdhesionFilter


def _sheet_filter() -> Callable[..., Predictor]:
    from napari_cellforce.models.sheet_filter import SheetFilter

    return SheetFilter


def _formula() -> Callable[..., Predictor]:
    from napari_cellforce.models.symbolic import FormulaPredictor

    return FormulaPredictor


def _potentials(record: ModelRecord) -> Mapping[str, str]:
    """Return the potentials of a formula and their units."""
    from napari_cellforce.models.symbolic import Formula

    powers = {p.text: p.power for p in Formula.from_mapping(record.architecture).potentials}
    return {text: f"µm^{power}" if power else "1" for text, power in powers.items()}


_ADHESION = {"adhesion": "brightness of the cell"}
_STIFFNESS = {"Y": "µm^-2"}

register(
    NetworkKind(
        name="adhesion-unet",
        title="adhesion U-Net",
        purpose="A U-Net that corrects how hard, and where to, each adhesion pulls. Forces balance.",
        network=_adhesion_unet,
        capabilities=Capabilities(uncertainty=True, several_proteins=True, backends=True),
        needs_mask=True,
        needs_protein=True,
        recipe="unet-sim",
    )
)
register(
    NetworkKind(
        name="unet",
        title="U-Net",
        purpose="From image to traction without anything in between; the paper's predictor.",
        network=_unet,
        capabilities=Capabilities(
            uncertainty=True, several_proteins=True, backends=True, outputs=("vector", "magnitude_angle")
        ),
    )
)
register(
    NetworkKind(
        name="gfnn",
        title="Green's-function network",
        purpose="Potentials of learned sources by learned Green's functions, which can be read.",
        network=_gfnn,
        capabilities=Capabilities(greens_functions=True, several_proteins=True, backends=True),
        inner_fields={
            **dict.fromkeys(("phi", "psi", "chi"), ARBITRARY_UNIT),
            **dict.fromkeys(("source_phi", "source_psi", "source_chi"), ARBITRARY_UNIT),
            **dict.fromkeys(("grad_phi_y", "grad_phi_x"), TRACTION_UNIT),
            **dict.fromkeys(("psi_grad_chi_y", "psi_grad_chi_x"), TRACTION_UNIT),
        },
        loss_settings=("green",),
        recipe="gfnn-sim",
    )
)
register(
    NetworkKind(
        name="physical-bottleneck",
        title="physical bottleneck",
        purpose="Says where the cell is held and how hard it contracts; an elastic sheet does the rest.",
        network=_bottleneck,
        predictor_type=_bottleneck_predictor,
        capabilities=Capabilities(mechanics=True, several_proteins=True),
        inner_fields={
            **_STIFFNESS,
            **dict.fromkeys(("sigma_a", "stress"), "E/(1+ν)"),
            **dict.fromkeys(("alpha", "strain", "Q_xx", "Q_xy"), "1"),
            **dict.fromkeys(("u_y", "u_x"), "µm"),
            **dict.fromkeys(("residual_y", "residual_x"), TRACTION_UNIT),
        },
        needs_mask=True,
        needs_protein=True,
        loss_settings=("springs_first", "residual"),
        traction_loss=False,
        recipe="pbnn-sim",
    )
)
register(
    _EnsembleKind(
        name="consensus",
        title="consensus",
        purpose="The mean of a network and the two filters, and where they disagree.",
        predictor_type=_consensus,
        capabilities=Capabilities(backends=True),
        inner_fields={"disagreement": TRACTION_UNIT, **_ADHESION, **_STIFFNESS},
    )
)
register(
    PredictorKind(
        name="adhesion-filter",
        title="adhesion filter",
        purpose="Adhesions times the distance to their centre; learns nothing.",
        predictor_type=_adhesion_filter,
        inner_fields=_ADHESION,
    )
)
register(
    PredictorKind(
        name="sheet-filter",
        title="sheet filter",
        purpose="A contracting elastic sheet held by the adhesions; learns nothing.",
        predictor_type=_sheet_filter,
        inner_fields=_STIFFNESS,
    )
)
register(
    PredictorKind(
        name="formula",
        title="written formula",
        purpose="A few terms of potentials, found by sparse regression.",
        predictor_type=_formula,
        record_fields=_potentials,
    )
)
