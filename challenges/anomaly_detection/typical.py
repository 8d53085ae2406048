"""A short stretch of what a detector sees on an ordinary day: the traffic that asks whether a change is wired in. Judges nothing.

Three services log for `MINUTES`; after the longest warm-up there is a spike of errors, one service falls silent, and it ends quietly.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

MINUTES = 42
LONGEST_WARMUP_MIN = 32
SERVICES = ("api", "web", "billing")


def calls(seed: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """(milliseconds since the start, method, params): logs and a tick for every second."""
    chance = random.Random(seed)
    for second in range(1, MINUTES * 60 + 1):
        minute = second // 60
        logs = [_log(chance, service, minute) for service in SERVICES if not _silent(service, minute) for _ in range(2)]
        yield second * 1000, "ingest", {"logs": logs}
        yield second * 1000, "tick", {}


def moved(params: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """The params with their times set, which lie up to a second back."""
    logs = params.get("logs")
    return params if logs is None else {"logs": [{**log, "ts_ms": now_ms - log["ts_ms"]} for log in logs]}


def _silent(service: str, minute: int) -> bool:
    return service == "billing" and minute >= LONGEST_WARMUP_MIN + 2


def _log(chance: random.Random, service: str, minute: int) -> dict[str, Any]:
    spike = service == "api" and LONGEST_WARMUP_MIN < minute <= LONGEST_WARMUP_MIN + 2
    level = "error" if chance.random() < (0.7 if spike else 0.03) else "info"
    return {
        "ts_ms": chance.randrange(900),
        "service": service,
        "level": level,
        "message": f"request {chance.randrange(10_000)}",
    }
