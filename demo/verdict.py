"""From what was seen to whether the claim holds: each incident pages exactly one alert_id a window, at each receiver."""

from collections.abc import Sequence
from dataclasses import dataclass

from demo.plan import DETECTION_S, WINDOW_MS, Incident
from demo.play import Record

EPS_MS = 1000
"""The detector judges whole seconds."""
AFTERGLOW_S = 15.0
"""An alert that is dated up to so long after an incident's end still is about it: the detector's longest window slides out."""


@dataclass(frozen=True)
class Alert:
    """One alert_id, and when it came to each receiver. `dated_s` is when the detector saw it, in time of the plan."""

    alert_id: str
    service: str
    incident: int | None
    seen_by: str
    dated_s: float
    arrived: dict[str, float]
    repeats: dict[str, int]


@dataclass(frozen=True)
class Verdict:
    """`problems` is empty if the claim holds."""

    alerts: list[Alert]
    problems: list[str]
    repeats: int
    suppressed: int
    taken_over: int

    @property
    def holds(self) -> bool:
        """Whether the claim holds."""
        return not self.problems


def judge(record: Record) -> Verdict:
    """The verdict, and all that it rests on."""
    alerts = _alerts(record)
    problems = [
        *_missing(record, alerts),
        *_too_close(alerts),
        *_phantoms(alerts),
        *_at_each(record, alerts),
        *_processes(record),
    ]
    repeats = sum(arrival.repeat for arrivals in record.arrivals.values() for arrival in arrivals)
    offered = [line.facts.get("decision") for line in record.lines if line.facts.get("event") == "offered"]
    suppressed = sum(decision in {"suppress", "update"} for decision in offered)
    return Verdict(alerts, problems, repeats, suppressed, _taken_over(record))


def _alerts(record: Record) -> list[Alert]:
    """By when they were seen. What the page says about the alert is in the journal of whoever had it in hand."""
    first: dict[str, dict[str, float]] = {}
    repeats: dict[str, dict[str, int]] = {}
    services: dict[str, str] = {}
    for receiver, arrivals in record.arrivals.items():
        for one in arrivals:
            services.setdefault(one.alert_id, one.service)
            first.setdefault(one.alert_id, {}).setdefault(receiver, one.at_s)
            of_this = repeats.setdefault(one.alert_id, {})
            of_this[receiver] = of_this.get(receiver, 0) + one.repeat
    facts = {line.facts["alert_id"]: line.facts for line in record.lines if line.facts.get("event") == "in_hand"}
    found = []
    for alert_id, service in services.items():
        known = facts.get(alert_id, {})
        earliest = min(first[alert_id].values())
        dated_s = (known["ts_ms"] - record.zero_ms) / 1000 if "ts_ms" in known else earliest
        incident = _incident(record.plan.incidents, service, dated_s)
        seen_by = str(known.get("seen_by", ""))
        found.append(Alert(alert_id, service, incident, seen_by, dated_s, first[alert_id], repeats[alert_id]))
    return sorted(found, key=lambda alert: alert.dated_s)


def _incident(incidents: Sequence[Incident], service: str, dated_s: float) -> int | None:
    about = (
        number
        for number, one in enumerate(incidents)
        if one.service == service and one.start_s <= dated_s <= one.end_s + AFTERGLOW_S
    )
    return next(about, None)


def _missing(record: Record, alerts: list[Alert]) -> list[str]:
    paged = {alert.incident for alert in alerts if alert.incident is not None}
    lost = [one for number, one in enumerate(record.plan.incidents) if number not in paged]
    return [f"the incident in {one.service} at {one.start_s:g} s was never paged" for one in lost]


def _too_close(alerts: list[Alert]) -> list[str]:
    problems = []
    for number, alert in enumerate(alerts):
        for other in alerts[number + 1 :]:
            apart_ms = abs(other.dated_s - alert.dated_s) * 1000
            if other.service == alert.service and apart_ms < WINDOW_MS - EPS_MS:
                both = f"{alert.alert_id[:8]} and {other.alert_id[:8]}"
                problems.append(f"two alert_ids of {alert.service} within one window: {both}, {apart_ms:.0f} ms apart")
    return problems


def _phantoms(alerts: list[Alert]) -> list[str]:
    odd = [alert for alert in alerts if alert.incident is None]
    return [f"{alert.alert_id[:8]} pages {alert.service} at {alert.dated_s:.1f} s, where nothing was wrong" for alert in odd]


def _at_each(record: Record, alerts: list[Alert]) -> list[str]:
    problems = []
    for alert in alerts:
        for receiver in record.arrivals:
            if receiver not in alert.arrived:
                problems.append(f"{alert.alert_id[:8]} ({alert.service}) never came to {receiver}")
    created = sum("jira" in alert.arrived for alert in alerts)
    if record.issues != created:
        problems.append(f"jira has {record.issues} issues for {created} alert_ids")
    return problems


def _processes(record: Record) -> list[str]:
    """Without these the run shows nothing."""
    problems = []
    killed = [node.name for node in record.nodes if node.killed_s is not None]
    if len(killed) != 1:
        problems.append(f"one process was to be killed, and these were: {', '.join(killed) or 'none'}")
    for node in record.nodes:
        if node.killed_s is None and node.status != 0:
            problems.append(f"{node.name} ended with status {node.status}, and left something undelivered")
        if abs(node.skew_ms - node.offset_ms) > EPS_MS:
            problems.append(f"{node.name}'s clock was {node.skew_ms} ms off, not {node.offset_ms} ms as planned")
    return problems


def _taken_over(record: Record) -> int:
    """Alerts that one process saw and another had in hand."""
    lines = [line for line in record.lines if line.facts.get("event") == "in_hand"]
    return len({line.facts["alert_id"] for line in lines if line.facts["seen_by"] != line.node})


def paging_delay_s(record: Record, alert: Alert, receiver: str) -> float | None:
    """From the incident's beginning to the page, for the first page of an incident."""
    if alert.incident is None or receiver not in alert.arrived:
        return None
    start_s = record.plan.incidents[alert.incident].start_s
    delay_s = alert.arrived[receiver] - start_s
    return delay_s if alert.dated_s - start_s <= DETECTION_S else None
