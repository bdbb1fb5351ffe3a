"""A run in a process of its own: heard, held, resumed, and never left behind."""

from __future__ import annotations

import dataclasses
import os
import signal
import time

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.train import Epoch, Step, TrainResult, train
from napari_cellforce.train.callbacks import LAST
from napari_cellforce.train.examples import prepare
from napari_cellforce.train.initialise import start
from napari_cellforce.train.preview import Preview, Previewer
from napari_cellforce.train.subprocess_run import SubprocessRun


@pytest.fixture
def config(dataset, small):
    return small(data={"sources": [str(dataset())], "pixel_size": 0.68})


def test_the_preview_is_a_cell_kept_aside_in_pa_as_the_run_sees_it(config, tmp_path):
    examples = prepare(config)
    previews = []
    previewer = Previewer(start(config), examples)

    def listen(event):
        if isinstance(event, Epoch):
            previews.append(previewer.of(tmp_path / "run" / LAST))

    result = train(config, tmp_path / "run", listener=listen, examples=examples)
    assert len(previews) == len(result.history) == 2
    first, second = previews
    assert first.cell in examples.split.validation
    assert first.unit == "Pa"
    mean = np.hypot(*first.measured)[first.mask].mean()
    assert 0.5 < mean / examples.mean_traction < 2, "the measured traction is in Pa"
    assert not first.predicted[:, ~first.mask].any()
    assert not np.allclose(first.predicted, second.predicted), "each epoch has its own"


@pytest.mark.slow
def test_a_run_is_paused_stopped_and_goes_on_where_it_was(config, tmp_path):
    config = dataclasses.replace(config, optimise=dataclasses.replace(config.optimise, epochs=4))
    run = SubprocessRun("train", config, tmp_path / "run")
    for record in run.records():
        if isinstance(record, Preview):
            run.pause()
            run.resume()
            run.stop()
    assert isinstance(record, TrainResult)
    assert not record.finished
    assert record.model.is_file()
    again = list(SubprocessRun("resume", config, tmp_path / "run").records())
    assert next(r for r in again if isinstance(r, Step)).epoch == 1, "the first epoch is not done again"
    assert again[-1].finished
    assert len(again[-1].history) == 4


@pytest.mark.slow
def test_a_killed_process_is_told_of_in_words(config, tmp_path):
    run = SubprocessRun("train", config, tmp_path / "run")
    records = run.records()
    next(record for record in records if isinstance(record, Step))
    os.kill(run.process_id, signal.SIGTERM)
    with pytest.raises(CellForceError, match="ended by itself"):
        list(records)


@pytest.mark.slow
def test_errors_of_the_user_come_across_as_they_are(config, tmp_path):
    nothing = dataclasses.replace(config, data=dataclasses.replace(config.data, sources=("not there",)))
    with pytest.raises(CellForceError, match="not there"):
        list(SubprocessRun("train", nothing, tmp_path / "run").records())


@pytest.mark.slow
def test_the_process_ends_when_nobody_listens_any_more(config, tmp_path):
    run = SubprocessRun("train", config, tmp_path / "run")
    next(run.records())
    run._process.stdin.close()
    run._process.stdout.close()
    end = time.monotonic() + 60
    while run._process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    assert run._process.poll() is not None
