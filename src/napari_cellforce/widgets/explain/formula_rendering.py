"""Rendering of a formula: one term per line, with potentials drawn by matplotlib's mathtext."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QPointF
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPalette, QPixmap, QTextDocument

from napari_cellforce.fields import ShortRepr
from napari_cellforce.models.symbolic import Formula, Potential, Term

_SIZE = 14
"""Font size in screen pixels."""
_LINE = 27
_BASELINE = 18
"""Height of a line and position of its baseline, in screen pixels."""
_FRAME = 1
"""Margin of images drawn by mathtext, in pixels."""
_GAP = 5
"""Gap between a coefficient and its factor, in pixels."""
_INDENT = 30
"""Space for "F =" before the first term, in pixels."""
_CONTINUATION_INDENT = 24
"""Indent of the second line of a long term, in pixels."""
_NABLA = r"\nabla"

_mathtext = threading.Lock()


@dataclass(frozen=True, eq=False, repr=False)
class MathImage(ShortRepr):
    """A bit of formula.

    Attributes
    ----------
    ink : (height, width) uint8 array
        Coverage of each pixel.
    depth : float
        Extent below the baseline in pixels.
    """

    ink: npt.NDArray[np.uint8]
    depth: float


def prerender_potentials(potentials: Iterable[Potential], ratio: float) -> None:
    """Render the potentials of formulas in advance, in a worker thread: each takes about 20 ms."""
    for latex in (_NABLA, *(potential.latex for potential in potentials)):
        _math_image(latex, ratio)


def render_formula(formula: Formula, ink: str, width: int, ratio: float = 1.0) -> QPixmap:
    """Return a picture of a formula.

    Parameters
    ----------
    formula : Formula
    ink : str
        Text colour, ``"#rrggbb"``.
    width : int
        Maximum width in screen pixels; longer terms continue on the next line.
    ratio : float
        Device pixel ratio of the screen.
    """
    rows = [row for term in _terms(formula, ratio) for row in _broken(term, width - _INDENT, ratio)]
    picture = QPixmap(round(width * ratio), round(len(rows) * _LINE * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(0, 0, 0, 0))
    painter = QPainter(picture)
    _write(painter, 0, 0, _sized("<b>F</b> ="), ink)
    for n, (indent, parts) in enumerate(rows):
        x = float(_INDENT + indent)
        for part in parts:
            x += _put(painter, x, n * _LINE, part, ink, ratio)
    painter.end()
    return picture


Part = str | MathImage
"""A coefficient as rich text, or a rendered symbol."""


def _terms(formula: Formula, ratio: float) -> list[list[Part]]:
    """Return the parts of each term: coefficient, factor if there is one, gradient."""
    return [
        [coefficient_text(c, formula.unit_of(term), first=n == 0), *_math_images(term, ratio)]
        for n, (c, term) in enumerate(zip(formula.coefficients, formula.terms, strict=True))
    ]


def coefficient_text(value: float, unit: str, *, first: bool = False) -> str:
    """Return a number with its unit as rich text, with superscripts: "−3.66·10⁻⁵ µm⁻²"."""
    mantissa, _, power = f"{abs(value):.3g}".partition("e")
    sign = "−" if value < 0 else "" if first else "+"
    number = f"{mantissa}·10<sup>{_minus(int(power))}</sup>" if power else mantissa
    if unit == "1":
        return sign + number
    raised = [
        f"{base}<sup>{_minus(int(exponent))}</sup>" if exponent else base
        for base, _, exponent in (part.partition("^") for part in unit.split())
    ]
    return f"{sign}{number} {' '.join(raised)}"


def _minus(number: int) -> str:
    return str(number).replace("-", "−")


def _math_images(term: Term, ratio: float) -> list[Part]:
    factor = [] if term.factor is None else [_math_image(term.factor.latex, ratio)]
    return [*factor, _math_image(_NABLA, ratio), _math_image(term.potential.latex, ratio)]


def _broken(parts: list[Part], width: float, ratio: float) -> list[tuple[int, list[Part]]]:
    """Return the lines of a term with their indents; it is broken before the nabla."""
    if sum(_width(part, ratio) for part in parts) <= width or len(parts) < 4:
        return [(0, parts)]
    return [(0, parts[:-2]), (_CONTINUATION_INDENT, parts[-2:])]


def _width(part: Part, ratio: float) -> float:
    if isinstance(part, MathImage):
        return float(part.ink.shape[1]) / ratio
    return float(_sized(part).idealWidth()) + _GAP


def _put(painter: QPainter, x: float, top: float, part: Part, ink: str, ratio: float) -> float:
    """Draw a part at x in the line at `top`, and return its width."""
    if isinstance(part, str):
        _write(painter, x, top, _sized(part), ink)
        return _width(part, ratio)
    height = part.ink.shape[0]
    y = top + _BASELINE + _FRAME + (part.depth - height) / ratio
    painter.drawImage(QPointF(x, y), _coloured(part, ink, ratio))
    return _width(part, ratio)


def _coloured(math_image: MathImage, ink: str, ratio: float) -> QImage:
    """Return a piece in a colour on a transparent background."""
    colour, share = QColor(ink), math_image.ink[..., None] / 255
    pixels = np.concatenate(
        [share * (colour.blue(), colour.green(), colour.red()), math_image.ink[..., None]], 2
    )
    pixels = np.ascontiguousarray(pixels.round().astype(np.uint8))
    height, width = math_image.ink.shape
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format_ARGB32_Premultiplied).copy()
    image.setDevicePixelRatio(ratio)
    return image


def _sized(html: str) -> QTextDocument:
    text = QTextDocument()
    font = QFont()
    font.setPixelSize(_SIZE - 1)
    text.setDefaultFont(font)
    text.setDocumentMargin(0)
    text.setHtml(html)
    return text


def _write(painter: QPainter, x: float, top: float, text: QTextDocument, ink: str) -> None:
    """Draw rich text on the baseline of the line."""
    line = text.firstBlock().layout().lineAt(0)
    if not line.isValid():
        text.documentLayout().documentSize()  # lays the text out
        line = text.firstBlock().layout().lineAt(0)
    painter.save()
    painter.translate(x, top + _BASELINE - line.ascent())
    context = text.documentLayout().PaintContext()
    context.palette.setColor(QPalette.ColorRole.Text, QColor(ink))
    text.documentLayout().draw(painter, context)
    painter.restore()


@lru_cache(maxsize=512)
def _math_image(latex: str, ratio: float) -> MathImage:
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    font = FontProperties(size=_SIZE, math_fontfamily="dejavusans")
    with _mathtext:  # the fonts are shared
        parsed = MathTextParser("agg").parse(f"${latex}$", dpi=72 * ratio, prop=font)
    return MathImage(np.asarray(parsed.image), float(parsed.depth))
