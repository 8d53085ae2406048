"""A detector that speaks the protocol and never alerts: replace its inside.

Run it by hand:  python3 detector.py  and type one request per line.
"""

from __future__ import annotations

import math
from typing import Any

from harness_sdk import serve  # type: ignore[import-not-found]  # it lies beside this file

BUCKET_MS = 5_000
WARMUP_MS = 60_000
LATENESS_MS = 3_000


def usable(log: object) -> bool:
    """Whether a log has what the protocol asks for; what has not is counted as rejected."""
    if not isinstance(log, dict):
        return False
    ts_ms, service, level = log.get("ts_ms"), log.get("service"), log.get("level")
    if isinstance(ts_ms, bool) or not isinstance(ts_ms, int | float) or not 0 <= ts_ms < math.inf:
        return False
    return isinstance(service, str) and service != "" and isinstance(level, str)


class Detector:
    """Handlers, named as the methods of the protocol; each takes the params and returns the result."""

    def ingest(self, params: dict[str, Any]) -> dict[str, Any]:
        accepted = sum(usable(log) for log in params["logs"])
        return {"accepted": accepted, "rejected": len(params["logs"]) - accepted, "alerts": []}

    def tick(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"alerts": []}


if __name__ == "__main__":
    declared = {"bucket_ms": BUCKET_MS, "warmup_ms": WARMUP_MS, "lateness_ms": LATENESS_MS}
    serve(Detector(), name="starter", declared=declared)
