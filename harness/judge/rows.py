"""From the findings of one requirement to its row on the scorecard. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.judge.outcomes import DECIDED, Finding, Outcome, worst
from harness.judge.requirements import SEVERITIES, WEIGHT, Requirement

# A failure keeps the credit for the share of its cases that went right.
CREDITED = frozenset({Outcome.PASS, Outcome.FAIL})


@dataclass(frozen=True, slots=True)
class Part:
    """One separately weighed part of a row: the whole of it, where it has no parts."""

    name: str
    severity: str
    outcome: Outcome
    credit: float
    summary: str


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement as judged. `severity` is that of the worst part; `credit` in 0..1 is weighted over the parts."""

    requirement: Requirement
    severity: str
    outcome: Outcome
    credit: float
    summary: str
    witness: dict[str, Any] | None
    parts: tuple[Part, ...]
    evidence: tuple[dict[str, Any], ...]
    seconds: float

    @property
    def decided(self) -> bool:
        """Whether it enters a denominator."""
        return self.outcome in DECIDED

    @property
    def weight(self) -> float:
        """Its weight in the score: that of the severity it is shown with, so that a reader can add it up."""
        return WEIGHT[self.severity]


def planned_row(requirement: Requirement) -> Row:
    """A requirement without a suite: outside verdict and score."""
    return Row(requirement, requirement.severity, Outcome.PLANNED, 0.0, "no suite yet", None, (), (), 0.0)


def uniform_row(requirement: Requirement, outcome: Outcome, summary: str, witness: dict[str, Any] | None = None) -> Row:
    """A row whose outcome was settled before any test: a build that failed, a worker that died."""
    part = Part("", requirement.severity, outcome, 0.0, summary)
    return Row(requirement, requirement.severity, outcome, 0.0, summary, witness, (part,), (), 0.0)


def row_of(requirement: Requirement, findings: Sequence[Finding]) -> Row:
    """The row of a requirement with at least one finding. Raises ValueError without any."""
    if not findings:
        raise ValueError(f"{requirement.id} has no finding")
    names = dict.fromkeys(finding.part for finding in findings)
    parts = [_part(requirement, [f for f in findings if f.part == name]) for name in names]
    outcome = worst(part.outcome for part in parts)
    at_fault = [part for part in parts if part.outcome is outcome]
    severity = min((part.severity for part in at_fault), key=SEVERITIES.index)
    first = _most_telling(findings, outcome, severity, requirement)
    return Row(
        requirement,
        severity,
        outcome,
        _credit(parts),
        first.summary,
        first.witness,
        tuple(parts),
        tuple(item for finding in findings for item in finding.evidence),
        round(sum(finding.seconds for finding in findings if not finding.part), 3),
    )


def _part(requirement: Requirement, findings: Sequence[Finding]) -> Part:
    severity = findings[0].severity or requirement.severity
    outcome = worst(finding.outcome for finding in findings)
    if severity == "graded" and outcome is Outcome.FAIL:
        outcome = Outcome.PASS
    credit = sum(f.credit for f in findings) / len(findings) if outcome in CREDITED else 0.0
    summary = next(f.summary for f in findings if f.outcome is outcome or outcome is Outcome.PASS)
    return Part(findings[0].part, severity, outcome, credit, summary)


def _credit(parts: Sequence[Part]) -> float:
    counted = [part for part in parts if part.outcome in DECIDED]
    total = sum(WEIGHT[part.severity] for part in counted)
    return sum(WEIGHT[part.severity] * part.credit for part in counted) / total if total else 0.0


def _most_telling(findings: Sequence[Finding], outcome: Outcome, severity: str, requirement: Requirement) -> Finding:
    at_fault = [f for f in findings if f.outcome is outcome and (f.severity or requirement.severity) == severity]
    return (at_fault or list(findings))[0]
