"""One evaluation: a prepared candidate and a challenge in, `result.json` and its page out.

The path of a candidate through here: cells -> workers -> journal -> rows -> verdict -> result -> page. What is finished is
written as it comes, so that whatever is killed, nothing measured is lost.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from harness import __version__, canary
from harness.errors import CandidateFailure, RpcError, Undecided, UsageError
from harness.judge.digest import suite_digest
from harness.judge.outcomes import Finding, Outcome
from harness.judge.requirements import Canary, Challenge, Requirement
from harness.judge.rows import Row, planned_row, row_of, uniform_row
from harness.judge.scoring import Facts
from harness.measure import machine
from harness.report import page
from harness.results import journal, store
from harness.results.compose import compose
from harness.results.judge import matrix_link
from harness.results.layout import EvaluationFolder, evaluation
from harness.runtime import leftovers
from harness.runtime.cell import Cell, ProgramSpec
from harness.runtime.sandbox import choose
from harness.runtime.trial import Trial
from harness.scale.local import CellEnd, run_cells

PREFLIGHT = "preflight"
EPOCH_MS = 1_704_067_200_000  # 2024-01-01: any moment will do, as long as it is not now


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose. `suites` and `requirements` empty: all. `jobs` counts workers, 0: as the challenge says. `store` None: as the manifest says."""

    profile: str = "quick"
    seed: int = 1
    jobs: int = 0
    sandbox: str = "auto"
    time: str = "virtual"
    suites: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    out: Path = Path("reports")
    resume: bool = False
    store: str | None = None

    def budget_s(self, requirement: Requirement) -> float:
        """The time budget of a requirement, in seconds: waits that are waited out in real time get that of the full profile."""
        return requirement.budget_s("full" if self.time == "real" else self.profile)

    @property
    def partial(self) -> bool:
        """Whether only a part of the requirements was asked for."""
        return bool(self.suites or self.requirements)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated: the facts for the scorecard, and the program of one entry; or why there is none to run."""

    id: str
    facts: dict[str, Any]
    entry: str
    program: ProgramSpec | None
    tree_digest: str
    origin: str = ""
    build_problem: str = ""
    build_witness: dict[str, Any] | None = None
    diff: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    measure: Callable[[Cell, Path], dict[str, Any]] | None = None

    def over(self, store: str | None) -> Subject:
        """The same over another kind of store; over its own for None. Raises UsageError where it uses none."""
        if store is None or self.program is None or self.program.store == store:
            return self
        if self.program.store == "none":
            raise UsageError(f"--store {store}: {self.id} uses no store, as its manifest says")
        return dataclasses.replace(self, program=msgspec.structs.replace(self.program, store=store))


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress display is told, a few times a second: (suite, requirement) begun, and the rows so far."""

    begun: list[tuple[str, str]]
    rows: list[Row]


OnProgress = Callable[[Progress], None]


class Evaluation:
    """One run of one challenge on one entry. `run` gives the result and leaves it on disk."""

    def __init__(
        self,
        subject: Subject,
        challenge: Challenge,
        options: Options,
        siblings: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.subject = subject
        self.challenge = challenge
        self.options = options
        self.siblings = list(siblings)
        self.folder: EvaluationFolder = evaluation(options.out, subject.id, challenge.id, subject.entry)
        self.run_id = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:6]}"
        self._started = time.monotonic()
        self._started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._settled: dict[str, Row] = {}
        self.suite_digest = suite_digest(challenge.folder)
        self._sandbox_level = choose(options.sandbox).level
        self._program_facts: dict[str, Any] = {}
        self._subject_facts: dict[str, Any] = {}
        self.wanted = wanted_requirements(challenge, options)
        self._canaries: list[dict[str, Any]] = []

    def run(self, on_progress: OnProgress = lambda progress: None) -> dict[str, Any]:
        """Measures, and returns the result. Raises KeyboardInterrupt onwards after saving what is known."""
        leftovers.sweep()
        if not (self.options.resume and self._resumable()):
            store.put_aside(self.folder)
        store.write_json(self.folder.origin, {"candidate": self.subject.origin, "sandbox": self.options.sandbox})
        self._write(Facts(partial=True))
        facts = Facts(partial=self.options.partial)
        try:
            if self.subject.program is None:
                self._settle_all(Outcome.CANDIDATE_ERROR, self.subject.build_problem, self.subject.build_witness)
                facts = Facts(self.options.partial, starts=False, start_problem=self.subject.build_problem)
            else:
                facts = self._measure(self.subject.program, facts, on_progress)
        except KeyboardInterrupt:
            self._write(Facts(partial=True))
            raise
        if not self.options.partial:
            facts = self._measure_subject(facts)
        return self._write(facts)

    def _measure_subject(self, facts: Facts) -> Facts:
        """Facts of the commit that stand beside the outcomes: measured last, when all else is on disk."""
        program = self.subject.program
        if self.subject.measure is None or program is None:
            return facts
        self._write(Facts(partial=True))
        self._subject_facts = self.subject.measure(self.cell(program, PREFLIGHT, ()), self.challenge.folder)
        return dataclasses.replace(facts, **self._subject_facts.pop("judged", {}))

    def _resumable(self) -> bool:
        """Whether the journal holds work of exactly these cells; that of other settings is put aside, never mixed in."""
        program = self.subject.program
        keys = set() if program is None else {cell.key for cell in self.cells(program)}
        return any(record.get("cell") in keys for record in journal.records(self.folder.journal))

    def _measure(self, program: ProgramSpec, facts: Facts, on_progress: OnProgress) -> Facts:
        finding = self._preflight(program)
        if finding is not None and finding.outcome is Outcome.CANDIDATE_ERROR:
            problem = f"it does not start: {finding.summary}{_last_words(finding)}"
            self._settle_all(Outcome.CANDIDATE_ERROR, problem, finding.witness)
            return Facts(facts.partial, starts=False, start_problem=problem)
        if finding is not None:
            self._settle_all(finding.outcome, finding.summary, None)
            return facts
        cells = self.cells(program)
        keys = {cell.key for cell in cells}
        suites = {cell.key: Path(cell.suite).name for cell in cells}
        self._absorb(keys)
        cells = [cell for cell in map(self._unfinished, cells) if cell.requirements]

        canaries = self._canary_cells(program)
        settled = journal.findings(self.folder.journal, set(canaries)) if self.options.resume else {}
        cells += [cell for choice, cell in canaries.values() if choice.requirement not in settled]
        seen_bytes = -1

        def tick(running: list[Cell], ended: list[CellEnd]) -> None:
            nonlocal seen_bytes
            grown = self.folder.journal.stat().st_size if self.folder.journal.exists() else 0
            if grown == seen_bytes:
                return
            seen_bytes = grown
            self._absorb(keys)
            rows = [row for row in self.rows() if row.outcome is not Outcome.PLANNED]
            on_progress(Progress([(suites[key], name) for key, name in journal.begun(self.folder.journal, keys)], rows))

        for end in run_cells(cells, self.folder.cells, self.challenge.workers(self.options.jobs), tick):
            self._absorb(keys)
            if end.cell.key in keys:
                self._account_for(end)
        for key, (choice, _) in canaries.items():
            found = journal.findings(self.folder.journal, {key}).get(choice.requirement, [])
            self._canaries.append(canary.fate(self.challenge, choice, found))
        return dataclasses.replace(facts, escaped_canaries=canary.escaped(self._canaries))

    # -- cells ---------------------------------------------------------------------------------------------------------------

    def cells(self, program: ProgramSpec) -> list[Cell]:
        """One cell per suite that has a wanted requirement."""
        by_suite: dict[str, list[Requirement]] = {}
        for requirement in self.wanted:
            by_suite.setdefault(str(requirement.suite), []).append(requirement)
        return [self.cell(program, suite, requirements) for suite, requirements in by_suite.items()]

    def _canary_cells(self, program: ProgramSpec) -> dict[str, tuple[Canary, Cell]]:
        """None in a partial run, whose verdict is unknown anyway."""
        if self.options.partial:
            return {}
        budgets_s = {requirement.id: self.options.budget_s(requirement) for requirement in self.challenge.requirements}
        return canary.cells(self.challenge, self.cell(program, PREFLIGHT, ()), budgets_s)

    def _unfinished(self, cell: Cell) -> Cell:
        """The cell with what is left to do: all of it, unless an earlier run is being resumed."""
        left = [name for name in cell.requirements if name not in self._settled]
        return msgspec.structs.replace(cell, requirements=left)

    def cell(
        self,
        program: ProgramSpec,
        suite: str,
        requirements: Sequence[Requirement],
        replay: dict[str, Any] | None = None,
    ) -> Cell:
        """The cell of one suite."""
        return Cell(
            candidate_id=self.subject.id,
            challenge=self.challenge.id,
            entry=self.subject.entry,
            suite=str(self.challenge.suite_path(suite)),
            requirements=[requirement.id for requirement in requirements],
            seed=self.options.seed,
            profile=self.options.profile,
            time=self.options.time,
            sandbox=self.options.sandbox,
            program=program,
            config=self.challenge.config,
            budgets_s={requirement.id: self.options.budget_s(requirement) for requirement in requirements},
            journal=str(self.folder.journal.resolve()),
            suite_digest=self.suite_digest,
            tree_digest=self.subject.tree_digest,
            replay=replay,
            alone=any(requirement.alone for requirement in requirements),
        )

    def _preflight(self, program: ProgramSpec) -> Finding | None:
        """None if the candidate starts and answers; else the finding that settles everything."""
        trial = Trial(self.cell(program, PREFLIGHT, ()), PREFLIGHT, PREFLIGHT)
        try:
            process = trial.start(wall_ms=EPOCH_MS)
            process.request("tick", {}, now_ms=EPOCH_MS)
            self._program_facts = {
                "name": process.name,
                "language": process.language,
                "capabilities": sorted(process.capabilities)[:50],
                "declared": _small(process.declared),
                "clock": program.clock,
            }
        except (CandidateFailure, RpcError, Undecided) as error:
            return trial.finding_of(error)
        except Exception as error:  # noqa: BLE001 - whatever it made of us: our own failure, as a finding
            return trial.finding_of(error)
        finally:
            trial.close()
        return None

    # -- rows ----------------------------------------------------------------------------------------------------------------

    def _settle_all(self, outcome: Outcome, summary: str, witness: dict[str, Any] | None) -> None:
        for requirement in self.wanted:
            self._settled[requirement.id] = uniform_row(requirement, outcome, summary, witness)

    def _absorb(self, keys: set[str]) -> None:
        known = {requirement.id: requirement for requirement in self.wanted}
        found = journal.findings(self.folder.journal, keys)
        fresh = [name for name in found if name in known and name not in self._settled]
        for name in fresh:
            row = row_of(known[name], found[name]) if found[name] else self._lost(known[name], "its tests left no finding")
            self._settled[name] = row
            store.write_evidence(self.folder, name, list(row.evidence))
        if fresh:
            self._write(Facts(partial=True))

    def _account_for(self, end: CellEnd) -> None:
        """What a worker left undone is our own failure, with its last words."""
        known = {requirement.id: requirement for requirement in self.wanted}
        for name in end.cell.requirements:
            if name not in self._settled:
                self._settled[name] = self._undone(known[name], end)

    def _undone(self, requirement: Requirement, end: CellEnd) -> Row:
        if end.returncode is None:
            slow = f"it was not decided within twice its time budget ({end.seconds:.0f} s): the candidate is too slow for the planned traffic"
            return uniform_row(requirement, Outcome.INCONCLUSIVE, slow)
        lines = [line for line in end.log.read_text("utf-8", "replace").splitlines() if line.strip()]
        return self._lost(
            requirement, f"the worker ended with status {end.returncode}: {lines[-1][:300] if lines else 'it said nothing'}"
        )

    def _lost(self, requirement: Requirement, why: str) -> Row:
        return uniform_row(requirement, Outcome.INFRA_ERROR, f"the harness failed: {why}")

    def rows(self) -> list[Row]:
        """Rows in the order of the specification: settled and planned; what was not asked for or not reached is left out."""
        rows = []
        for requirement in self.challenge.requirements:
            if requirement.id in self._settled:
                rows.append(self._settled[requirement.id])
            elif requirement.suite is None:
                rows.append(planned_row(requirement))
        return rows

    # -- what is written -----------------------------------------------------------------------------------------------------

    def _write(self, facts: Facts) -> dict[str, Any]:
        head = {
            "run_id": self.run_id,
            "candidate": {"id": self.subject.id, **self.subject.facts, "program": self._program_facts},
            "challenge": {
                "id": self.challenge.id,
                "title": self.challenge.title,
                "version": self.challenge.version,
            },
            "entry": self.subject.entry,
            "diff": _with(self.subject.diff, self._subject_facts.get("diff")),
            "cost": _with(self.subject.cost, self._subject_facts.get("cost")),
            "integration": self._subject_facts.get("integration"),
            "own_tests": self._subject_facts.get("own_tests"),
            "claims": self.subject.claims,
            "canaries": self._canaries,
        }
        result = compose(head, self.rows(), facts, f"harness replay {self.folder.path}", self._provenance(facts.partial))
        store.write_json(self.folder.result, result)
        beside = [*self.siblings, *matrix_link(self.folder, self.suite_digest)]
        store.write_atomically(self.folder.page, page.render(result, store.read_evidence(self.folder), beside).encode())
        return result

    def identity(self) -> dict[str, Any]:
        """What must be the same for two results to stand for each other."""
        return {
            "suite_digest": self.suite_digest,
            "tree_digest": self.subject.tree_digest,
            "seed": self.options.seed,
            "profile": self.options.profile,
            "time": self.options.time,
            "sandbox": self._sandbox_level,
            "store": self.subject.program.store if self.subject.program is not None else None,
        }

    def _provenance(self, partial: bool) -> dict[str, Any]:
        return {
            "harness_version": __version__,
            **self.identity(),
            "partial": partial,
            "machine": machine.facts(),
            "started": self._started_at,
            "seconds": round(time.monotonic() - self._started, 1),
        }


def _with(known: dict[str, Any] | None, more: dict[str, Any] | None) -> dict[str, Any] | None:
    return {**(known or {}), **(more or {})} or None


def _small(declared: dict[str, Any]) -> dict[str, Any]:
    """What is fit for the scorecard of what a candidate declares: a few numbers and words."""
    fit = {key[:50]: value[:100] if isinstance(value, str) else value for key, value in declared.items()}
    return dict([(key, value) for key, value in fit.items() if isinstance(value, int | float | str)][:20])


def _last_words(finding: Finding) -> str:
    """The last line that it wrote to stderr, if any."""
    lines = str((finding.witness or {}).get("stderr", "")).strip().splitlines()
    return f"; stderr ended with {lines[-1][:200]!r}" if lines else ""


def wanted_requirements(challenge: Challenge, options: Options) -> list[Requirement]:
    """The requirements to run. Raises UsageError for a name that the challenge does not know."""
    known_suites = {Path(name).stem for name in challenge.suites}
    for suite in options.suites:
        if Path(suite).stem not in known_suites:
            raise UsageError(f"no suite {suite!r} in {challenge.id}; there are: {', '.join(sorted(known_suites))}")
    with_suite = [requirement for requirement in challenge.requirements if requirement.suite is not None]
    for name in options.requirements:
        if name not in {requirement.id for requirement in challenge.requirements}:
            ids = ", ".join(requirement.id for requirement in challenge.requirements)
            raise UsageError(f"no requirement {name!r} in {challenge.id}; there are: {ids}")
        if name not in {requirement.id for requirement in with_suite}:
            raise UsageError(f"{name} is planned: it has no suite yet, so there is nothing to run")
    chosen = {Path(suite).stem for suite in options.suites}
    return [
        requirement
        for requirement in with_suite
        if (not chosen or Path(str(requirement.suite)).stem in chosen)
        and (not options.requirements or requirement.id in options.requirements)
    ]
