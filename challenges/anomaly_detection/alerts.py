"""Alerts as the harness saw them, and what the protocol says of a reply's shape."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, TypeGuard

from harness.errors import CandidateBrokeProtocol

SEVERITIES = ("low", "medium", "high", "critical")
NON_FINITE = ("NaN", "Infinity", "-Infinity")
MOST_KINDS = 8
# A tick comes once a second and a batch spans 250 ms: an alert cannot reach the harness on a finer grid than this.
GRAIN_MS = 1250


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """One alert. `seen_ms` is the newest log or tick handed over before the reply that carried it; `by_tick` says
    that a tick's reply did. `score` is finite, None, or one of the three texts for what is not finite."""

    seen_ms: int
    ts_ms: float
    service: str
    kind: str
    severity: str
    score: float | str | None
    message: str
    by_tick: bool = False

    def shown(self) -> dict[str, Any]:
        """As a witness quotes it."""
        return {
            "seen_ms": self.seen_ms,
            "ts_ms": self.ts_ms,
            "service": self.service[:80],
            "kind": self.kind,
            "severity": self.severity,
            "score": self.score,
            "message": self.message[:200],
        }


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _score_ok(value: object) -> bool:
    return value is None or value in NON_FINITE or (_is_number(value) and math.isfinite(value))


def read_alert(raw: object, seen_ms: int, *, by_tick: bool) -> SeenAlert:
    """One alert of a reply. Raises CandidateBrokeProtocol with the field, what was expected, and what came."""
    if not isinstance(raw, dict):
        raise CandidateBrokeProtocol(f"each alert must be an object; one was {_short(raw)}")
    for key in ("service", "kind", "message"):
        if not isinstance(raw.get(key), str):
            raise _wrong(raw, key, "a string")
    if not raw["kind"]:
        raise _wrong(raw, "kind", "a word that is not empty")
    if raw.get("severity") not in SEVERITIES:
        raise _wrong(raw, "severity", f"one of {', '.join(SEVERITIES)}")
    if not _is_number(raw.get("ts_ms")):
        raise _wrong(raw, "ts_ms", "a number of milliseconds")
    if not _score_ok(raw.get("score")):
        raise _wrong(raw, "score", 'a finite number, null, or the text "NaN", "Infinity" or "-Infinity"')
    return SeenAlert(
        seen_ms=seen_ms,
        ts_ms=raw["ts_ms"],
        service=raw["service"],
        kind=raw["kind"],
        severity=raw["severity"],
        score=raw.get("score"),
        message=raw["message"],
        by_tick=by_tick,
    )


def _wrong(raw: dict[str, Any], key: str, expected: str) -> CandidateBrokeProtocol:
    came = _short(raw[key]) if key in raw else "missing"
    return CandidateBrokeProtocol(f"the field {key!r} of an alert must be {expected}; it was {came} in {_short(raw)}")


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 160 else text[:157] + "..."


def check_lag(alert: SeenAlert, newest_log_ms: int, allowed_ms: int) -> None:
    """Raises CandidateBrokeProtocol if the alert's own time lies further behind the newest log than declared."""
    lag_ms = newest_log_ms - alert.ts_ms
    if lag_ms > allowed_ms + GRAIN_MS:
        raise CandidateBrokeProtocol(
            f"the ts_ms of an alert may lag behind the newest log by bucket_ms + lateness_ms = {allowed_ms} ms at most; "
            f"that of {alert.service[:80]!r} ({alert.kind}) lagged by {lag_ms:.0f} ms"
        )


def check_counts(result: dict[str, Any], logs: int) -> tuple[int, int]:
    """`accepted` and `rejected` of an ingest's result. Raises CandidateBrokeProtocol unless they add up to `logs`."""
    accepted, rejected = result.get("accepted"), result.get("rejected")
    if type(accepted) is not int or type(rejected) is not int or accepted < 0 or rejected < 0:
        raise CandidateBrokeProtocol(
            f"the result of 'ingest' needs 'accepted' and 'rejected' as counts; it had {_short(accepted)} and {_short(rejected)}"
        )
    if accepted + rejected != logs:
        raise CandidateBrokeProtocol(
            f"'accepted' and 'rejected' of an ingest of {logs} logs must add up to {logs}; they were {accepted} and {rejected}"
        )
    return accepted, rejected


@dataclass(frozen=True, slots=True)
class Declared:
    """What the candidate says of itself, in milliseconds, and what follows from it."""

    bucket_ms: int
    warmup_ms: int
    lateness_ms: int

    @property
    def onset_limit_ms(self) -> int:
        """How long after a MUST step its onset may come: 2 x bucket + 5 s."""
        return 2 * self.bucket_ms + 5_000

    @property
    def hold_ms(self) -> int:
        """How long a MUST step is held: max(120 s, 3 x bucket + 10 s)."""
        return max(120_000, 3 * self.bucket_ms + 10_000)

    @property
    def lag_ms(self) -> int:
        """How far an alert's own time may lie behind the newest log."""
        return self.bucket_ms + self.lateness_ms

    @property
    def same_onset_ms(self) -> int:
        """How far apart two onsets of equal input may be seen: one bucket, and the grain of seeing."""
        return self.bucket_ms + GRAIN_MS


def read_declared(declared: dict[str, Any]) -> Declared:
    """The three values. Raises CandidateBrokeProtocol if one is missing or out of bounds."""
    values = []
    for key, most in (("bucket_ms", 60_000), ("warmup_ms", 1_800_000), ("lateness_ms", 60_000)):
        value = declared.get(key)
        if not _is_number(value) or not 0 <= value <= most:
            came = _short(value) if key in declared else "missing"
            raise CandidateBrokeProtocol(f"'declared.{key}' must be a number of milliseconds from 0 to {most}; it was {came}")
        values.append(math.ceil(value))
    return Declared(*values)
