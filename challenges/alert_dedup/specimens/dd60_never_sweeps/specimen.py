"""A table without a sweep."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from collections.abc import Iterable

from challenges.alert_dedup.specimens._base import Alert, PostgresDedup, run

TAKE_OVER = """
update "{p}alerts" set lease_until_ms = "{p}now_ms"() + %s where event in (
    select event from "{p}alerts" where lease_until_ms <= "{p}now_ms"() for update skip locked)
returning alert
"""


class NeverSweeps(PostgresDedup):
    """What is over does no harm."""

    retention_ms = 6_000

    def take_over(self) -> Iterable[Alert]:
        return [Alert.unpack(text) for text in self.ask(TAKE_OVER, self.lease_ms)]


run(NeverSweeps(), "never-sweeps")
