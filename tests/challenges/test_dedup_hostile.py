"""Hostile candidates and broken stores, each through a suite: the right outcome, one clear sentence, and nothing left behind."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from challenges.alert_dedup.field import Field
from challenges.alert_dedup.suites.test_dd01_dd10_schedules import test_every_accepted_event_is_paged as dd10
from challenges.alert_dedup.suites.test_dd01_dd10_schedules import test_no_page_twice_within_a_window as dd01
from challenges.alert_dedup.suites.test_dd02_phantoms import test_no_page_is_made_up as dd02
from challenges.alert_dedup.suites.test_dd03_repeats import test_no_alert_goes_out_twice as dd03
from challenges.alert_dedup.suites.test_dd12_crowds import test_crowds_lose_nothing as dd12
from challenges.alert_dedup.suites.test_dd20_crash_points import test_alert_survives_its_owner as dd20
from challenges.alert_dedup.suites.test_dd30_skew import test_clocks_that_disagree as dd30
from challenges.alert_dedup.suites.test_dd70_bad_input import FLOOD
from challenges.alert_dedup.suites.test_dd70_bad_input import test_malformed_offers_are_refused as dd70
from harness.judge.outcomes import Finding, Outcome
from harness.runtime.sandbox import available
from harness.runtime.stores import _postgres, _valkey, store_program
from harness.runtime.stores._find import PostgresPrograms, ValkeyProgram
from harness.runtime.trial import Trial
from tests.challenges.dedup_trials import Maker, make, need, nothing_left, outcome

__all__ = ["make", "nothing_left"]
Check = Callable[[Trial], None]

# The table is made under a lock of its own, since several make it at once.
POSTGRES = """
def connect(self, params):
    import psycopg
    self.store = psycopg.connect(params["store"]["url"], autocommit=True)
    with self.store.transaction():
        self.store.execute("select pg_advisory_xact_lock(1)")
        self.store.execute("create table if not exists windows (fingerprint text primary key, event text)")

def reserve(self, fingerprint, event):
    if "warm-up" not in fingerprint:
        self.hold()
    insert = "insert into windows values (%s, %s) on conflict do nothing returning 1"
    return self.store.execute(insert, (fingerprint, event)).fetchone() is not None
"""
TABLE_LOCK = POSTGRES + 'def hold(self):\n    self.store.execute("begin")\n    self.store.execute("lock table windows")\n'
ADVISORY_LOCK = POSTGRES + 'def hold(self):\n    self.store.execute("select pg_advisory_lock(2)")\n'
SLEEPS_WITH_A_LOCK = TABLE_LOCK + '    self.store.execute("select pg_sleep(1000)")\n'


def judged(make: Maker, test: Callable[[Trial], None], body: str = "", **more: Any) -> tuple[Trial, Finding]:
    trial = make.trial(body, **more)
    found = outcome(trial, test)
    json.dumps([found.witness, list(found.evidence)], allow_nan=False)
    assert found.summary and "\n" not in found.summary and len(found.summary) < 600
    return trial, found


def tables(trial: Trial, title: str) -> list[list[Any]]:
    return [row for item in trial.evidences if item.get("title") == title for row in item["rows"]]


# -- stores that do not start ----------------------------------------------------------------------------------------------------


@pytest.fixture
def broken_program() -> Iterator[Path]:
    """A program that every user may run, and that ends with status 1."""
    folder = Path(tempfile.mkdtemp(prefix="broken-"))
    folder.chmod(0o755)
    program = folder / "server"
    program.write_text("#!/bin/sh\necho 'no room for this server' >&2\nexit 1\n")
    program.chmod(0o755)
    yield program
    shutil.rmtree(folder)


def break_store(kind: str, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need(kind)
    if kind == "redis":
        monkeypatch.setattr(_valkey, "find_valkey", lambda: ValkeyProgram(program, "here"))
    else:
        _postgres.template()  # its own programs are in order
        monkeypatch.setattr(_postgres, "find_postgres", lambda: PostgresPrograms(program, program, "here"))


@pytest.mark.parametrize(
    ("kind", "test"), [("redis", dd01), ("redis", dd12), ("redis", dd20), ("redis", dd70), ("postgres", dd01)]
)
def test_a_store_that_does_not_start_is_our_own_failure(
    make: Maker, nothing_left: Check, broken_program: Path, monkeypatch: pytest.MonkeyPatch, kind: str, test: Any
) -> None:
    break_store(kind, broken_program, monkeypatch)
    trial, found = judged(make, test, store=kind)
    assert found.outcome is Outcome.INFRA_ERROR and found.witness is None
    assert f"the {kind} store ended with status 1 as it started: no room for this server" in found.summary
    nothing_left(trial)


def test_a_store_whose_program_cannot_be_run_is_our_own_failure(
    make: Maker, nothing_left: Check, broken_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_program.chmod(0o644)
    break_store("redis", broken_program, monkeypatch)
    trial, found = judged(make, dd01)
    assert found.outcome is Outcome.INFRA_ERROR and "could not be started" in found.summary
    nothing_left(trial)


# -- candidates that do not use their store ---------------------------------------------------------------------------------------

NEVER_CONNECTS = "def connect(self, params): pass\ndef reserve(self, fingerprint, event): return {pages}\n"


def test_who_never_connects_and_pages_by_himself_pages_twice(make: Maker, nothing_left: Check) -> None:
    trial, found = judged(make, dd01, NEVER_CONNECTS.format(pages=True))
    assert found.outcome is Outcome.FAIL and "was paged twice" in found.summary and "one window" in found.summary
    nothing_left(trial)


def test_who_never_connects_and_never_pages_loses_alerts(make: Maker, nothing_left: Check) -> None:
    trial, found = judged(make, dd10, NEVER_CONNECTS.format(pages=False))
    assert found.outcome is Outcome.FAIL and "no page in time covers it" in found.summary
    nothing_left(trial)


@pytest.mark.parametrize(("test", "cases"), [(dd10, ["two processors", "crashes"]), (dd20, [])])
def test_who_never_connects_cannot_be_killed_on_the_way_to_its_store(
    make: Maker, nothing_left: Check, test: Any, cases: list[str]
) -> None:
    trial, found = judged(make, test, NEVER_CONNECTS.format(pages=True), replay={"cases": cases})
    assert found.outcome is Outcome.INCONCLUSIVE and "one offer made no round trip to its store" in found.summary
    nothing_left(trial)


# -- what a candidate does without any fault is not charged to the fault -----------------------------------------------------------

ACCEPTS_NOTHING = """
def decide(self, fingerprint, event):
    if "warm-up" not in fingerprint:
        raise Refused
    return super().decide(fingerprint, event)
"""


def test_who_accepts_nothing_has_nothing_to_lose_by_a_kill(make: Maker, nothing_left: Check) -> None:
    trial, found = judged(make, dd20, ACCEPTS_NOTHING)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "an offer without any fault was answered with error -32602" in found.summary
    nothing_left(trial)


def test_who_accepts_nothing_is_not_charged_for_what_follows_a_malformed_offer(make: Maker, nothing_left: Check) -> None:
    trial, found = judged(make, dd70, ACCEPTS_NOTHING, replay={"cases": ["event_id empty"]})
    assert found.outcome is Outcome.INCONCLUSIVE and "the same without a malformed offer" in found.summary
    nothing_left(trial)


def test_who_goes_wrong_after_a_malformed_offer_alone_is_charged(make: Maker, nothing_left: Check) -> None:
    body = """
    def offer(self, params):
        self.hurt = not params.get("event_id") or getattr(self, "hurt", False)
        return super().offer(params)

    def decide(self, fingerprint, event):
        return "suppress" if getattr(self, "hurt", False) else super().decide(fingerprint, event)
    """
    trial, found = judged(make, dd70, body, replay={"cases": ["event_id empty"]})
    assert found.outcome is Outcome.FAIL and "of two good offers after it the first was to be paged" in found.summary
    nothing_left(trial)


LEAKS = """
places = 16

def offer(self, params):
    self.places -= 1
    while self.places < 0:
        {when_full}
    answer = super().offer(params)
    self.places += 1
    return answer
"""


@pytest.mark.parametrize("when_full", ["raise Refused", "sys.stdin.read(); sys.exit()"])
def test_what_many_malformed_offers_leave_behind_is_charged(make: Maker, nothing_left: Check, when_full: str) -> None:
    trial, found = judged(make, dd70, LEAKS.format(when_full=when_full), replay={"cases": [FLOOD.name]})
    assert found.outcome is Outcome.FAIL and "of two good offers after it" in found.summary, found.summary
    nothing_left(trial)


def test_many_malformed_offers_do_no_harm_to_who_refuses_them(make: Maker, nothing_left: Check) -> None:
    body = """
    def offer(self, params):
        if not isinstance(params.get("alert"), dict):
            raise Refused
        return super().offer(params)
    """
    trial, found = judged(make, dd70, body, replay={"cases": [FLOOD.name]})
    assert found.outcome is Outcome.PASS, found.summary
    nothing_left(trial)


def test_who_looks_and_then_writes_loses_one_of_sixty_races(make: Maker, nothing_left: Check) -> None:
    body = """
    def reserve(self, fingerprint, event):
        if self.store.ask("GET", "window:" + fingerprint) is not None:
            return False
        return self.store.ask("SET", "window:" + fingerprint, event, "PX", self.window_ms) is not None
    """
    trial, found = judged(make, dd01, body, replay={"cases": ["sixty races"]})
    assert found.outcome is Outcome.FAIL, found.summary
    nothing_left(trial)
    trial, found = judged(make, dd01, replay={"cases": ["sixty races"]})
    assert found.outcome is Outcome.PASS, found.summary
    nothing_left(trial)


def test_who_pages_what_is_handed_out_twice_is_charged(make: Maker, nothing_left: Check) -> None:
    body = """
    def offer(self, params):
        if params["attempt"] > 1:
            self.page(params["fingerprint"], params["event_id"])
            return {"decision": "emit"}
        return super().offer(params)
    """
    trial, found = judged(make, dd03, body, replay={"cases": ["handed out twice"]})
    assert found.outcome is Outcome.FAIL and "went out 2 times in a run without a fault" in found.summary, found.summary
    nothing_left(trial)
    trial, found = judged(make, dd03, replay={"cases": ["handed out twice"]})
    assert found.outcome is Outcome.PASS, found.summary
    nothing_left(trial)


def test_what_breaks_with_clocks_that_agree_is_not_charged_to_the_clocks(make: Maker, nothing_left: Check) -> None:
    pages_each = "def reserve(self, fingerprint, event):\n    self.store.ask('PING')\n    return True\n"
    trial, found = judged(make, dd30, pages_each, replay={"cases": ["one processor 3 s ahead"]})
    assert found.outcome is Outcome.INCONCLUSIVE
    assert (
        "with clocks that agree it breaks DD-01" in found.summary
        and "DD-10, DD-11 held in 1 run with clocks that do not" in found.summary
    )
    nothing_left(trial)


# -- locks that are held for ever -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [TABLE_LOCK, ADVISORY_LOCK], ids=["table", "advisory"])
def test_a_lock_that_is_held_for_ever_leaves_others_without_a_reply(
    make: Maker, nothing_left: Check, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setitem(Field.wait.__kwdefaults__, "timeout_s", 0.5)  # type: ignore[arg-type]  # a function with defaults has the dict
    trial, found = judged(make, dd10, body, store="postgres")
    assert found.outcome is Outcome.FAIL
    assert "left without a definite reply, and no fault was in its way (one window, in real time)" in found.summary
    nothing_left(trial)


def test_a_lock_that_is_taken_at_the_start_is_the_candidates_affair(
    make: Maker, nothing_left: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_postgres, "LOCK_PATIENCE_MS", 300)
    body = TABLE_LOCK.replace("def reserve", "    self.hold()\n\ndef reserve")
    body = body.replace('if "warm-up" not in fingerprint', "if False")
    field = make.field(body, 1, store="postgres")
    offer = field.offer("p0", "f")
    field.wait(offer)
    assert offer.decision == "emit"
    nothing_left(field.trial)


@pytest.mark.parametrize("body", [TABLE_LOCK, SLEEPS_WITH_A_LOCK], ids=["kept", "outlives its owner"])
def test_a_run_after_a_lock_that_was_never_freed_begins_with_an_empty_store(
    make: Maker, nothing_left: Check, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(_postgres, "LOCK_PATIENCE_MS", 300)
    field = make.field(body, 2, store="postgres")
    for _ in range(2):
        first = field.offer("p0", "f")
        assert field.cluster.run_until(lambda: any("lock table" in t.text and t.over for t in field.trips()), 20)
        field.wait(first, timeout_s=0.5)
        blocked = field.offer("p1", "f")
        field.wait(blocked, timeout_s=0.5)
        assert blocked.outcome == "info"
        field.begin()
        assert all(node.up for node in field.cluster.nodes.values())
        assert field.cluster.store is not None and field.cluster.store.entries() == 0
    nothing_left(field.trial)


# -- silence ----------------------------------------------------------------------------------------------------------------------

ANSWERS_NOTHING = "def offer(self, params): time.sleep(1000)"


def test_who_answers_no_offer_is_hung_long_before_its_time_is_over(
    make: Maker, nothing_left: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Field.wait.__kwdefaults__, "timeout_s", 0.1)  # type: ignore[arg-type]  # a function with defaults has the dict
    trial, found = judged(make, dd01, ANSWERS_NOTHING, replay={"cases": ["burst", "one window"]})
    assert found.outcome is Outcome.CANDIDATE_ERROR
    assert found.summary == "4 times in one run without a fault an offer had no reply within 0.1 s"
    nothing_left(trial)


def test_where_replies_are_asked_for_silence_is_a_failure(
    make: Maker, nothing_left: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Field.wait.__kwdefaults__, "timeout_s", 0.1)  # type: ignore[arg-type]  # a function with defaults has the dict
    trial, found = judged(make, dd10, ANSWERS_NOTHING)
    assert found.outcome is Outcome.FAIL and "left without a definite reply" in found.summary
    nothing_left(trial)


# -- too much of something --------------------------------------------------------------------------------------------------------

THOUSAND = """
def connect(self, params):
    self.links = [Store(params["store"]["url"]) for _ in range(1000)]
    self.store = self.links[{which}]
"""
REFUSES = """
def reserve(self, fingerprint, event):
    try:
        return super().reserve(fingerprint, event)
    except (RuntimeError, OSError):
        raise Refused
"""
REFUSED = "opened more than 100 connections to its store at once; the others were refused"


def test_a_thousand_connections_that_do_no_harm_are_shown_beside_a_pass(make: Maker, nothing_left: Check) -> None:
    trial, found = judged(make, dd70, THOUSAND.format(which=0), replay={"cases": ["event_id empty"]})
    assert found.outcome is Outcome.PASS, found.summary
    assert [[f"{name}: it {REFUSED}"] for name in ("p0", "p1")] == tables(trial, "What the store's proxy had to refuse")
    nothing_left(trial)


def test_a_thousand_connections_that_lose_offers_are_named_in_the_sentence(make: Maker, nothing_left: Check) -> None:
    trial, found = judged(make, dd10, THOUSAND.format(which=150) + REFUSES, replay={"cases": ["burst"]})
    assert found.outcome is Outcome.FAIL and "was refused, and no fault was in its way" in found.summary
    assert found.summary.endswith(f"p0: it {REFUSED} (and 2 more)")
    nothing_left(trial)


def test_who_dies_of_its_thousand_connections_is_told_why(make: Maker, nothing_left: Check) -> None:
    trial, found = judged(make, dd70, THOUSAND.format(which=150))
    assert found.outcome is Outcome.CANDIDATE_ERROR and "the process exited with status 1" in found.summary
    assert f"; p0: it {REFUSED}" in found.summary
    assert found.witness is not None and "too many connections" in found.witness["stderr"]
    assert tables(trial, "What the store's proxy had to refuse")
    nothing_left(trial)


@pytest.mark.parametrize("when", ["warm-up", "burst"])
def test_a_flood_of_emits_breaks_the_protocol(make: Maker, nothing_left: Check, when: str) -> None:
    body = f"""
    def decide(self, fingerprint, event):
        while ("warm-up" in fingerprint) is {when == "warm-up"}:
            self.page(fingerprint, event, os.urandom(8).hex())
        return "suppress"
    """
    trial, found = judged(make, dd01, body)
    assert found.outcome is Outcome.CANDIDATE_ERROR and "more than 10000 emits came in one run, for" in found.summary
    nothing_left(trial)


# -- what is said and done to deceive ---------------------------------------------------------------------------------------------


def test_what_a_candidate_says_stays_text(make: Maker, nothing_left: Check) -> None:
    body = """
    def page(self, fingerprint, event, alert_id=None):
        evil = "<script>alert(1)</script>\\u202e\\x1b[31m" * 100
        super().page(fingerprint if "warm-up" in fingerprint else evil, event, evil)
    """
    trial, found = judged(make, dd02, body, replay={"cases": ["burst"]})
    assert found.outcome is Outcome.FAIL and "that had not been offered with this fingerprint" in found.summary
    assert "\x1b" not in found.summary
    nothing_left(trial)


def test_a_daemon_of_the_candidates_goes_with_it(make: Maker, nothing_left: Check) -> None:
    if available()["bwrap"]:
        pytest.skip(available()["bwrap"])
    body = """
    def connect(self, params):
        super().connect(params)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
    """
    trial, found = judged(make, dd70, body, replay={"cases": ["event_id empty"]}, sandbox="bwrap")
    assert found.outcome is Outcome.PASS, found.summary
    nothing_left(trial)


def test_the_programs_of_the_stores_are_there_again() -> None:
    """What was broken above was broken for one test each."""
    assert all(store_program(kind) is None or store_program(kind)[1] != "here" for kind in ("redis", "postgres"))  # type: ignore[index]  # None is ruled out before it
