"""PagerDuty, through the Events API v2: the alert_id is the event's `dedup_key`, by which PagerDuty folds.

Not through apprise: its plugin can set the key, but answers yes or no alone, so that neither Retry-After nor the difference
between "never" and "not now" gets through, and it knows two fixed addresses.
"""

from datetime import UTC, datetime

from reference_impl.pipeline.destinations.http import request, require
from reference_impl.pipeline.observation import LONGEST_NAME, Page, clip
from reference_impl.pipeline.secret import Secret

_SEVERITIES = {"low": "info", "medium": "warning", "high": "error", "critical": "critical"}


class PagerDuty:
    """`url` is where events are enqueued, `routing_key` the integration's."""

    def __init__(self, name: str, url: str, routing_key: Secret, timeout_s: float) -> None:
        self.name = name
        self._url = url
        self._routing_key = routing_key
        self._timeout_s = timeout_s

    def deliver(self, page: Page) -> None:
        event = {
            "routing_key": self._routing_key.reveal(),
            "event_action": "trigger",
            "dedup_key": page.alert_id,
            "payload": {
                "summary": page.title,
                "source": clip(page.service, LONGEST_NAME),
                "severity": _SEVERITIES[page.severity],
                "timestamp": iso(page.ts_ms),
                "class": page.kind,
                "custom_details": {"alert_id": page.alert_id, "message": page.message, "seen_by": page.node},
            },
        }
        require(request("POST", self._url, self._timeout_s, event), 202)


def iso(ts_ms: int) -> str:
    """Epoch ms as ISO 8601 in UTC; a time that no calendar has (a source's own fault) is the epoch's beginning."""
    try:
        return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC).isoformat()
