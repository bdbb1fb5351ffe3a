"""A cluster of two workers: the same results, also when one of them is killed."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from napari_cellforce.batch import CancelToken, make_plan, run
from napari_cellforce.batch.execute import run_task
from napari_cellforce.batch.executor import GPU, ClusterExecutor
from napari_cellforce.batch.job import dispatch
from napari_cellforce.errors import CellForceError
from napari_cellforce.io import read_field

distributed = pytest.importorskip("distributed")


@pytest.fixture
def cluster():
    """Two workers of one thread, in processes of their own."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as running:
        yield running


def tractions(out) -> dict[str, bytes]:
    return {
        path.name: np.asarray(read_field(path).data).tobytes() for path in out.rglob("*_traction.ome.tif")
    }


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_but_time(config, predictor, movie, tmp_path, cluster):
    movie(tmp_path / "inputs" / "long.tif", frames=80)
    list(run(make_plan(config(out=str(tmp_path / "quiet")), [predictor]), [predictor]))
    plan = make_plan(config(scheduler=cluster.scheduler_address), [predictor])
    parts = tmp_path / "out" / ".cellforce" / "parts"
    killed = []

    def kill_in_mid_run() -> None:
        while not list(parts.glob("*/.*.partial")):
            time.sleep(0.01)
        process = next(iter(cluster.workers.values())).process.process
        os.kill(process.pid, signal.SIGKILL)
        killed.append(process.pid)

    killer = threading.Thread(target=kill_in_mid_run, daemon=True)
    killer.start()
    *_, outcome = run(plan, [predictor])
    killer.join(timeout=10)
    assert killed
    assert outcome.complete, outcome.failures
    assert tractions(tmp_path / "out") == tractions(tmp_path / "quiet")


@pytest.mark.slow
def test_a_bad_file_fails_on_the_cluster_with_its_reason(config, predictor, folder, cluster):
    plan = make_plan(config(scheduler=cluster.scheduler_address), [predictor])
    (folder / "cell_2.tif").write_text("no image")
    *_, outcome = run(plan, [predictor])
    assert outcome.done == ("cell_1.tif", "cell_3.tif")
    assert "is not a TIFF" in outcome.failures["cell_2.tif"]


@pytest.mark.slow
def test_where_workers_have_cards_the_model_runs_on_these_and_on_one_of_them_at_a_time(
    config, predictor, movie, tmp_path
):
    movie(tmp_path / "inputs" / "long.tif", frames=60)
    given = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, resources={GPU: 1}
    ) as cluster:
        executor = ClusterExecutor(config(scheduler=cluster.scheduler_address), run_task)
        submit = executor._client.submit
        executor._client.submit = lambda do, task, *a, **k: (
            given.append((task, k)) or submit(do, task, *a, **k)
        )
        (row,) = make_plan(config(pattern="long.tif"), [predictor]).inputs
        *_, last = dispatch([row], executor, CancelToken(), lambda row: row, tmp_path / "out")
    assert last.state == "done", last.reason
    stages = [(task.steps[0].stage, options["resources"]) for task, options in given]
    assert stages == [("measure", None), ("frames", {GPU: 1}), ("frames", {GPU: 1}), ("join", None)]


def test_a_scheduler_that_does_not_answer_is_reported(config, predictor, monkeypatch):
    monkeypatch.setattr("napari_cellforce.batch.executor._CONNECT_TIMEOUT", "0.2s")
    with pytest.raises(CellForceError, match="no Dask scheduler answers"):
        list(run(make_plan(config(scheduler="tcp://127.0.0.1:9"), [predictor]), [predictor]))
