"""A movie and a model give tractions frame by frame, of which each can be the last."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FrameResult, Mask, Progress, X, Y
from napari_cellforce.predict import PredictConfig, predict, prepare


def pulls(results, cell) -> list[float]:
    """How hard the cell pulls to the right in each frame."""
    return [float(result.traction[X][cell.frame(0)].mean()) for result in results]


class TestBrightness:
    def test_it_is_measured_over_all_frames_of_the_cell(self, movie, tug, cell):
        """100, 200 and 300 counts above background: 200 on average, which reads 1."""
        assert pulls(predict(movie, tug, cell), cell) == pytest.approx([0.5, 1.0, 1.5])

    def test_what_is_normalised_already_stays_as_it_is(self, movie, tug, cell):
        as_is = PredictConfig(already_normalised=True)
        assert pulls(predict(movie, tug, cell, config=as_is), cell) == pytest.approx([200, 300, 400])

    def test_a_model_may_want_the_counts(self, movie, make_tug, cell):
        assert pulls(predict(movie, make_tug(normalisation="none"), cell), cell) == pytest.approx(
            [200, 300, 400]
        )

    def test_each_protein_has_its_own_baselines_unless_the_model_shares_them(self, movie, make_tug, cell):
        both = {"inputs": ("actin", "zyxin")}
        own, shared = make_tug(**both), make_tug(**both, shared_baselines=True)
        assert pulls(predict(movie, own, cell), cell) == pytest.approx([1, 1, 1])
        list(predict(movie, shared, cell))
        inside = cell.frame(0)
        zyxin = [[image[1][inside].mean() for image in model.seen] for model in (own, shared)]
        assert zyxin[0] == pytest.approx([0.5, 1, 1.5])
        assert zyxin[1] == pytest.approx([2, 4, 6]), "in units of actin's 50 counts"


class TestCalibration:
    def test_pa_are_the_calibration_over_the_models_scale(self, movie, make_tug, cell):
        """The model says that 0.25 stands for the mean traction; that is 200 Pa here: 1 is 800 Pa."""
        config = PredictConfig(calibration=200)
        model = make_tug(output_scale=0.25)
        results = list(predict(movie, model, cell, config=config))
        assert pulls(results, cell) == pytest.approx([400, 800, 1200])
        for result in results:
            np.testing.assert_allclose(result.uncertainty, result.traction[X] / 10, rtol=1e-5)

    def test_inner_fields_that_are_forces_become_pa_too(self, movie, make_tug, cell):
        job = prepare(movie, make_tug(output_scale=0.25), cell, config=PredictConfig(calibration=200))
        result = next(record for record in job.run() if isinstance(record, FrameResult))
        assert (job.scalar_unit("residual_x"), job.scalar_unit("brightness")) == ("Pa", "arb. unit")
        np.testing.assert_allclose(result.scalars["residual_x"], result.traction[X], rtol=1e-6)
        assert result.scalars["brightness"].max() == pytest.approx(0.5), "this is none, and stays as it is"

    def test_without_one_the_table_says_that_it_is_relative(self, movie, tug, cell):
        job = prepare(movie, tug, cell)
        first = next(record for record in job.run() if isinstance(record, FrameResult))
        row = job.row(first)
        assert row["mean traction [normalised]"] == pytest.approx(np.hypot(0.5, 0.25))
        assert row["area [µm²]"] == pytest.approx(20 * 30 * 0.68**2)
        assert not [name for name in row if "Pa" in name or "nN" in name]


class TestFrames:
    def test_they_come_in_order_each_with_its_mask(self, movie, tug, cell):
        masks = np.repeat(cell.data, 3, axis=0)
        masks[2, 8:18] = False
        results = list(predict(movie, tug, Mask(masks)))
        assert [result.frame for result in results] == [0, 1, 2]
        assert [int(result.mask.sum()) for result in results] == [600, 600, 300]
        assert not results[2].traction[:, ~masks[2]].any()

    def test_the_brightness_is_reported_before_the_first_frame(self, movie, tug, cell):
        records = list(prepare(movie, tug, cell).run())
        assert [type(record) for record in records] == [Progress] * 3 + [FrameResult] * 3
        assert [(record.done, record.total) for record in records[:3]] == [(0, 3), (1, 3), (2, 3)]

    def test_a_frame_is_read_when_its_turn_comes(self, movie, tug, cell, counting_array):
        data = counting_array(movie.data)
        config = PredictConfig(already_normalised=True)
        job = prepare(dataclasses.replace(movie, data=data), tug, cell, config=config).run()
        assert data.read == []
        assert next(job).frame == 0
        assert data.read == [0]
        job.close()
        assert data.read == [0], "stopped: nothing more is read"

    def test_a_job_run_in_parts_gives_the_same(self, movie, tug, cell):
        job = prepare(movie, tug, cell)
        whole = [record for record in job.run() if isinstance(record, FrameResult)]
        baselines = measured(job)
        parts = [*job.run(range(2), baselines), *job.run(range(2, 3), baselines)]
        assert [part.frame for part in parts] == [0, 1, 2]
        np.testing.assert_array_equal([p.traction for p in parts], [w.traction for w in whole])

    def test_y_is_down_and_first(self, movie, tug, cell):
        first = next(predict(movie, tug, cell))
        assert first.traction.shape == (2, 48, 64)
        assert first.traction.dtype == np.float32
        assert first.traction[Y].min() < 0 < first.traction[X].max(), "up, and to the right"


class TestMaskAsInput:
    @pytest.mark.parametrize("inputs", [("zyxin", "mask"), ("mask", "zyxin")])
    def test_a_model_may_read_the_mask_beside_a_protein(self, movie, make_tug, cell, inputs):
        model = make_tug(inputs=inputs)
        list(predict(movie, model, cell))
        seen = dict(zip(inputs, model.seen[0], strict=True))
        np.testing.assert_array_equal(seen["mask"], cell.frame(0))
        assert seen["zyxin"][cell.frame(0)].mean() == pytest.approx(0.5)

    @pytest.mark.parametrize("config", [PredictConfig(), PredictConfig(already_normalised=True)])
    def test_or_the_mask_alone(self, movie, make_tug, cell, config):
        model = make_tug(inputs=("mask",))
        assert pulls(predict(movie, model, cell, config=config), cell) == pytest.approx([1, 1, 1])


class TestBadFrames:
    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda frame: frame.__setitem__((0, 3, 4), np.nan), "1 pixels that are NaN or infinite"),
            (lambda frame: frame.__setitem__((0, 3, 4), -np.inf), "1 pixels that are NaN or infinite"),
            (lambda frame: frame.fill(7), "is 7 everywhere"),
        ],
        ids=["NaN", "infinite", "constant"],
    )
    @pytest.mark.parametrize("already_normalised", [True, False])
    def test_the_frame_is_named_and_those_before_it_stand(
        self, movie, tug, cell, spoil, words, already_normalised
    ):
        data = movie.data.astype(np.float32)
        spoil(data[2])
        results = predict(
            dataclasses.replace(movie, data=data),
            tug,
            cell,
            config=PredictConfig(already_normalised=already_normalised),
        )
        done, error = until_it_fails(results)
        assert "frame 2 of cell 7" in str(error)
        assert words in str(error)
        assert len(done) == (2 if already_normalised else 0), "unless brightness is measured first, over all"

    def test_a_cell_no_brighter_than_its_surroundings(self, movie, tug, cell):
        with pytest.raises(CellForceError, match="brighter than its surroundings"):
            list(predict(dataclasses.replace(movie, data=1000 - movie.data), tug, cell))

    def test_a_channel_that_is_not_used_may_be_blank(self, movie, tug, cell):
        movie.data[:, 1] = 0
        assert len(list(predict(movie, tug, cell))) == 3


def measured(job):
    """Run the measuring of brightness to its end, and return what it finds."""
    steps = job.measure_baselines()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def until_it_fails(results) -> tuple[list[FrameResult], CellForceError | None]:
    done = []
    try:
        for result in results:
            done.append(result)  # noqa: PERF402 (what came before the error counts)
    except CellForceError as error:
        return done, error
    return done, None
