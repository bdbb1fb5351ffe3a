"""An error says what was found, what is needed and what to do; a warning is one of ours."""

from __future__ import annotations

import pickle

import pytest

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.text import pluralise, with_period


def blank_image() -> CellForceError:
    return CellForceError(
        "frame 3 of cell.tif is 0 everywhere", "the image must show something", "Leave it out.", topic="input"
    )


def test_value_rule_and_remedy_make_two_sentences():
    assert str(blank_image()) == (
        "frame 3 of cell.tif is 0 everywhere: the image must show something. Leave it out."
    )


def test_without_a_remedy_it_is_one_sentence():
    assert str(CellForceError("no cell", "one is needed", "")) == "no cell: one is needed."


def test_it_can_be_caught_as_a_value_error_by_those_who_script():
    with pytest.raises(ValueError, match="0 everywhere"):
        raise blank_image()


def test_it_crosses_from_a_worker_process_whole():
    there_and_back = pickle.loads(pickle.dumps(blank_image()))
    assert vars(there_and_back) == vars(blank_image())
    assert str(there_and_back) == str(blank_image())


@pytest.mark.parametrize(
    ("text", "as_sentence"),
    [
        (" no cell ", "no cell."),
        ("Done.", "Done."),
        ("Really?", "Really?"),
        ("it is (3, 4)", "it is (3, 4)."),
        ("(See there.)", "(See there.)"),
    ],
)
def test_sentences_end(text, as_sentence):
    assert with_period(text) == as_sentence


def test_a_warning_is_no_error():
    assert issubclass(CellForceWarning, UserWarning)
    assert not issubclass(CellForceWarning, CellForceError)


def test_one_is_not_counted_like_several():
    assert [pluralise(n, "image") for n in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert pluralise(2, "pass", "passes") == "2 passes"
