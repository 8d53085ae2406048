"""Canaries: a run in which a known bad gets away has no verdict."""

from __future__ import annotations

import msgspec
import pytest

from harness import canary
from harness.errors import UsageError
from harness.evaluation import Evaluation, Options, Subject
from harness.judge.outcomes import Finding, Outcome
from harness.judge.requirements import Canary, challenge_ids, load_challenge
from harness.judge.scoring import Facts, verdict
from harness.paths import challenges_root
from harness.programs import program_of_specimen

LOADED = load_challenge(challenges_root(), "anomaly-detection")
CHOSEN = LOADED.canaries[0]


@pytest.mark.parametrize("name", challenge_ids(challenges_root()))
def test_every_challenge_has_two_canaries_that_are_known_bad(name: str) -> None:
    loaded = load_challenge(challenges_root(), name)
    assert len({canary.specimen_of(loaded, choice).name for choice in loaded.canaries}) == 2


def test_a_canary_that_is_not_known_bad_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="no known bad specimen is called 'plain'"):
        canary.specimen_of(LOADED, Canary(specimen="plain", requirement="AD-01"))


def test_caught_with_a_witness_or_the_verdict_is_unknown() -> None:
    caught = canary.fate(LOADED, CHOSEN, [Finding(CHOSEN.requirement, Outcome.FAIL, "s", witness={"seed": 1})])
    assert caught["caught"] and canary.escaped([caught]) == []
    for findings in (
        [],
        [Finding(CHOSEN.requirement, Outcome.PASS, "s")],
        [Finding(CHOSEN.requirement, Outcome.INCONCLUSIVE, "s")],
    ):
        (said,) = canary.escaped([canary.fate(LOADED, CHOSEN, findings)])
        judged = verdict([], Facts(escaped_canaries=[said]))
        assert judged.word == "unknown" and CHOSEN.specimen in judged.reasons[0]


def test_canaries_run_under_the_settings_of_the_candidate() -> None:
    specimen = canary.specimen_of(LOADED, CHOSEN)
    program = program_of_specimen(specimen)
    options = Options("quick", 7, 1, "none")
    like = Evaluation(Subject("x", {}, "run", program, "t"), LOADED, options).cell(program, "preflight", ())
    made = canary.cells(LOADED, like, {requirement.id: 5.0 for requirement in LOADED.requirements})
    for key, (choice, cell) in made.items():
        assert (cell.seed, cell.sandbox, cell.requirements) == (7, "none", [choice.requirement]) and key == cell.key
        assert cell.key != msgspec.structs.replace(cell, seed=8).key
