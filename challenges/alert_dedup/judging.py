"""Cases played on the field, and what they come to: violations of one requirement, found in virtual time and charged in real time.

A *case* is a named course of offers, waits and faults. It is played in virtual time first. What breaks the requirement there is
played again in real time before it is charged, since a candidate's own timers do not follow a clock that jumps; where the two
differ, real time decides, and the summary says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from challenges.alert_dedup.checker import UNDECIDED, VIOLATION, Finding, check
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.history import Entry, Fault, History, Ok
from challenges.alert_dedup.pictures import picture
from challenges.alert_dedup.view import Rules
from harness.errors import CandidateFailure, CandidateHung
from harness.results.layout import EvaluationFolder
from harness.runtime.trial import Trial, Undecided, Violation

MAX_SHOWN = 60
MAX_HISTORIES = 200
MAX_NAME = 100
OTHERS = ("canary-", "specimen-")
MAX_COMPLAINTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Case:
    """One course of events. `settle_ms`: how much true time passes after it, so that nothing is judged before its time is over.

    `faults`: how many of those in `kinds` have to be proven for it.
    """

    name: str
    play: Callable[[Field], None]
    settle_ms: float = 1200.0
    faults: int = 0
    kinds: tuple[str, ...] = ("kill",)
    begins: bool = False
    """Whether `play` itself begins the run."""
    tries: int = 1
    """How often it is played in real time until that breaks what broke in virtual time: more than once where requests race."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a case came to: its history, the round trips, and all findings of the checker.

    `complaints`: what the proxies had to refuse up to then.
    """

    case: str
    real: bool
    entries: Sequence[Entry]
    trips: list[dict[str, Any]]
    rules: Rules
    findings: list[Finding]
    complaints: tuple[str, ...] = ()

    @property
    def refused(self) -> str:
        """A clause for the summary, '' where no proxy refused anything."""
        return _refused(self.complaints)

    def of(self, *requirements: str, verdict: str = VIOLATION) -> list[Finding]:
        """Its findings of these requirements and that verdict."""
        return [finding for finding in self.findings if finding.requirement in requirements and finding.verdict == verdict]

    @property
    def decisions(self) -> set[str]:
        """Every decision that was answered."""
        return {str(getattr(entry, "decision", "")) for entry in self.entries} - {""}

    @property
    def faults(self) -> list[Fault]:
        """Every fault of the run."""
        return [entry for entry in self.entries if isinstance(entry, Fault)]

    def unproven(self, case: Case) -> int:
        """How many of the faults of that case are not seen to have taken."""
        return case.faults - sum(fault.fault in case.kinds and fault.status == "installed" for fault in self.faults)

    @property
    def decisions_after_faults(self) -> set[str]:
        """Every decision that was answered after the first fault."""
        first = next((fault.i for fault in self.faults), len(self.entries))
        return {entry.decision for entry in self.entries if isinstance(entry, Ok) and entry.i > first}


def _refused(complaints: Sequence[str]) -> str:
    more = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
    return f"; {complaints[0]}{more}" if complaints else ""


@dataclass(slots=True)
class Judgement:
    """All that was played for one requirement. `charged`: violations that hold; `passing`: those seen in virtual time alone.

    `planned`: how many cases there were to play, since the first that is charged ends it.
    """

    requirements: tuple[str, ...]
    played: list[Played] = field(default_factory=list)
    charged: list[tuple[Played, Finding]] = field(default_factory=list)
    passing: list[tuple[Played, Finding]] = field(default_factory=list)
    planned: int = 0

    def charge(self, run: Played) -> None:
        """What a run broke counts."""
        self.charged += [(run, finding) for finding in run.of(*self.requirements)]

    def confirm(self, run: Played, again: Played) -> None:
        """The same case in real time: what that run broke counts, what only the other one did is noted."""
        self.played.append(again)
        self.charge(again)
        if not again.of(*self.requirements):
            self.passing += [(run, finding) for finding in run.of(*self.requirements)]

    def run_of(self, case: str) -> Played:
        """The run of that case which decides. Raises KeyError if it was not played."""
        return {run.case: run for run in self.deciding}[case]

    @property
    def deciding(self) -> list[Played]:
        """The run of each case that decides: the one in real time, where there is one."""
        found: dict[str, Played] = {}
        for run in self.played:
            if run.real or run.case not in found:
                found[run.case] = run
        return list(found.values())

    @property
    def virtual_only(self) -> str:
        """A clause for the summary, '' unless the two times differ."""
        if not self.passing:
            return ""
        names = ", ".join(dict.fromkeys(played.case for played, _ in self.passing))
        return f"; in virtual time it was broken in {names}, in real time it was not, and real time decides"


class Grounds:
    """Fields opened when they are needed, one for each kind of time; closed together."""

    def __init__(self, trial: Trial, processors: int = 3, *, durable: bool = False) -> None:
        self.trial = trial
        self._processors = processors
        self._durable = durable
        self._fields: dict[bool, Field] = {}
        self._stack = ExitStack()

    def field(self, *, real: bool) -> Field:
        """The field of that time."""
        real = real or self.trial.cell.time == "real"
        if real not in self._fields:
            made = self._stack.enter_context(Field(self.trial, self._processors, real=real, durable=self._durable))
            self._fields[real] = made
        return self._fields[real]

    def __enter__(self) -> Grounds:
        return self

    def complaints(self) -> list[str]:
        """What the proxies say of the processors, once each."""
        return list(dict.fromkeys(sentence for field in self._fields.values() for sentence in field.complaints()))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Whatever the outcome, the proxies' complaints are shown beside it; a candidate's own failure is told with them."""
        said = self.complaints()
        self._stack.close()
        if said:
            rows = [[sentence[:300]] for sentence in said[:MAX_COMPLAINTS_SHOWN]]
            title = "What the store's proxy had to refuse"
            self.trial.evidence({"kind": "table", "title": title, "columns": ["processor, and what it did"], "rows": rows})
        if said and isinstance(error, CandidateFailure):
            text = f"{error}{_refused(said)}"
            raise type(error)(text, stderr_tail=error.stderr_tail, request=error.request) from error


def play(ground: Field, case: Case) -> Played:
    """Plays a case in a fresh run and checks what happened."""
    if not case.begins:
        ground.begin()
    case.play(ground)
    ground.pass_ms(case.settle_ms)
    ground.quiet()
    return played(ground, case.name)


def played(ground: Field, name: str) -> Played:
    """What the run so far came to; that it lasted until now is taken down."""
    ground.note_end()
    entries = list(ground.history.entries)
    rules = ground.rules
    found = check(entries, rules)
    return Played(name, ground.real, entries, ground.trip_rows(), rules, found, tuple(ground.complaints()))


def judge(
    trial: Trial,
    grounds: Grounds,
    requirements: Sequence[str],
    cases: Sequence[Case],
    *,
    in_real_time: Iterable[str] = (),
    every: bool = False,
) -> Judgement:
    """Plays the cases for these rules of the checker; those named in `in_real_time` in real time too.

    On a replay only what the witness names, unless `every`. Stops after the first that is charged. Raises Undecided when the
    requirement's time is over with cases left, or where a kill is not proven.
    """
    also_real = set(in_real_time)
    wanted = list(cases) if every else trial.cases(cases, key=lambda case: case.name)
    judgement = Judgement(tuple(requirements), planned=len(wanted))
    for case in wanted:
        if judgement.played and trial.over_budget():
            raise Undecided(f"its time was over after {wanted.index(case)} of {len(wanted)} cases, none of them broken")
        run = _play(grounds.field(real=False), case, requirements)
        judgement.played.append(run)
        if run.real:
            judgement.charge(run)
        elif run.of(*requirements) or case.name in also_real:
            judgement.confirm(run, _in_real_time(grounds, case, requirements, broken=bool(run.of(*requirements))))
        missing = run.unproven(case)
        if judgement.charged:
            return judgement
        if missing > 0:
            named = "kills" if case.kinds == ("kill",) else "faults"
            raise Undecided(f"{missing} of {case.faults} {named} of the case {case.name!r} are not proven to have happened")
    return judgement


def _in_real_time(grounds: Grounds, case: Case, requirements: Sequence[str], *, broken: bool) -> Played:
    """The case in real time. What races may break in one run and not in the next: then it is given the tries that it names."""
    for left in reversed(range(case.tries if broken else 1)):
        run = _play(grounds.field(real=True), case, requirements)
        if not left or run.of(*requirements):
            return run
    raise ValueError(f"the case {case.name!r} is to be tried {case.tries} times")


def _play(ground: Field, case: Case, requirements: Sequence[str]) -> Played:
    """As `play`; a processor that falls silent ends the run early, and is charged by its history where that breaks a rule."""
    try:
        return play(ground, case)
    except CandidateHung:
        run = played(ground, case.name)
        if run.of(*requirements):
            return run
        raise
    except CandidateFailure as error:
        if not case.faults:
            raise
        raise placed(error, case) from error


def placed(error: CandidateFailure, case: Case) -> CandidateFailure:
    """The same failure, with the case in its words where that was one with faults of ours."""
    if not case.faults:
        return error
    return type(error)(f"{error} ({case.name})", stderr_tail=error.stderr_tail, request=error.request)


# -- the outcome -----------------------------------------------------------------------------------------------------------------


def decide(trial: Trial, judgement: Judgement, *, both: bool = True) -> None:
    """Raises Violation, or Undecided where nothing was shown; `both`: an emit and a suppression must have been seen."""
    if judgement.charged:
        raise violation(trial, judgement)
    waiting = [finding for run in judgement.played for finding in run.of(*judgement.requirements, verdict=UNDECIDED)]
    if waiting:
        raise Undecided(f"a run ended before its time was over: {waiting[0].summary}")
    seen = set().union(*(run.decisions for run in judgement.played)) if judgement.played else set()
    if both and not {"emit"} < seen:
        refused = judgement.played[-1].refused if judgement.played else ""
        raise Undecided(
            f"nothing was shown: of an emit and a suppression, only {', '.join(sorted(seen)) or 'neither'} was seen{refused}"
        )


def decide_under_faults(trial: Trial, judgement: Judgement) -> None:
    """As `decide`; the emit and the suppression must have been seen after a fault."""
    decide(trial, judgement, both=False)
    seen = set().union(*(run.decisions_after_faults for run in judgement.played)) if judgement.played else set()
    if not {"emit"} < seen:
        said = ", ".join(sorted(seen)) or "neither"
        refused = judgement.played[-1].refused if judgement.played else ""
        raise Undecided(f"nothing was shown: of an emit and a suppression after a fault, only {said} was seen{refused}")


def violation(trial: Trial, judgement: Judgement, **more: Any) -> Violation:
    """The failure, with the first charged run as its witness and its picture as evidence.

    Its credit is the share of all cases that was seen to go right: what was not played, since the first wrong one ends it, earns
    nothing.
    """
    run, finding = judgement.charged[0]
    wrong = {one.case for one, _ in judgement.charged}
    right = {one.case for one in judgement.played} - wrong
    time = "in real time" if run.real else "in virtual time"
    show(trial, run, finding)
    return Violation(
        f"{finding.summary} ({run.case}, {time}){run.refused}",
        credit=len(right) / max(judgement.planned, len(right) + len(wrong)),
        witness={"cases": [run.case], **witness(trial, run, finding)} | more,
    )


def witness(trial: Trial, run: Played, finding: Finding) -> dict[str, Any]:
    """What shows a violation: the finding, the entries around it, and where the whole history lies."""
    return {
        "case": run.case,
        "time": "real" if run.real else "virtual",
        "found": finding.summary,
        "history": save_history(trial, run),
        "entries": entries_shown(run, finding),
    }


def entries_shown(run: Played, finding: Finding) -> list[str]:
    """The entries of that fingerprint, and the faults, in a few words each; the last of them where they are many."""
    named = {finding.fingerprint}
    ops = {entry.op for entry in run.entries if getattr(entry, "fingerprint", None) in named and hasattr(entry, "op")}
    kept = [
        entry
        for entry in run.entries
        if getattr(entry, "fingerprint", None) in named or getattr(entry, "op", None) in ops or isinstance(entry, Fault)
    ]
    first = [entry for entry in kept if entry.i in finding.entries]
    if len(kept) > MAX_SHOWN:
        shown = {entry.i: entry for entry in (*first, *kept[-MAX_SHOWN:])}  # by number: evidence cannot be hashed
        kept = [shown[i] for i in sorted(shown)]
    return [words(entry) for entry in kept]


def words(entry: Entry) -> str:
    """One entry in a few words."""
    kind = type(entry).__name__.lower()
    named = ("op", "event_id", "attempt", "decision", "code", "reason", "alert_id", "fault", "status", "what")
    told = " ".join(
        f"{name}={str(getattr(entry, name))[:80]}" for name in named if getattr(entry, name, None) not in (None, "")
    )
    return f"{entry.t_ns / 1e6:.3f} ms {entry.proc} {kind} {told}"


def save_history(trial: Trial, run: Played) -> str:
    """Writes the history beside the result; its path from there, '' where enough are kept already.

    Specimens and canaries share the folder with each other or a candidate: what shows one must not be overwritten by another.
    """
    folder = EvaluationFolder(Path(trial.cell.journal).parent).histories
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.iterdir())) >= MAX_HISTORIES:
        return ""
    owner = f"{trial.cell.candidate_id}-" if trial.cell.candidate_id.startswith(OTHERS) else ""
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{trial.requirement}-{run.case}")[:MAX_NAME]
    path = folder / f"{owner}{name}-{'real' if run.real else 'virtual'}.jsonl"
    path.unlink(missing_ok=True)
    with History(path) as history:
        for entry in run.entries:
            history.copy(entry)
    return f"{folder.name}/{path.name}"


def show(trial: Trial, run: Played, finding: Finding | None) -> None:
    """The picture of a run, as evidence: of one finding, or of all that happened."""
    trial.evidence(picture(run.entries, run.trips, run.rules, finding))


def show_note(trial: Trial, text: str) -> None:
    """A sentence for the page, beside the outcome."""
    trial.evidence({"kind": "table", "title": "Virtual and real time differ", "columns": ["what was seen"], "rows": [[text]]})


def sum_up(judgement: Judgement, what: str) -> str:
    """The summary of a pass."""
    real = sum(run.real for run in judgement.played)
    return f"{what}: {len(judgement.played)} runs, {real} of them in real time{judgement.virtual_only}"
