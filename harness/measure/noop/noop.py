"""A candidate that reads each request and answers it, and does nothing else: the noise floor of Python candidates."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

sys.path.insert(0, os.path.join(os.environ["HARNESS_SDK"], "python"))
serve = importlib.import_module("harness_sdk").serve

Params = dict[str, Any]


class Noop:
    """Every log is accepted, every offer suppressed."""

    def ingest(self, params: Params) -> dict[str, Any]:
        return {"accepted": len(params["logs"]), "rejected": 0, "alerts": []}

    def tick(self, params: Params) -> dict[str, Any]:
        return {"alerts": []}

    def offer(self, params: Params) -> dict[str, str]:
        return {"decision": "suppress"}


serve(Noop(), name="no-op", declared={"bucket_ms": 1000, "warmup_ms": 1000, "lateness_ms": 0})
