"""Why a model says so, from the command line."""

from __future__ import annotations

import pandas as pd
import tifffile

FILTER = ("--model", "adhesion-filter")


def test_fields_and_probes_of_a_movie(cellforce, movie, tmp_path):
    answer = cellforce("explain", movie, *FILTER, "--parts", "fields,probes", "--out", tmp_path / "why")
    assert (answer.code, answer.errors) == (0, [])
    named = {line.rpartition("/")[2] for line in answer.output.splitlines()}
    assert named == {path.name for path in (tmp_path / "why").iterdir()}
    assert tifffile.imread(tmp_path / "why" / "cell 7_adhesion.ome.tif").shape[-3:] == (3, 64, 64)


def test_a_predicted_field_is_taken_apart(cellforce, movie, tmp_path):
    cellforce("predict", movie, *FILTER)
    field = movie.with_name("cell 7_traction.ome.tif")
    answer = cellforce("explain", field, "--parts", "decomposition", "--out", tmp_path / "why")
    assert (answer.code, answer.errors) == (0, [])
    shares = pd.read_csv(tmp_path / "why" / "cell 7_decomposition.csv")
    assert len(shares) == 3
    assert (shares["curl-free"] > 0.5).all(), "it pulls to one centre"


def test_an_adhesion_that_was_clicked_is_taken_out(cellforce, movie, tmp_path):
    answer = cellforce(
        "explain", movie, *FILTER, "--parts", "probes", "--at", "52,32", "--frame", 1, "--out", tmp_path
    )
    assert (answer.code, answer.errors) == (0, [])
    table = pd.read_csv(tmp_path / "cell 7_probes_adhesion_taken_out.csv")
    assert list(table.columns)[1:] == ["adhesion 1: mean |change| [normalised]"]


def refused(answer, *words):
    assert answer.code == 2
    assert len(answer.errors) == 1
    for word in words:
        assert word in answer.errors[0]


def test_green_functions_of_a_model_without_any(cellforce, movie, tmp_path):
    refused(cellforce("explain", movie, *FILTER, "--parts", "greens", "--out", tmp_path), "network")


def test_parts_that_are_not_there(cellforce, movie):
    refused(cellforce("explain", movie, *FILTER, "--parts", "why"), "'why'", "decomposition")


def test_an_image_without_a_model(cellforce, movie):
    refused(cellforce("explain", movie), "no model", "--model")


def test_lengths_that_are_no_numbers(cellforce, movie):
    refused(cellforce("explain", movie, *FILTER, "--lengths", "short,long"), "short,long")


def test_a_length_that_makes_no_kernel(cellforce, movie):
    refused(cellforce("explain", movie, *FILTER, "--lengths", "-3"), "-3")
