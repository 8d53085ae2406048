"""Inside a candidate's Python process: notes which lines run, and writes them down when it ends. Read by `harness.facts.ran`.

It is bound in front of the candidate's PYTHONPATH for one run only, that of the traffic that asks whether a change is wired in.
"""

import atexit
import json
import os
import sys

_FOLDER = os.environ.get("HARNESS_RAN")


def _watch(folder):
    import coverage

    watch = coverage.Coverage(data_file=None, config_file=False, omit=[sys.prefix + "/*", sys.base_prefix + "/lib/*"])
    watch.start()

    def write():
        watch.stop()
        data = watch.get_data()
        lines = {path: sorted(data.lines(path) or ()) for path in data.measured_files()}
        with open(os.path.join(folder, f"python-{os.getpid()}.json"), "w") as file:
            json.dump(lines, file)

    atexit.register(write)


if _FOLDER:
    try:
        _watch(_FOLDER)
    except ImportError:
        pass  # an interpreter without coverage: the harness then finds no file, and says so
