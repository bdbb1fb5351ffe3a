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

The file is data: it names one of the queues below, and gives plain values
to keyword arguments that dask-jobqueue knows. What stands in ``job_script_prologue`` becomes part of the
jobs that you submit, so use only files that you trust as you trust your own job scripts.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cellforce.config_io import Settings, read_settings, setting
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

_NOT_FROM_FILES = frozenset(
    ("self", "scheduler", "job_cls", "loop", "security", "scheduler_cls", "asynchronous", "n_workers", "name")
)
"""Arguments of dask-jobqueue that are objects, or ours to give."""


@dataclass(frozen=True)
class AdaptiveJobs(Settings):
    """A number of jobs that follows the work."""

    minimum: int = setting(0, help="Fewest jobs.", minimum=0)
    maximum: int = setting(1, help="Most jobs.", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minimum > self.maximum:
            raise CellForceError(
                f"minimum is {self.minimum} and maximum is {self.maximum}",
                "the fewest jobs cannot be more than the most",
                "Exchange the two.",
                topic=Topic.CLUSTER,
            )


@dataclass(frozen=True)
class JobQueueConfig(Settings):
    """Content of a cluster file: workers from a job queue."""

    cluster: str = setting(help="Queue that jobs are submitted to.", choices=tuple(QUEUES))
    options: Mapping[str, Any] = setting(
        default_factory=dict, help="Keyword arguments of dask-jobqueue for that queue."
    )
    jobs: int | None = setting(None, help="Number of jobs; 1 if it does not follow the work.", minimum=1)
    adaptive: AdaptiveJobs | None = setting(
        None, help="Fewest and most jobs, where their number follows the work."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.jobs is not None and self.adaptive is not None:
            raise CellForceError(
                f"jobs is {self.jobs}, and adaptive is given",
                "the number of jobs is fixed, or follows the work",
                "Give jobs, or adaptive: {minimum: 0, maximum: 16}.",
                topic=Topic.CLUSTER,
            )

    def start(self) -> Any:
        """Return the cluster, with its jobs submitted; to be closed by the caller.

        Raises
        ------
        CellForceError
            If the queue refuses the options.
        """
        cluster = self._build()
        if self.adaptive is not None:
            cluster.adapt(minimum_jobs=self.adaptive.minimum, maximum_jobs=self.adaptive.maximum)
        else:
            cluster.scale(jobs=self.jobs or 1)
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
        If it cannot be read, or names a setting or an option that is not known.
    """
    path = Path(path)
    config = read_settings(path, JobQueueConfig)
    known = _arguments(config.cluster)
    for name, value in config.options.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise _bad(
                f"{path.name}: {config.cluster} has no option {name!r}",
                f"Did you mean {close[0]}?" if close else f"There are {', '.join(sorted(known))}.",
            )
        if not _is_plain(value):
            raise _bad(
                f"{path.name}: the option {name} is {value!r}",
                "It is a text, a number, yes or no, or a list of these.",
            )
    return config


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, str | int | float) for one in value)
    if isinstance(value, dict):  # scheduler_options: {interface: ib0}
        return all(isinstance(k, str) and isinstance(v, str | int | float) for k, v in value.items())
    return value is None or isinstance(value, str | int | float)


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
