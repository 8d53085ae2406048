"""The protocol's table of what is rejected, what accepted, and what either, row by row, as logs to hand over.

A number beyond a double (1e999) is left to the bad-input list: some readers of JSON rightly take its whole line for broken.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from challenges.anomaly_detection.badinput import DAY_MS, HOUR_MS, MESSAGE_LIMIT, SERVICE_LIMIT, YEAR_MS


class Verdict(StrEnum):
    """What the table says of a row."""

    REJECTED = "rejected"
    ACCEPTED = "accepted"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Moment:
    """When and to whom a row is handed over: the newest log or tick so far, the service concerned, the declared lateness."""

    now_ms: int
    service: str
    lateness_ms: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: `logs` makes its logs, each as JSON, all of one verdict."""

    key: str
    verdict: Verdict
    logs: Callable[[Moment], list[bytes]]

    def allows(self, accepted: int, logs: int) -> bool:
        """Whether so many of its logs may have been accepted."""
        wanted = {Verdict.REJECTED: (0,), Verdict.ACCEPTED: (logs,), Verdict.EITHER: range(logs + 1)}
        return accepted in wanted[self.verdict]


def log_of(moment: Moment, ts: str | None = None, **changes: object) -> bytes:
    """A good log, an error by its level, with some fields changed (`...` leaves one out) and `ts_ms` as the given raw text."""
    fields: dict[str, object] = {"service": moment.service, "level": "error", "message": "hello", **changes}
    kept = {key: value for key, value in fields.items() if value is not ...}
    rest = json.dumps(kept, ensure_ascii=False).encode()
    if changes.get("ts_ms", 0) is ...:
        return rest
    return b'{"ts_ms":%b,%b' % ((str(moment.now_ms) if ts is None else ts).encode(), rest[1:])


def _row(verdict: Verdict, key: str, **changes: object) -> Row:
    return Row(key, verdict, lambda moment: [log_of(moment, **changes)])  # type: ignore[arg-type]  # never names `ts`


def _ts(verdict: Verdict, key: str, text: Callable[[Moment], str]) -> Row:
    return Row(key, verdict, lambda moment: [log_of(moment, text(moment))])


def _raw(key: str, text: bytes) -> Row:
    return Row(key, Verdict.REJECTED, lambda _moment: [text])


_NO, _YES, _MAYBE = Verdict.REJECTED, Verdict.ACCEPTED, Verdict.EITHER

REJECTED = (
    _raw("a number for a log", b"7"),
    _raw("a text for a log", b'"error"'),
    _raw("null for a log", b"null"),
    _raw("true for a log", b"true"),
    _raw("a list for a log", b"[1,2]"),
    _raw("an empty object", b"{}"),
    _row(_NO, "service missing", service=...),
    _row(_NO, "service null", service=None),
    _row(_NO, "service a number", service=42),
    _row(_NO, "service a list", service=["checkout"]),
    _row(_NO, "service empty", service=""),
    _row(_NO, "ts_ms missing", ts_ms=...),
    _ts(_NO, "ts_ms null", lambda m: "null"),
    _ts(_NO, "ts_ms true", lambda m: "true"),
    _ts(_NO, "ts_ms a text of digits", lambda m: f'"{m.now_ms}"'),
    _ts(_NO, "ts_ms a date in text", lambda m: '"2025-06-02T10:00:00Z"'),
    _ts(_NO, "ts_ms the text NaN", lambda m: '"NaN"'),
    _ts(_NO, "ts_ms the text Infinity", lambda m: '"Infinity"'),
    _ts(_NO, "ts_ms a list", lambda m: f"[{m.now_ms}]"),
    _ts(_NO, "ts_ms negative", lambda m: f"-{m.now_ms}"),
    _ts(_NO, "ts_ms -1", lambda m: "-1"),
    _row(_NO, "level missing", level=...),
    _row(_NO, "level null", level=None),
    _row(_NO, "level a number", level=3),
    _row(_NO, "level a list", level=["error"]),
)

ACCEPTED = (
    *(_row(_YES, f"level {level}", level=level) for level in ("debug", "INFO", "wArN", "Error", "FATAL")),
    _row(_YES, "service in emoji", service="caisse 🛒🔥"),
    _row(_YES, "service from right to left", service="שירות-תשלומים"),
    _row(_YES, "service __proto__", service="__proto__"),
    _row(_YES, "service constructor", service="constructor"),
    _row(_YES, "service with separators", service="eu/west:shop\nnext\tline"),
    _row(_YES, "service of one space", service=" "),
    _row(_YES, "service of 10 KiB", service="long-" + "s" * (SERVICE_LIMIT - 5)),
    _row(_YES, "message of 1 MiB", message="m" * MESSAGE_LIMIT),
    _row(_YES, "message empty", message=""),
    _row(_YES, "message missing", message=...),
    # Half a millisecond ahead would make every log after it late by as much, and half a one behind is late itself.
    _ts(_YES, "ts_ms with a fraction", lambda m: f"{m.now_ms - 1}.5" if m.lateness_ms else f"{m.now_ms}.0"),
    Row("equal ts_ms", _YES, lambda m: [log_of(m), log_of(m)]),
    _ts(_YES, "late by lateness_ms", lambda m: str(m.now_ms - m.lateness_ms)),
)

HARMLESS = (
    _row(_MAYBE, "level unknown", level="notice"),
    _row(_MAYBE, "level empty", level=""),
    _row(_MAYBE, "message a number", message=17),
    _row(_MAYBE, "message null", message=None),
    _row(_MAYBE, "message an object", message={"text": "hello"}),
    _ts(_MAYBE, "later than lateness_ms", lambda m: str(m.now_ms - m.lateness_ms - HOUR_MS)),
    _ts(_MAYBE, "a day late", lambda m: str(m.now_ms - DAY_MS)),
    _ts(_MAYBE, "ts_ms in seconds", lambda m: str(m.now_ms // 1000)),
    _ts(_MAYBE, "ts_ms 0", lambda m: "0"),
)

# Who accepts one of these may take it for the newest log: by that all others are late, and may be rejected.
AHEAD = (
    _ts(_MAYBE, "ts_ms an hour ahead", lambda m: str(m.now_ms + HOUR_MS)),
    _ts(_MAYBE, "ts_ms ten years ahead", lambda m: str(m.now_ms + 10 * YEAR_MS)),
    _ts(_MAYBE, "ts_ms 2^53+1", lambda m: str(2**53 + 1)),
    _ts(_MAYBE, "ts_ms 1e308", lambda m: "1e308"),
)

EITHER = HARMLESS + AHEAD
TABLE = REJECTED + ACCEPTED + EITHER
