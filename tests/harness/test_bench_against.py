"""Two trees in turns: which way is faster, what the interval is, and what is no commit."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.bench import against
from harness.bench.against import compare, export, head_of, higher_is_faster, paired
from harness.errors import InfraError, UsageError


def rows(value: float, unit: str = "us") -> list[dict[str, Any]]:
    return [{"name": "trip", "value": value, "unit": unit}]


def test_units_say_which_way_is_faster() -> None:
    assert higher_is_faster("logs/s") and higher_is_faster("per s") and higher_is_faster("per core-s, client + server")
    assert not higher_is_faster("us") and not higher_is_faster("ns/log")


def test_the_ratio_is_within_rounds_and_its_interval_is_the_whole_of_six() -> None:
    noise = [1.0, 3.0, 0.5, 2.0, 1.5, 1.0]
    slow = paired([rows(10 * n) for n in noise], [rows(20 * n) for n in noise])[0]
    assert (slow.speed.value, slow.speed.low, slow.speed.high) == (0.5, 0.5, 0.5)
    assert slow.slower
    rates = paired([rows(10 * n, "logs/s") for n in noise], [rows(20 * n, "logs/s") for n in noise])[0]
    assert rates.speed.value == 2.0 and not rates.slower
    unsure = paired([rows(10) for _ in noise], [rows(10 * n) for n in noise])[0]
    assert (unsure.speed.low, unsure.speed.high) == (1 / 3, 2.0)
    assert not unsure.slower


def test_a_row_that_one_side_lacks_is_left_out() -> None:
    assert paired([rows(1)] * 6, [[{"name": "other", "value": 1, "unit": "us"}]] * 6) == []
    assert paired([rows(0)] * 6, [rows(1)] * 6) == []


def git(folder: Path, *words: str) -> None:
    settings = ["-c", "user.name=n", "-c", "user.email=e@x", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *settings, *words], check=True, capture_output=True)


def test_each_commit_runs_its_own_benchmark(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    for value in (10, 40):
        (repository / "bench_own.py").write_text(f"def run():\n    return [{{'name': 'x', 'value': {value}, 'unit': 'us'}}]\n")
        git(repository, "add", ".")
        git(repository, "commit", "-qm", str(value))
    first, second = (export(repository, commit, tmp_path / commit) for commit in ("HEAD~1", "HEAD"))
    (found,) = compare(first, second, "bench_own", rounds=2)
    assert (found.first, found.second, found.speed.value) == (10, 40, 0.25)
    assert len(head_of(repository)) == 40
    (repository / "bench_own.py").write_text("")
    assert head_of(repository).endswith("+changes")
    with pytest.raises(InfraError, match="bench_absent"):
        against.rows_of(first, "bench_absent")
    for wrong in ("--output=x", "nothing"):
        with pytest.raises(UsageError, match="no commit"):
            export(repository, wrong, tmp_path / "wrong")
