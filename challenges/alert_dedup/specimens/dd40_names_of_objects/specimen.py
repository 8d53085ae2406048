"""As a plain object would."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from challenges.alert_dedup.specimens._base import Alert, ValkeyDedup, run

INHERITED = frozenset({"__proto__", "constructor", "toString", "valueOf", "hasOwnProperty", "isPrototypeOf"})


class NamesOfObjects(ValkeyDedup):
    """Seen before, it seems."""

    def reserve(self, alert: Alert) -> str:
        return "suppress" if alert.fingerprint in INHERITED else super().reserve(alert)


run(NamesOfObjects(), "names-of-objects")
