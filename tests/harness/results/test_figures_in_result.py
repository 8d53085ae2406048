"""What suites measured goes into the result as figures; what is drawn of it stays in the evidence."""

from __future__ import annotations

from harness.judge.outcomes import Outcome
from harness.judge.requirements import Requirement
from harness.judge.rows import Row
from harness.judge.scoring import Facts
from harness.results.compose import compose


def row(name: str, *evidence: dict[str, object]) -> Row:
    requirement = Requirement(id=name, title="t", dimension="d", severity="major", basis="P", text="x", suite="s.py")
    return Row(requirement, "major", Outcome.PASS, 1.0, "", None, (), evidence, 0.0)


def test_latency_and_memory_by_requirement() -> None:
    measured = {"kind": "latency", "figures": {"p99_ms": 1.5}, "curves": [1, 2]}
    grown = {"kind": "memory", "figures": {"bytes a log": 0.0}, "lines": []}
    result = compose({}, [row("AD-40", {"kind": "text"}, measured), row("AD-50", grown)], Facts(), "replay", {})
    assert result["latency"] == {"AD-40": {"p99_ms": 1.5}}
    assert result["memory"] == {"AD-50": {"bytes a log": 0.0}}


def test_nothing_measured_is_nothing() -> None:
    result = compose({}, [row("AD-01")], Facts(), "replay", {})
    assert result["latency"] is None and result["memory"] is None
