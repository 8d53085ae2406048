"""Judges the judge: specimens whose verdict is known beforehand go through the suites, and a kill matrix comes out.

Every specimen goes through its designated requirement. `--full` shows the known bad to other requirements too, but for those
that `challenge.toml` sets apart for their time, and but for what is bad by its latency. What is finished is journalled, so that a
kill loses nothing.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from harness import __version__
from harness.evaluation import Evaluation, Options, Subject
from harness.judge import matrix
from harness.judge.digest import suite_digest
from harness.judge.matrix import Matrix, Shot
from harness.judge.requirements import Challenge, Requirement
from harness.judge.specimens import Specimen, digest_of, read_specimens
from harness.measure import machine
from harness.programs import program_of_specimen
from harness.report import kill_matrix as page
from harness.results import journal, store
from harness.results.layout import MatrixFolder, kill_matrix
from harness.runtime.cell import Cell
from harness.scale.local import CellEnd, run_cells

Scope = Literal["quick", "designated", "full", "every cell"]
FULL_GOOD_ROUNDS = 2  # with the many cells of the sound ones: enough to bound the pooled flake rate below 5 %


@dataclass(frozen=True, slots=True)
class Plan:
    """What to shoot: `scope` says which specimens meet which requirements, `rounds` how often, each with the next seed.

    `names` empty: all specimens of the scope.
    """

    scope: Scope = "designated"
    rounds: int = 1
    names: frozenset[str] = frozenset()

    @property
    def complete(self) -> bool:
        """Whether every specimen is judged."""
        return not self.names and self.scope != "quick"

    def rounds_of(self, specimen: Specimen) -> int:
        """How often one specimen is judged."""
        again = self.scope == "full" and specimen.kind == "good" and not specimen.sound
        return max(self.rounds, FULL_GOOD_ROUNDS) if again else self.rounds

    def specimens(self, challenge: Challenge) -> list[Specimen]:
        """The specimens of the scope, by name."""
        found = read_specimens(challenge.folder)
        if self.names:
            return [specimen for specimen in found if specimen.name in self.names]
        return [specimen for specimen in found if specimen.quick or self.scope != "quick"]

    def requirements(self, challenge: Challenge, specimen: Specimen) -> list[Requirement]:
        """The requirements that judge a specimen. A near-miss is good by its own requirement alone: it meets no other."""
        with_suite = [requirement for requirement in challenge.requirements if requirement.suite is not None]
        crossed = self._meets_others(specimen, with_suite)
        return [each for each in with_suite if each.id == specimen.designated or (crossed and self._crosses(each))]

    def _meets_others(self, specimen: Specimen, requirements: Sequence[Requirement]) -> bool:
        # What is bad by its latency may be slow at each answer, and would take minutes for each of the others.
        slow = specimen.kind == "bad" and any(each.alone for each in requirements if each.id == specimen.designated)
        wanted = self.scope == "every cell" or (self.scope == "full" and not slow)
        return wanted and (specimen.kind == "bad" or specimen.sound)

    def _crosses(self, requirement: Requirement) -> bool:
        return requirement.severity != "graded" and (self.scope == "every cell" or not requirement.apart)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run came to: the matrix, the seconds it took, and how many of them went to cells that run alone (latency)."""

    matrix: Matrix
    took_s: float
    alone_s: float


@dataclass(frozen=True, slots=True)
class _Target:
    """What one cell stands for."""

    specimen: Specimen
    round: int


def run(challenge: Challenge, options: Options, plan: Plan, on_shot: Callable[[Shot], None], *, resume: bool = False) -> Judged:
    """Shoots what the plan names, as many cells at a time as `options.jobs` or the challenge says; `on_shot` is told of each judgement as it comes.

    The matrix and its page lie under `options.out`. With `resume` what an earlier run of the same content finished is taken.
    """
    began = time.monotonic()
    folder = kill_matrix(options.out, challenge.id)
    if not resume:
        folder.journal.unlink(missing_ok=True)
    targets = _cells(challenge, options, plan, folder)
    cells = {cell.key: cell for cell, _ in targets}
    by_key = {cell.key: target for cell, target in targets}
    shots: dict[tuple[str, str], Shot] = {}

    def take(ended: Sequence[CellEnd]) -> None:
        lost = {end.cell.key: end for end in ended}
        for key, cell in cells.items():
            found = journal.findings(folder.journal, {key}) if key in lost or (resume and not ended) else {}
            for name in cell.requirements:
                if (key, name) not in shots and (name in found or key in lost):
                    target = by_key[key]
                    shots[key, name] = Shot(
                        target.specimen, name, target.round, tuple(found.get(name, ())), _seconds(found.get(name))
                    )
                    on_shot(shots[key, name])

    take([])
    left = [_left(cell, shots) for cell in cells.values()]
    seen = 0

    def tick(running: list[Cell], ended: list[CellEnd]) -> None:
        nonlocal seen
        if len(ended) > seen:
            take(ended[seen:])
            seen = len(ended)

    ended = run_cells([cell for cell in left if cell.requirements], folder.cells, challenge.workers(options.jobs), tick)
    tick([], ended)
    made = matrix.build(challenge.id, challenge.requirements, list(shots.values()), complete=plan.complete)
    judged = Judged(made, time.monotonic() - began, sum(end.seconds for end in ended if end.cell.alone))
    _write(folder, made, _head(challenge, options, plan, judged))
    return judged


def _seconds(findings: object) -> float:
    return sum(each.seconds for each in findings if not each.part) if isinstance(findings, list) else 0.0


def _left(cell: Cell, shots: dict[tuple[str, str], Shot]) -> Cell:
    """The cell with what is left of it to do."""
    return msgspec.structs.replace(cell, requirements=[name for name in cell.requirements if (cell.key, name) not in shots])


def _cells(challenge: Challenge, options: Options, plan: Plan, folder: MatrixFolder) -> list[tuple[Cell, _Target]]:
    found = []
    for specimen in plan.specimens(challenge):
        suites: dict[str, list[Requirement]] = {}
        for requirement in plan.requirements(challenge, specimen):
            suites.setdefault(str(requirement.suite), []).append(requirement)
        for number in range(1, plan.rounds_of(specimen) + 1):
            for suite, requirements in suites.items():
                cell = cell_of(challenge, specimen, _round(options, number), suite, requirements, folder.journal)
                found.append((cell, _Target(specimen, number)))
    return found


def _round(options: Options, number: int) -> Options:
    """The options of one round: each has a seed of its own."""
    return Options(options.profile, options.seed + number - 1, options.jobs, options.sandbox, options.time, out=options.out)


def cell_of(
    challenge: Challenge,
    specimen: Specimen,
    options: Options,
    suite: str,
    requirements: Sequence[Requirement],
    journal_at: Path,
) -> Cell:
    """The cell of one specimen and one suite."""
    if specimen.profile is not None:
        options = dataclasses.replace(options, profile=specimen.profile)
    program = program_of_specimen(specimen)
    tree = f"specimen {specimen.name} {digest_of(specimen)}"
    subject = Subject(f"specimen-{specimen.name}", {}, "run", program, tree_digest=tree)
    cell = Evaluation(subject, challenge, options).cell(program, suite, requirements)
    return msgspec.structs.replace(cell, journal=str(journal_at.resolve()))


def _head(challenge: Challenge, options: Options, plan: Plan, judged: Judged) -> dict[str, object]:
    return {
        "title": challenge.title,
        "scope": plan.scope if not plan.names else "named specimens",
        "provenance": {
            "harness_version": __version__,
            "suite_digest": suite_digest(challenge.folder),
            "seed": options.seed,
            "profile": options.profile,
            "time": options.time,
            "machine": machine.facts(),
            "took_s": round(judged.took_s),
            "of_these_alone_s": round(judged.alone_s),
            "ended": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        },
    }


def _write(folder: MatrixFolder, made: Matrix, head: dict[str, object]) -> None:
    value = matrix.plain(made, head)
    store.write_json(folder.matrix, value)
    store.write_atomically(folder.page, page.render(value).encode())
