"""One worker: runs one cell's suite under pytest in this process, and leaves its findings in the journal.

`python -m harness.scale.worker CELL.json`. Exit 0 once every finding is journalled, 3 if the suite itself could not be run.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

import pytest

from harness.paths import PROJECT_ROOT
from harness.runtime.cell import load

_PR_SET_PDEATHSIG = 1
PARENT_VARIABLE = "HARNESS_PARENT"


def main(argv: list[str]) -> int:
    """Runs the cell named on the command line."""
    if len(argv) != 1:
        print("usage: python -m harness.scale.worker CELL.json", file=sys.stderr)
        return 2
    # If the harness is killed, its workers go too, and bwrap's --die-with-parent takes the candidates along.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.environ.get(PARENT_VARIABLE, str(os.getppid())) != str(os.getppid()):
        return 3  # the harness was gone before the line above
    # Connections that a candidate opens without end cost us descriptors too, and the usual 1,024 are soon gone.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # No verdict depends on which plugins happen to be installed; and loading them all takes longer than many a suite.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    path = Path(argv[0]).resolve()
    cell = load(path)
    options = [
        "-p",
        "harness.pytest_plugin",
        "-p",
        "no:cacheprovider",
        "-q",
        "--tb=short",
        "--import-mode=importlib",
    ]
    options += ["-c", "/dev/null", "--rootdir", str(PROJECT_ROOT), "--harness-cell", str(path), cell.suite]
    status = pytest.main(options)
    return 0 if status in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
