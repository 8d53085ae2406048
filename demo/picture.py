"""Where everything stands in the picture of a run. Numbers alone: colours and words are the template's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from demo.plan import LOGS_PER_S, services
from demo.play import Record
from demo.verdict import Alert, Verdict

WIDTH = 788.0
NAMES_WIDTH = 92.0
RATE_TOP, RATE_HEIGHT = 30.0, 46.0
SHARE_TOP, SHARE_HEIGHT = 96.0, 110.0
LANES_TOP, LANE_HEIGHT = 226.0, 40.0
GROUP_GAP = 14.0
RATE_ROOM = 1.2
"""The top of the chart of rates, as a multiple of the usual rate."""
TOP_SHARE = 0.7
TICK_S = 10


@dataclass(frozen=True)
class Mark:
    """Something at a moment: `tone` says what, `number` is the alert's, `incident` its colour (-1: none)."""

    x: float
    y: float
    tone: str
    number: int
    incident: int
    tip: str


@dataclass(frozen=True)
class Band:
    """Something that lasts."""

    x: float
    width: float
    y: float
    height: float
    incident: int
    text: str


@dataclass(frozen=True)
class Curve:
    """A line of the chart of error shares."""

    name: str
    path: str
    incident: int


@dataclass(frozen=True)
class Lane:
    """A receiver's or a process's row."""

    name: str
    note: str
    y: float


@dataclass(frozen=True)
class Picture:
    """All of it, in the units of the viewBox."""

    width: float
    names_width: float
    height: float
    axis_y: float
    rate: str
    rate_base: float
    rate_y: float
    share_base: float
    share_ticks: list[tuple[float, str]]
    curves: list[Curve]
    incidents: list[Band]
    troubles: list[Band]
    dead: list[Band]
    lanes: list[Lane]
    marks: list[Mark]
    ticks: list[tuple[float, int]]
    kill_x: float | None


def draw(record: Record, verdict: Verdict) -> Picture:
    """The picture of a run."""
    span_s = max(record.plan.live_s, float(len(record.counts)))
    rows = {name: LANES_TOP + number * LANE_HEIGHT for number, name in enumerate(record.arrivals)}
    for number, node in enumerate(record.nodes, len(record.arrivals)):
        rows[node.name] = LANES_TOP + number * LANE_HEIGHT + GROUP_GAP
    scale = _Scale(span_s)
    axis_y = LANES_TOP + len(rows) * LANE_HEIGHT + GROUP_GAP + 4
    killed = [node.killed_s for node in record.nodes if node.killed_s is not None]
    return Picture(
        width=WIDTH,
        names_width=NAMES_WIDTH,
        height=axis_y + 30,
        axis_y=axis_y,
        rate=_rate(record, scale),
        rate_base=RATE_TOP + RATE_HEIGHT,
        rate_y=round(RATE_TOP + RATE_HEIGHT * (1 - 1 / RATE_ROOM), 1),
        share_base=SHARE_TOP + SHARE_HEIGHT,
        share_ticks=[(_share_y(share), f"{share:.0%}") for share in (0.0, 0.2, 0.4, 0.6)],
        curves=_curves(record, scale),
        incidents=_incidents(record, scale, axis_y),
        troubles=_troubles(record, scale, rows),
        dead=_dead(record, scale, rows),
        lanes=[*_receiver_lanes(record, rows), *_process_lanes(record, rows)],
        marks=[*_arrivals(record, verdict, scale, rows), *_deeds(record, verdict, scale, rows)],
        ticks=[(scale.x(second), second) for second in range(0, int(span_s) + 1, TICK_S)],
        kill_x=scale.x(killed[0]) if killed else None,
    )


class _Scale:
    def __init__(self, span_s: float) -> None:
        self._span_s = span_s

    def x(self, at_s: float) -> float:
        return round(min(max(at_s / self._span_s, 0.0), 1.0) * WIDTH, 1)


def _share_y(share: float) -> float:
    return round(SHARE_TOP + SHARE_HEIGHT * (1 - min(share, TOP_SHARE) / TOP_SHARE), 1)


def _rate(record: Record, scale: _Scale) -> str:
    base = RATE_TOP + RATE_HEIGHT
    points = []
    for second, counts in enumerate(record.counts):
        logs = sum(logs for logs, _ in counts.values())
        y = round(base - RATE_HEIGHT * min(logs / (LOGS_PER_S * RATE_ROOM), 1.0), 1)
        points.append(f"{scale.x(second)},{y}H{scale.x(second + 1)}")
    return f"M0,{base}L" + "L".join(points) + f"V{base}Z"


def _curves(record: Record, scale: _Scale) -> list[Curve]:
    """Those of the incidents last, so that they lie on top."""
    struck = {one.service: number for number, one in enumerate(record.plan.incidents)}
    curves = [Curve(name, _curve(record, name, scale), struck.get(name, -1)) for name in services()]
    return sorted(curves, key=lambda curve: curve.incident)


def _curve(record: Record, name: str, scale: _Scale) -> str:
    points = []
    for second, counts in enumerate(record.counts):
        logs, errors = counts[name]
        points.append(f"{scale.x(second + 0.5)},{_share_y(errors / logs if logs else 0.0)}")
    return "M" + "L".join(points)


def _incidents(record: Record, scale: _Scale, axis_y: float) -> list[Band]:
    bands = []
    for number, one in enumerate(record.plan.incidents):
        x = scale.x(one.start_s)
        text = f"{one.service}, {one.share:.0%} errors"
        bands.append(Band(x, scale.x(one.end_s) - x, RATE_TOP - 8, axis_y - RATE_TOP + 8, number, text))
    return bands


def _troubles(record: Record, scale: _Scale, rows: Mapping[str, float]) -> list[Band]:
    bands = []
    for one in record.plan.troubles:
        x = scale.x(one.start_s)
        bands.append(Band(x, scale.x(one.end_s) - x, rows[one.receiver] + 21, 16, -1, one.words))
    return bands


def _dead(record: Record, scale: _Scale, rows: Mapping[str, float]) -> list[Band]:
    killed = [(node.name, node.killed_s) for node in record.nodes if node.killed_s is not None]
    return [Band(scale.x(at_s), WIDTH - scale.x(at_s), rows[name] + 4, LANE_HEIGHT - 8, -1, "") for name, at_s in killed]


def _receiver_lanes(record: Record, rows: Mapping[str, float]) -> Iterator[Lane]:
    names = {"slack": "Slack", "pagerduty": "PagerDuty", "jira": "Jira"}
    for name, arrivals in record.arrivals.items():
        yield Lane(names.get(name, name), f"alert_ids: {len({one.alert_id for one in arrivals})}", rows[name])


def _process_lanes(record: Record, rows: Mapping[str, float]) -> Iterator[Lane]:
    for node in record.nodes:
        yield Lane(node.name, f"clock {round(node.skew_ms / 1000, 1) + 0.0:+.1f} s", rows[node.name])


def _arrivals(record: Record, verdict: Verdict, scale: _Scale, rows: Mapping[str, float]) -> Iterator[Mark]:
    numbers = numbered(verdict.alerts)
    for name, arrivals in record.arrivals.items():
        for one in arrivals:
            number, alert = numbers[one.alert_id]
            what = "repeated, and folded" if one.repeat else "arrived"
            tip = f"{number}: {one.service}, {what} at {one.at_s:.1f} s, alert_id {one.alert_id}"
            yield Mark(scale.x(one.at_s), rows[name] + 12, "repeat" if one.repeat else "page", number, _colour(alert), tip)


def _deeds(record: Record, verdict: Verdict, scale: _Scale, rows: Mapping[str, float]) -> Iterator[Mark]:
    """What each process did: reserved an alert, found it reserved, took one over."""
    numbers = numbered(verdict.alerts)
    struck = {one.service: number for number, one in enumerate(record.plan.incidents)}
    for line in record.lines:
        facts, x, y = line.facts, scale.x(line.at_s), rows[line.node]
        if facts.get("event") == "in_hand" and facts["alert_id"] in numbers:
            number, alert = numbers[facts["alert_id"]]
            over = facts["seen_by"] != line.node
            tip = f"{number}: {'taken over from ' + facts['seen_by'] if over else 'reserved'} at {line.at_s:.1f} s"
            yield Mark(x, y + 14, "over" if over else "own", number, _colour(alert), tip)
        elif facts.get("event") == "offered" and facts.get("decision") in {"suppress", "update"}:
            tip = f"{facts['service']} ({facts['kind']}): {facts['decision']} at {line.at_s:.1f} s"
            yield Mark(x, y + 28, "folded", 0, struck.get(facts["service"], -1), tip)


def numbered(alerts: Sequence[Alert]) -> dict[str, tuple[int, Alert]]:
    """alert_id -> its number in the picture, from 1, and the alert."""
    return {alert.alert_id: (number, alert) for number, alert in enumerate(alerts, 1)}


def _colour(alert: Alert) -> int:
    return -1 if alert.incident is None else alert.incident
