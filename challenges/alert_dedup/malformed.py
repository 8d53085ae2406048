"""Offers that must be refused with -32602 and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from challenges.alert_dedup.field import offer_params

GOOD = "pricing/latency"


@dataclass(frozen=True, slots=True)
class Malformed:
    """One of them. `fingerprint` is that of the history: '' where the offer has none that is text."""

    name: str
    change: Callable[[dict[str, Any]], None]
    fingerprint: str = GOOD

    def params(self, event_id: str) -> dict[str, Any]:
        """The params that are sent."""
        made = offer_params(event_id, GOOD, 1, "high")
        self.change(made)
        return made


def _without(key: str) -> Callable[[dict[str, Any]], None]:
    def change(params: dict[str, Any]) -> None:
        del params[key]

    return change


def _set(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(params: dict[str, Any]) -> None:
        params[key] = value

    return change


MALFORMED = (
    Malformed("no fingerprint", _without("fingerprint"), ""),
    Malformed("fingerprint null", _set("fingerprint", None), ""),
    Malformed("fingerprint a number", _set("fingerprint", 7), ""),
    Malformed("fingerprint a list", _set("fingerprint", [GOOD]), ""),
    Malformed("fingerprint a boolean", _set("fingerprint", True), ""),
    Malformed("fingerprint an object", _set("fingerprint", {"name": GOOD}), ""),
    Malformed("fingerprint empty", _set("fingerprint", ""), ""),
    Malformed("no event_id", _without("event_id")),
    Malformed("event_id null", _set("event_id", None)),
    Malformed("event_id a number", _set("event_id", 12)),
    Malformed("event_id a boolean", _set("event_id", False)),
    Malformed("event_id a list", _set("event_id", ["bad event"])),
    Malformed("event_id an object", _set("event_id", {})),
    Malformed("event_id empty", _set("event_id", "")),
    Malformed("no alert", _without("alert")),
    Malformed("alert null", _set("alert", None)),
    Malformed("alert a number", _set("alert", 3)),
    Malformed("alert text", _set("alert", "high")),
    Malformed("alert a list", _set("alert", ["high"])),
)
