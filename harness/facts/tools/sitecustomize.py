"""Inside a candidate's Python process: notes which lines run, and writes them down when it ends. Read by `harness.facts.ran`.

It is bound in front of the candidate's PYTHONPATH for one run only, that of the traffic that asks whether a change is wired in.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sys
from pathlib import Path


def _watch(folder: Path) -> None:
    import coverage  # noqa: PLC0415 - an interpreter may lack it: the harness then finds no file, and says so

    watch = coverage.Coverage(data_file=None, config_file=False, omit=[f"{sys.prefix}/*", f"{sys.base_prefix}/lib/*"])
    watch.start()

    def write() -> None:
        watch.stop()
        data = watch.get_data()
        lines = {path: sorted(data.lines(path) or ()) for path in data.measured_files()}
        (folder / f"python-{os.getpid()}.json").write_text(json.dumps(lines))

    atexit.register(write)


if "HARNESS_RAN" in os.environ:
    with contextlib.suppress(ImportError):
        _watch(Path(os.environ["HARNESS_RAN"]))
