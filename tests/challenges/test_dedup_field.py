"""The field: what is sent when, what is taken down in which order, and what a candidate cannot do to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from challenges.alert_dedup import field as field_module
from challenges.alert_dedup.checker import check
from challenges.alert_dedup.field import Field
from challenges.alert_dedup.history import Emit, Entry, Fault, Info, Invoke, Obs, Ok
from challenges.alert_dedup.view import MS, View
from harness.errors import CandidateBrokeProtocol, CandidateDied, NotOffered
from harness.runtime.proxy import Point
from tests.challenges.dedup_trials import Maker, make

__all__ = ["make"]


def names(entries: list[Entry]) -> list[str]:
    return [entry.what if isinstance(entry, Obs) else type(entry).__name__ for entry in entries]


def test_a_run_is_taken_down_from_the_first_offer_to_its_end(make: Maker) -> None:
    field = make.field("", 2)
    first = field.offer("p0", "f", severity="low")
    field.wait(first)
    second = field.offer("p1", "f")
    field.wait(second)
    field.note_end()
    assert (first.decision, second.decision) == ("emit", "suppress")
    assert names(field.history.entries) == ["up", "up", "Invoke", "Emit", "Ok", "Invoke", "Ok", "end"]
    invoke = field.history.entries[2]
    assert isinstance(invoke, Invoke) and (invoke.event_id, invoke.attempt, invoke.severity) == ("e0", 1, "low")
    assert [trip.text.split()[0] for trip in field.trips()] == ["SET", "SET"]
    rows = field.trip_rows()
    assert all(0 < row["t_ns"] <= row["ended_ns"] <= field.history.entries[-1].t_ns for row in rows)
    assert all(entry.clock_ns is not None for entry in field.history.entries[:-1])
    assert not check(field.history, field.rules)


def test_a_fresh_run_remembers_nothing_of_the_one_before(make: Maker) -> None:
    field = make.field()
    for _ in range(2):
        offer = field.offer("p0", "f")
        field.wait(offer)
        assert offer.decision == "emit" and offer.op == 0 and field.now_ms < 5000
        field.begin()
        assert names(field.history.entries) == ["up"] and not field.trips()


def test_attempts_are_counted_by_event(make: Maker) -> None:
    field = make.field("", 2)
    first, other = field.offer("p0", "f"), field.offer("p0", "g")
    again = field.redeliver(first, "p1")
    third = field.redeliver(again, "p0")
    field.wait(first, other, again, third)
    assert [(o.event_id, o.attempt) for o in (first, other, again, third)] == [("e0", 1), ("e1", 1), ("e0", 2), ("e0", 3)]
    told = [entry.attempt for entry in field.history if isinstance(entry, Invoke) and entry.event_id == "e0"]
    assert sorted(told) == [1, 2, 3]


def test_who_does_not_pipeline_gets_one_offer_at_a_time(make: Maker) -> None:
    field = make.field()
    field.wait(*(field.offer("p0", f"f{n}") for n in range(3)))
    assert names(field.history.entries)[1:] == ["Invoke", "Emit", "Ok"] * 3


def test_who_pipelines_gets_all_of_them_at_once(make: Maker) -> None:
    field = make.field('capabilities = ["reset", "pipelining"]')
    field.wait(*(field.offer("p0", f"f{n}") for n in range(3)))
    assert names(field.history.entries)[1:4] == ["Invoke"] * 3


SPEAKS_THEN_HANGS = """
def decide(self, fingerprint, event):
    if fingerprint.startswith("warm-up"):
        return "suppress"
    self.page(fingerprint, event, "first")
    self.page(fingerprint, event, "second")
    sys.stdout.write('{"jsonrpc":"2.0","method":"emit","params":{"alert_id":"torn","fingerp')
    sys.stdout.flush()
    self.store.ask("SET", "written", "1")
    time.sleep(1000)
"""


def test_a_kill_comes_before_what_it_brings_about(make: Maker) -> None:
    field = make.field(SPEAKS_THEN_HANGS)
    offer = field.offer("p0", "f")
    # The reply of the store is read by the loop only after all that was written before it.
    assert field.cluster.run_until(lambda: bool(field.trips()) and field.trips()[0].over, 20)
    proof = field.kill("p0")
    assert proof.took and offer.outcome == "info"
    assert names(field.history.entries) == ["up", "Invoke", "Emit", "Emit", "Fault", "Info", "down"]
    fault = field.history.entries[4]
    assert isinstance(fault, Fault) and fault.status == "installed" and fault.evidence["signal"] == "SIGKILL"
    assert [e.alert_id for e in field.history if isinstance(e, Emit)] == ["first", "second"]


def test_a_kill_that_the_proxy_fires_is_taken_down_once_with_its_point(make: Maker) -> None:
    field = make.field(SPEAKS_THEN_HANGS)
    field.cluster.nodes["p0"].faults.kill(field.victim("p0"), 1, Point.BEFORE, window="w")
    field.proxy("p0").open_window("w")
    offer = field.offer("p0", "f")
    field.wait(offer)
    assert names(field.history.entries) == ["up", "Invoke", "Emit", "Emit", "Fault", "Info", "down", "fault point"]
    point = field.history.entries[-1]
    assert isinstance(point, Obs) and (point.data["k"], point.data["point"], point.data["status"]) == (1, "before", "installed")
    assert field.trips()[0].fate == "cut before" and offer.outcome == "info"


WRITES_WHAT_NOBODY_READS = """
def decide(self, fingerprint, event):
    if not fingerprint.startswith("warm-up"):
        self.page(fingerprint, event, "unread")
        sys.stderr.write("written")
        sys.stderr.flush()
        time.sleep(1000)
    return "suppress"
"""


def test_a_page_that_was_written_and_not_yet_read_counts_and_comes_after_the_kill(make: Maker) -> None:
    field = make.field(WRITES_WHAT_NOBODY_READS)
    field.offer("p0", "f")
    stderr = field.cluster.nodes["p0"].live.process
    deadline_ns = field.cluster.loop.now_ns() + 20 * 10**9
    while "written" not in stderr.stderr_tail() and field.cluster.loop.now_ns() < deadline_ns:
        pass  # the loop does not run: the page is still to be read
    field.kill("p0")
    assert names(field.history.entries) == ["up", "Invoke", "Fault", "Emit", "Info", "down"]


def test_a_restart_is_a_new_process_that_is_offered_what_waited(make: Maker) -> None:
    field = make.field("", 2)
    field.kill("p0")
    offer = field.offer("p0", "f")
    field.pass_ms(100)
    assert not offer.over and names(field.history.entries)[-1] == "down"
    field.restart("p0")
    field.wait(offer)
    assert offer.decision == "emit" and field.cluster.nodes["p0"].live.process.incarnation == 1
    assert names(field.history.entries)[-4:] == ["up", "Invoke", "Emit", "Ok"]


HANGS_AT_HANG = """
def decide(self, fingerprint, event):
    if fingerprint == "hang":
        time.sleep(1000)
    return super().decide(fingerprint, event)
"""


def test_an_offer_that_could_not_be_sent_in_time_did_not_happen(make: Maker) -> None:
    field = make.field(HANGS_AT_HANG)
    hung, behind = field.offer("p0", "hang"), field.offer("p0", "f")
    field.wait(hung, behind, timeout_s=0.2)
    assert (hung.outcome, behind.outcome) == ("info", "info")
    assert names(field.history.entries) == ["up", "Invoke", "Info"]
    found = check(field.history, field.rules)
    assert [(f.requirement, "without a definite reply" in f.summary) for f in found] == [("DD-10", True)]
    field.begin()  # who still owes a reply is ended, and begins anew
    offer = field.offer("p0", "f")
    field.wait(offer)
    assert offer.decision == "emit"


HANGS_AT_FIRST = """
def decide(self, fingerprint, event):
    if fingerprint.startswith("warm-up"):
        time.sleep(1000)
    return super().decide(fingerprint, event)
"""


def test_who_hangs_in_the_warm_up_begins_the_run_as_a_new_process(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Field.wait.__kwdefaults__, "timeout_s", 0.3)
    field = make.field(HANGS_AT_FIRST)
    assert field.cluster.nodes["p0"].up and names(field.history.entries) == ["up"]
    offer = field.offer("p0", "f")
    field.wait(offer, timeout_s=10)
    assert offer.decision == "emit" and field.cluster.nodes["p0"].live.process.incarnation == 1


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ('{"alert_id": "", "fingerprint": "f", "event_id": "e"}', "an emit needs 'alert_id' as text"),
        (
            '{"alert_id": 7, "fingerprint": "f", "event_id": "e"}',
            "needs 'alert_id' as text (an id that is not empty); it had 7",
        ),
        ('{"alert_id": "a", "fingerprint": null, "event_id": "e"}', "an emit needs 'fingerprint' as text"),
        ('{"alert_id": "a", "fingerprint": "f"}', "an emit needs 'event_id' as text"),
        ("[1]", "an emit needs 'alert_id' as text"),
        ('{"alert_id": "%s", "fingerprint": "f", "event_id": "e"}' % ("x" * (field_module.MAX_TEXT + 1)), "needs 'alert_id'"),
    ],
)
def test_an_emit_of_a_wrong_shape_breaks_the_protocol(make: Maker, told: str, words: str) -> None:
    body = f"""
    def page(self, fingerprint, event, alert_id=None):
        if not fingerprint.startswith("warm-up"):
            self.write({{"jsonrpc": "2.0", "method": "emit", "params": json.loads({told!r})}})
    """
    field = make.field(body)
    with pytest.raises(CandidateBrokeProtocol) as caught:
        field.wait(field.offer("p0", "f"))
    assert words in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("decision", ["'page'", "None", "True", "['emit']", "'x' * 100000"])
def test_a_decision_that_is_none_breaks_the_protocol_at_once(make: Maker, decision: str) -> None:
    field = make.field(f"def decide(self, fingerprint, event): return 'suppress' if 'warm-up' in fingerprint else {decision}")
    began_ms = field.now_ms
    with pytest.raises(CandidateBrokeProtocol, match="needs a decision of emit, suppress, update; it was") as caught:
        field.wait(field.offer("p0", "f"), timeout_s=60)
    assert len(str(caught.value)) < 300 and field.now_ms - began_ms < 30_000


def test_a_death_of_its_own_is_told_at_once(make: Maker) -> None:
    field = make.field("def tick(self, params): sys.exit(7)")
    with pytest.raises(CandidateDied, match="status 7"):
        field.pass_ms(400)


def test_a_flood_of_emits_is_cut_off(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_module, "MAX_EMITS", 50)
    field = make.field("""
    def decide(self, fingerprint, event):
        while "warm-up" not in fingerprint:
            self.page(fingerprint, event)
        return "suppress"
    """)
    with pytest.raises(CandidateBrokeProtocol, match="more than 50 emits came in one run, for 1 offers"):
        field.wait(field.offer("p0", "f"))
    assert len(field.history) < 60


def test_a_flood_of_long_emits_is_cut_off_sooner(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_module, "MAX_EMITTED", 3 << 20)
    field = make.field("""
    def decide(self, fingerprint, event):
        while "warm-up" not in fingerprint:
            self.page("f" * 120_000, event)
        return "suppress"
    """)
    with pytest.raises(CandidateBrokeProtocol, match="the emits of one run have more than 3 million characters"):
        field.wait(field.offer("p0", "f"))
    assert len(field.history) < 30


@pytest.mark.parametrize(
    ("code", "outcome"), [(-32602, "fail"), (-32001, "fail"), (-32601, "fail"), (-32603, "info"), (-5, "info")]
)
def test_an_error_is_definite_or_not_as_the_protocol_says(make: Maker, code: int, outcome: str) -> None:
    field = make.field(f"""
    def serve(self):
        write = self.write
        def changed(message):
            if "result" in message and "decision" in message["result"] and self.over_warm_up:
                message = {{"jsonrpc": "2.0", "id": message["id"], "error": {{"code": {code}, "message": "no"}}}}
            write(message)
        self.write = changed
        super().serve()

    def decide(self, fingerprint, event):
        self.over_warm_up = "warm-up" not in fingerprint
        return "suppress"
    """)
    offer = field.offer("p0", "f")
    field.wait(offer)
    assert (offer.outcome, offer.code) == (outcome, code)
    assert [found.requirement for found in check(field.history, field.rules)] == ["DD-10"]


@pytest.mark.parametrize(
    ("declared", "lease_ms", "retention_ms"),
    [
        ('{"lease_ms": 500, "retention_ms": 1000}', 500, 1000),
        ('{"lease_ms": 10**9, "retention_ms": 10**9}', 2000, 60_000),
        ('{"lease_ms": -1, "retention_ms": "x"}', 2000, 60_000),
        ('{"lease_ms": True}', 2000, 60_000),
        ("{}", 2000, 60_000),
    ],
)
def test_what_is_declared_is_held_to_what_is_allowed(make: Maker, declared: str, lease_ms: int, retention_ms: int) -> None:
    rules = make.field(f"declared = {declared}", begin=True).rules
    assert (rules.lease_ns, rules.retention_ns) == (lease_ms * MS, retention_ms * MS)
    assert (rules.window_ns, rules.skew_ns, rules.eps_ns) == (5000 * MS, 3000 * MS, 50 * MS)


def test_a_condition_that_is_over_is_told_to_those_who_ask_for_it(make: Maker) -> None:
    field = make.field(
        'capabilities = ["reset", "resolve"]\ndef resolve(self, params): self.store.ask("SET", "told", params["fingerprint"])'
    )
    assert field.resolves
    field.resolve("p0", "f")
    assert names(field.history.entries) == ["up", "resolve"] and "told" in field.trips()[-1].text


def test_without_a_store_there_is_no_proxy(make: Maker) -> None:
    field = make.field(
        "def connect(self, params): assert params['store'] is None\ndef reserve(self, f, e): return True", store="none"
    )
    assert not field.resolves and not field.trips()
    with pytest.raises(NotOffered, match="no store"):
        field.proxy("p0")
    offer = field.offer("p0", "f")
    field.wait(offer)
    assert offer.decision == "emit" and isinstance(field.history.entries[-1], Ok)


def test_time_passes_for_all_clocks_and_ends_windows(make: Maker, tmp_path: Path) -> None:
    field = make.field("", 2)
    field.wait(field.offer("p0", "f"))
    field.pass_until_ms(3000)
    before = field.offer("p1", "f")
    field.wait(before)
    assert 3000 <= field.now_ms < 5000
    field.pass_until_ms(1)  # over already
    field.pass_until_ms(6500)  # the window began with the first offer, not with the run
    after = field.offer("p1", "f")
    field.wait(after)
    assert (before.decision, after.decision) == ("suppress", "emit")
    assert len(View(field.history, field.rules).groups) == 2
    assert not [e for e in field.history if isinstance(e, Info)]
