"""Kills a quick run of a candidate with SIGKILL at seeded points, resumes each, and compares the results.

    python -m tests.soak.kill_points CANDIDATE POINTS [SEED]

Takes about POINTS times the length of a run: `make soak`, not `make test`. Exit 1 if a resumed result differs from the uninterrupted
one (but for times and ids), a finished requirement was done again, or a process was left behind.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.paths import PROJECT_ROOT
from harness.results import journal, store
from harness.results.layout import all_evaluations
from tests.harness.test_interruption import ours, stable

GONE_WITHIN_S = 10.0
# Its stream is in moved time throughout, so that two runs are equal to the letter.
CHALLENGE = "anomaly-detection"


def start(candidate: str, out: Path, *more: str) -> subprocess.Popen[bytes]:
    """A quick run in a session of its own."""
    env = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    command = [sys.executable, "-m", "harness", "eval", candidate, "--challenge", CHALLENGE, "--out", str(out), *more]
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def results(out: Path) -> list[Any]:
    """Every result under OUT, without times and ids."""
    return [stable(store.read_result(folder)) for folder in all_evaluations(out)]


def finished(out: Path) -> list[tuple[str, str]]:
    """(cell, requirement) of every finished requirement in the journals, repeats included."""
    records = [record for path in sorted(out.glob("*/*/journal.jsonl")) for record in journal.records(path)]
    return [(record["cell"], record["requirement"]) for record in records if record["type"] == "findings"]


def one(candidate: str, out: Path, after_s: float, expected: list[Any]) -> str:
    """Kills after so many seconds, resumes; '' if all is as it must be."""
    killed = start(candidate, out)
    try:
        killed.wait(after_s)
    except subprocess.TimeoutExpired:
        killed.kill()
    killed.wait()
    deadline = time.monotonic() + GONE_WITHIN_S
    while (left := ours(killed.pid)) and time.monotonic() < deadline:
        time.sleep(0.01)
    if left:
        return f"left behind: {left}"
    before = finished(out)
    resumed = start(candidate, out, "--resume")
    _, errors = resumed.communicate()
    if resumed.returncode != 0:
        return f"the resumed run ended with status {resumed.returncode}: {errors.decode()[-300:]}"
    after = finished(out)
    if len(set(after)) != len(after):
        return "a finished requirement was done again"
    if results(out) != expected:
        return "the resumed result differs"
    print(f"killed after {after_s:5.1f} s with {len(before)} of {len(after)} finished: the same result", flush=True)
    return ""


def main(candidate: str, points: int, seed: int) -> int:
    """Prints the seed and each point; returns the exit status."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        started = time.monotonic()
        if start(candidate, Path(scratch) / "whole").wait() != 0:
            print("the uninterrupted run did not end with status 0")
            return 1
        whole_s = time.monotonic() - started
        print(f"seed {seed}, {points} points, an uninterrupted run takes {whole_s:.1f} s")
        expected = results(Path(scratch) / "whole")
        for point in range(points):
            problem = one(candidate, Path(scratch) / f"point-{point}", rng.uniform(0.0, whole_s), expected)
            if problem:
                print(f"point {point}: {problem}")
                return 1
    print(f"{points} of {points} points: the same result, nothing left behind, nothing done twice")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1))
