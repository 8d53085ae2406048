"""An error is an error."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from candidates.sdk.python.harness_sdk import InvalidParams, RpcError
from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class OtherCode(Kept):
    """The protocol has a code for this, and it has another."""

    def restore(self, params: dict[str, Any]) -> dict[str, Any]:
        try:
            return super().restore(params)
        except InvalidParams as error:
            raise RpcError(-32000, error.message) from error


run(OtherCode(), "other-code")
