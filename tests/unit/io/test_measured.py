"""One lopsided field, written as other programs write it, and read back."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import PixelSize, VectorField
from napari_cellforce.io import write_field
from napari_cellforce.io.measured import ORIGIN, MeasuredLayout, read_measured

STEP, FIRST = 8.0, 15.5  # pixels
PASCAL = MeasuredLayout(unit="Pa", pixel_size=0.25)


@pytest.fixture
def lopsided():
    """Tractions (y, x) in Pa on 5 x 7 vectors, y much larger than x, no symmetry."""
    y, x = np.indices((5, 7)).astype(float)
    return np.stack([300 + 40 * y + x**2, 10 - 3 * x + y])


@pytest.fixture
def rows(lopsided):
    """x, y, tx, ty, one line a vector, places in pixels."""
    y, x = FIRST + STEP * np.indices((5, 7))
    return np.stack([x.ravel(), y.ravel(), lopsided[1].ravel(), lopsided[0].ravel()], axis=1)


def check(field, expected):
    assert field.quantity == "traction"
    np.testing.assert_allclose(field.data[0], expected, rtol=1e-5)
    assert field.pixel_size.micron == pytest.approx(STEP * 0.25)
    corner = (FIRST + 0.5 - STEP / 2) * 0.25
    assert field.provenance.settings[ORIGIN] == pytest.approx([corner, corner])


@pytest.mark.parametrize(
    ("delimiter", "header", "suffix"),
    [
        (",", "x,y,tx,ty", "csv"),
        (";", None, "csv"),
        ("\t", "x [px]\ty [px]\ttx [Pa]\tty [Pa]", "txt"),
        (" ", None, "txt"),
    ],
)
def test_tables_of_all_kinds(tmp_path, rows, lopsided, delimiter, header, suffix):
    path = tmp_path / f"field.{suffix}"
    np.savetxt(path, rows, fmt="%.6f", delimiter=delimiter, header=header or "", comments="")
    if header is None:
        path.write_text(path.read_text().lstrip("\n"))
    check(read_measured(path, PASCAL), lopsided)


def test_columns_are_found_by_name_in_any_order_and_units_in_the_header(tmp_path, rows, lopsided):
    path = tmp_path / "field.csv"
    table = np.column_stack(
        [rows[:, 3] / 1000, np.arange(len(rows)), rows[:, 1], rows[:, 2] / 1000, rows[:, 0]]
    )
    np.savetxt(path, table, delimiter=",", header='"Ty (kPa)",id,Y,"Tx (kPa)",X', comments="")
    check(read_measured(path, MeasuredLayout(pixel_size=0.25)), lopsided)


def test_decimal_commas(tmp_path, rows, lopsided):
    path = tmp_path / "field.csv"
    path.write_text("\n".join(";".join(f"{v:.5f}".replace(".", ",") for v in row) for row in rows))
    check(read_measured(path, PASCAL), lopsided)


def test_fijis_piv_table_has_displacements_in_its_first_columns(tmp_path, rows):
    """No header, blanks between, many more columns; vectors in pixels."""
    path = tmp_path / "pair_PIV3_disp.txt"
    table = np.column_stack([rows[:, :2], rows[:, 2:] / 100, np.zeros((len(rows), 12))])
    np.savetxt(path, table, fmt="%.12g")
    field = read_measured(path, MeasuredLayout(unit="px", pixel_size=0.25))
    assert (field.quantity, field.unit) == ("displacement", "µm")
    np.testing.assert_allclose(field.data[0, 1].ravel(), 0.25 * rows[:, 2] / 100, rtol=1e-5)


def test_pytfm_folders_and_files(tmp_path, lopsided):
    np.save(tmp_path / "01tx.npy", lopsided[1])
    np.save(tmp_path / "01ty.npy", lopsided[0])
    for path in (tmp_path, tmp_path / "01tx.npy", tmp_path / "01ty.npy"):
        field = read_measured(path, MeasuredLayout(spacing=2.0))
        np.testing.assert_allclose(field.data[0], lopsided, rtol=1e-6)
        assert (field.unit, field.pixel_size.micron) == ("Pa", 2.0)


def test_two_tiffs_x_first(tmp_path, lopsided):
    paths = [tmp_path / name for name in ("fx.tif", "fy.tif")]
    for path, part in zip(paths, lopsided[::-1], strict=True):
        tifffile.imwrite(path, np.stack([part, 2 * part]).astype(np.float32))
    field = read_measured(paths, MeasuredLayout(unit="kPa", spacing=1.5, scale=1e-3))
    np.testing.assert_allclose(field.data, [lopsided, 2 * lopsided], rtol=1e-5)


def matlab_structure(rows):
    return {"pos": rows[:, :2], "vec": rows[:, 2:]}


def test_u_inferforces_structures_of_matlab_5(tmp_path, rows, lopsided):
    path = tmp_path / "forceField.mat"
    frames = np.array(
        [(f["pos"], f["vec"]) for f in [matlab_structure(rows)] * 2], dtype=[("pos", "O"), ("vec", "O")]
    )
    scipy.io.savemat(path, {"forceField": frames})
    field = read_measured(path, MeasuredLayout(pixel_size=0.25))
    assert field.data.shape[0] == 2
    check(field, lopsided)


def test_easy_to_use_tfms_input_in_which_the_noise_is_no_field(tmp_path, rows):
    path = tmp_path / "input_data.mat"
    structure = {"noise": matlab_structure(0 * rows), "displacement": matlab_structure(rows)}
    scipy.io.savemat(path, {"input_data": structure})
    field = read_measured(path, MeasuredLayout(pixel_size=0.01))
    assert field.quantity == "displacement"
    assert np.abs(field.data).max() == pytest.approx(0.01 * np.abs(rows[:, 2:]).max())


def test_matlab_7_structures_are_followed_through_their_references(tmp_path, rows, lopsided):
    path = tmp_path / "forceField.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group("forceField")
        for key, value in matlab_structure(rows).items():
            file[f"#refs#/{key}"] = value.T  # Matlab stores columns first
            group.create_dataset(key, data=[[file[f"#refs#/{key}"].ref]], dtype=h5py.ref_dtype)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")
    check(read_measured(path, MeasuredLayout(pixel_size=0.25)), lopsided)


def test_our_own_files(tmp_path, lopsided):
    path = tmp_path / "own.ome.tif"
    write_field(path, VectorField(lopsided[None].astype(np.float32), "traction", "Pa", PixelSize.square(0.5)))
    np.testing.assert_allclose(np.asarray(read_measured(path).data[0]), lopsided, rtol=1e-6)


def test_swap_flip_and_scale(tmp_path, rows, lopsided):
    path = tmp_path / "field.csv"
    np.savetxt(path, rows, delimiter=",")
    turned = MeasuredLayout(unit="Pa", pixel_size=0.25, swap=True, flip_y=True, scale=2.0)
    np.testing.assert_allclose(
        read_measured(path, turned).data[0], [-2 * lopsided[1], 2 * lopsided[0]], rtol=1e-5
    )


def test_irregular_places_are_interpolated_and_told(tmp_path):
    places = np.random.default_rng(0).uniform(0, 100, (800, 2))
    table = np.column_stack([places, 100 + 2 * places[:, 0], 50 - places[:, 1]])  # linear: exact
    path = tmp_path / "tracked.csv"
    np.savetxt(path, table, delimiter=",")
    with pytest.warns(CellForceWarning, match="800 vectors at irregular positions were interpolated"):
        field = read_measured(path, MeasuredLayout(unit="Pa", position_unit="µm"))
    origin, size = field.provenance.settings[ORIGIN], field.pixel_size.micron
    y, x = (o + (np.arange(n) + 0.5) * size for o, n in zip(origin, field.data.shape[2:], strict=True))
    known = field.mask[0]
    assert 0.8 < known.mean() < 1
    np.testing.assert_allclose(
        field.data[0, 1][known], np.broadcast_to(100 + 2 * x, known.shape)[known], rtol=1e-4
    )
    np.testing.assert_allclose(
        field.data[0, 0][known], np.broadcast_to((50 - y)[:, None], known.shape)[known], atol=1e-3
    )


def test_a_missing_vector_is_a_hole_not_a_shift(tmp_path, rows, lopsided):
    path = tmp_path / "field.csv"
    np.savetxt(path, np.delete(rows, 10, axis=0), delimiter=",")
    field = read_measured(path, PASCAL)
    assert not field.mask[0, 1, 3]
    assert field.mask.sum() == 34
    np.testing.assert_allclose(field.data[0][:, field.mask[0]], lopsided[:, field.mask[0]], rtol=1e-5)


@pytest.mark.parametrize(
    ("layout", "topic"),
    [
        (MeasuredLayout(), "unit"),
        (MeasuredLayout(unit="px"), "pixel size"),
        (MeasuredLayout(unit="furlong"), "unit"),
    ],
)
def test_what_the_file_does_not_say_is_asked_for(tmp_path, rows, layout, topic):
    path = tmp_path / "field.csv"
    np.savetxt(path, rows, delimiter=",")
    with pytest.raises(CellForceError) as caught:
        read_measured(path, layout)
    assert caught.value.topic == topic


def test_arrays_need_a_spacing_and_a_partner(tmp_path, lopsided):
    np.save(tmp_path / "tx.npy", lopsided[1])
    with pytest.raises(CellForceError, match="two files"):
        read_measured(tmp_path / "tx.npy")
    np.save(tmp_path / "ty.npy", lopsided[0])
    with pytest.raises(CellForceError) as caught:
        read_measured(tmp_path / "tx.npy")
    assert caught.value.topic == "spacing"
    np.save(tmp_path / "ty.npy", lopsided[0][:, :3])
    with pytest.raises(CellForceError, match="one grid"):
        read_measured(tmp_path, MeasuredLayout(spacing=1.0))


def test_kilopascals_taken_for_pascals_are_doubted(tmp_path, rows):
    path = tmp_path / "field.csv"
    np.savetxt(path, rows * [1, 1, 1e-3, 1e-3], delimiter=",")
    with pytest.warns(CellForceWarning, match="Are they in kPa"):
        read_measured(path, PASCAL)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "x,y\n1,2\n", "not a table of vectors"),
        ("a.csv", "x,y,p,q\n1,2,3,4\n", "must be one for u"),
        ("a.txt", "1 2 3 4\n1 2 three 4\n", "1 2 three 4"),
        ("a.csv", "1,2,3,4\n5,6,7,8\n", "holds 2 vectors"),
        ("a.csv", "\n".join(f"{i},{i},1,1" for i in range(20)), "line|irregular"),
        ("a.mat", "no matlab file at all, " * 20, "cannot be read"),
    ],
)
def test_files_that_are_no_fields_are_refused_in_words(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(CellForceError, match=message):
        read_measured(path, PASCAL)


def test_easy_to_use_tfms_results_hold_tractions(tmp_path, rows, lopsided):
    path = tmp_path / "Reg-FTTC_results.mat"
    structure = {
        "pos": rows[:, :2],
        "traction": rows[:, 2:],
        "traction_magnitude": np.hypot(*rows[:, 2:].T)[:, None],
    }
    scipy.io.savemat(path, {"TFM_results": structure, "TFM_settings": {"E": 1e4}})
    check(read_measured(path, MeasuredLayout(pixel_size=0.25)), lopsided)


def saenopy_result(path, lopsided, **other):
    """As saenopy writes it: u, v in pixels, tx, ty in Pa, x to the right and y down."""
    fields = {"u": lopsided[1] / 100, "v": lopsided[0] / 100, "tx": lopsided[1], "ty": lopsided[0]}
    entries = {"pixel_size": 0.25, "shape": "tuple", "shape/0": 40, "shape/1": 56, "mask": "__NONE__"}
    with path.open("wb") as file:
        np.savez(file, **{**fields, **entries, **other})


def test_saenopys_results_hold_both_fields(tmp_path, lopsided):
    path = tmp_path / "cell.saenopy2D"
    saenopy_result(path, lopsided)
    traction = read_measured(path)
    np.testing.assert_allclose(traction.data[0], lopsided, rtol=1e-6)
    assert (traction.unit, traction.pixel_size.micron) == ("Pa", 2.0), "40 pixels of 0.25 µm for 5 vectors"
    moved = read_measured(path, MeasuredLayout(unit="px"))
    np.testing.assert_allclose(moved.data[0], 0.25 * lopsided / 100, rtol=1e-6)
    saenopy_result(path, lopsided, tx="__NONE__", ty="__NONE__")
    assert read_measured(path).quantity == "displacement"
    with pytest.raises(CellForceError, match="has no traction"):
        read_measured(path, MeasuredLayout(unit="Pa"))
    path.write_bytes(b"no archive")
    with pytest.raises(CellForceError, match="2-D result of saenopy"):
        read_measured(path)


def test_the_authors_frames_have_x_first_and_hold_both_fields(tmp_path, lopsided):
    ones = np.ones((1, 5, 7))
    cell = tmp_path / "11_cell_2"
    cell.mkdir()
    for t in (1, 2):
        moved, traction = 0.01 * t * lopsided[::-1], t * lopsided[::-1]
        np.save(cell / f"frame_{t}.npy", np.concatenate([moved, traction, ones, ones, ones]))
    for path, frames in ((cell, 2), (cell / "frame_1.npy", 1)):
        field = read_measured(path, MeasuredLayout(pixel_size=0.17))
        assert (field.unit, len(field.data)) == ("Pa", frames)
        np.testing.assert_allclose(field.data[0], lopsided, rtol=1e-6)
    moved = read_measured(cell, MeasuredLayout(pixel_size=0.17, unit="µm", flip_x=True))
    np.testing.assert_allclose(moved.data[1], 0.02 * lopsided * [[[1]], [[-1]]], rtol=1e-6)
    with pytest.raises(CellForceError) as caught:
        read_measured(cell)
    assert caught.value.topic == "pixel size"
