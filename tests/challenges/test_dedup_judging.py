"""What cases come to: what is charged, what is only said, what stays undecided, and what the reader is shown."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from challenges.alert_dedup import judging
from challenges.alert_dedup.checker import check
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.history import Entry, Fault, read
from challenges.alert_dedup.judging import (
    MAX_HISTORIES,
    MAX_SHOWN,
    Case,
    Grounds,
    Judgement,
    Played,
    decide,
    entries_shown,
    judge,
    played,
    save_history,
    sum_up,
    violation,
)
from challenges.alert_dedup.view import MS, Rules
from harness.errors import Undecided, Violation
from harness.judge.outcomes import Outcome
from harness.runtime.trial import Trial
from tests.challenges.dedup_histories import Sketch
from tests.challenges.dedup_trials import Maker, make, outcome

__all__ = ["make"]

GOOD = Sketch().page(0, "e1", "a1").offer(100, "e2").end(2000).entries()
DOUBLE = Sketch().page(0, "e1", "a1").page(100, "e2", "a2", proc="p1").end(2000).entries()


def lost(until_ms: int) -> list[Entry]:
    """An event that was accepted and is paged by nobody up to that moment."""
    return Sketch().offer(0, "e1", "suppress").end(until_ms).entries()


def run_of(entries: list[Entry], case: str = "one", *, real: bool = False, complaints: tuple[str, ...] = ()) -> Played:
    return Played(case, real, entries, [], Rules(), check(entries, Rules()), complaints)


# -- charged or not, with scripted runs ------------------------------------------------------------------------------------------


class Script:
    """Stands for the fields: `script[real]` is the history of every case in that time; `played` names what was played."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, virtual: list[Entry], real: list[Entry]) -> None:
        self.played: list[tuple[str, bool]] = []
        self._script = {False: virtual, True: real}
        monkeypatch.setattr(judging, "play", self._play)

    def _play(self, ground: Any, case: Case) -> Played:
        self.played.append((case.name, ground.real))
        return run_of(self._script[ground.real], case.name, real=ground.real)

    def field(self, *, real: bool) -> Any:
        return SimpleNamespace(real=real)


def case(name: str) -> Case:
    return Case(name, lambda _field: None)


def judged(trial: Trial, script: Script, *names: str, **more: Any) -> Judgement:
    return judge(trial, script, ["DD-01"], [case(name) for name in names], **more)  # type: ignore[arg-type]  # stands in for the real one


def test_what_virtual_time_alone_shows_is_not_charged_and_is_said(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = make.trial()
    script = Script(monkeypatch, DOUBLE, GOOD)
    judgement = judged(trial, script, "one", "two")
    assert script.played == [("one", False), ("one", True), ("two", False), ("two", True)]
    assert not judgement.charged and [run.case for run, _ in judgement.passing] == ["one", "two"]
    decide(trial, judgement)
    assert sum_up(judgement, "fine") == (
        "fine: 4 runs, 2 of them in real time; in virtual time it was broken in one, two, in real time it was not, "
        "and real time decides"
    )


def test_what_both_times_show_is_charged_and_ends_it(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = make.trial()
    script = Script(monkeypatch, DOUBLE, DOUBLE)
    judgement = judged(trial, script, "one", "two")
    assert script.played == [("one", False), ("one", True)]
    with pytest.raises(Violation, match=r"was paged twice, for 'e1' and 'e2', .* \(one, in real time\)$") as caught:
        decide(trial, judgement)
    assert caught.value.witness["cases"] == ["one"] and caught.value.witness["time"] == "real"


def test_what_real_time_alone_shows_is_charged_where_it_was_played(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, GOOD, DOUBLE)
    assert not judged(make.trial(), script, "one").charged
    assert [run.real for run, _ in judged(make.trial(), script, "one", in_real_time=["one"]).charged] == [True]


def test_other_requirements_are_not_judged(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, lost(5000), [])
    assert not judged(make.trial(), script, "one").charged and script.played == [("one", False)]


def test_where_all_time_is_real_nothing_is_played_twice(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, [], DOUBLE)
    monkeypatch.setattr(script, "field", lambda **_: SimpleNamespace(real=True))
    assert len(judged(make.trial(), script, "one", in_real_time=["one"]).charged) == 1 and script.played == [("one", True)]


def test_time_that_is_over_is_said(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, GOOD, GOOD)
    with pytest.raises(Undecided, match="its time was over after 1 of 2 cases, none of them broken"):
        judged(make.trial(budgets_s={"DD-01": 0.0}), script, "one", "two")


def test_a_replay_plays_what_the_witness_names(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch, GOOD, GOOD)
    trial = make.trial(replay={"cases": ["two"]})
    judged(trial, script, "one", "two")
    assert script.played == [("two", False)]
    judged(trial, script, "one", "two", every=True)
    assert [name for name, _ in script.played] == ["two", "one", "two"]


# -- undecided -------------------------------------------------------------------------------------------------------------------


def test_a_run_that_ended_too_soon_decides_nothing(make: Maker) -> None:
    early = run_of(lost(500))
    with pytest.raises(Undecided, match="a run ended before its time was over: the event 'e1'"):
        decide(make.trial(), Judgement(("DD-10",), [run_of(GOOD), early]))
    decide(make.trial(), Judgement(("DD-01",), [run_of(GOOD), early]))


@pytest.mark.parametrize(
    ("runs", "seen"),
    [
        ([Sketch().page(0, "e1", "a1").end(2000).entries()], "emit"),
        ([lost(2000)], "suppress"),
        ([Sketch().offer(0, "e1", "info").end(2000).entries()], "neither"),
        ([], "neither"),
    ],
)
def test_without_an_emit_and_a_suppression_nothing_was_shown(make: Maker, runs: list[list[Entry]], seen: str) -> None:
    judgement = Judgement(("DD-01",), [run_of(run) for run in runs])
    with pytest.raises(Undecided, match=f"of an emit and a suppression, only {seen} was seen$"):
        decide(make.trial(), judgement)
    decide(make.trial(), judgement, both=False)


def test_an_update_is_as_good_as_a_suppression(make: Maker) -> None:
    decide(make.trial(), Judgement(("DD-01",), [run_of(Sketch().page(0, "e1", "a1").offer(100, "e2", "update").entries())]))


def test_a_violation_outranks_that_nothing_was_shown(make: Maker) -> None:
    judgement = Judgement(("DD-01",), [])
    judgement.confirm(run_of(DOUBLE), run_of(DOUBLE, real=True))
    with pytest.raises(Violation):
        decide(make.trial(), judgement)


# -- the witness -----------------------------------------------------------------------------------------------------------------


def broken(*, complaints: tuple[str, ...] = ()) -> Judgement:
    judgement = Judgement(("DD-01",), [run_of(GOOD, "fine")])
    judgement.confirm(run_of(DOUBLE), run_of(DOUBLE, real=True, complaints=complaints))
    return judgement


def test_a_witness_says_what_to_play_again_and_where_the_history_lies(make: Maker) -> None:
    trial = make.trial()
    error = violation(trial, broken(), extra=7)
    witness = error.witness
    json.dumps(witness, allow_nan=False)
    assert (witness["cases"], witness["case"], witness["time"], witness["extra"]) == (["one"], "one", "real", 7)
    assert error.credit == 0.5  # one case of two went right
    assert witness["found"] in str(error) and any(" emit " in line and "alert_id=a2" in line for line in witness["entries"])
    assert [item["kind"] for item in trial.evidences] == ["lanes"]
    saved = read(Path(trial.cell.journal).parent / witness["history"])
    assert saved == list(DOUBLE) and check(saved, Rules()) == check(DOUBLE, Rules())


@pytest.mark.parametrize(("planned", "credit"), [(0, 0.5), (2, 0.5), (4, 0.25), (50, 0.02)])
def test_what_was_not_played_earns_nothing(make: Maker, planned: int, credit: float) -> None:
    judgement = broken()
    judgement.planned = planned
    assert violation(make.trial(), judgement).credit == credit


def test_what_a_proxy_refused_is_in_the_sentence(make: Maker) -> None:
    said = ("p0: it opened more than 100 connections", "p1: the same")
    assert str(violation(make.trial(), broken(complaints=said))).endswith(
        "(one, in real time); p0: it opened more than 100 connections (and 1 more)"
    )
    with pytest.raises(Undecided, match="only neither was seen; p0: it opened more than 100 connections$"):
        decide(make.trial(), Judgement(("DD-01",), [run_of([], complaints=said[:1])]))


def test_entries_shown_are_those_of_the_fingerprint_and_the_faults(make: Maker) -> None:
    sketch = Sketch().page(0, "e1", "a1").page(50, "x1", "b1", fp="other").fault(80, "kill").page(100, "e2", "a2").end(2000)
    run = run_of(sketch.entries())
    shown = entries_shown(run, run.of("DD-01")[0])
    assert len(shown) == 7 and not any("x1" in line or "b1" in line for line in shown)
    assert sum("fault fault=kill status=installed" in line for line in shown) == 1


def test_of_many_entries_the_last_are_shown_and_those_that_show_it() -> None:
    sketch = Sketch().page(0, "e1", "a1").page(100, "e2", "a2")
    for number in range(200):
        sketch.offer(200 + number * 10, "é" * 500 + f"{number}")
    run = run_of(sketch.end(9000).entries())
    finding = run.of("DD-01")[0]
    shown = entries_shown(run, finding)
    assert MAX_SHOWN <= len(shown) <= MAX_SHOWN + len(finding.entries)
    assert "alert_id=a1" in shown[0] and all(len(line) < 300 for line in shown)


def test_of_many_entries_faults_with_evidence_are_shown_as_well() -> None:
    sketch = Sketch().page(0, "e1", "a1").page(100, "e2", "a2")
    for number in range(MAX_SHOWN):
        sketch.offer(200 + number * 10, f"x{number}")
        sketch.rows.append((205 + number * 10, Fault, "p0", {"fault": "clock jump", "evidence": {"by_ms": 3000.0}}))
    run = run_of(sketch.end(9000).entries())
    assert any("clock jump" in line for line in entries_shown(run, run.of("DD-01")[0]))


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/", "..", "a\0b\nc", "é" * 300, "x" * 5000, "", "killed after 3, new event"]
)
def test_a_history_lies_in_its_folder_whatever_the_case_is_called(make: Maker, name: str) -> None:
    trial = make.trial()
    folder = Path(trial.cell.journal).parent
    for entries in (GOOD, DOUBLE):  # the newest one stays
        path = folder / save_history(trial, run_of(entries, name))
        assert path.resolve().parent == (folder / "histories").resolve() and len(path.name) < 120
        assert read(path) == list(entries)
    assert [child.name for child in (folder / "histories").iterdir()] == [path.name]


@pytest.mark.parametrize("other", ["canary-silent", "specimen-silent", "specimen-sound_node"])
def test_a_canary_and_a_specimen_do_not_overwrite_what_shows_a_candidate(make: Maker, other: str) -> None:
    trial = make.trial()
    folder, shown = Path(trial.cell.journal).parent, save_history(trial, run_of(DOUBLE))
    trial.cell = msgspec.structs.replace(trial.cell, candidate_id=other)
    assert save_history(trial, run_of(GOOD)) == shown.replace("histories/", f"histories/{other}-")
    assert read(folder / shown) == list(DOUBLE)


def test_virtual_and_real_time_do_not_share_a_file(make: Maker) -> None:
    trial = make.trial()
    assert len({save_history(trial, run_of(GOOD, "n" * 300, real=real)) for real in (False, True)}) == 2


def test_enough_histories_are_enough(make: Maker) -> None:
    trial = make.trial()
    folder = Path(trial.cell.journal).parent / "histories"
    folder.mkdir()
    for number in range(MAX_HISTORIES - 1):
        (folder / f"{number}.jsonl").touch()
    assert save_history(trial, run_of(GOOD, "the last")) == "histories/DD-01-the-last-virtual.jsonl"
    assert save_history(trial, run_of(GOOD, "one too many")) == ""
    assert len(list(folder.iterdir())) == MAX_HISTORIES


# -- with processes --------------------------------------------------------------------------------------------------------------

WINDOW_MS = 1000
QUICK = {"window_ms": WINDOW_MS, "max_skew_ms": 100}


def twice_in_two_windows(field: Field) -> None:
    field.wait(field.offer("p0", "f"))
    field.wait(field.offer("p0", "f"))
    field.pass_ms(WINDOW_MS + 300)
    field.wait(field.offer("p0", "f"))


TWICE = Case("two windows", twice_in_two_windows, settle_ms=20)
OWN_TIMER = """
def reserve(self, fingerprint, event):
    now = time.monotonic()
    self.until = getattr(self, "until", {})
    if self.until.get(fingerprint, 0) > now:
        return False
    self.until[fingerprint] = now + self.window_ms / 1000
    return True

def reset(self, params): self.until = {}
"""
NEVER_AGAIN = """
def reserve(self, fingerprint, event):
    return self.store.ask("SET", "seen:" + fingerprint, event, "NX") is not None
"""


def judge_windows(trial: Trial) -> None:
    with Grounds(trial, 1) as grounds:
        assert grounds.field(real=False) is grounds.field(real=False) is not grounds.field(real=True)
        judgement = judge(trial, grounds, ["DD-11"], [TWICE])
    decide(trial, judgement)
    trial.summary(sum_up(judgement, "fine"))


def test_a_window_kept_by_a_timer_is_not_charged_for_a_clock_that_jumps(make: Maker) -> None:
    found = outcome(trial := make.trial(OWN_TIMER, config=QUICK, req="DD-11"), judge_windows)
    assert found.outcome is Outcome.PASS, found.summary
    assert "in virtual time it was broken in two windows, in real time it was not" in found.summary and not trial.evidences


def test_a_window_that_never_ends_is_charged_in_real_time(make: Maker) -> None:
    trial = make.trial(NEVER_AGAIN, config=QUICK, req="DD-11")
    found = outcome(trial, judge_windows)
    assert found.outcome is Outcome.FAIL and found.summary.endswith("(two windows, in real time)")
    assert found.witness is not None and found.witness["time"] == "real"
    saved = read(Path(trial.cell.journal).parent / found.witness["history"])
    rules = Rules(window_ns=WINDOW_MS * MS, skew_ns=100 * MS, lease_ns=500 * MS)
    assert [again.summary for again in check(saved, rules) if again.requirement == "DD-11"] == [found.witness["found"]]


def test_on_the_hosts_own_time_there_is_one_field(make: Maker) -> None:
    trial = make.trial(time="real")
    with Grounds(trial, 1) as grounds:
        ground = grounds.field(real=False)
        assert ground is grounds.field(real=True) and ground.real
        ground.begin()
        ground.wait(ground.offer("p0", "f"))
        run = played(ground, "one")
    assert run.real and run.decisions == {"emit"} and not run.faults and not run.findings and not run.complaints
