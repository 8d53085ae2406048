"""The kill matrix, on shots made by hand: each word of it with what makes it true and what makes it false."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.judge.matrix import Matrix, Shot, build, plain
from harness.judge.outcomes import Finding, Outcome
from harness.judge.requirements import Requirement
from harness.judge.specimens import Specimen
from harness.measure.proportions import at_most, upper_bound
from harness.report import kill_matrix as page
from harness.selftest import Plan

WITNESS = {"seed": 1}


def requirement(name: str, **more: Any) -> Requirement:
    row = {"id": name, "title": "t", "dimension": "d", "severity": "major", "basis": "I", "text": "t", "suite": "test_x.py"}
    return Requirement(**{**row, **more})


def specimen(name: str, kind: str, designated: str, **more: Any) -> Specimen:
    table = {"name": name, "kind": kind, "designated": designated, "why": "w", "command": ["x"], "folder": Path()}
    return Specimen.model_validate({**table, **more})


def shot(made: Specimen, name: str, outcome: Outcome, *, number: int = 1, witness: dict[str, int] | None = None) -> Shot:
    return Shot(made, name, number, (Finding(name, outcome, "said", witness=witness),))


ROWS = [requirement("TY-01"), requirement("TY-02"), requirement("TY-03", severity="graded"), requirement("TY-04", suite=None)]
BAD, GOOD = specimen("bad", "bad", "TY-01"), specimen("good", "good", "TY-01")
CAUGHT, CLEAN = shot(BAD, "TY-01", Outcome.FAIL, witness=WITNESS), shot(GOOD, "TY-01", Outcome.PASS)


def matrix(*shots: Shot) -> Matrix:
    return build("toys", ROWS, shots)


def test_a_bad_one_that_fails_with_a_witness_is_caught_and_a_good_one_that_passes_is_clean() -> None:
    made = matrix(CAUGHT, CLEAN)
    assert (made.wrong, made.escaped, made.accusations, made.good_trials) == ([], [], 0, 1)


@pytest.mark.parametrize(
    ("outcome", "witness"),
    [(Outcome.PASS, None), (Outcome.FAIL, None), (Outcome.INCONCLUSIVE, None), (Outcome.CANDIDATE_ERROR, WITNESS)],
)
def test_nothing_else_catches(outcome: Outcome, witness: dict[str, int] | None) -> None:
    made = matrix(shot(BAD, "TY-01", outcome, witness=witness), CLEAN)
    assert [line.name for line in made.escaped] == ["bad"] and made.escaped[0].catchers == []


def test_a_crash_catches_where_breaking_the_protocol_is_the_fault() -> None:
    rude = specimen("rude", "bad", "TY-01", outcome="candidate_error")
    assert matrix(shot(rude, "TY-01", Outcome.CANDIDATE_ERROR, witness=WITNESS)).escaped == []


def test_every_round_must_catch() -> None:
    again = shot(BAD, "TY-01", Outcome.PASS, number=2)
    (line,) = matrix(CAUGHT, again).escaped
    assert line.catchers == [] and line.problem.endswith("(round 2)")


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.INFRA_ERROR])
def test_a_good_one_is_accused_by_all_but_a_pass(outcome: Outcome) -> None:
    made = matrix(CLEAN, shot(GOOD, "TY-01", outcome, number=2, witness=WITNESS))
    assert (made.accusations, made.good_trials) == (1, 2) and made.wrong


def test_a_sound_one_is_accused_by_any_requirement() -> None:
    sound = specimen("sound", "good", "TY-01", sound=True)
    clean, wrong = shot(sound, "TY-01", Outcome.PASS), shot(sound, "TY-02", Outcome.FAIL, witness=WITNESS)
    assert (matrix(clean, wrong).accusations, matrix(clean, wrong).good_trials) == (1, 2)
    assert "TY-02 said fail" in matrix(clean, wrong).wrong[0].problem
    lacking = shot(sound, "TY-02", Outcome.NOT_OFFERED)
    assert (matrix(clean, lacking).accusations, matrix(clean, lacking).good_trials, matrix(clean, lacking).wrong) == (0, 1, [])
    near_miss = matrix(CLEAN, shot(GOOD, "TY-02", Outcome.FAIL, witness=WITNESS))
    assert (near_miss.accusations, near_miss.good_trials, near_miss.wrong) == (0, 1, [])


def test_a_requirement_that_catches_nothing_is_idle_unless_it_is_graded_or_planned() -> None:
    assert matrix(CAUGHT).idle == ("TY-02",)
    other = specimen("other", "bad", "TY-02")
    assert matrix(CAUGHT, shot(other, "TY-02", Outcome.FAIL, witness=WITNESS)).idle == ()
    assert build("toys", ROWS, [CAUGHT], complete=False).idle == ()


def test_what_one_requirement_alone_catches_is_known_only_when_others_were_asked() -> None:
    assert matrix(CAUGHT).load_bearing == []
    crossed = matrix(CAUGHT, shot(BAD, "TY-02", Outcome.PASS))
    assert crossed.load_bearing == [("bad", "TY-01")]
    both = matrix(CAUGHT, shot(BAD, "TY-02", Outcome.FAIL, witness=WITNESS))
    assert both.load_bearing == []
    unasked = matrix(
        CAUGHT, shot(BAD, "TY-02", Outcome.PASS), shot(specimen("slow", "bad", "TY-01"), "TY-01", Outcome.FAIL, witness=WITNESS)
    )
    assert unasked.load_bearing == [("bad", "TY-01")]


def test_a_graded_requirement_never_catches() -> None:
    made = matrix(CAUGHT, shot(BAD, "TY-03", Outcome.FAIL, witness=WITNESS))
    assert made.lines[0].catchers == ["TY-01"]


def test_no_finding_is_a_problem() -> None:
    made = matrix(Shot(BAD, "TY-01", 1, ()))
    assert made.lines[0].squares[0].outcomes == ("none",) and "left no finding" in made.lines[0].problem


def test_bounds_agree_with_closed_forms() -> None:
    assert upper_bound(0, 59) == pytest.approx(1 - 0.05 ** (1 / 59), abs=1e-9)
    assert upper_bound(0, 59) < 0.05 < upper_bound(0, 58)
    assert upper_bound(0, 0) == upper_bound(3, 3) == 1.0
    assert at_most(4, 100, upper_bound(4, 100)) == pytest.approx(0.05, abs=1e-9)
    assert at_most(1, 2, 0.5) == pytest.approx(0.75)
    with pytest.raises(ValueError, match=r"hits lie in 0\.\.2"):
        upper_bound(3, 2)
    with pytest.raises(ValueError, match="confidence"):
        upper_bound(1, 2, 1.0)


def test_a_plan_crosses_known_bad_only() -> None:
    rows = (*ROWS, requirement("TY-05", apart=True))
    challenge: Any = type("C", (), {"requirements": rows})
    named = lambda scope, made: [each.id for each in Plan(scope).requirements(challenge, made)]  # noqa: E731
    assert named("designated", BAD) == named("quick", BAD) == ["TY-01"]
    assert named("full", BAD) == ["TY-01", "TY-02"] and named("every cell", BAD) == ["TY-01", "TY-02", "TY-05"]
    assert named("every cell", GOOD) == ["TY-01"] and named("full", specimen("s", "good", "TY-01", sound=True)) == [
        "TY-01",
        "TY-02",
    ]
    slow = specimen("slow", "bad", "TY-06")
    challenge.requirements = (*rows, requirement("TY-06", alone=True, apart=True))
    assert named("full", slow) == ["TY-06"] and named("every cell", slow) == ["TY-01", "TY-02", "TY-05", "TY-06"]
    assert Plan("full").rounds_of(GOOD) == 2 and Plan("full").rounds_of(BAD) == 1 and Plan("quick", 3).rounds_of(GOOD) == 3


def test_the_page_says_what_the_matrix_says_and_runs_nothing() -> None:
    evil = specimen("evil", "bad", "TY-01", why="<script>alert(1)</script>")
    made = matrix(CAUGHT, CLEAN, shot(evil, "TY-01", Outcome.PASS), shot(BAD, "TY-02", Outcome.INCONCLUSIVE))
    value = json.loads(json.dumps(plain(made, {"title": "Toys"})))
    html = page.render(value)
    assert "1 of 2 known bad specimens are caught" in html and "<script>alert" not in html
    assert "evil: got away: TY-01 said pass" in html and "TY-02" in html
    assert "below 95.0 %" in html, "one clean trial bounds next to nothing"
