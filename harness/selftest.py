"""Judges the judge: runs every specimen through the requirement that it is designated for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.candidate.values import EntrySpec
from harness.evaluation import Evaluation, Options, Subject
from harness.judge.outcomes import Finding
from harness.judge.requirements import Challenge
from harness.judge.specimens import Specimen, misjudged, read_specimens
from harness.paths import PROJECT_ROOT
from harness.preparation import program_of
from harness.results import journal
from harness.runtime.cell import Cell
from harness.scale.local import CellEnd, run_cells


@dataclass(frozen=True, slots=True)
class Judged:
    """A specimen and what the judging came to: `problem` is '' if it was judged as it must be."""

    specimen: Specimen
    problem: str
    findings: tuple[Finding, ...]
    seconds: float


def run(challenge: Challenge, options: Options, names: frozenset[str], on_end: Callable[[Judged], None]) -> list[Judged]:
    """Every specimen of the challenge (or those in `names`), `options.jobs` at a time; `on_end` is told of each as it ends."""
    chosen = [specimen for specimen in read_specimens(challenge.folder) if not names or specimen.name in names]
    cells = {_cell(challenge, specimen, options).key: specimen for specimen in chosen}
    told: dict[str, Judged] = {}

    def tick(running: list[Cell], ended: list[CellEnd]) -> None:
        for end in ended:
            if end.cell.key not in told:
                told[end.cell.key] = _judge(cells[end.cell.key], end)
                on_end(told[end.cell.key])

    ended = run_cells([_cell(challenge, specimen, options) for specimen in chosen], options.out / "cells", options.jobs, tick)
    tick([], ended)
    return [told[key] for key in cells]


def _judge(specimen: Specimen, end: CellEnd) -> Judged:
    findings = journal.findings(Path(end.cell.journal), {end.cell.key}).get(specimen.designated, [])
    problem = misjudged(specimen, findings)
    if not findings:
        problem += f" ({end.log.read_text('utf-8', 'replace')[-300:].strip()})"
    return Judged(specimen, problem, tuple(findings), end.seconds)


def _cell(challenge: Challenge, specimen: Specimen, options: Options) -> Cell:
    inside = "{checkout}/" + specimen.folder.resolve().relative_to(PROJECT_ROOT).as_posix()
    entry = EntrySpec(specimen.command, store=specimen.store, clock=specimen.clock)
    program = program_of(entry, PROJECT_ROOT, None, native=True, cwd=inside)
    subject = Subject(f"specimen-{specimen.name}", {}, "run", program, tree_digest=f"specimen {specimen.name}")
    evaluation = Evaluation(subject, challenge, options)
    requirement = next(r for r in challenge.requirements if r.id == specimen.designated)
    return evaluation.cell(program, str(requirement.suite), [requirement])


def uncovered(challenge: Challenge, judged: list[Judged]) -> list[str]:
    """Gated requirements with a suite that no known bad is designated for: nothing shows that they can fail."""
    covered = {item.specimen.designated for item in judged if item.specimen.kind == "bad"}
    gated = [r for r in challenge.requirements if r.suite is not None and r.severity != "graded"]
    return [requirement.id for requirement in gated if requirement.id not in covered]
