"""Runs cells on this machine: one worker process each, at most `jobs` at a time, longest budget first.

Cells that must be alone come last, one by one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.paths import PROJECT_ROOT
from harness.runtime import leftovers
from harness.runtime.cell import Cell
from harness.scale.worker import PARENT_VARIABLE

POLL_S = 0.05
GRACE_S = 60.0
BUDGET_FACTOR = 2.0


@dataclass(frozen=True, slots=True)
class CellEnd:
    """How a worker ended: exit status (None if it was stopped for overtime) and the file that holds what it printed."""

    cell: Cell
    returncode: int | None
    log: Path
    seconds: float


@dataclass(slots=True)
class _Running:
    cell: Cell
    popen: subprocess.Popen[bytes]
    log: Path
    started: float

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started


def run_cells(
    cells: Sequence[Cell], folder: Path, jobs: int, on_tick: Callable[[list[Cell], list[CellEnd]], None]
) -> list[CellEnd]:
    """Runs every cell; `on_tick(running, ended)` is called a few times a second. Stops all workers on any exception."""
    folder = folder.resolve()  # workers run in another folder than the user
    folder.mkdir(parents=True, exist_ok=True)
    waiting = sorted(cells, key=lambda cell: (cell.alone, -sum(cell.budgets_s.values())))
    running: list[_Running] = []
    ended: list[CellEnd] = []
    try:
        while waiting or running:
            while waiting and len(running) < (1 if waiting[0].alone else jobs):
                running.append(_start(waiting.pop(0), folder))
            running = _reap(running, ended)
            on_tick([item.cell for item in running], ended)
            if running:
                time.sleep(POLL_S)
    finally:
        for item in running:
            _stop(item)
        if running:
            leftovers.sweep()
    return ended


def _start(cell: Cell, folder: Path) -> _Running:
    spec, log = folder / f"{cell.key}.json", folder / f"{cell.key}.log"
    spec.write_bytes(msgspec.json.format(msgspec.json.encode(cell)))
    env = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "PYTHONHASHSEED": "0", PARENT_VARIABLE: str(os.getpid())}
    with log.open("wb") as out:
        popen = subprocess.Popen(
            [sys.executable, "-m", "harness.scale.worker", str(spec)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_ROOT,
            env=env,
            start_new_session=True,
        )
    return _Running(cell, popen, log, time.monotonic())


def _reap(running: list[_Running], ended: list[CellEnd]) -> list[_Running]:
    left = []
    for item in running:
        code = item.popen.poll()
        allowed_s = sum(item.cell.budgets_s.values()) * BUDGET_FACTOR + GRACE_S
        if code is None and item.seconds <= allowed_s:
            left.append(item)
            continue
        if code is None:
            _stop(item)
        if code != 0:
            leftovers.sweep()
        ended.append(CellEnd(item.cell, code, item.log, item.seconds))
    return left


def _stop(item: _Running) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(item.popen.pid, signal.SIGKILL)
    item.popen.wait()
