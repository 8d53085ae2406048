"""DD-70: malformed offers get -32602 and change nothing; the processor goes on."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Case, Grounds, Played, play, show
from challenges.alert_dedup.malformed import GOOD, MALFORMED, Malformed
from harness.runtime.trial import Trial, Undecided, Violation

INVALID_PARAMS = -32602
BAD_EVENT = "bad event"
ROUNDS = 4  # more offers than a pool has places


def case_of(bad: Malformed) -> Case:
    """The malformed offer first of all, then a good one of the fingerprint that it named, which must be paged as if alone."""

    def course(field: Field) -> None:
        field.wait(field.offer(field.names[0], bad.fingerprint, event_id=BAD_EVENT, params=bad.params(BAD_EVENT)))
        good_offers(field)

    return Case(bad.name, course)


def flood(field: Field) -> None:
    """All of them to one processor, several times over, then the good ones: what each leaves behind adds up."""
    for number, bad in enumerate(MALFORMED * ROUNDS):
        event_id = f"{BAD_EVENT} {number}"
        offer = field.offer(field.names[0], bad.fingerprint, event_id=event_id, params=bad.params(event_id))
        field.wait(offer)
        if offer.outcome == "info":
            break  # it is silent: what it says to good ones is all that is left to ask
    good_offers(field)


def good_offers(field: Field) -> None:
    """Two good offers of one fingerprint: the first is to be paged, the second not."""
    field.pass_ms(300)
    field.wait(field.offer(field.names[0], GOOD, event_id="good"))
    field.wait(field.offer(field.names[1], GOOD, event_id="again"))


def alone(field: Field) -> None:
    """The good offers to new processes, which never saw a malformed one."""
    field.begin(fresh=field.names)
    good_offers(field)


FLOOD = Case(f"all of them, {ROUNDS} times", flood)
ALONE = Case("no malformed offer", alone, begins=True)


Bad = Malformed | Case
EVERY: tuple[Bad, ...] = (*MALFORMED, FLOOD)


@pytest.mark.requirement("DD-70")
def test_malformed_offers_are_refused(trial: Trial) -> None:
    chosen = trial.cases(EVERY, key=lambda bad: bad.name)
    wrong: dict[str, str] = {}
    with Grounds(trial, 2) as grounds:
        for bad in chosen:
            if wrong and bad is FLOOD:
                break  # it would only say once more what is wrong with one of them
            run, problem = tried(grounds, bad, sure=bad is chosen[0])
            if problem and not wrong:
                ask_alone(grounds, problem)
                show(trial, run, None)
            if problem:
                wrong[bad.name] = problem
    if wrong:
        first = next(iter(wrong))
        raise Violation(
            f"{len(wrong)} of {len(chosen)} malformed offers were not refused with {INVALID_PARAMS}, or did harm; the first, {first}: {wrong[first]}",
            credit=1 - len(wrong) / len(chosen),
            witness={"cases": list(wrong), "problems": wrong},
        )
    trial.summary(
        f"{len(MALFORMED)} malformed offers, alone and all together, were refused with {INVALID_PARAMS} and did no harm"
    )


def tried(grounds: Grounds, bad: Bad, *, sure: bool) -> tuple[Played, str]:
    """The run with that offer, or with that course of them, and what is wrong with it: in virtual time, and in real time, which
    decides, if something is or if it is to be `sure`."""
    played = play_bad(grounds, bad, real=False)
    return play_bad(grounds, bad, real=True) if sure or played[1] else played


def play_bad(grounds: Grounds, bad: Bad, *, real: bool) -> tuple[Played, str]:
    """One run, and what is wrong with it."""
    ground = grounds.field(real=real)
    if isinstance(bad, Case):
        run = play(ground, bad)
        return run, problem_after(ground) or problem_of_flood(ground)
    return play(ground, case_of(bad)), problem_of(ground)


def ask_alone(grounds: Grounds, problem: str) -> None:
    """Raises Undecided where the good offers fare as badly without a malformed one before them."""
    ground = grounds.field(real=True)
    play(ground, ALONE)
    if problem == problem_after(ground):
        raise Undecided(f"whether it goes on cannot be seen, as it is the same without a malformed offer: {problem}")


def problem_of(field: Field) -> str:
    """What is wrong with the run, '' if nothing is."""
    bad = field.offers[0]
    if bad.outcome != "fail" or bad.code != INVALID_PARAMS:
        answered = f"decision {bad.decision}" if bad.outcome == "ok" else f"error {bad.code}" if bad.code else "silence"
        return f"answered with {answered} instead of error {INVALID_PARAMS}"
    named = {group.event_id for group in field.view().groups.values()}
    if BAD_EVENT in named or not named <= {"good", "again"}:
        return "a page went out for it"
    return problem_after(field)


def problem_of_flood(field: Field) -> str:
    """How many of many malformed offers were not refused, '' if all were."""
    bad = [offer for offer in field.offers if offer.malformed]
    odd = [offer for offer in bad if offer.outcome != "fail" or offer.code != INVALID_PARAMS]
    return f"{len(odd)} of {len(bad)} in a row were not answered with error {INVALID_PARAMS}" if odd else ""


def problem_after(field: Field) -> str:
    """What is wrong with the two good offers, '' if nothing is."""
    good, again = field.offers[-2:]
    if good.outcome != "ok" or good.decision != "emit" or len(field.view().groups) != 1 or again.decision == "emit":
        return f"of two good offers after it the first was to be paged and the second not; they were answered {good.decision or good.outcome} and {again.decision or again.outcome}"
    return ""
