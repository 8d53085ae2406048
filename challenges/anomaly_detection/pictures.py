"""Evidence to look at: one service's traffic, the injected truth and the alerts, on one axis of stream seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.onsets import onsets
from challenges.anomaly_detection.scenarios import Span, Story
from challenges.anomaly_detection.traffic import Floats, Traffic

MOST_POINTS = 600
MOST_EVENTS = 200


def timeline(
    title: str,
    traffic: Traffic,
    service: str,
    alerts: Sequence[SeenAlert],
    *,
    truth: Sequence[tuple[Span, str]] = (),
    allowed: Sequence[Span] = (),
    window: Span | None = None,
) -> dict[str, Any]:
    """A `timeline` evidence: logs/s and errors/s of one service (means over equal bins), and its alerts."""
    window = window or Span(traffic.start_ms, traffic.end_ms)
    seconds = max(1, -(-(window.to_ms - window.from_ms) // 1000))
    bin_s = -(-seconds // MOST_POINTS)
    mine = traffic.service == traffic.services.index(service) if service in traffic.services else np.zeros(len(traffic), bool)
    logs = _per_second(traffic.ts_ms[mine], window, bin_s)
    errors = _per_second(traffic.ts_ms[mine & traffic.errors], window, bin_s)

    def at(ms: float) -> float:
        return round((ms - window.from_ms) / 1000, 3)

    return {
        "kind": "timeline",
        "title": title,
        "unit": "s of stream",
        "t_s": [i * bin_s for i in range(len(logs))],
        "series": [
            {"label": "logs/s", "values": [round(float(v), 3) for v in logs]},
            {"label": "errors/s", "values": [round(float(v), 3) for v in errors]},
        ],
        "truth": [{"from_s": at(s.from_ms), "to_s": at(min(s.to_ms, window.to_ms)), "label": label} for s, label in truth],
        "allowed": [{"from_s": at(s.from_ms), "to_s": at(s.to_ms), "label": "onset counts here"} for s in allowed],
        "events": _events([a for a in alerts if a.service == service], window),
    }


def _per_second(ts_ms: np.typing.NDArray[np.int64], window: Span, bin_s: int) -> Floats:
    bins = -(-(window.to_ms - window.from_ms) // (bin_s * 1000))
    inside = ts_ms[(ts_ms >= window.from_ms) & (ts_ms < window.to_ms)]
    counts = np.bincount((inside - window.from_ms) // (bin_s * 1000), minlength=bins)
    return counts / bin_s


def _events(alerts: Sequence[SeenAlert], window: Span) -> list[dict[str, Any]]:
    """Alerts within the window; where there are very many, the onsets and the first of the rest."""
    starts = {id(onset.alert) for onset in onsets(alerts)}
    inside = [a for a in alerts if window.from_ms <= a.seen_ms <= window.to_ms]
    ranked = sorted(inside, key=lambda a: (id(a) not in starts, a.seen_ms))[:MOST_EVENTS]
    return [
        {
            "t_s": round((a.seen_ms - window.from_ms) / 1000, 3),
            "label": f"alert {a.kind} {a.severity}",
            "onset": id(a) in starts,
            "detail": a.message[:300],
        }
        for a in sorted(ranked, key=lambda a: a.seen_ms)
    ]


def story_timeline(title: str, story: Story, alerts: Sequence[SeenAlert], *, end_ms: int | None = None) -> dict[str, Any]:
    """The picture of a story from the end of its warm-up (or the last minute of it) on."""
    from_ms = max(story.traffic.start_ms, story.gated_ms - 60_000)
    label = f"errors {story.strength.p0:.1%} -> {story.strength.p1:.1%}"
    return timeline(
        title,
        story.traffic,
        story.service,
        alerts,
        truth=[(span, label) for span in story.spikes],
        allowed=story.allowed,
        window=Span(from_ms, min(story.traffic.end_ms, end_ms or story.traffic.end_ms)),
    )
