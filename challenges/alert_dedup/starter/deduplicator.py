"""A deduplicator that speaks the protocol and does the least that can be called deduplication: replace its inside.

Whoever sets the window's key sends the page. What it lacks: if it is killed between the two, nobody sends it, and the events
that others suppressed meanwhile are lost; an event that is offered again after its window is taken for a new one.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import redis
from harness_sdk import InvalidParams, emit, serve  # type: ignore[import-not-found]  # it lies beside this file

LEASE_MS = 2_000
RETENTION_MS = 60_000


def text(params: dict[str, Any], name: str) -> str:
    """A field that must be a text and not empty."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidParams(f"{name} must be a text that is not empty")
    return value


class Deduplicator:
    """Handlers, named as the methods of the protocol; each takes the params and returns the result."""

    store: Any

    def initialize(self, params: dict[str, Any]) -> None:
        if params["store"] is None:
            raise InvalidParams('store must be there: harness.toml asks for "redis"')
        self.window_ms = params["config"]["window_ms"]
        self.prefix = params["store"]["prefix"]
        self.store = redis.Redis.from_url(params["store"]["url"])

    def offer(self, params: dict[str, Any]) -> dict[str, str]:
        fingerprint, event_id = text(params, "fingerprint"), text(params, "event_id")
        if not isinstance(params.get("alert"), dict):
            raise InvalidParams("alert must be an object")
        alert_id = sha256(event_id.encode()).hexdigest()[:24]
        window = f"{self.prefix}window:{fingerprint}"
        if not self.store.set(window, alert_id, nx=True, px=self.window_ms):
            return {"decision": "suppress"}
        emit({"alert_id": alert_id, "fingerprint": fingerprint, "event_id": event_id})
        return {"decision": "emit"}

    def tick(self, params: dict[str, Any]) -> None:
        """The place for what is due without anybody asking."""


if __name__ == "__main__":
    serve(Deduplicator(), name="starter", declared={"lease_ms": LEASE_MS, "retention_ms": RETENTION_MS})
