"""Sets the formulas of a page as MathML when the pages are built (a hook of MkDocs).

Browsers set MathML themselves: pages are legible offline and load no script from elsewhere.
"""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
"""What pymdownx.arithmatex marks: ``\\(...\\)`` within a line, ``\\[...\\]`` on one of its own."""


def on_page_content(html_text: str, **_: Any) -> str:
    """Replace the TeX of a page's formulas by MathML."""
    return _FORMULA.sub(_set, html_text)


def _set(found: re.Match[str]) -> str:
    tag, opening, tex = found.groups()
    mathml = convert(html.unescape(tex), display="block" if opening == "[" else "inline")
    return f'<{tag} class="formula">{mathml}</{tag}>'
