"""The scenarios of DD-30: never further apart than is allowed, moving as they say; and a skew that did not take."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.clocks import OFFSET, Clocks, case_of
from challenges.alert_dedup.history import STORE, Fault
from challenges.alert_dedup.judging import play
from challenges.alert_dedup.skews import (
    AFTER_RESTART_MS,
    BEFORE_RESTART_MS,
    JUMP,
    MAX_SKEW_MS,
    RESTART,
    SCENARIOS,
    STORE_AHEAD,
    STORE_BEHIND,
    STROBE,
    Scenario,
    check,
    constant,
    drifting,
    jumping,
    spread_ms,
    strobing,
)
from harness.runtime.trial import Undecided
from tests.challenges.dedup_trials import Maker, make

__all__ = ["make"]

GRAIN_MS = 20.0  # two clocks of this machine are compared
MOMENTS = [float(at_ms) for at_ms in range(0, 31_000, 50)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_clocks_are_never_further_apart_than_allowed(scenario: Scenario) -> None:
    before = scenario.at(0.0)
    for at_ms in MOMENTS:
        skews = scenario.at(at_ms)
        # They are set one after the other, so the moment between counts too.
        for moved in range(len(skews) + 1):
            assert spread_ms((*skews[:moved], *before[moved:]), scenario.store_ms) <= MAX_SKEW_MS
        before = skews


@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if not s.moves and s is not RESTART], ids=lambda s: s.name)
def test_constant_ones_are_apart_by_all_that_is_allowed(scenario: Scenario) -> None:
    assert spread_ms(scenario.at(0.0), scenario.store_ms) == MAX_SKEW_MS


def test_store_ones_leave_the_processors_alike() -> None:
    for scenario in (STORE_AHEAD, STORE_BEHIND):
        assert set(scenario.at(0.0)) == {0.0}


def test_restart_goes_back_by_three_seconds() -> None:
    assert BEFORE_RESTART_MS - AFTER_RESTART_MS == MAX_SKEW_MS
    assert RESTART.at(0.0)[0] == BEFORE_RESTART_MS
    check((AFTER_RESTART_MS, *RESTART.at(0.0)[1:]), RESTART.store_ms)


def test_jumps_are_of_three_seconds_one_clock_at_a_time() -> None:
    steps = [
        [abs(now - then) for now, then in zip(jumping(at_ms + 50.0), jumping(at_ms), strict=True) if now != then]
        for at_ms in MOMENTS
    ]
    assert [step for step in steps if step] == [[3000.0]] * 4


def test_strobe_changes_every_100_ms() -> None:
    firsts = [strobing(at_ms + 1.0)[0] for at_ms in range(0, 1000, 100)]
    assert firsts == [-500.0, 2500.0] * 5


def test_drift_is_five_percent() -> None:
    assert drifting(2000.0)[0] - drifting(1000.0)[0] == pytest.approx(50.0)


def test_more_than_three_seconds_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="beyond the 3000 ms"):
        check((0.0, 1000.0), -2500.0)


# -- on the field ----------------------------------------------------------------------------------------------------------------


def test_skews_are_proven_by_the_processes_and_the_store(make: Maker) -> None:
    field = make.field(processors=3, begin=False)
    clocks = Clocks(field, Scenario("all off", constant(-500.0, 0.0, 1500.0), store_ms=-1000.0))
    clocks.begin()
    faults = [entry for entry in field.history if isinstance(entry, Fault)]
    assert [(fault.proc, fault.evidence["skew_ms"], fault.status) for fault in faults] == [
        ("p0", -500.0, "installed"),
        ("p1", 0.0, "installed"),
        ("p2", 1500.0, "installed"),
        (STORE, -1000.0, "installed"),
    ]
    for name in field.names:
        node = field.cluster.nodes[name]
        before_ms = field.cluster.time.wall_ms(node.skew_ns)
        stats = field.cluster.send(node, "stats", {})
        assert field.cluster.run_until(lambda stats=stats: stats.over, 20.0)
        after_ms = field.cluster.time.wall_ms(node.skew_ns)
        assert before_ms - GRAIN_MS <= stats.value()["wall_ms"] <= after_ms + GRAIN_MS, node.live
    assert field.cluster.store is not None
    before_ms = field.cluster.time.wall_ms()
    store_ms = field.cluster.store.wall_ms() + 1000.0
    assert before_ms - GRAIN_MS <= store_ms <= field.cluster.time.wall_ms() + GRAIN_MS


def test_store_that_cannot_be_moved_is_undecided(make: Maker) -> None:
    field = make.field(processors=1, begin=False)
    store = field.cluster.store
    assert store is not None
    clock, store.clock = store.clock, None
    try:
        with pytest.raises(Undecided, match="cannot be moved"):
            field.cluster.skew_store(1)
    finally:
        store.clock = clock


def test_store_that_ignores_its_offset_is_undecided(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    field = make.field(processors=3, begin=False)
    store = field.cluster.store
    assert store is not None
    monkeypatch.setattr(store, "set_offset_ns", lambda _offset_ns: None)
    with pytest.raises(Undecided, match="the clock of store is not where it was put"):
        Clocks(field, STORE_AHEAD).begin()


def test_store_stands_still_rather_than_going_back(make: Maker) -> None:
    field = make.field(processors=1)
    store = field.cluster.store
    assert store is not None
    field.cluster.skew_store(3_000_000_000)
    before_ms = store.wall_ms()
    field.cluster.skew_store(-3_000_000_000)
    assert store.wall_ms() >= before_ms
    assert field.cluster.store_skew_ns == -3_000_000_000


def test_clock_that_never_moves_is_undecided(make: Maker) -> None:
    field = make.field(processors=3, begin=False)
    clocks = Clocks(field, Scenario("still", constant(0.0, 0.0, 0.0), moves="strobe"))
    clocks.begin()
    clocks.until(300.0)
    with pytest.raises(Undecided, match="no clock moved"):
        clocks.note_moves()


def test_jumps_are_taken_down_and_held_against_nobody(make: Maker) -> None:
    run = play(make.field(processors=3, begin=False), case_of(JUMP))
    jumps = [
        (fault.proc, fault.evidence["by_ms"])
        for fault in run.faults
        if fault.fault == "clock jump" and "by_ms" in fault.evidence
    ]
    assert jumps == [("p0", 3000.0), ("p0", -3000.0), ("p2", -3000.0), ("p2", 3000.0)]
    assert run.of("DD-01", "DD-03", "DD-10", "DD-11") == []


def test_window_by_ones_own_clock_is_found_under_a_strobe(make: Maker) -> None:
    body = """
    def reserve(self, fingerprint, event):
        opened = self.store.ask("GET", "window:" + fingerprint)
        now = int(time.time() * 1000)
        if opened is not None and now < int(opened) + self.window_ms:
            return False
        self.store.ask("SET", "window:" + fingerprint, now, "PX", 60000)
        return True
    """
    run = play(make.field(body, processors=3, begin=False), case_of(STROBE))
    assert run.of("DD-01")


def test_restart_is_proven_twice(make: Maker) -> None:
    run = play(make.field(processors=3, begin=False), case_of(RESTART))
    proven = [fault.evidence["skew_ms"] for fault in run.faults if fault.fault == OFFSET and fault.proc == "p0"]
    assert proven == [BEFORE_RESTART_MS, AFTER_RESTART_MS]
    assert run.of("DD-01", "DD-03", "DD-10", "DD-11") == []
