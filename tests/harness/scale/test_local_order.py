"""Cells that must be alone run last, one by one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.runtime.cell import Cell, ProgramSpec
from harness.scale import local


def cell(name: str, *, alone: bool) -> Cell:
    return Cell(
        candidate_id="c",
        challenge="ch",
        entry="run",
        suite=name,
        requirements=["R-1"],
        seed=1,
        profile="quick",
        time="virtual",
        sandbox="none",
        program=ProgramSpec([], {}),
        config={},
        budgets_s={"R-1": 10.0 if alone else 5.0},
        journal="",
        suite_digest="",
        tree_digest="",
        alone=alone,
    )


def test_alone_means_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def start(one: Cell, folder: Path) -> local._Running:
        started.append(one.suite)
        popen = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read(1)"], stdin=subprocess.PIPE)
        return local._Running(one, popen, folder / "log", 0.0)

    together: list[frozenset[str]] = []

    def tick(running: list[Cell], ended: list[local.CellEnd]) -> None:
        together.append(frozenset(one.suite for one in running))

    def reap(running: list[local._Running], ended: list[local.CellEnd]) -> list[local._Running]:
        if len(together) % 2 == 0:
            return running  # every other look finds all at work
        for item in running[:1]:
            item.popen.communicate(b"x")
            ended.append(local.CellEnd(item.cell, 0, item.log, 0.0))
        return running[1:]

    monkeypatch.setattr(local, "_start", start)
    monkeypatch.setattr(local, "_reap", reap)
    monkeypatch.setattr(local, "POLL_S", 0.0)
    cells = [cell("a1", alone=True), cell("x", alone=False), cell("a2", alone=True), cell("y", alone=False)]
    ended = local.run_cells(cells, tmp_path, 2, tick)
    assert [end.cell.suite for end in ended] == ["x", "y", "a1", "a2"]
    assert started == ["x", "y", "a1", "a2"]
    assert all(len(names) == 1 for names in together if names & {"a1", "a2"})
    assert frozenset({"x", "y"}) in together
