"""The page of a run: one file that loads nothing, in the scorecards' style."""

from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup

from demo.picture import draw, numbered
from demo.plan import HISTORY_S, LEASE_MS, LOGS_PER_S, WINDOW_MS
from demo.play import Record
from demo.verdict import Alert, Verdict, paging_delay_s
from harness.report import page as scorecard

HERE = Path(__file__).parent


def render(record: Record, verdict: Verdict) -> str:
    """The whole page. Every text in it is escaped; no script but the scorecards' own runs."""
    ink = scorecard.Ink()
    environment = scorecard.environment(ink)
    environment.loader = ChoiceLoader([FileSystemLoader(HERE), FileSystemLoader(scorecard.TEMPLATES)])
    script = scorecard.asset("page.js")
    extra = Markup((HERE / "demo.css").read_text(encoding="utf-8").strip())  # ours, as the other style sheet is
    return environment.get_template("demo.html.j2").render(
        style=scorecard.asset("page.css") + Markup("\n") + extra,
        script=script,
        policy=Markup(scorecard.content_policy(script)),
        picture=draw(record, verdict),
        verdict=verdict,
        record=record,
        **_words(record, verdict),
    )


def _words(record: Record, verdict: Verdict) -> dict[str, Any]:
    logs = sum(logs for counts in record.counts for logs, _ in counts.values())
    killed = next((node for node in record.nodes if node.killed_s is not None), None)
    return {
        "rows": [_row(record, number, alert) for number, alert in numbered(verdict.alerts).values()],
        "logs": f"{logs:,}",
        "rate": f"{LOGS_PER_S:,}",
        "killed": killed,
        "window_s": f"{WINDOW_MS / 1000:g}",
        "lease_s": f"{LEASE_MS / 1000:g}",
        "history_s": f"{HISTORY_S:g}",
        "late_ms": f"{record.late_s * 1000:.0f}",
        "events": [_event(line.at_s, line.node, line.facts) for line in record.lines if line.at_s > 0],
    }


def _row(record: Record, number: int, alert: Alert) -> dict[str, object]:
    cells = []
    for receiver in record.arrivals:
        at_s = alert.arrived.get(receiver)
        delay_s = paging_delay_s(record, alert, receiver)
        cells.append(
            {
                "at": "never" if at_s is None else f"{at_s:.1f} s",
                "delay": "" if delay_s is None else f"{delay_s:.1f} s after the onset",
                "repeats": alert.repeats.get(receiver, 0),
            }
        )
    incident = -1 if alert.incident is None else alert.incident
    return {
        "number": number,
        "incident": incident,
        "service": alert.service,
        "alert_id": alert.alert_id,
        "seen_by": alert.seen_by,
        "dated": f"{alert.dated_s:.1f} s",
        "cells": cells,
    }


def _event(at_s: float, node: str, facts: dict[str, Any]) -> dict[str, str]:
    hidden = {"event", "node", "at_ms"}
    rest = ", ".join(f"{name} {value}" for name, value in facts.items() if name not in hidden)
    return {"at": f"{at_s:.2f}", "node": node, "event": str(facts.get("event", "")).replace("_", " "), "rest": rest}
