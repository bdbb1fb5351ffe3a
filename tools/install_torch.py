"""Install torch's CPU build, unless a torch is there already.

On Linux PyPI's torch brings gigabytes of CUDA libraries. A wheel on disk (pip's ``find-links``) is taken
first, then PyTorch's own index of CPU builds, and only if neither can be had, PyPI.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

VERSION = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def main() -> None:
    """Try the three sources in turn."""
    if importlib.util.find_spec("torch"):
        return
    attempts = (
        ["--no-index", f"torch=={VERSION}", "--no-deps"],
        ["--index-url", CPU_INDEX, f"torch=={VERSION}", "--no-deps"],
        [f"torch=={VERSION}"],
    )
    for arguments in attempts:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--retries=1", *arguments]
        if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return
    sys.exit(f"torch {VERSION} could not be installed: see https://pytorch.org/get-started/locally/")


if __name__ == "__main__":
    main()
