"""What one process saw, as an event of the deduplicator.

An event's id is all of the observation, as JSON: whoever takes over a dead process's alert finds in the store what the page
is to say, and the same observation made twice, by a process that read the same logs again, is one event.
"""

from typing import Literal

import msgspec

from reference_impl.dedup import Held
from reference_impl.detector import Alert

SEVERITIES = ("low", "medium", "high", "critical")
Severity = Literal["low", "medium", "high", "critical"]
LONGEST_NAME = 200
LONGEST_TITLE = 255


class Observation(msgspec.Struct, frozen=True, array_like=True):
    """One alert of the detector of process `node`; `ts_ms` is stream time."""

    node: str
    ts_ms: int
    service: str
    kind: str
    severity: Severity
    score: float
    message: str

    def event_id(self) -> str:
        """The observation as the id of its event."""
        return msgspec.json.encode(self).decode()


class Page(msgspec.Struct, frozen=True):
    """What a destination is given. Receivers fold pages of one `alert_id` into one."""

    alert_id: str
    node: str
    ts_ms: int
    service: str
    kind: str
    severity: Severity
    message: str

    @property
    def title(self) -> str:
        """One line, at most `LONGEST_TITLE` characters."""
        return clip(f"[{self.severity}] {clip(self.service, LONGEST_NAME)}: {self.message}", LONGEST_TITLE)


def observed(alert: Alert, node: str) -> Observation:
    """The detector's alert as this process's observation."""
    return Observation(node, alert.ts_ms, alert.service, alert.kind, alert.severity, alert.score, alert.message)


def page_of(held: Held) -> Page:
    """The page of an alert in the store. One that says no more than an id, since another program wrote it, is paged as such."""
    try:
        seen = msgspec.json.decode(held.event_id.encode(), type=Observation)
    except (msgspec.DecodeError, UnicodeEncodeError):
        said = f"event {clip(held.event_id, LONGEST_NAME)}"
        return Page(held.alert_id, "", 0, clip(held.fingerprint, LONGEST_NAME), "unknown", "high", said)
    return Page(held.alert_id, seen.node, seen.ts_ms, seen.service, seen.kind, seen.severity, seen.message)


def clip(text: str, limit: int) -> str:
    """At most `limit` characters of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
