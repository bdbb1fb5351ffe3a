"""A synthetic cell: from its settings and a seed to an image, a mask and the exact traction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, ImageStack, Mask, PixelSize, Quantity, VectorField
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.config import CellConfig
from napari_cellforce.synthetic.director import Director
from napari_cellforce.synthetic.fibres import Fibres
from napari_cellforce.synthetic.outline import Array, Outline
from napari_cellforce.synthetic.proteins import (
    CellComponents,
    draw_nucleus,
    draw_texture,
    edge_distance,
    protein_looks,
)
from napari_cellforce.synthetic.rasterise import draw_adhesions, draw_lines
from napari_cellforce.synthetic.shape import Kind, Shape

_FIELD_OF_VIEW = 174.0
_INSTRUMENT_STREAM = 6
"""Streams of random numbers that a drawing uses; the next is the instrument's."""
_DIRECTOR_STREAM = 7
"""The director's."""


@dataclass(frozen=True)
class SyntheticCell:
    """A synthetic cell.

    Attributes
    ----------
    image : ImageStack
        ``(T, C, Y, X)`` uint16, camera counts.
    mask : Mask
        One frame: the cell does not move.
    outline : Outline
    adhesions : tuple of T Adhesions
    fibres : Fibres
    config : CellConfig
    seed : SeedSequence
    director : Director or None
    traction : VectorField or None
        ``(T, 2, Y, X)`` in Pa, exact; None where no mechanics was asked for.
    displacement, measured : VectorField or None
        What an instrument would have measured: displacement in µm, traction in Pa.
    """

    image: ImageStack
    mask: Mask
    outline: Outline
    adhesions: tuple[Adhesions, ...]
    fibres: Fibres
    config: CellConfig
    seed: np.random.SeedSequence
    director: Director | None = None
    traction: VectorField | None = None
    displacement: VectorField | None = None
    measured: VectorField | None = None


def drawn_cell(
    *,
    seed: int = 0,
    shape: Kind = "star",
    frames: int = 1,
    pixel_size: float = 0.34,
    side: int | None = None,
    proteins: tuple[str, ...] = ("zyxin",),
) -> SyntheticCell:
    """Return a typical synthetic cell without mechanics.

    Parameters
    ----------
    seed : int
    shape : str
        See `Shape`.
    frames : int
        One a minute.
    pixel_size : float
        In µm.
    side : int, optional
        Height and width in pixels; by default 174 µm.
    proteins : tuple of str
        Names in `PROTEINS`, one channel each.
    """
    side = side or round(_FIELD_OF_VIEW / pixel_size)
    outline = Shape(kind=shape)
    config = CellConfig(
        shape=outline, proteins=protein_looks(proteins), frames=frames, side=side, pixel_size=pixel_size
    )
    return draw(config, seed)


def draw(
    config: CellConfig,
    seed: int | np.random.SeedSequence = 0,
    *,
    outline: Outline | None = None,
    adhesions: Adhesions | None = None,
) -> SyntheticCell:
    """Return a synthetic cell without mechanics.

    Outline, adhesions, fibres, time course, nucleus and texture, and camera noise each have their own
    random numbers: a change of one setting leaves in place what does not depend on it.

    Parameters
    ----------
    config : CellConfig
    seed : int or SeedSequence
    outline, adhesions : optional
        Drawn by hand; used instead of those of the rules.

    Raises
    ------
    CellForceError
        If the cell leaves the image or is smaller than an adhesion, or an adhesion drawn by hand lies
        outside the cell.
    """
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    shapes, places, joins, times, organelles, noise = (
        _stream(sequence, i) for i in range(_INSTRUMENT_STREAM)
    )
    middle = (config.side - 1) / 2 * config.pixel_size
    outline = outline or config.shape.outline((middle, middle), shapes)
    mask = outline.mask((config.side, config.side), config.pixel_size)
    director = config.director.draw(outline, _stream(sequence, _DIRECTOR_STREAM)) if config.director else None
    placed = (
        config.adhesions.place(outline, places, director)
        if adhesions is None
        else _inside(adhesions, outline)
    )
    fibres = config.fibres.join(placed, joins, director)
    placed = _remodelled(config, mask, placed, fibres, director)
    course = config.turnover.frames(placed, config.minutes, config.activity, times)
    still = static_components(config, mask, organelles)
    data = np.stack([render_frame(config, still, now, fibres, noise) for now in course])
    names = tuple(look.name for look in config.proteins)
    size = PixelSize.square(config.pixel_size)
    image = ImageStack(data, names, size, config.frame_interval, name="synthetic cell")
    return SyntheticCell(
        image, Mask(mask[None], "synthetic"), outline, tuple(course), fibres, config, sequence, director
    )


def simulate(config: CellConfig, seed: int | np.random.SeedSequence = 0) -> SyntheticCell:
    """Return a synthetic cell with the traction of its mechanics, and what its instrument would measure."""
    return with_traction(draw(config, seed))


def with_traction(cell: SyntheticCell) -> SyntheticCell:
    """Return the cell with the traction of its mechanics, and what its instrument would measure.

    Raises
    ------
    CellForceError
        If the mechanics has no solution.
    """
    config, mask = cell.config, cell.mask.data[0]
    if config.mechanics is None:
        return cell
    traction = config.mechanics.traction(
        mask, config.pixel_size, cell.adhesions, cell.fibres, config.activity, cell.director
    )
    cell = replace(cell, traction=_field(cell, traction, "traction"))
    if config.instrument is None:
        return cell
    rng = _stream(cell.seed, _INSTRUMENT_STREAM)
    displacement, measured = config.instrument.measure(traction, config.pixel_size, rng)
    return replace(
        cell,
        displacement=_field(cell, displacement, "displacement"),
        measured=_field(cell, measured, "traction"),
    )


def _remodelled(
    config: CellConfig, mask: BoolArray, placed: Adhesions, fibres: Fibres, director: Director | None
) -> Adhesions:
    """Return the adhesions after they have answered to the force that they bear as placed."""
    if config.remodelling is None or config.mechanics is None:
        return placed
    pixel_size = config.pixel_size
    (traction,) = config.mechanics.traction(mask, pixel_size, (placed,), fibres, np.ones(1), director)
    return config.remodelling.of(placed, traction, pixel_size)


def _field(cell: SyntheticCell, data: Array, quantity: Quantity) -> VectorField:
    config = cell.config
    return VectorField(
        data.astype(np.float32),
        quantity,
        "Pa" if quantity == "traction" else "µm",
        PixelSize.square(config.pixel_size),
        config.frame_interval,
        mask=np.broadcast_to(cell.mask.data, (config.frames, *cell.mask.data.shape[1:])),
        name=f"synthetic {quantity}",
    )


def _stream(seed: np.random.SeedSequence, number: int) -> np.random.Generator:
    """Return a stream of random numbers of the seed; unlike `SeedSequence.spawn`, the same every time."""
    child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number))
    return np.random.default_rng(child)


def _inside(adhesions: Adhesions, outline: Outline) -> Adhesions:
    outside = int((~outline.contains(adhesions.centre)).sum())
    if outside:
        raise CellForceError(
            f"{outside} of {len(adhesions)} adhesions lie outside the cell",
            "their centres must be inside the outline",
            "Move or delete them, or enlarge the outline.",
            topic=Topic.ADHESIONS,
        )
    return adhesions


def static_components(config: CellConfig, mask: BoolArray, rng: np.random.Generator) -> CellComponents:
    """Return what does not change in time."""
    if not mask.any():
        raise CellForceError(
            f"the cell is smaller than a pixel of {config.pixel_size:g} µm",
            "it must cover some pixels",
            "Make the cell larger, or the pixels smaller.",
            topic=Topic.OUTLINE,
        )
    distance = edge_distance(mask, config.pixel_size)
    nucleus = draw_nucleus(mask, distance, config.pixel_size, rng)
    texture = draw_texture(mask.shape, config.pixel_size, rng)
    nothing = np.zeros(mask.shape)
    return CellComponents(mask, distance, nucleus, nothing, nothing, texture)


def render_frame(
    config: CellConfig, still: CellComponents, now: Adhesions, fibres: Fibres, rng: np.random.Generator
) -> Array:
    """Return one frame, (C, Y, X) uint16."""
    shape = still.mask.shape
    parts = replace(
        still,
        adhesions=draw_adhesions(shape, config.pixel_size, now),
        fibres=draw_lines(
            shape, config.pixel_size, fibres.segments(now), fibres.thickness, np.ones(len(fibres))
        ),
    )
    signals = (config.expression * look.signal(parts) for look in config.proteins)
    return np.stack(
        [config.camera.record(config.optics.blur(signal, config.pixel_size), rng) for signal in signals]
    )
