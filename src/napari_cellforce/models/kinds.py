"""What a kind of models is: what its models need, what they can do, and where their code is.

The kinds there are stand in `napari_cellforce.models.registry`. Importing these modules loads no torch: the
code of a kind is loaded when a model is built or predicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from napari_cellforce.config_io import from_mapping
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models.record import MASK_INPUT, ModelRecord, OutputKind, Predictor

if TYPE_CHECKING:
    from napari_cellforce.models.base import Network
    from napari_cellforce.models.checkpoint import LoadedModel

TRACTION_UNIT = "traction"
"""Stands for the unit of the model's traction, among the units of inner fields."""

ARBITRARY_UNIT = "arb. unit"
"""Unit of fields whose scale a network is free to choose."""


@dataclass(frozen=True)
class Capabilities:
    """What models of a kind can do besides predicting.

    Attributes
    ----------
    uncertainty : bool
        Whether dropout can give an uncertainty; a model without dropout layers refuses it all the same.
    greens_functions : bool
        Whether potentials are computed by Green's functions that can be read.
    mechanics : bool
        Whether inner fields are quantities of mechanics: stiffness, active stress, displacement.
    several_proteins : bool
        Whether more than one protein can be read.
    backends : bool
        Whether other programs than torch can compute it; see `napari_cellforce.models.backends`.
    outputs : tuple of str
        What a raw network may return.
    """

    uncertainty: bool = False
    greens_functions: bool = False
    mechanics: bool = False
    several_proteins: bool = False
    backends: bool = False
    outputs: tuple[OutputKind, ...] = ("vector",)


@dataclass(frozen=True)
class PredictorKind:
    """One kind of models that predict.

    Attributes
    ----------
    name : str
        ``kind`` of the records of its models.
    title : str
        Name for people, such as ``"U-Net"``.
    purpose : str
        What it is, in a line.
    predictor_type : callable
        Imports and returns what makes a predictor. Of a network that is called with the `LoadedModel`,
        ``device``, ``samples`` and ``backend``; see `predictor`.
    capabilities : Capabilities
    inner_fields : mapping of str to str
        Name of each scalar field that predictions or explanations may hold, and its unit or `TRACTION_UNIT`.
    record_fields : callable, optional
        Returns inner fields from a record, where they differ from model to model.
    """

    name: str
    title: str
    purpose: str
    predictor_type: Callable[[], Callable[..., Predictor]]
    capabilities: Capabilities = Capabilities()
    inner_fields: Mapping[str, str] = field(default_factory=dict)
    record_fields: Callable[[ModelRecord], Mapping[str, str]] | None = None

    trainable: ClassVar[bool] = False
    """Whether models of the kind can be trained, fine-tuned and calibrated."""

    @property
    def has_inner_fields(self) -> bool:
        """Whether there is something to show between image and traction."""
        return bool(self.inner_fields) or self.record_fields is not None

    @property
    def inputs_text(self) -> str:
        """Inputs that models of the kind can have, for people."""
        return "one or more proteins" if self.capabilities.several_proteins else "a protein"

    @property
    def shown(self) -> tuple[str, ...]:
        """What models of the kind show besides tractions, for people."""
        texts = {
            "inner fields": self.has_inner_fields,
            "Green's functions": self.capabilities.greens_functions,
            "mechanics of the cell": self.capabilities.mechanics,
            "uncertainty by dropout": self.capabilities.uncertainty,
        }
        return tuple(text for text, there in texts.items() if there)

    def predictor(
        self, opened: Any = None, *, device: str = "auto", samples: int = 0, backend: str = "auto"
    ) -> Predictor:
        """Return a predictor of this kind.

        Parameters
        ----------
        opened : LoadedModel or Predictor, optional
            What `napari_cellforce.models.checkpoint.open_model` returned; None for a kind without a file.
        device, backend : str
            Ignored by kinds without a network.
        samples : int
            Number of passes with dropout; 0 for none.

        Raises
        ------
        CellForceError
            If samples are asked of a kind without dropout, or device or backend are not there.
        """
        if not self.capabilities.uncertainty:
            refuse_samples(samples, self.name if opened is None else opened.record.name)
        return self._make(opened, device, samples, backend)

    def scalar_unit(self, name: str, record: ModelRecord) -> str:
        """Return the unit of an inner field of a model; `ARBITRARY_UNIT` where it is not known."""
        fields = self.inner_fields if self.record_fields is None else self.record_fields(record)
        unit = fields.get(name, ARBITRARY_UNIT)
        return record.output_unit if unit == TRACTION_UNIT else unit

    def _make(self, opened: Any, device: str, samples: int, backend: str) -> Predictor:
        del device, samples, backend
        return self.predictor_type()() if opened is None else opened


def refuse_samples(samples: int, name: str) -> None:
    """Refuse to draw samples from a model of that name, which has no dropout."""
    if samples:
        raise CellForceError(
            f"{samples} samples are asked of {name}",
            "it has no dropout and gives the same answer every time, hence no uncertainty",
            "Set samples to 0, or choose a network with dropout.",
            topic=Topic.SAMPLES,
        )


def _network_predictor() -> Callable[..., Predictor]:
    from napari_cellforce.models.network import NetworkPredictor

    return NetworkPredictor


@dataclass(frozen=True, kw_only=True)
class NetworkKind(PredictorKind):
    """One kind of networks: built from settings, trained, saved and loaded.

    Attributes
    ----------
    network : callable
        Imports and returns its subclass of `napari_cellforce.models.base.Network`.
    needs_mask : bool
        Whether the cell's mask must be the last input.
    needs_protein : bool
        Whether there must be a protein among the inputs.
    loss_settings : tuple of str
        Fields of `napari_cellforce.train.LossConfig` that exist for this kind.
    traction_loss : bool
        Whether the fields that exist for no kind in particular apply.
    recipe : str
        Name of bundled training settings to begin from; empty if there are none.
    """

    network: Callable[[], type[Network]]
    predictor_type: Callable[[], Callable[..., Predictor]] = _network_predictor
    needs_mask: bool = False
    needs_protein: bool = False
    loss_settings: tuple[str, ...] = ()
    traction_loss: bool = True
    recipe: str = ""

    trainable: ClassVar[bool] = True

    @property
    def inputs_text(self) -> str:
        """Inputs that networks of the kind can have, for people."""
        proteins = super().inputs_text
        if self.needs_mask:
            return f"{proteins}, then the mask"
        return proteins if self.needs_protein else f"{proteins}, or the mask"

    @property
    def config_type(self) -> type[Any]:
        """Dataclass of the architecture's settings."""
        return self.network().config_type

    def build(self, architecture: Mapping[str, Any], source: str = "") -> Network:
        """Return an untrained network.

        Parameters
        ----------
        architecture : mapping
            Entries of `config_type`, plain values as from JSON.
        source : str
            Name of the file for messages.

        Raises
        ------
        CellForceError
            Naming the setting that is unknown or has a wrong value.
        """
        network = self.network()
        return network(from_mapping(network.config_type, architecture, source=source))

    def build_for(
        self, inputs: tuple[str, ...], pixel_size: float, architecture: Mapping[str, Any]
    ) -> Network:
        """Return an untrained network for these inputs and pixels of this side in µm.

        Raises
        ------
        CellForceError
            As `build`; if the inputs do not suit, or the architecture contradicts them.
        """
        self.check_inputs(inputs)
        derived = self.network().derived_settings(inputs, pixel_size)
        for name, value in derived.items():
            if architecture.get(name, value) != value:
                raise CellForceError(
                    f"architecture.{name} is {architecture[name]!r}",
                    f"inputs ({', '.join(inputs)}) and pixel size ({pixel_size:g} µm) make it {value}",
                    "Leave it out.",
                    topic=Topic.MODEL,
                )
        network = self.build({**architecture, **derived}, "architecture")
        self.check_inputs(inputs, mask_last=network.needs_mask)
        return network

    def default_inputs(self, proteins: tuple[str, ...]) -> tuple[str, ...]:
        """Return inputs for these proteins: with the mask where it is needed."""
        missing = self.needs_mask and MASK_INPUT not in proteins
        return (*proteins, MASK_INPUT) if missing else proteins

    def check_inputs(self, inputs: tuple[str, ...], *, mask_last: bool = False) -> None:
        """Refuse inputs that a network of this kind cannot read.

        Parameters
        ----------
        inputs : tuple of str
        mask_last : bool
            Whether this network needs the mask, though not all of the kind do.

        Raises
        ------
        CellForceError
        """
        proteins = tuple(name for name in inputs if name != MASK_INPUT)
        first = proteins or ("zyxin",)
        twice = next((name for name in inputs if inputs.count(name) > 1), "")
        if twice:
            raise _input_refusal(inputs, f"{twice} is there twice", "Name each input once.")
        if (self.needs_mask or mask_last) and inputs[-1:] != (MASK_INPUT,):
            remedy = f"Add mask to the inputs: {', '.join((*first, MASK_INPUT))}."
            if MASK_INPUT in inputs:
                remedy = f"Put mask last: {', '.join((*first, MASK_INPUT))}."
            raise _input_refusal(inputs, f"a network of kind {self.name} reads the cell's mask last", remedy)
        if self.needs_protein and not proteins:
            example = ", ".join(self.default_inputs(first))
            raise _input_refusal(
                inputs, f"a network of kind {self.name} reads a protein", f"Add one to the inputs: {example}."
            )
        if len(proteins) > 1 and not self.capabilities.several_proteins:
            rule = f"a network of kind {self.name} reads one protein"
            raise _input_refusal(inputs, rule, "Choose one of them.")

    def _make(self, opened: LoadedModel, device: str, samples: int, backend: str) -> Predictor:
        return self.predictor_type()(opened, device=device, samples=samples, backend=backend)


def _input_refusal(inputs: tuple[str, ...], rule: str, remedy: str) -> CellForceError:
    return CellForceError(f"the inputs are {', '.join(inputs)}", rule, remedy, topic=Topic.PROTEINS)
