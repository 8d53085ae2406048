"""From findings to rows, score and verdict: each rule of the design with a case that satisfies it and one that does not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.outcomes import DECIDED, Finding, Outcome, worst
from harness.judge.requirements import Requirement
from harness.judge.rows import Row, planned_row, row_of, uniform_row
from harness.judge.scoring import Facts, as_asked, dimensions, score, verdict


def requirement(severity: str = "critical", basis: str = "P", name: str = "AD-01", dimension: str = "detection") -> Requirement:
    return Requirement.model_validate(
        {"id": name, "title": "t", "dimension": dimension, "severity": severity, "basis": basis, "text": "x", "suite": "s.py"}
    )


def finding(outcome: Outcome, credit: float = 1.0, part: str = "", severity: str | None = None) -> Finding:
    witness = {"seed": 1} if outcome is Outcome.FAIL else None
    return Finding("AD-01", outcome, f"{part or 'main'} {outcome.value}", credit, severity, part, witness)


def row(outcome: Outcome, severity: str = "critical", basis: str = "P", credit: float = 1.0) -> Row:
    return row_of(requirement(severity, basis), [finding(outcome, credit if outcome is Outcome.PASS else 0.0)])


@pytest.mark.parametrize(
    ("rows", "facts", "word"),
    [
        ([row(Outcome.PASS)], Facts(), "ship"),
        ([row(Outcome.PASS), row(Outcome.FAIL, "minor")], Facts(), "ship"),
        ([row(Outcome.FAIL)], Facts(), "reject"),
        ([row(Outcome.CANDIDATE_ERROR)], Facts(), "reject"),
        ([row(Outcome.PASS), row(Outcome.FAIL, "major")], Facts(), "harden"),
        ([row(Outcome.PASS), row(Outcome.CANDIDATE_ERROR, "major")], Facts(), "harden"),
        ([row(Outcome.PASS), row(Outcome.NOT_OFFERED, "major")], Facts(), "harden"),
        ([row(Outcome.PASS), row(Outcome.NOT_OFFERED)], Facts(), "harden"),
        ([row(Outcome.PASS), row(Outcome.INCONCLUSIVE, "major")], Facts(), "ship"),
        ([row(Outcome.INCONCLUSIVE)], Facts(), "unknown"),
        ([row(Outcome.INFRA_ERROR), row(Outcome.FAIL, "major")], Facts(), "unknown"),
        ([row(Outcome.INFRA_ERROR), row(Outcome.FAIL)], Facts(), "reject"),
        ([row(Outcome.PASS)], Facts(partial=True), "unknown"),
        ([row(Outcome.FAIL)], Facts(partial=True), "reject"),
        ([row(Outcome.PASS)], Facts(starts=False, start_problem="no"), "reject"),
        ([row(Outcome.PASS)], Facts(integrated=False), "harden"),
        ([row(Outcome.PASS)], Facts(own_tests_red=["a"]), "harden"),
        ([row(Outcome.PASS)], Facts(own_tests_red=[], integrated=True), "ship"),
        ([planned_row(requirement())], Facts(), "unknown"),
        ([row(Outcome.PASS), planned_row(requirement())], Facts(), "ship"),
        ([], Facts(), "unknown"),
    ],
)
def test_the_first_rule_that_holds_gives_the_verdict(rows: Sequence[Row], facts: Facts, word: str) -> None:
    judged = verdict(rows, facts)
    assert judged.word == word and judged.reasons


def test_a_verdict_names_the_requirement_and_what_was_found() -> None:
    assert "AD-01 t: fail: main fail" in verdict([row(Outcome.FAIL)], Facts()).reasons


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(Outcome.PASS)], 100.0),
        ([row(Outcome.PASS), row(Outcome.FAIL)], 50.0),
        ([row(Outcome.PASS, credit=0.5)], 50.0),
        ([row(Outcome.PASS), row(Outcome.NOT_OFFERED, "major")], 62.5),
        ([row(Outcome.PASS), row(Outcome.INCONCLUSIVE), row(Outcome.INFRA_ERROR)], 100.0),
        ([row(Outcome.PASS, "minor"), row(Outcome.FAIL, "critical")], 16.7),
        ([row(Outcome.INCONCLUSIVE)], None),
        ([], None),
    ],
)
def test_the_score_weighs_decided_rows_only(rows: Sequence[Row], expected: float | None) -> None:
    assert score(rows) == expected


def test_as_asked_leaves_out_what_only_this_specification_asks() -> None:
    rows = [row(Outcome.PASS, basis="P"), row(Outcome.PASS, basis="I"), row(Outcome.FAIL, basis="S")]
    assert verdict(rows, Facts()).word == "reject"
    assert verdict(as_asked(rows), Facts()).word == "ship"


@given(st.lists(st.sampled_from(list(Outcome)), min_size=1))
def test_a_violation_outranks_everything(outcomes: list[Outcome]) -> None:
    combined = worst(outcomes)
    assert combined in outcomes
    assert (combined is Outcome.FAIL) == (Outcome.FAIL in outcomes)
    assert combined is not Outcome.PASS or not (set(outcomes) & {Outcome.FAIL, Outcome.CANDIDATE_ERROR, Outcome.INFRA_ERROR})


def test_a_major_part_that_fails_makes_the_row_major_not_critical() -> None:
    judged = row_of(requirement(), [finding(Outcome.PASS), finding(Outcome.FAIL, 0.0, "mid band", "major")])
    assert (judged.outcome, judged.severity) == (Outcome.FAIL, "major")
    assert judged.credit == pytest.approx(5 / 8)
    assert verdict([judged], Facts()).word == "harden"


def test_a_major_part_does_not_hide_a_critical_doubt() -> None:
    judged = row_of(requirement(), [finding(Outcome.INCONCLUSIVE), finding(Outcome.FAIL, 0.0, "mid band", "major")])
    assert verdict([judged], Facts()).word == "unknown"


def test_a_graded_part_carries_credit_and_never_fails() -> None:
    judged = row_of(requirement(), [finding(Outcome.PASS), finding(Outcome.FAIL, 0.0, "low band", "graded")])
    assert judged.outcome is Outcome.PASS and judged.credit == pytest.approx(5 / 6)


def test_a_failure_keeps_the_credit_of_what_went_right() -> None:
    judged = row_of(requirement(), [finding(Outcome.FAIL, 0.4)])
    assert judged.credit == pytest.approx(0.4) and score([judged]) == 40.0
    assert row_of(requirement(), [finding(Outcome.CANDIDATE_ERROR, 0.4)]).credit == 0.0


def test_several_tests_of_one_requirement_count_together() -> None:
    judged = row_of(requirement(), [finding(Outcome.PASS, 1.0), finding(Outcome.PASS, 0.5)])
    assert judged.credit == pytest.approx(0.75)
    assert row_of(requirement(), [finding(Outcome.PASS), finding(Outcome.FAIL)]).witness == {"seed": 1}


def test_a_row_needs_a_finding() -> None:
    with pytest.raises(ValueError, match="no finding"):
        row_of(requirement(), [])


@given(st.lists(st.tuples(st.sampled_from(list(Outcome)), st.floats(0, 1)), min_size=1, max_size=20))
def test_scores_stay_between_0_and_100(items: list[tuple[Outcome, float]]) -> None:
    rows = [row(outcome, credit=credit) for outcome, credit in items]
    value = score(rows)
    assert (value is None) == (not any(outcome in DECIDED for outcome, _ in items))
    assert value is None or 0.0 <= value <= 100.0


def test_dimensions_count_what_is_planned_and_undecided_beside_the_rate() -> None:
    spec = requirement()
    rows = [row(Outcome.PASS), row(Outcome.INCONCLUSIVE), uniform_row(spec, Outcome.CANDIDATE_ERROR, "died"), planned_row(spec)]
    (only,) = dimensions(rows)
    assert (only["pass"], only["decided"], only["undecided"], only["planned"]) == (1, 2, 1, 1)
    assert only["worst"] == "candidate_error"
