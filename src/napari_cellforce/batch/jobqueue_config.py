"""The file that describes workers from a job queue (dask-jobqueue), and the cluster built from it.

For example::

    cluster: slurm
    jobs: 16
    options:
      queue: compute
      cores: 1
      memory: 4GB
      walltime: "08:00:00"
      job_script_prologue: [source ~/cellforce/bin/activate]

The file is data: it is read with `yaml.safe_load`, names one of the queues below, and gives plain values
to keyword arguments that dask-jobqueue knows. What stands in ``job_script_prologue`` becomes part of the
jobs that you submit, so use only files that you trust as you trust your own job scripts.
"""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from napari_cellforce.errors import CellForceError, Topic

QUEUES = {
    "slurm": ("dask_jobqueue.slurm", "SLURMCluster"),
    "pbs": ("dask_jobqueue.pbs", "PBSCluster"),
    "sge": ("dask_jobqueue.sge", "SGECluster"),
    "lsf": ("dask_jobqueue.lsf", "LSFCluster"),
    "htcondor": ("dask_jobqueue.htcondor", "HTCondorCluster"),
    "oar": ("dask_jobqueue.oar", "OARCluster"),
    "local": ("dask_jobqueue.local", "LocalCluster"),
}
"""Queues by name, and the classes of dask-jobqueue that submit to them; ``local`` is this computer."""

_ENTRIES = ("cluster", "jobs", "adaptive", "options")

_NOT_FROM_FILES = frozenset(
    ("self", "scheduler", "job_cls", "loop", "security", "scheduler_cls", "asynchronous", "n_workers", "name")
)
"""Arguments of dask-jobqueue that are objects, or ours to give."""


@dataclass(frozen=True)
class JobQueueConfig:
    """What a cluster file says.

    Attributes
    ----------
    cluster : str
        One of `QUEUES`.
    options : dict
        Keyword arguments for the class.
    jobs : int
        How many jobs are submitted; 0 if their number follows the work.
    adaptive : tuple of 2 int
        Fewest and most jobs, where their number follows the work.
    """

    cluster: str
    options: dict[str, Any] = field(default_factory=dict)
    jobs: int = 1
    adaptive: tuple[int, int] = (0, 0)

    def start(self) -> Any:
        """Return the cluster, with its jobs submitted; to be closed by the caller.

        Raises
        ------
        CellForceError
            If the queue refuses the options.
        """
        cluster = self._build()
        if self.adaptive[1]:
            cluster.adapt(minimum_jobs=self.adaptive[0], maximum_jobs=self.adaptive[1])
        else:
            cluster.scale(jobs=self.jobs)
        return cluster

    def job_script(self) -> str:
        """Return the script of one job, without submitting it."""
        with self._build() as cluster:
            return str(cluster.job_script())

    def _build(self) -> Any:
        try:
            return _class_of(self.cluster)(**self.options)
        except (ValueError, TypeError, OSError, RuntimeError) as error:
            raise _bad(f"the {self.cluster} queue refuses the options ({error})", "Correct them.") from error


def read_jobqueue_config(path: str | Path) -> JobQueueConfig:
    """Read a cluster file.

    Raises
    ------
    CellForceError
        If it cannot be read, is no YAML of plain values, or says what no queue knows.
    """
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
        entries = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _bad(f"the cluster file {path} cannot be read ({' '.join(str(error).split())})") from error
    if not isinstance(entries, dict) or entries.get("cluster") not in QUEUES:
        raise _bad(f"the cluster file {path} names no known queue")
    unknown = [str(name) for name in entries if name not in _ENTRIES]
    if unknown:
        raise _bad(f"the cluster file {path} has the entry {unknown[0]!r}")
    queue = str(entries["cluster"])
    return JobQueueConfig(queue, _options(queue, entries.get("options") or {}), *_counts(entries))


def _counts(entries: dict[str, Any]) -> tuple[int, tuple[int, int]]:
    """Return the number of jobs and the adaptive range; one of the two is zero."""
    jobs, adaptive = entries.get("jobs", 1), entries.get("adaptive")
    if adaptive is None:
        if not _is_count(jobs):
            raise _bad(f"jobs is {jobs!r}", "It is a number from 1.")
        return int(jobs), (0, 0)
    limits = adaptive if isinstance(adaptive, dict) and set(adaptive) <= {"minimum", "maximum"} else {}
    least, most = (limits.get(name, 0) for name in ("minimum", "maximum"))
    if "jobs" in entries or not _is_count(most) or not (least == 0 or _is_count(least)) or least > most:
        raise _bad(f"adaptive is {adaptive!r}", "Give jobs, or adaptive: {minimum: 0, maximum: 16}.")
    return 0, (int(least), int(most))


def _options(queue: str, options: Any) -> dict[str, Any]:
    if not isinstance(options, dict):
        raise _bad(f"options is {options!r}", "It is a list of name: value.")
    known = _arguments(queue)
    for name, value in options.items():
        if name not in known:
            raise _bad(f"{queue} has no option {name!r}", f"There are {', '.join(sorted(known))}.")
        if not _is_plain(value):
            raise _bad(
                f"the option {name} is {value!r}", "It is a text, a number, yes or no, or a list of these."
            )
    return dict(options)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, str | int | float) for one in value)
    if isinstance(value, dict):  # scheduler_options: {interface: ib0}
        return all(isinstance(k, str) and isinstance(v, str | int | float) for k, v in value.items())
    return value is None or isinstance(value, str | int | float)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _arguments(queue: str) -> set[str]:
    """Return the names of the keyword arguments that the class of a queue and its jobs take."""
    cluster = _class_of(queue)
    names: set[str] = set()
    for cls in (*cluster.__mro__, *cluster.job_cls.__mro__):
        if cls.__module__.startswith("dask_jobqueue"):
            parameters = inspect.signature(cls.__init__).parameters.values()
            names |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    return names - _NOT_FROM_FILES


def _class_of(queue: str) -> Any:
    module, name = QUEUES[queue]
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise CellForceError(
            "a job queue is asked for, and dask-jobqueue is not installed",
            "it is an extra",
            'Install it: pip install "napari-cellforce[cluster]".',
            topic=Topic.CLUSTER,
        ) from error


def _bad(value: str, remedy: str = "") -> CellForceError:
    rule = f"a cluster file says cluster ({', '.join(QUEUES)}), jobs or adaptive, and options"
    return CellForceError(
        value, rule, remedy or "Correct the file; the documentation has examples.", topic=Topic.CLUSTER
    )
