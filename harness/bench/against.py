"""Two commits of this project, timed in turns in one run: how many times as fast the second is, with an interval.

Figures of different runs on a shared machine differ by more than most changes do; figures of neighbouring minutes do not. Each
round runs a benchmark in a process of its own from either tree; what is stated is the median over rounds of the ratio in a round.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harness.errors import InfraError, UsageError
from harness.measure.statistics import Interval, order_interval

ROUNDS = 6
"""The fewest whose least and greatest ratio hold the median one with more than 95 % confidence."""
SLOWER = 0.95
PATIENCE_S = 900.0
_ONE = "import importlib, json, sys; print(json.dumps(importlib.import_module(sys.argv[1]).run()))"


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of a benchmark: the median value in either tree, and how many times as fast the second is."""

    name: str
    unit: str
    first: float
    second: float
    speed: Interval

    @property
    def slower(self) -> bool:
        """Whether the second is slower by more than one in twenty, whatever the noise."""
        return self.speed.high < SLOWER


def higher_is_faster(unit: str) -> bool:
    """Whether a value of that unit is a rate; otherwise it is a time."""
    return unit.startswith("per ") or unit.endswith("/s")


def paired(first: Sequence[Sequence[dict[str, Any]]], second: Sequence[Sequence[dict[str, Any]]]) -> list[Compared]:
    """The rows that both have in every round, compared; `first[i]` and `second[i]` are the rows of round i."""
    found = []
    for row in first[0]:
        name, unit = str(row["name"]), str(row["unit"])
        ours, theirs = (_values(rounds, name) for rounds in (first, second))
        if len(ours) != len(first) or len(theirs) != len(second) or not (ours > 0).all() or not (theirs > 0).all():
            continue
        ratios = theirs / ours if higher_is_faster(unit) else ours / theirs
        found.append(Compared(name, unit, float(np.median(ours)), float(np.median(theirs)), order_interval(ratios, 0.5)))
    return found


def _values(rounds: Sequence[Sequence[dict[str, Any]]], name: str) -> np.typing.NDArray[np.float64]:
    return np.array([float(row["value"]) for rows in rounds for row in rows if row["name"] == name])


def compare(first: Path, second: Path, module: str, rounds: int = ROUNDS) -> list[Compared]:
    """A benchmark by its module's name in either tree, in turns. Raises InfraError where one cannot be run."""
    pairs = [(rows_of(first, module), rows_of(second, module)) for _ in range(rounds)]
    return paired([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def rows_of(tree: Path, module: str) -> list[dict[str, Any]]:
    """What a benchmark says in that tree, run from there. Raises InfraError."""
    env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
    argv = [sys.executable, "-c", _ONE, module]
    try:
        done = subprocess.run(argv, cwd=tree, env=env, capture_output=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        raise InfraError(f"{module} took more than {PATIENCE_S:g} s") from None
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise InfraError(f"{module} cannot be run there: {last[0][:300]}")
    rows: list[dict[str, Any]] = msgspec.json.decode(done.stdout.splitlines()[-1])
    return rows


def export(repository: Path, commit: str, folder: Path) -> Path:
    """The tree of a commit as plain files in `folder`. Raises UsageError for what is no commit."""
    argv = ["git", "-C", str(repository), "archive", "--format=tar", f"{commit}^{{commit}}"]
    done = subprocess.run(argv, capture_output=True, check=False)
    if commit.startswith("-") or done.returncode != 0:
        raise UsageError(f"{commit!r} is no commit of {repository}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def head_of(repository: Path) -> str:
    """The commit that is checked out, with `+changes` where files differ from it; 'unknown' outside of git."""
    ask = ["git", "-C", str(repository)]
    head = subprocess.run([*ask, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode != 0:
        return "unknown"
    changed = subprocess.run([*ask, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False)
    return head.stdout.strip() + ("+changes" if changed.stdout.strip() else "")
