"""Score and verdict from rows. Pure; the rules are those of the design, first that holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.judge.outcomes import DECIDED, UNDECIDED, Outcome, worst
from harness.judge.requirements import AS_ASKED
from harness.judge.rows import Row

BROKEN = frozenset({Outcome.FAIL, Outcome.CANDIDATE_ERROR})
SHORT_OF = BROKEN | {Outcome.NOT_OFFERED}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the verdict rests on besides the rows. `None` is: not measured."""

    partial: bool = False
    starts: bool = True
    start_problem: str = ""
    integrated: bool | None = None
    own_tests_red: Sequence[str] | None = None
    escaped_canaries: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word` is ship, harden, reject or unknown; `reasons` say why, most important first."""

    word: str
    reasons: tuple[str, ...]


def score(rows: Iterable[Row]) -> float | None:
    """0 to 100 over decided rows: sum of weight x credit; None if nothing was decided."""
    decided = [row for row in rows if row.decided]
    total = sum(row.weight for row in decided)
    return round(100.0 * sum(row.weight * row.credit for row in decided) / total, 1) if total else None


def as_asked(rows: Iterable[Row]) -> list[Row]:
    """The rows that a candidate who never saw our prompt is judged by: basis P or I."""
    return [row for row in rows if row.requirement.basis in AS_ASKED]


def verdict(rows: Sequence[Row], facts: Facts) -> Verdict:
    """reject, unknown, harden or ship."""
    if not facts.starts:
        return Verdict("reject", (facts.start_problem,))
    if facts.escaped_canaries:
        return Verdict("unknown", tuple(f"the judge cannot be trusted in this run: {said}" for said in facts.escaped_canaries))
    for word, reasons in (
        ("reject", _parts(rows, {"critical"}, BROKEN)),
        ("unknown", _unknown(rows, facts)),
        ("harden", _harden(rows, facts)),
    ):
        if reasons:
            return Verdict(word, tuple(reasons))
    return Verdict("ship", ("every critical and major requirement that has a suite holds",))


def _parts(rows: Sequence[Row], severities: set[str], outcomes: frozenset[Outcome]) -> list[str]:
    found = []
    for row in rows:
        for part in row.parts:
            if part.severity in severities and part.outcome in outcomes:
                name = f"{row.requirement.id} {row.requirement.title}" + (f" ({part.name})" if part.name else "")
                found.append(f"{name}: {part.outcome.value.replace('_', ' ')}: {part.summary}")
    return found


def _unknown(rows: Sequence[Row], facts: Facts) -> list[str]:
    undecided = _parts(rows, {"critical"}, UNDECIDED)
    if facts.partial:
        undecided.append("only a part of the requirements was run")
    if not any(row.decided for row in rows):
        undecided.append("nothing was decided")
    return undecided


def _harden(rows: Sequence[Row], facts: Facts) -> list[str]:
    reasons = _parts(rows, {"critical"}, frozenset({Outcome.NOT_OFFERED})) + _parts(rows, {"major"}, SHORT_OF)
    if facts.integrated is False:
        reasons.append("the change is not wired into the program")
    if facts.own_tests_red:
        reasons.append(f"its own tests are red or flaky: {', '.join(facts.own_tests_red[:5])}")
    return reasons


def dimensions(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry per dimension in order of appearance: name, score, counts, the worst outcome."""
    names = dict.fromkeys(row.requirement.dimension for row in rows)
    return [_dimension(name, [row for row in rows if row.requirement.dimension == name]) for name in names]


def _dimension(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    measured = [row.outcome for row in rows if row.outcome is not Outcome.PLANNED]
    return {
        "name": name,
        "score": score(rows),
        "pass": sum(outcome is Outcome.PASS for outcome in measured),
        "decided": sum(outcome in DECIDED for outcome in measured),
        "undecided": sum(outcome in UNDECIDED for outcome in measured),
        "planned": len(rows) - len(measured),
        "worst": worst(measured).value,
    }
