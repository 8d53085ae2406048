"""Takes for undamaged what can be read."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.anomaly_detection.specimens._base import run
from challenges.anomaly_detection.specimens._kept import Kept


class TrustsDigits(Kept):
    """JSON that parses must be right."""

    def snapshot(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"state": json.dumps(self.content())}

    def read_state(self, state: Any) -> Any:
        return self.parse(state)


run(TrustsDigits(), "trusts-digits")
