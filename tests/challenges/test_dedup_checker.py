"""The checker: histories by hand that satisfy and that violate each requirement, and violations planted into generated ones."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from challenges.alert_dedup.checker import (
    AFTER_WINDOW,
    CHECKS,
    FOLLOW_UPS,
    NEW_EVENT,
    NOTHING,
    REDELIVERY,
    UNDECIDED,
    VIOLATION,
    check,
    crash_level,
    lateness,
)
from challenges.alert_dedup.history import Emit, Invoke
from challenges.alert_dedup.view import MS, Rules, View
from tests.challenges.dedup_histories import Sketch, lawful

RULES = Rules()


def found(sketch: Sketch, verdict: str = VIOLATION, rules: Rules = RULES) -> set[str]:
    """The requirements with a finding of that verdict."""
    return {finding.requirement for finding in check(sketch.entries(), rules) if finding.verdict == verdict}


def page_and_end(end_ms: int = 60_000) -> Sketch:
    return Sketch().page(0, "e1", "a1").end(end_ms)


def crashed(emitted_ms: int | None = 1, end_ms: int = 60_000) -> Sketch:
    """e1's owner is killed right after it sent, or before it could; a survivor is there all the time."""
    sketch = Sketch().obs(0, "up", "store").obs(0, "up", "p0").obs(0, "up", "p1").end(end_ms)
    sketch.offer(10, "e1", "info", took=12).fault(20, "kill").obs(20, "down", "p0")
    return sketch if emitted_ms is None else sketch.emit(10 + emitted_ms, "e1", "a1")


def slept(next_ms: int, woke_ms: int = 6500) -> Sketch:
    """e1's owner sleeps, e2 is paged at once, e3 in the next window, and e1's page comes when its owner wakes up."""
    sketch = Sketch().offer(0, "e1", "info", took=woke_ms).fault(1, "pause").page(10, "e2", "a2", proc="p1")
    return sketch.page(next_ms, "e3", "a3", proc="p1").fault(woke_ms, "resume").emit(woke_ms, "e1", "a1").end(60_000)


GOOD = {
    "nothing at all": Sketch(),
    "a page": page_and_end(),
    "a page and its window": page_and_end().offer(1, "e2").offer(4990, "e3", "update"),
    "pages at the very distance": page_and_end().page(4950, "e2", "a2"),
    "two fingerprints at once": page_and_end().page(0, "e2", "a2", fp="g"),
    "a tie: the suppressed offer ends where the page's begins": Sketch().offer(0, "e0", took=5).page(5, "e1", "a1").end(9000),
    "a torn page does not count": page_and_end().emit(2, "e9", "a9", torn=True),
    "suppressed 3 s late, no later": page_and_end().offer(8050, "e2"),
    "redelivered and told the same": page_and_end().offer(100, "e1", "emit", attempt=2),
    "redelivered long after, its page is its cover": page_and_end().offer(30_000, "e1", "emit", attempt=2),
    "suppressed, redelivered after the window and paged": page_and_end()
    .offer(100, "e2")
    .offer(5100, "e2", "emit", attempt=2)
    .emit(5101, "e2", "a2"),
    "a malformed offer is refused": page_and_end().offer(100, "", "fail", malformed=True),
    "killed after sending, one repeat": crashed().emit(2500, "e1", "a1", proc="p1"),
    "killed before sending, the survivor sends": crashed(None)
    .emit(4020, "e1", "a1", proc="p1")
    .offer(300, "e2", proc="p1")
    .page(5015, "e3", "a3", proc="p1"),
    "killed before anything was stored": crashed(None).page(100, "e2", "a2", proc="p1"),
    "an owner stopped until after its window, and then another page": Sketch()
    .offer(0, "e1", "info", took=7500)
    .fault(1, "pause")
    .page(2500, "e2", "a2", proc="p1")
    .fault(7500, "resume")
    .emit(7501, "e1", "a1")
    .end(60_000),
    "a sleeper's page that has room before the next window": slept(10_000),
    "refused, offered again and paged": page_and_end()
    .fault(6000, "kill", "store")
    .offer(6001, "e2", "fail")
    .page(6500, "e2", "a2"),
    "nobody is up for a while": crashed(None)
    .fault(30, "kill", "p1")
    .obs(30, "down", "p1")
    .obs(40_000, "up", "p1")
    .emit(43_900, "e1", "a1", proc="p1")
    .offer(22, "e2", "suppress", proc="p1"),
    "refused while the store is away": page_and_end()
    .fault(100, "stop", "store")
    .offer(200, "e2", "fail")
    .offer(300, "e3", "info")
    .fault(400, "start", "store"),
    "a retried event after its retention": page_and_end(90_000).offer(60_100, "e1", "emit", attempt=2).emit(60_101, "e1", "a2"),
}


@pytest.mark.parametrize("name", GOOD)
def test_satisfied(name: str) -> None:
    findings = check(GOOD[name].entries(), RULES)
    assert findings == []


BAD = {
    "two pages": ("DD-01", page_and_end().page(4948, "e2", "a2")),
    "two pages at once from two processors": ("DD-01", page_and_end().page(0, "e2", "a2", proc="p1")),
    "the third is too near to the first": (
        "DD-01",
        Sketch()
        .fault(1, "pause")
        .page(0, "e1", "a1")
        .offer(10, "e2", "info", took=8000)
        .emit(7000, "e2", "a2")
        .page(4000, "e3", "a3"),
    ),
    "a zombie mints another alert": (
        "DD-01",
        crashed().offer(3000, "e2", "emit", proc="p1").emit(3001, "e2", "a2", proc="p1"),
    ),
    "a sleeper's page without room between two windows": ("DD-01", slept(5500)),
    "a page after the refusal, and before the event is offered again": (
        "DD-24",
        Sketch()
        .fault(0, "kill", "store")
        .offer(1, "e1", "fail")
        .emit(500, "e1", "a1")
        .offer(900, "e1", "emit", attempt=2)
        .end(9000),
    ),
    "a page for nothing": ("DD-02", page_and_end().emit(9000, "e9", "a9")),
    "a page before its offer": ("DD-02", Sketch().emit(0, "e1", "a1").offer(1, "e1", "emit").end(9000)),
    "a page with another fingerprint": ("DD-02", page_and_end().emit(1, "e1", "a9", fp="g")),
    "a page for a refused event": (
        "DD-02",
        Sketch().fault(0, "reset").offer(1, "e1", "fail").emit(2, "e1", "a1").end(9000),
    ),
    "sent twice without a fault": ("DD-03", page_and_end().emit(900, "e1", "a1")),
    "sent twice under skewed clocks": ("DD-03", page_and_end().fault(0, "clock +3 s").emit(900, "e1", "a1")),
    "two repeats after one kill": (
        "DD-03",
        crashed().emit(2500, "e1", "a1", proc="p1").emit(4700, "e1", "a1", proc="p1"),
    ),
    "a repeat after a pause shorter than the lease": (
        "DD-03",
        page_and_end().fault(0, "pause").fault(1900, "resume").emit(2100, "e1", "a1", proc="p1"),
    ),
    "a kill that came after the repeat": ("DD-03", page_and_end().emit(900, "e1", "a1").fault(1000, "kill")),
    "a redelivery makes a second alert": (
        "DD-04",
        page_and_end().offer(6000, "e1", "emit", attempt=2).emit(6001, "e1", "a2"),
    ),
    "says emit and sends nothing": ("DD-05", page_and_end().offer(100, "e2", "emit")),
    "says suppress and sends": ("DD-05", page_and_end().offer(6000, "e2", "suppress").emit(6001, "e2", "a2")),
    "denies what was sent for it before": (
        "DD-05",
        crashed().offer(900, "e1", "suppress", proc="p1", attempt=2),
    ),
    "never paged": ("DD-10", Sketch().offer(0, "e1").end(60_000)),
    "suppressed for a page not yet sent, and never sent": ("DD-10", crashed(None).offer(100, "e2", proc="p1")),
    "paged too late": ("DD-10", Sketch().offer(0, "e1", "emit").emit(1003, "e1", "a1").end(60_000)),
    "taken over too late": (
        "DD-10",
        crashed(None).offer(100, "e2", proc="p1").emit(4200, "e1", "a1", proc="p1"),
    ),
    "suppressed 3 s after the window and longer": ("DD-10", page_and_end().offer(8055, "e2")),
    "refused without a reason": ("DD-10", page_and_end().offer(6000, "e2", "fail")),
    "timed out without a reason": ("DD-10", page_and_end().offer(6000, "e2", "info")),
    "refused long after the fault": ("DD-10", crashed().offer(4100, "e2", "fail", proc="p1")),
    "the fault was skipped": (
        "DD-10",
        page_and_end().fault(5900, "kill", status="skipped").offer(6000, "e2", "info"),
    ),
    "one id for two alerts": ("DD-10", page_and_end().offer(0, "e2", "emit", fp="g").emit(1, "e2", "a1", fp="g")),
    "suppression that renews itself": ("DD-11", page_and_end().offer(4000, "e2").offer(8055, "e3")),
}


@pytest.mark.parametrize("name", BAD)
def test_violated(name: str) -> None:
    requirement, sketch = BAD[name]
    findings = [f for f in check(sketch.end(60_000).entries(), RULES) if f.requirement == requirement]
    assert findings, name
    assert all(f.verdict == VIOLATION and f.summary and f.entries and f.from_ns <= f.to_ns for f in findings)


def test_every_requirement_has_a_violation_of_its_own() -> None:
    assert {requirement for requirement, _ in BAD.values()} == set(CHECKS)


def test_what_is_found_for_a_sleeper_names_all_that_leave_it_no_room() -> None:
    (finding,) = check(slept(5500).entries(), RULES)
    named = [entry for entry in slept(5500).entries() if entry.i in finding.entries]
    assert {getattr(entry, "alert_id", None) for entry in named} == {"a1", "a2", "a3"}
    assert all(word in finding.summary for word in ("'e1'", "'e2', 'e3'", "whichever moment"))


def test_severity_of_a_repeat_depends_on_the_faults() -> None:
    quiet = check(BAD["sent twice without a fault"][1].entries(), RULES)
    upset = check(BAD["two repeats after one kill"][1].entries(), RULES)
    assert [f.severity for f in quiet] == ["critical"]
    assert [f.severity for f in upset] == ["major"]


def test_what_has_time_left_is_undecided() -> None:
    assert found(Sketch().offer(0, "e1", "emit", took=2).end(900), UNDECIDED) == {"DD-05", "DD-10"}
    assert found(Sketch().offer(0, "e1", "emit", took=2).end(900)) == set()
    assert found(Sketch().offer(0, "e1", None).end(900), UNDECIDED) == {"DD-10"}
    assert found(crashed(None, 4000).offer(100, "e2", proc="p1"), UNDECIDED) == {"DD-10"}
    assert found(crashed(None, 4103).offer(100, "e2", proc="p1")) == {"DD-10"}


def test_eps_is_a_parameter() -> None:
    assert found(page_and_end().page(4990, "e2", "a2")) == set()
    assert found(page_and_end().page(4990, "e2", "a2"), rules=Rules(eps_ns=0)) == {"DD-01"}


@pytest.mark.parametrize(("late_ms", "credit"), [(-10, 1.0), (50, 1.0), (1550, 0.5), (3050, 0.0), (9000, 0.0)])
def test_credit_falls_with_lateness(late_ms: int, credit: float) -> None:
    # The window is counted from the latest moment at which the page may have been reserved: as it went out.
    view = View(page_and_end().offer(5001 + late_ms, "e2").entries(), RULES)
    assert lateness(view)[1] == pytest.approx(credit)


# -- levels ---------------------------------------------------------------------------------------------------------------------


def levels(**emitted_ms: int) -> tuple[int | None, float]:
    """The level if the runs with these things to follow have an emission at these times."""
    names = {"nothing": NOTHING, "new": NEW_EVENT, "again": REDELIVERY, "later": AFTER_WINDOW}
    views = {}
    for short, name in names.items():
        sketch = crashed(None)
        if name == NEW_EVENT:
            sketch.offer(30, "e2", proc="p1")
        if short in emitted_ms:
            sketch.emit(emitted_ms[short], "e1", "a1", proc="p1")
        views[name] = View(sketch.entries(), RULES)
    level = crash_level(views, "f")
    return level.level, level.credit


def test_levels() -> None:
    assert levels() == (0, 0.0)
    assert levels(later=5100) == (1, 0.4)
    assert levels(new=4600, again=4600, later=5100) == (1, 0.4)
    assert levels(new=40, later=5100) == (2, 0.7)
    assert levels(again=4500, later=5100) == (2, 0.7)
    assert levels(nothing=4020, later=5100) == (3, 1.0)
    assert levels(nothing=4021, again=40) == (2, 0.7)


def test_levels_of_a_crash_before_anything_was_stored_or_without_a_proof() -> None:
    views = {name: View(crashed(None).entries(), RULES) for name in FOLLOW_UPS}
    views[NEW_EVENT] = View(crashed(None).page(40, "e2", "a2", proc="p1").entries(), RULES)
    assert crash_level(views, "f", stored=False).level == 3
    assert crash_level(views, "f").level == 2
    views[NOTHING] = View(crashed(None, 3000).entries(), RULES)
    assert crash_level(views, "f").level is None
    views[NOTHING] = View(Sketch().fault(20, "kill", status="indeterminate").end(9000).entries(), RULES)
    assert crash_level(views, "f").level is None


# -- planted violations -------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_a_lawful_history_has_no_findings(seed: int) -> None:
    assert check(lawful(seed).entries(), RULES) == []


def plant(sketch: Sketch, requirement: str, rng: random.Random) -> None:
    """Spoil a lawful history in one place."""
    pages = [(ms, fields) for ms, kind, _, fields in sketch.rows if kind is Emit]
    ms, page = rng.choice(pages)
    fp = page["fingerprint"]
    if requirement == "DD-01":
        sketch.page(ms + rng.randrange(4900), "planted", "planted", fp=fp, proc="p9")
    elif requirement == "DD-02":
        sketch.emit(ms, "planted", "planted", fp=f"{fp} ")
    elif requirement == "DD-03":
        sketch.emit(ms + rng.randrange(5000), page["event_id"], page["alert_id"], fp=fp, proc="p9")
    elif requirement == "DD-04":
        later_ms = ms + 5100 + rng.randrange(20_000)
        sketch.offer(later_ms, page["event_id"], "emit", fp=fp, attempt=2).emit(
            later_ms + 1, page["event_id"], "planted", fp=fp
        )
    elif requirement == "DD-24":
        sketch.offer(ms, "planted", "fail", fp=fp).emit(ms + rng.randrange(1, 9), "planted", "planted", fp=fp)
    elif requirement == "DD-05":
        sketch.offer(ms + 1, "planted", "emit", fp=fp)
    elif requirement == "DD-10":
        # The first of its fingerprint: a later one may do without, being covered by the page before it.
        first = min((row for row in sketch.rows if row[1] is Emit and row[3]["fingerprint"] == fp), key=lambda row: row[0])
        sketch.rows.remove(first)
    else:
        last_ms = max(ms for ms, other in pages if other["fingerprint"] == fp)
        sketch.offer(last_ms + 8060 + rng.randrange(5000), "planted", fp=fp)


@settings(max_examples=150)
@given(seed=st.integers(0, 10**6), requirement=st.sampled_from(sorted(CHECKS)))
def test_a_planted_violation_is_named(seed: int, requirement: str) -> None:
    sketch = lawful(seed)
    plant(sketch, requirement, random.Random(seed))
    assert requirement in found(sketch.end(60_000))


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_fingerprints_are_judged_apart(seed: int) -> None:
    """The findings of a spoiled history are those of its fingerprints, each alone."""
    sketch = lawful(seed)
    plant(sketch, random.Random(seed).choice(["DD-01", "DD-03", "DD-10", "DD-11"]), random.Random(seed))
    entries = sketch.end(60_000).entries()
    prints = {entry.op: entry.fingerprint for entry in entries if isinstance(entry, Invoke)}
    alone = []
    for fp in sorted(set(prints.values())):
        mine = [e for e in entries if getattr(e, "fingerprint", prints.get(getattr(e, "op", -1), fp)) == fp]
        alone += check(mine, RULES)
    assert sorted(alone, key=str) == sorted(check(entries, RULES), key=str)


def test_time_moved_as_a_whole_changes_nothing() -> None:
    for _, sketch in BAD.values():
        moved = Sketch([(ms + 12_345, kind, proc, fields) for ms, kind, proc, fields in sketch.rows])
        shifted = [(f.requirement, f.summary, f.from_ns - 12_345 * MS) for f in check(moved.entries(), RULES)]
        assert shifted == [(f.requirement, f.summary, f.from_ns) for f in check(sketch.entries(), RULES)]
