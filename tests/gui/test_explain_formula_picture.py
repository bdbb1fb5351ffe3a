"""A formula as it is set in print."""

from __future__ import annotations

import numpy as np
import pytest
from superqt.utils import qimage_to_array

from napari_cellforce.models.symbolic import Formula, Kernel, Library, Potential, Term
from napari_cellforce.widgets.explain.formula_rendering import coefficient_text, render_formula

LIBRARY = Library()
LONG = Term(Potential("z|∇z|²", Kernel("exp", 20.4)), Potential("z|∇z|²", Kernel("exp", 6.8)))
SHORT = Term(Potential("z", Kernel("r")))


def picture(*terms, width=324, ink="#ff8000", ratio=1.0):
    formula = Formula(LIBRARY, terms, (-3.66e-5,) * len(terms), "Pa")
    image = render_formula(formula, ink, width, ratio).toImage()
    return qimage_to_array(image)[..., [3, 0, 1, 2]]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-3.66e-5, "Pa µm^-2", "−3.66·10<sup>−5</sup> Pa µm<sup>−2</sup>"),
        (0.25, "1", "+0.25"),
        (12.0, "µm", "+12 µm"),
    ],
)
def test_coefficients_are_written_with_raised_exponents(value, unit, text):
    assert coefficient_text(value, unit) == text


def test_the_first_coefficient_needs_no_plus():
    assert coefficient_text(2.0, "1", first=True) == "2"


def test_a_term_that_is_too_long_goes_on_in_the_next_line(qtbot):
    assert len(picture(SHORT)) < len(picture(LONG)) == len(picture(SHORT, SHORT))
    assert len(picture(LONG, width=900)) == len(picture(SHORT))


def test_letters_have_the_ink_of_the_theme_on_nothing(qtbot):
    alpha, colour = picture(SHORT)[..., 0], picture(SHORT)[..., 1:]
    assert (alpha == 0).mean() > 0.7
    assert np.abs(colour[alpha == 255].astype(int) - (255, 128, 0)).max() <= 2


def test_all_of_it_fits_and_screens_of_twice_the_pixels_show_twice_as_many(qtbot):
    once, twice = picture(LONG, SHORT), picture(LONG, SHORT, ratio=2.0)
    assert twice.shape[:2] == (2 * once.shape[0], 2 * once.shape[1])
    assert not once[:, -1, 0].any(), "nothing is cut off on the right"
