"""A file that says how to get workers: read as data, refused in words, its jobs started for real."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from napari_cellforce.batch import make_plan, run
from napari_cellforce.batch.jobqueue_config import QUEUES, AdaptiveJobs, read_jobqueue_config
from napari_cellforce.errors import CellForceError

pytest.importorskip("dask_jobqueue")

SLURM = """\
cluster: slurm
jobs: 16
options:
  queue: gpu
  cores: 4
  memory: 16GB
  walltime: "08:00:00"
  job_script_prologue: [module load cuda]
  worker_extra_args: ["--resources", "GPU=1"]
"""


@pytest.fixture
def write(tmp_path):
    def written(text: str) -> Path:
        path = tmp_path / "our cluster.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_slurm_file_becomes_the_script_of_a_job(write):
    wanted = read_jobqueue_config(write(SLURM))
    assert (wanted.cluster, wanted.jobs) == ("slurm", 16)
    lines = wanted.job_script().splitlines()
    assert "#SBATCH -p gpu" in lines
    assert "#SBATCH -t 08:00:00" in lines
    assert "#SBATCH --mem=15G" in lines
    assert "module load cuda" in lines
    assert any("--resources GPU=1" in line for line in lines)


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_every_queue_takes_cores_memory_and_a_prologue(write, queue):
    text = f"cluster: {queue}\noptions: {{cores: 2, memory: 4GB, job_script_prologue: [module load x]}}\n"
    assert read_jobqueue_config(write(text)).options["cores"] == 2


def test_the_number_of_jobs_may_follow_the_work(write):
    wanted = read_jobqueue_config(write("cluster: pbs\nadaptive: {minimum: 2, maximum: 32}\n"))
    assert wanted.adaptive == AdaptiveJobs(2, 32)
    assert wanted.jobs is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no settings"),
        ("[slurm]", "holds no settings"),
        ("cluster: os.system\n", "cluster is 'os.system'"),
        ("cluster: slrm\n", "Did you mean slurm"),
        ("jobs: 2\n", "cluster is missing"),
        ("cluster: [slurm\n", "neither YAML nor JSON"),
        ("cluster: !!python/object/apply:os.system ['touch pwned']\n", "neither YAML nor JSON"),
        ("cluster: slurm\njob: 3\n", "there is no setting job.*Did you mean jobs"),
        ("cluster: slurm\njobs: 0\n", "jobs is 0"),
        ("cluster: slurm\njobs: true\n", "jobs is True"),
        ("cluster: slurm\nadaptive: {maximum: 0}\n", "adaptive.maximum is 0"),
        ("cluster: slurm\nadaptive: {minimum: 4, maximum: 2}\n", "in adaptive, minimum is 4"),
        ("cluster: slurm\nadaptive: 4\n", "adaptive is"),
        ("cluster: slurm\njobs: 2\nadaptive: {maximum: 4}\n", "adaptive is"),
        ("cluster: slurm\noptions: [cores]\n", "options is"),
        ("cluster: slurm\noptions: {cpus: 2}\n", "has no option 'cpus'"),
        ("cluster: slurm\noptions: {scheduler_cls: builtins.eval}\n", "has no option 'scheduler_cls'"),
        ("cluster: slurm\noptions: {cores: {a: [1]}}\n", "the option cores is"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_words_and_nothing_in_it_is_run(
    write, text, words, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CellForceError, match=words):
        read_jobqueue_config(write(text))
    assert not Path("pwned").exists()


def test_a_file_that_is_not_there_and_options_that_contradict_are_said(write, tmp_path):
    with pytest.raises(CellForceError, match="cannot read"):
        read_jobqueue_config(tmp_path / "none.yaml")
    with pytest.raises(CellForceError, match="refuses the options"):
        read_jobqueue_config(write("cluster: slurm\noptions: {cores: 1}\n")).job_script()


@pytest.mark.slow
def test_jobs_are_submitted_for_a_run_and_sent_home_after_it(config, predictor, movie, write, tmp_path):
    movie(tmp_path / "inputs" / "long.tif", frames=60)
    path = write(
        f"cluster: local\njobs: 2\noptions: {{cores: 1, memory: 2GB, processes: 1, interface: lo, "
        f"python: '{sys.executable}'}}\n"
    )
    quiet = config(out=str(tmp_path / "quiet"))
    *_, expected = run(make_plan(quiet, [predictor]), [predictor])
    *_, outcome = run(make_plan(config(cluster=str(path)), [predictor]), [predictor])
    assert outcome.complete, outcome.failures
    assert outcome.results.read_text() == expected.results.read_text()
