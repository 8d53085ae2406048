"""A short stretch of what a deduplicator sees on an ordinary day: the traffic that asks whether a change is wired in. Judges nothing.

One processor is offered anomalies of a few services, some again as other events of the same alert, some redelivered, some graver.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

ROUNDS = 12
SERVICES = ("api", "web", "billing")
SEVERITIES = ("low", "medium", "high", "critical")


def calls(seed: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(milliseconds since the start, method, params)."""
    chance = random.Random(seed)
    for number in range(ROUNDS):
        at_ms = number * 1000
        for service in SERVICES:
            offer = _offer(f"e{number}-{service}", service, chance.choice(SEVERITIES))
            yield at_ms, "offer", offer
            if chance.random() < 0.3:
                yield at_ms + 300, "offer", {**offer, "attempt": 2}
        yield at_ms + 500, "tick", {}
        if number == ROUNDS // 2:
            yield at_ms + 600, "resolve", {"fingerprint": f"{SERVICES[0]}:errors"}


def moved(params: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """An offer states no time: the params as they are."""
    return params


def _offer(event_id: str, service: str, severity: str) -> dict[str, Any]:
    alert = {"service": service, "alert_type": "error_rate", "severity": severity, "message": f"errors of {service} rise"}
    return {"event_id": event_id, "attempt": 1, "fingerprint": f"{service}:errors", "alert": alert}
