"""The demonstration's plan, verdict and page, without playing it: `make demo` does."""

import json
from dataclasses import replace

import pytest

from demo.page import render
from demo.plan import HISTORY_S, LOGS_PER_S, OFFSETS_MS, WINDOW_MS, draw, services, stream
from demo.play import Arrival, Line, Node, Record
from demo.verdict import judge

PLAN = draw(7)
HOSTILE = "<script>alert(1)</script>"


def record() -> Record:
    """A run in which all went well: a page for each incident, and a second one for the long one."""
    longest = max(PLAN.incidents, key=lambda one: one.end_s - one.start_s)
    dated = [(one.service, one.start_s + 1) for one in PLAN.incidents] + [(longest.service, longest.start_s + 21)]
    pages = [(f"{number:032x}", service, at_s) for number, (service, at_s) in enumerate(dated)]
    arrivals = {
        name: [Arrival(at_s + 3, alert_id, service, False) for alert_id, service, at_s in pages]
        for name in ("slack", "pagerduty", "jira")
    }
    lines = [
        Line(at_s + 3, "p2", {"event": "in_hand", "alert_id": alert_id, "seen_by": "p2", "ts_ms": int(at_s * 1000)})
        for alert_id, _, at_s in pages
    ]
    offsets = enumerate(OFFSETS_MS, 1)
    nodes = [Node(f"p{number}", ms, ms + 1, None if number > 1 else PLAN.kill_s, 0, 800) for number, ms in offsets]
    counts = [dict.fromkeys(services(), (100, 1)) for _ in range(int(PLAN.live_s))]
    return Record(PLAN, "postgres", nodes, arrivals, len(pages), lines, counts, 0.0, 0)


def changed(receiver: str, arrivals: list[Arrival]) -> Record:
    good = record()
    return replace(good, arrivals={**good.arrivals, receiver: arrivals})


@pytest.mark.parametrize("seed", range(50))
def test_every_plan_can_show_the_claim(seed: int) -> None:
    plan = draw(seed)
    assert plan == draw(seed)
    first, second, third = plan.incidents
    assert len({one.service for one in plan.incidents}) == 3
    assert first.end_s < second.start_s and second.end_s < third.start_s and third.end_s < plan.live_s - 5
    assert second.end_s - second.start_s > WINDOW_MS / 1000
    assert sorted(one.receiver for one in plan.troubles) == ["jira", "pagerduty", "slack"]
    assert any(one.start_s < plan.kill_s < one.end_s for one in plan.incidents)


def test_the_stream_is_the_seeds_and_of_the_rate_that_is_said() -> None:
    steps = list(stream(PLAN, 1_800_000_000_000, -HISTORY_S, 0.0))
    assert [step.body for step in steps] == [step.body for step in stream(PLAN, 1_800_000_000_000, -HISTORY_S, 0.0)]
    rows = [json.loads(line) for step in steps for line in step.body.split(b"\n")]
    assert len(rows) / HISTORY_S == pytest.approx(LOGS_PER_S, rel=0.02)
    assert len(rows) == sum(logs for step in steps for logs, _ in step.counts.values())
    assert rows == sorted(rows, key=lambda row: row["ts_ms"])


def test_an_incident_shows_in_the_stream() -> None:
    one = PLAN.incidents[0]
    steps = list(stream(PLAN, 0, one.start_s, one.end_s))
    logs, errors = (sum(step.counts[one.service][which] for step in steps) for which in (0, 1))
    assert errors / logs == pytest.approx(one.share, abs=0.08)


def test_a_good_run_holds() -> None:
    verdict = judge(record())
    assert verdict.problems == [] and len(verdict.alerts) == 4


def test_repeats_of_an_alert_id_fold() -> None:
    slack = record().arrivals["slack"]
    verdict = judge(changed("slack", [*slack, replace(slack[0], at_s=30.0, repeat=True)]))
    assert verdict.holds and verdict.repeats == 1


def test_a_second_alert_id_in_a_window_breaks_it() -> None:
    good = record()
    again = {name: [*seen, replace(seen[0], alert_id="f" * 32, at_s=seen[0].at_s + 1)] for name, seen in good.arrivals.items()}
    assert [text.split(":")[0] for text in judge(replace(good, arrivals=again, issues=5)).problems] == [
        f"two alert_ids of {PLAN.incidents[0].service} within one window"
    ]


def test_a_page_that_one_receiver_lacks_breaks_it() -> None:
    verdict = judge(changed("jira", record().arrivals["jira"][1:]))
    assert [text.split(") ")[-1] for text in verdict.problems] == ["never came to jira", "jira has 4 issues for 3 alert_ids"]


def test_an_incident_that_nobody_was_told_of_breaks_it() -> None:
    good = record()
    less = {name: [one for one in seen if one.service != PLAN.incidents[2].service] for name, seen in good.arrivals.items()}
    problems = judge(replace(good, arrivals=less, issues=3)).problems
    assert len(problems) == 1 and "never paged" in problems[0]


def test_a_page_about_nothing_breaks_it() -> None:
    calm = next(name for name in services() if name not in {one.service for one in PLAN.incidents})
    good = record()
    more = {name: [*seen, Arrival(5.0, "f" * 32, calm, False)] for name, seen in good.arrivals.items()}
    problems = judge(replace(good, arrivals=more, issues=5)).problems
    assert len(problems) == 1 and "where nothing was wrong" in problems[0]


def test_an_issue_created_twice_breaks_it() -> None:
    assert judge(replace(record(), issues=5)).problems == ["jira has 5 issues for 4 alert_ids"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"killed_s": None}, "one process was to be killed"),
        ({"skew_ms": 0}, "clock was 0 ms off"),
        ({"killed_s": None, "status": 3}, "ended with status 3"),
    ],
)
def test_a_run_in_which_no_fault_took_shows_nothing(change: dict[str, object], told: str) -> None:
    good = record()
    nodes = [replace(good.nodes[0], **change), *good.nodes[1:]]  # type: ignore[arg-type]
    assert any(told in text for text in judge(replace(good, nodes=nodes)).problems)


def test_the_page_loads_nothing_and_escapes_everything() -> None:
    good = record()
    slack = [replace(one, service=HOSTILE) for one in good.arrivals["slack"]]
    odd = Line(1.0, "p1", {"event": HOSTILE, "reason": HOSTILE})
    run = replace(good, arrivals={"slack": slack, **{name: good.arrivals[name] for name in ("pagerduty", "jira")}}, lines=[odd])
    page = render(run, judge(run))
    assert HOSTILE not in page and "&lt;script&gt;" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert page.count("<script>") == 1 and ">broken<" in page


def test_the_page_of_a_good_run_says_so() -> None:
    page = render(record(), judge(record()))
    assert ">holds<" in page and "SIGKILL" in page and f"make demo SEED={PLAN.seed}" in page
