"""The bad-input list of the specification, item by item, as the bytes that a candidate is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
YEAR_MS = 365 * DAY_MS
SERVICE_LIMIT = 10 * 1024
MESSAGE_LIMIT = 1024 * 1024


class Kind(StrEnum):
    """How an item is delivered: one log within a service's stream, a name that a whole service carries, a whole step
    with levels in odd case, a line that is no proper request, or half a line and then the end of the input."""

    LOG = "log"
    SERVICE = "service"
    ODD_CASE = "odd case"
    LINE = "line"
    END = "end of input"


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `log` makes the JSON of one element of `logs` from (now_ms, service); `line` a whole line, without its
    newline, from (now_ms, id); `service` is the name for a service. Those that do not apply are None."""

    key: str
    kind: Kind
    log: Callable[[int, str], bytes] | None = None
    line: Callable[[int, int], bytes] | None = None
    service: str | None = None

    def shown(self) -> str:
        """What is delivered, shortened, for a witness."""
        now_ms = 1_750_000_000_000
        if self.log is not None:
            raw = self.log(now_ms, "checkout")
        elif self.line is not None:
            raw = self.line(now_ms, 7)
        else:
            raw = (self.service or self.key).encode()
        text = raw[:240].decode("utf-8", "backslashreplace")
        return text if len(raw) <= 240 else f"{text}... ({len(raw)} bytes)"


def _log(key: str, **changes: object) -> Item:
    """A good log with some fields changed; the value `...` leaves the field out."""

    def make(now_ms: int, service: str) -> bytes:
        fields: dict[str, object] = {"ts_ms": now_ms, "service": service, "level": "info", "message": "hello"}
        fields.update(changes)
        return json.dumps({k: v for k, v in fields.items() if v is not ...}, ensure_ascii=False).encode()

    return Item(key, Kind.LOG, log=make)


def _ts(key: str, text: Callable[[int], str]) -> Item:
    """A log whose `ts_ms` is the given raw text of JSON, made from now_ms."""

    def make(now_ms: int, service: str) -> bytes:
        rest = json.dumps({"service": service, "level": "info", "message": "hello"}, ensure_ascii=False).encode()
        return b'{"ts_ms":%b,%b' % (text(now_ms).encode(), rest[1:])

    return Item(key, Kind.LOG, log=make)


def _raw(key: str, text: bytes) -> Item:
    return Item(key, Kind.LOG, log=lambda _now_ms, _service: text)


def _line(key: str, make: Callable[[int, int], bytes]) -> Item:
    return Item(key, Kind.LINE, line=make)


def _tick(now_ms: int, number: int, more: bytes = b"") -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":"tick","params":{"now_ms":%d%b}}' % (number, now_ms, more)


def _ingest(now_ms: int, number: int, log: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":"ingest","params":{"now_ms":%d,"logs":[%b]}}' % (number, now_ms, log)


LOGS = (
    _raw("log-number", b"7"),
    _raw("log-text", b'"error"'),
    _raw("log-null", b"null"),
    _raw("log-list", b"[1,2,3]"),
    _raw("log-empty-object", b"{}"),
    _log("service-missing", service=...),
    _log("service-null", service=None),
    _log("service-number", service=42),
    _log("service-object", service={"name": "checkout"}),
    _log("service-empty", service=""),
    _log("ts-missing", ts_ms=...),
    _ts("ts-null", lambda now: "null"),
    _ts("ts-boolean", lambda now: "true"),
    _ts("ts-list", lambda now: f"[{now}]"),
    _ts("ts-string", lambda now: f'"{now}"'),
    _ts("ts-text-nan", lambda now: '"NaN"'),
    _ts("ts-text-infinity", lambda now: '"Infinity"'),
    _ts("ts-iso-text", lambda now: '"2025-06-02T10:00:00Z"'),
    _ts("ts-negative", lambda now: f"-{now}"),
    _ts("ts-zero", lambda now: "0"),
    _ts("ts-seconds", lambda now: str(now // 1000)),
    _ts("ts-1e308", lambda now: "1e308"),
    _ts("ts-1e999", lambda now: "1e999"),
    _ts("ts-2^53+1", lambda now: str(2**53 + 1)),
    _ts("ts-fractional", lambda now: f"{now}.5"),
    _ts("ts-one-hour-ahead", lambda now: str(now + HOUR_MS)),
    _ts("ts-ten-years-ahead", lambda now: str(now + 10 * YEAR_MS)),
    _ts("ts-one-day-back", lambda now: str(now - DAY_MS)),
    _log("level-missing", level=...),
    _log("level-null", level=None),
    _log("level-number", level=3),
    _log("level-empty", level=""),
    _log("level-unknown", level="notice"),
    _log("level-odd-case", level="wArN"),
    _log("level-prototype-name", level="constructor"),
    _log("message-missing", message=...),
    _log("message-number", message=17),
    _log("message-object", message={"text": "hello", "toString": 1}),
    _log("message-1-mib", message="m" * MESSAGE_LIMIT),
    _log("message-escapes", message='quote " backslash \\ newline \n nul \x00 bell \x07'),
)

NAMED_SERVICES = (
    Item("name-emoji", Kind.SERVICE, service="caisse 🛒🔥"),
    Item("name-right-to-left", Kind.SERVICE, service="שירות-תשלומים"),
    Item("name-proto", Kind.SERVICE, service="__proto__"),
    Item("name-constructor", Kind.SERVICE, service="constructor"),
    Item("name-separators", Kind.SERVICE, service="eu/west:shop\nnext\tline"),
    Item("name-10-kib", Kind.SERVICE, service="long-" + "s" * (SERVICE_LIMIT - 5)),
)

ODD_CASE = (Item("step-in-odd-case", Kind.ODD_CASE),)

LINES = (
    _line("line-not-json", lambda now, number: b"hello, are you there?"),
    _line("line-empty", lambda now, number: b""),
    _line("line-broken-json", lambda now, number: b'{"jsonrpc":"2.0","id":%d,"method":' % number),
    _line("line-array", lambda now, number: b"[" + _tick(now, number) + b"]"),
    _line("line-number", lambda now, number: b"42"),
    _line("line-null", lambda now, number: b"null"),
    _line("line-no-method", lambda now, number: b'{"jsonrpc":"2.0","id":%d}' % number),
    _line("line-params-list", lambda now, number: b'{"jsonrpc":"2.0","id":%d,"method":"ingest","params":[1]}' % number),
    _line("line-bom", lambda now, number: b"\xef\xbb\xbf" + _tick(now, number)),
    _line("line-crlf", lambda now, number: _tick(now, number) + b"\r"),
    _line(
        "line-invalid-utf8",
        lambda now, number: _ingest(
            now, number, b'{"ts_ms":%d,"service":"caf\xe9\xff","level":"info","message":"\xc3("}' % now
        ),
    ),
    _line(
        "line-lone-surrogates",
        lambda now, number: _ingest(
            now, number, b'{"ts_ms":%d,"service":"half \\ud83d","level":"info","message":"\\udc00"}' % now
        ),
    ),
    _line("line-deep-nesting", lambda now, number: _tick(now, number, b',"deep":' + b"[" * 1000 + b"]" * 1000)),
    _line("line-duplicate-keys", lambda now, number: _tick(now, number, b',"now_ms":%d,"now_ms":%d' % (now, now))),
)

END = (Item("half-a-line-then-end", Kind.END, line=lambda now, number: _tick(now, number)[:40]),)

FOR_ALL = LOGS + NAMED_SERVICES + ODD_CASE
FOR_NATIVE = LINES + END
