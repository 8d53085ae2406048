"""A run that is cut off anywhere: nothing finished is lost or done again, nothing of ours is left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.paths import PROJECT_ROOT
from harness.results import journal
from harness.runtime import leftovers
from harness.runtime.sandbox.limits import our_groups
from tests.harness.test_end_to_end import SILENT, candidate

CHOSEN = ("AD-01", "AD-08", "AD-09")
PATIENCE_S = 120
TIMES = {"seconds", "started", "run_id", "load"}


def start(folder: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    """`harness eval` of a few requirements in a session of its own."""
    command = [sys.executable, "-m", "harness", "eval", str(folder), "--out", str(out), *more]
    for name in CHOSEN:
        command += ["--requirement", name]
    env = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=_heed_interrupts
    )


def _heed_interrupts() -> None:
    """Whoever runs these tests in the background has made them deaf to SIGINT, and what they start with them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def result_of(out: Path) -> dict[str, Any]:
    """result.json without times and ids."""
    return dict(stable(json.loads((out / "silent" / "anomaly-detection" / "result.json").read_text())))


def stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if key not in TIMES and key != "replay"}
    return [stable(item) for item in value] if isinstance(value, list) else value


def ours(root: int) -> list[psutil.Process]:
    """What still runs of a harness that has ended: workers and candidates carry its session or its variables."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        try:
            parent = process.environ().get("HARNESS_PARENT")
        except psutil.Error:
            continue
        if parent == str(root):
            found.append(process)
    return found


def wait_until_gone(root: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while ours(root):
        if time.monotonic() > deadline:
            raise AssertionError(f"left behind: {ours(root)}")
        os.sched_yield()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], float]:
    """The candidate, the result of an uninterrupted run, and how long that took."""
    root = tmp_path_factory.mktemp("whole")
    folder = candidate(root / "silent", SILENT)
    started = time.monotonic()
    assert start(folder, root / "out").wait(PATIENCE_S) == 0
    return folder, result_of(root / "out"), time.monotonic() - started


@pytest.mark.parametrize("point", range(3))
def test_a_killed_run_is_resumed_to_the_same_result(
    whole: tuple[Path, dict[str, Any], float], tmp_path: Path, point: int
) -> None:
    folder, expected, took_s = whole
    killed = start(folder, tmp_path)
    try:
        killed.wait(random.Random(point).uniform(0.2, 0.9) * took_s)
    except subprocess.TimeoutExpired:
        killed.kill()
        killed.wait()
    wait_until_gone(killed.pid)
    records = list(journal.records(tmp_path / "silent" / "anomaly-detection" / "journal.jsonl"))
    finished = {row["requirement"] for row in records if row["type"] == "findings"}
    resumed = start(folder, tmp_path, "--resume")
    assert resumed.wait(PATIENCE_S) == 0
    assert result_of(tmp_path) == expected
    again = list(journal.records(tmp_path / "silent" / "anomaly-detection" / "journal.jsonl"))[len(records) :]
    assert not finished & {row["requirement"] for row in again}


def test_an_interrupted_run_says_so_and_leaves_nothing_behind(
    whole: tuple[Path, dict[str, Any], float], tmp_path: Path
) -> None:
    folder, _, _ = whole
    running = start(folder, tmp_path)
    while not list(journal.records(tmp_path / "silent" / "anomaly-detection" / "journal.jsonl")):
        assert running.poll() is None
        os.sched_yield()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130 and b"interrupted" in errors and b"Traceback" not in errors
    assert ours(running.pid) == []
    assert (tmp_path / "silent" / "anomaly-detection" / "result.json").exists()


def test_a_sweep_clears_what_dead_makers_left_and_nothing_else(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / f"harness-run-{gone.pid}-abc").mkdir()
    (tmp_path / f"harness-run-{os.getpid()}-abc").mkdir()
    (tmp_path / "harness-notes").mkdir()
    assert leftovers.remove_folders(tmp_path) == 1
    assert {path.name for path in tmp_path.iterdir()} == {f"harness-run-{os.getpid()}-abc", "harness-notes"}
    leftovers.sweep()
    assert not [folder for folder in our_groups() if not psutil.pid_exists(int(folder.name.split("-")[2]))]


def test_a_torn_journal_takes_further_records(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"type":"findings","requ')
    journal.append_start(path, "k", "AD-01")
    assert journal.begun(path, {"k"}) == [("k", "AD-01")]
