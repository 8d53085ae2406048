"""Pictures of findings: what is in them, what is not, and that every violation the checker knows gets one that can be drawn."""

from __future__ import annotations

import json
from typing import Any

import pytest

from challenges.alert_dedup.checker import Finding, check
from challenges.alert_dedup.history import Emit, Entry, Fault, History, Info, Invoke, Obs, Ok
from challenges.alert_dedup.pictures import command, picture
from challenges.alert_dedup.view import MS, Rules
from harness.report import lanes, page
from harness.runtime.proxy.trips import RoundTrip
from tests.challenges.dedup_histories import Sketch
from tests.challenges.test_dedup_checker import BAD, GOOD

RULES = Rules()
Row = tuple[float, type[Entry], str, dict[str, Any]]


def history(*rows: Row) -> list[Entry]:
    """Entries by ms of true time, in any order."""
    made = History()
    for ms, kind, proc, fields in sorted(rows, key=lambda row: row[0]):
        made.add(kind, round(ms * MS), proc, **fields)
    return made.entries


def trip(
    proc: str, times_ms: tuple[float, float, float, float], fate: str = "delivered", text: str = "SET f a1"
) -> dict[str, Any]:
    """A row of the proxy's log: sent, forwarded, answered, ended; 0 for what did not happen."""
    sent, forwarded, answered, ended = (round(ms * MS) for ms in times_ms)
    made = RoundTrip(
        proc, 1, 1, "", "command", sent, 10, forwarded_ns=forwarded, answered_ns=answered, ended_ns=ended, fate=fate
    )
    return made.row() | {"text": text, "reply": "OK"}


def first(entries: list[Entry], requirement: str) -> Finding:
    return next(finding for finding in check(entries, RULES) if finding.requirement == requirement)


def labels(evidence: dict[str, Any], lane: str) -> list[str]:
    return [mark["label"] for mark in evidence["marks"] if mark["lane"] == lane]


def spans(evidence: dict[str, Any], tone: str) -> list[tuple[str, float, float]]:
    return [(span["lane"], span["from"], span["to"]) for span in evidence["spans"] if span["tone"] == tone]


def race() -> list[Entry]:
    """Two processors page for one fingerprint; another fingerprint is paged at the same time; p10 is killed later."""
    ups: list[Row] = [(0, Obs, proc, {"what": "up"}) for proc in ("p0", "p10", "p2", "store")]
    return history(
        *ups,
        (1000, Invoke, "p0", {"op": 1, "event_id": "e1", "fingerprint": "disk"}),
        (1001, Invoke, "p2", {"op": 2, "event_id": "e2", "fingerprint": "disk"}),
        (1001, Invoke, "p2", {"op": 3, "event_id": "e3", "fingerprint": "other"}),
        (1003, Emit, "p0", {"alert_id": "a1f3c2d9-0000-1111", "fingerprint": "disk", "event_id": "e1"}),
        (1003.5, Emit, "p2", {"alert_id": "c3", "fingerprint": "other", "event_id": "e3"}),
        (1004, Ok, "p0", {"op": 1, "decision": "emit"}),
        (1004, Emit, "p2", {"alert_id": "b2", "fingerprint": "disk", "event_id": "e2"}),
        (1005, Ok, "p2", {"op": 2, "decision": "emit"}),
        (1005, Ok, "p2", {"op": 3, "decision": "emit"}),
        (1500, Fault, "p10", {"fault": "kill", "evidence": {"status": "signal 9"}}),
        (1600, Fault, "p0", {"fault": "pause", "status": "skipped"}),
        (2500, Obs, "p10", {"what": "up"}),
        (9000, Obs, "harness", {"what": "the end"}),
    )


def test_a_race_of_two_processors() -> None:
    entries = race()
    finding = first(entries, "DD-01")
    evidence = picture(entries, [], RULES, finding)
    assert [lane["name"] for lane in evidence["lanes"]] == ["p0", "p2", "p10", "store"]
    assert labels(evidence, "p0") == ["offer e1", "emit a1f3c2d9-00… for e1", "“emit”"]
    assert labels(evidence, "p2") == ["offer e2", "emit b2 for e2", "“emit”"]
    assert labels(evidence, "p10") == ["SIGKILL", "up again"]
    assert [(mark["lane"], mark["at"], mark["glyph"]) for mark in evidence["marks"] if mark["strong"]] == [
        ("p0", 3, "emit"),
        ("p2", 4, "emit"),
    ]
    shaded = {"from": 0, "to": 4, "label": "DD-01: two pages for offers at most 4 ms apart; the window is 5,000 ms"}
    assert evidence["shaded"] == shaded
    assert spans(evidence, "down") == [("p10", 500, 1500)]
    assert spans(evidence, "work") == [("p0", 0, 4), ("p2", 1, 5)]
    assert evidence["notes"] == ["Offers of 1 other fingerprint are not drawn."]
    assert "0 is 1,000 ms into the run" in evidence["caption"] and finding.summary in evidence["caption"]


def test_a_clean_run_without_a_finding_shows_all_of_it_and_shades_nothing() -> None:
    evidence = picture(GOOD["two fingerprints at once"].entries(), [trip("p0", (0.1, 0.2, 0.5, 0.6))], RULES)
    assert labels(evidence, "p0") == ["offer e1", "offer e2", "emit a1 for e1", "emit a2 for e2", "“emit”", "“emit”"]
    assert evidence["shaded"] is None and evidence["notes"] == []
    assert not [item for item in (*evidence["marks"], *evidence["spans"]) if item["strong"]]
    assert spans(evidence, "trip") == [("store", 0.2, 0.5)]


@pytest.mark.parametrize(
    ("row", "span", "links", "cut"),
    [
        (trip("p0", (1, 1.2, 1.8, 2)), [(1.2, 1.8)], [("p0", 1, 1.2, False), ("store", 1.8, 2, False)], []),
        (trip("p0", (1, 0, 0, 2), "cut before"), [], [("p0", 1, 2, True)], ["p0"]),
        (trip("p0", (1, 1.2, 1.8, 2), "cut after"), [(1.2, 1.8)], [("p0", 1, 1.2, False), ("store", 1.8, 2, True)], ["store"]),
        (
            trip("p0", (1, 1.2, 1.8, 2), "client gone"),
            [(1.2, 1.8)],
            [("p0", 1, 1.2, False), ("store", 1.8, 2, True)],
            ["store"],
        ),
        (trip("p0", (1, 1.2, 0, 2), "lost"), [(1.2, 2)], [("p0", 1, 1.2, False)], []),
        (trip("p0", (1, 1.2, 0, 0), "under way"), [(1.2, 60_000)], [("p0", 1, 1.2, False)], []),
    ],
)
def test_a_round_trip_goes_as_far_as_it_went(
    row: dict[str, Any], span: list[tuple[float, float]], links: list[tuple[str, float, float, bool]], cut: list[str]
) -> None:
    entries = Sketch().offer(0, "e1", took=3).end(60_000).entries()
    evidence = picture(entries, [row], RULES)
    assert [(start, end) for _, start, end in spans(evidence, "trip")] == span
    assert [(link["lane"], link["from"], link["to"], link["broken"]) for link in evidence["links"]] == links
    assert [mark["lane"] for mark in evidence["marks"] if mark["glyph"] == "fault"] == cut


def test_round_trips_of_other_times_and_processors_are_counted_not_drawn() -> None:
    entries = race()
    rows = [
        trip("p0", (1001, 1001.1, 1002, 1002.1)),
        trip("p10", (1001, 1001.1, 1002, 1002.1)),
        trip("p0", (1400, 1401, 1402, 1403)),
    ]
    evidence = picture(entries, rows, RULES, first(entries, "DD-01"))
    assert spans(evidence, "trip") == [("store", 1.1, 2)]
    assert "2 other round trips of the time are not drawn." in evidence["notes"]
    named = picture(entries, [trip("p10", (1001, 1001.1, 1002, 1002.1), text="GET disk")], RULES, first(entries, "DD-01"))
    assert spans(named, "trip") == [("store", 1.1, 2)]


def test_of_a_long_run_a_window_before_and_after_is_shown() -> None:
    sketch = Sketch()
    for second in range(0, 80, 2):
        sketch.offer(second * 1000, f"e{second}", "suppress")
    entries = sketch.page(40_000, "x1", "a1").page(41_000, "x2", "a2").end(90_000).entries()
    evidence = picture(entries, [], RULES, first(entries, "DD-01"))
    shown = [mark["label"] for mark in evidence["marks"] if mark["glyph"] == "offer"]
    assert shown == [
        "offer e34",
        "offer e36",
        "offer e38",
        "offer e40",
        "offer x1",
        "offer x2",
        "offer e42",
        "offer e44",
        "offer e46",
    ]
    assert evidence["marks"][0]["at"] == 0 and "0 is 34,000 ms into the run" in evidence["caption"]


def test_a_page_that_did_not_come_is_shown_until_when_it_was_due() -> None:
    entries = Sketch().offer(500, "e1").end(60_000).entries()
    shaded = picture(entries, [], RULES, first(entries, "DD-10"))["shaded"]
    assert shaded == {"from": 0, "to": 1002, "label": "DD-10: no page covers it within 1,002 ms"}
    entries = Sketch().page(0, "e1", "a1").offer(6000, "e2", "fail").end(60_000).entries()
    shaded = picture(entries, [], RULES, first(entries, "DD-10"))["shaded"]
    assert shaded["label"] == "DD-10: not accepted, and no fault in the way"
    assert shaded["to"] - shaded["from"] == 2


def test_late_suppression_shows_the_page_whose_window_was_over() -> None:
    entries = Sketch().page(1000, "e1", "a1").offer(9500, "e2").end(60_000).entries()
    evidence = picture(entries, [], RULES, first(entries, "DD-11"))
    assert "emit a1 for e1" in labels(evidence, "p0")
    assert spans(evidence, "window") == [("p0", 0, 5000)]
    assert evidence["shaded"]["to"] == 8500


def test_pauses_kills_and_clocks() -> None:
    entries = history(
        (0, Invoke, "p0", {"op": 1, "event_id": "e1", "fingerprint": "f"}),
        (1, Fault, "p0", {"fault": "pause"}),
        (1.1, Obs, "p0", {"what": "down"}),
        (2, Fault, "p1", {"fault": "clock-step", "evidence": {"offset_ms": -3000}}),
        (500, Fault, "p1", {"fault": "clock-step", "evidence": {"offset_ms": 1500}}),
        (900, Fault, "p0", {"fault": "resume"}),
        (900.1, Obs, "p0", {"what": "up"}),
        (901, Info, "p0", {"op": 1, "reason": "timeout"}),
        (950, Fault, "p0", {"fault": "kill", "status": "indeterminate"}),
        (950.1, Obs, "p0", {"what": "down"}),
        (1000, Obs, "harness", {"what": "the end"}),
    )
    evidence = picture(entries, [], RULES)
    assert spans(evidence, "paused") == [("p0", 1, 900)]
    assert spans(evidence, "down") == []  # nothing is drawn after the kill, so neither is this
    assert spans(evidence, "clock") == [("p1", 2, 500), ("p1", 500, 950)]
    assert labels(evidence, "p0") == ["offer e1", "SIGSTOP", "SIGCONT", "no reply", "SIGKILL?"]
    assert labels(evidence, "p1") == ["clock −3 s", "clock +1.5 s"]


def test_a_lane_says_by_how_much_its_clock_is_off() -> None:
    rows: list[Row] = [
        (
            ms,
            Invoke,
            f"p{ms}",
            {"op": ms, "event_id": f"e{ms}", "fingerprint": "f", "clock_ns": round((ms + off_ms + 10**12) * MS)},
        )
        for ms, off_ms in ((1, 0), (2, 3000), (3, 0))
    ]
    evidence = picture(history(*rows), [], RULES)
    assert [lane["note"] for lane in evidence["lanes"]] == ["", "clock +3 s", "", ""]


@pytest.mark.parametrize("name", BAD)
def test_every_violation_has_a_picture_that_shows_it(name: str) -> None:
    requirement, sketch = BAD[name]
    entries = sketch.end(60_000).entries()
    findings = check(entries, RULES)
    assert requirement in {finding.requirement for finding in findings}
    for finding in findings:
        evidence = json.loads(json.dumps(picture(entries, [], RULES, finding)))
        strong = [mark for mark in evidence["marks"] if mark["strong"]]
        assert len(strong) >= len(finding.entries), finding
        ends = [item["at"] for item in evidence["marks"]] + [item["to"] for item in evidence["spans"]]
        assert 0 <= evidence["shaded"]["from"] <= evidence["shaded"]["to"] <= max(*ends, evidence["shaded"]["to"])
        assert min(item["at"] for item in evidence["marks"]) == 0
        view = lanes.build(evidence)
        assert len(view.glyphs) == len(evidence["marks"]) and len(view.boxes) == len(evidence["spans"])
        assert view.notes == evidence["notes"]


@pytest.mark.parametrize("name", GOOD)
def test_every_clean_history_has_a_picture(name: str) -> None:
    view = lanes.build(picture(GOOD[name].entries(), [], RULES))
    assert view.shade is None and not any(glyph.strong for glyph in view.glyphs)


def test_hostile_names_stay_text() -> None:
    odd = '"><script>alert(1)</script>\u202e\x00\x1b[31m' + "w" * 5_000
    entries = Sketch().page(0, odd, odd, fp=odd).page(3, "y" + odd, "z" + odd, fp=odd, proc=odd[:40]).end(60_000).entries()
    row = trip(odd[:40], (3.1, 3.2, 3.4, 3.5), odd, odd)
    evidence = picture(entries, [row], RULES, first(entries, "DD-01"))
    html = page.render({"requirements": [{"id": "A", "outcome": "fail", "evidence": [evidence]}]})
    assert "<script>alert" not in html and "\u202e" not in html and "\x1b" not in html
    assert html.count('<circle class="ring"') == 2
    assert len(html) < 100_000


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("EVALSHA 3f2a9c0d1e4b5a6978877665544332211ffeedd0 1 dedup:f a1", "EVALSHA 3f2a… dedup…"),
        ("GET f", "GET f"),
        ("INSERT INTO alerts (fingerprint) VALUES ($1)", "INSERT INTO alerts …"),
    ],
)
def test_a_command_as_a_label(text: str, label: str) -> None:
    assert command(text) == label


def test_a_processor_that_did_nothing_has_a_lane_unless_there_are_many() -> None:
    few = Sketch().obs(0, "up", "p1").page(1, "e1", "a1").end(9000)
    assert [lane["name"] for lane in picture(few.entries(), [], RULES)["lanes"]] == ["p0", "p1", "store"]
    for number in range(2, 12):
        few.obs(0, "up", f"p{number}")
    assert [lane["name"] for lane in picture(few.entries(), [], RULES)["lanes"]] == ["p0", "store"]


def test_an_empty_history_has_a_picture_of_nothing() -> None:
    view = lanes.build(picture([], [], RULES))
    assert [lane.name for lane in view.lanes] == ["store"] and not view.glyphs
