"""Worker processes: what they execute, and what happens when they, or their parent, are killed."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.process_pool import map_unordered

SRC = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture
def run_script(tmp_path):
    """Start a script, in a working folder of its own."""

    def start(text: str, **options) -> subprocess.Popen[str]:
        script = tmp_path / "scripts" / "script.py"
        script.parent.mkdir()
        script.write_text(textwrap.dedent(text))
        working = tmp_path / "working"
        working.mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, script],
            cwd=working,
            env={**os.environ, "PYTHONPATH": str(SRC)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return start


@pytest.fixture
def functions(tmp_path, monkeypatch):
    """A module with a function that kills its process the first time, and the pool's workers can import."""
    (tmp_path / "pool_functions.py").write_text(
        textwrap.dedent(
            """
            import os, signal
            from pathlib import Path

            def die_once(marker):
                if not Path(marker).exists():
                    Path(marker).touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                return "survived"
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    import pool_functions

    yield pool_functions
    sys.modules.pop("pool_functions")


def test_items_are_done_by_several_processes_and_their_results_come_with_them():
    assert dict(map_unordered(math.factorial, [3, 4, 5], 2)) == {3: 6, 4: 24, 5: 120}


def test_a_script_without_a_guard_runs_once_and_nothing_in_the_working_folder_is_executed(
    run_script, tmp_path
):
    working = tmp_path / "working"
    working.mkdir()
    for name in ("random", "pickle", "queue", "napari_cellforce"):
        (working / f"{name}.py").write_text(f"open('executed {name}', 'w')")
    script = run_script(
        """
        import math
        from napari_cellforce.process_pool import map_unordered
        print("started")
        print(sorted(map_unordered(math.factorial, [1, 2, 3], 2)))
        """
    )
    out, err = script.communicate(timeout=60)
    assert out == "started\n[(1, 1), (2, 2), (3, 6)]\n", err
    assert not list(working.glob("executed*"))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_an_item_whose_process_is_killed_once_is_tried_again(functions, tmp_path):
    items = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert dict(map_unordered(functions.die_once, items, 2)) == dict.fromkeys(items, "survived")


def test_an_item_whose_process_dies_every_time_is_an_error_that_says_so():
    with pytest.raises(CellForceError, match=r"killed 2 times \(exit code 3\)"):
        list(map_unordered(os._exit, [3, 3], 2))


def test_an_exception_arrives_as_it_was_raised():
    with pytest.raises(ValueError, match="invalid literal"):
        list(map_unordered(int, ["1", "one"], 2))


def test_a_record_that_cannot_be_pickled_is_an_exception():
    with pytest.raises(RuntimeError, match="cannot pickle memoryview"):
        list(map_unordered(memoryview, [b"a", b"b"], 2))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_workers_end_when_their_parent_is_killed(run_script):
    script = run_script(
        """
        import os, time
        from napari_cellforce.process_pool import ProcessPool
        pool = ProcessPool(1)
        pool.submit(0, time.sleep, 600)
        print(pool._workers[0].process.pid, flush=True)
        time.sleep(600)
        """
    )
    worker = psutil.Process(int(script.stdout.readline()))
    script.kill()
    script.communicate()
    with contextlib.suppress(psutil.NoSuchProcess):
        worker.wait(30)
    assert not worker.is_running()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_ctrl_c_reaches_the_script_and_no_worker_says_a_word(run_script):
    script = run_script(
        """
        import time
        from napari_cellforce.process_pool import ProcessPool
        with ProcessPool(2) as pool:
            for i in range(2):
                pool.submit(i, time.sleep, 600)
            try:
                print("working", flush=True)
                time.sleep(600)
            except KeyboardInterrupt:
                print("stopped", flush=True)
        """,
        start_new_session=True,
    )
    script.stdout.readline()
    os.killpg(script.pid, signal.SIGINT)
    out, err = script.communicate(timeout=60)
    assert (out, err) == ("stopped\n", "")
