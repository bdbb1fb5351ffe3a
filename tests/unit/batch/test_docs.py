"""What the pages about clusters show is what the program takes and what was measured."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from napari_cellforce.batch.jobqueue_config import read_jobqueue_config

ROOT = Path(__file__).resolve().parents[3]


def cluster_files() -> list[str]:
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", cluster_files(), ids=["workers", "cards"])
def test_the_files_on_the_page_become_jobs(text, tmp_path):
    pytest.importorskip("dask_jobqueue")
    path = tmp_path / "slurm.yaml"
    path.write_text(text, encoding="utf-8")
    script = read_jobqueue_config(path).job_script()
    assert "#SBATCH -p" in script
    assert ("#SBATCH --gres=gpu:1" in script) == ("GPU=1" in text)


def test_the_tables_hold_what_was_measured():
    place = ROOT / "docs" / "figures" / "throughput.py"
    spec = importlib.util.spec_from_file_location("throughput", place)
    throughput = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(throughput)
    record = json.loads(throughput.SOURCE.read_text(encoding="utf-8"))
    remedy = "run python docs/figures/throughput.py"
    for name, text in (("throughput", throughput.table(record)), ("million", throughput.million(record))):
        assert (throughput.TABLES / f"{name}.txt").read_text(encoding="utf-8") == text, remedy
