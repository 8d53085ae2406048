"""Schedules: the race that is found and shortened, locks in the store that make a processor wait, and processors that hang."""

from __future__ import annotations

import pytest

from challenges.alert_dedup import interleave
from challenges.alert_dedup.interleave import COUNT_COLUMNS, SCENES, Scene, Stage, counts_row, steps_shown
from challenges.alert_dedup.judging import Played as Run
from harness.errors import CandidateHung
from harness.explore.choosers import Following
from harness.explore.search import Ended, Plan, Report, explore
from harness.explore.shrink import shrink
from harness.runtime.proxy import Granted, RoundTrip
from tests.challenges.dedup_trials import Maker, make, specimen

__all__ = ["make"]

READ_THEN_INSERT = """
def reserve(self, fingerprint, event):
    if self.store.ask("GET", "window:" + fingerprint):
        return False
    self.store.ask("SET", "window:" + fingerprint, event, "PX", self.window_ms)
    return True
"""
CONFIRMS = """
def decide(self, fingerprint, event):
    if not self.reserve(fingerprint, event):
        return "suppress"
    self.page(fingerprint, event)
    self.store.ask("SET", "sent:" + event, "1")
    return "emit"
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is to ask its store next is waited for, on a busy machine too: schedules here are exact. Seldom is any of it used up."""
    monkeypatch.setattr(interleave, "STILL_S", 2.0)
    monkeypatch.setattr(interleave, "GRANT_PATIENCE_S", 20.0)
    monkeypatch.setattr(interleave, "PLACE_PATIENCE_S", 30.0)


def scene(name: str) -> Scene:
    return next(scene for scene in SCENES if scene.name == name)


def stage(make: Maker, body: str = "", processors: int = 2, *, of: str = "two processors", **more: object) -> Stage:
    return Stage(make.field(body, processors, begin=False, **more), scene(of), ["DD-01"])


def test_reading_before_writing_is_found_and_its_shortest_schedule_is_shown(make: Maker) -> None:
    played = stage(make, READ_THEN_INSERT)
    report = explore(played.play, seed=1, plan=Plan(max_runs=30, random_runs=0))
    assert report.failing is not None and report.ended is Ended.FAILED and report.runs < 10
    found = shrink(played.play, report.failing, max_plays=20)
    assert found.played.schedule == ("p0", "p1", "p1", "p0") and found.preemptions == 1 and found.confirmed
    assert [line.split()[:2] for line in steps_shown(found.played.steps)] == [
        ["p0:", "GET"],
        ["p1:", "GET"],
        ["p1:", "SET"],
        ["p0:", "SET"],
    ]
    run = found.played.evidence
    assert isinstance(run, Run) and run.case == "two processors" and not run.real
    assert [finding.requirement for finding in run.of("DD-01")] == ["DD-01"]
    again = Following(found.played.schedule).run(played.play)
    assert again.failed and again.schedule == found.played.schedule


def test_the_same_schedule_fails_in_real_time(make: Maker) -> None:
    played = Stage(make.field(READ_THEN_INSERT, 2, real=True, begin=False), scene("two processors"), ["DD-01"])
    run = Following(("p0", "p1", "p1", "p0")).run(played.play)
    assert run.failed and isinstance(run.evidence, Run) and run.evidence.real
    assert not Following(("p0", "p0", "p1")).run(played.play).failed


def test_past_a_window_the_race_is_there_too(make: Maker) -> None:
    played = stage(make, READ_THEN_INSERT, of="two processors past a window")
    assert Following(("p0", "p1", "p1", "p0")).run(played.play).failed
    assert not Following(("p0", "p0", "p1")).run(played.play).failed


def search(make: Maker, seed: int) -> Report:
    plan = Plan(max_runs=12, random_runs=4)
    return explore(stage(make, CONFIRMS).play, seed=seed, plan=plan)


def test_equal_seeds_give_equal_searches(make: Maker) -> None:
    reports = [search(make, seed) for seed in (1, 1, 2)]
    assert all(report.failing is None and report.diverged == 0 for report in reports)
    assert reports[0].schedule_hash == reports[1].schedule_hash != reports[2].schedule_hash
    row = counts_row("two processors", reports[0])
    assert len(row) == len(COUNT_COLUMNS) and row[0] == "two processors" and row[-1] == reports[0].schedule_hash


def test_all_schedules_of_an_atomic_candidate_are_played(make: Maker) -> None:
    report = explore(stage(make).play, seed=1, plan=Plan(max_runs=30, random_runs=5))
    assert report.exhausted and report.runs == 2 and report.failing is None  # one round trip each: who comes first


def test_processors_that_are_alike_are_not_played_in_every_order(make: Maker) -> None:
    report = explore(stage(make, processors=3, of="three processors").play, seed=1, plan=Plan(random_runs=0, symmetric=True))
    assert report.exhausted and report.runs == 1 and report.pruned > 0


def test_one_event_at_two_processors_is_one_event(make: Maker) -> None:
    run = stage(make, of="one event at two processors").play(lambda ready: ready[0]).evidence
    assert isinstance(run, Run)
    told = [(entry.event_id, entry.attempt) for entry in run.entries if type(entry).__name__ == "Invoke"]
    assert told == [("e0", 1), ("e0", 2)]


def test_who_waits_for_a_lock_is_blocked_and_goes_on(make: Maker) -> None:
    played = stage(make, command=specimen("dd20_two_statements"), store="postgres")
    report = explore(played.play, seed=1, plan=Plan(max_runs=8, random_runs=0))
    assert report.blocked > 0 and report.failing is None and report.late == 0
    # p0 has begun its transaction and holds the row; p1 has to wait for it, and gets its answer when p0 has committed.
    run = Following(("p0", "p1")).run(played.play)
    if run.steps[1].went is not Granted.BLOCKED:  # its transaction begins with a round trip of its own
        run = Following(("p0", "p0", "p1", "p1")).run(played.play)
    went = [step.went for step in run.steps]
    blocked = went.index(Granted.BLOCKED)
    assert run.steps[blocked].chosen == "p1" and run.steps[blocked + 1].ready == ("p0",)
    assert any(step.chosen == "p1" for step in run.steps[blocked + 1 :])
    assert "(blocked)" in steps_shown(run.steps)[blocked]
    assert isinstance(run.evidence, Run) and {"emit"} < run.evidence.decisions and not run.failed


def test_without_a_round_trip_there_is_one_schedule(make: Maker) -> None:
    played = stage(make, "def connect(self, params): pass\ndef reserve(self, fingerprint, event): return False")
    report = explore(played.play, seed=1, plan=Plan(random_runs=2))
    assert report.runs == 1 and report.exhausted


HANGS = """
def reserve(self, fingerprint, event):
    if "warm-up" not in fingerprint and self.told["node"]["id"] == "p1":
        time.sleep(1000)
    return super().reserve(fingerprint, event)
"""


def test_a_processor_that_does_nothing_is_hung(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleave, "PLACE_PATIENCE_S", 0.3)
    monkeypatch.setattr(interleave, "STILL_S", 0.1)
    with pytest.raises(CandidateHung, match="neither asked its store nor answered its offer for 0.3 s"):
        stage(make, HANGS).play(lambda ready: ready[0])


def test_one_that_is_stuck_in_the_store_does_not_make_another_ones_silence_last_for_ever(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interleave, "PLACE_PATIENCE_S", 0.15)
    monkeypatch.setattr(interleave, "STILL_S", 0.1)
    played = stage(make, HANGS)
    field = played.field
    field.begin()
    field.cluster.gate.close()
    offers = [field.offer("p0", "f"), field.offer("p1", "f")]
    stuck = RoundTrip("p0", 1, 0, "", "query", 0, 1, backend=7)
    monkeypatch.setattr(played, "_blocked", lambda: frozenset({7}))
    monkeypatch.setattr(field.cluster.gate, "waiting", dict)  # as if what p0 asks were in the store already
    with pytest.raises(CandidateHung, match="neither asked its store nor answered"):
        played._ready(offers, {"p0": stuck})


def test_a_round_trip_after_the_reply_is_part_of_the_schedule(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleave, "QUIET_S", 0.5)
    played = stage(
        make,
        'def write(self, m):\n    super().write(m)\n    if "decision" in m.get("result", {}): self.store.ask("GET", "after")',
    )
    run = played.play(lambda ready: ready[0])
    assert sorted(run.schedule) == ["p0", "p0", "p1", "p1"]
    assert sum(step.trip.startswith("GET") for step in run.steps) == 2
