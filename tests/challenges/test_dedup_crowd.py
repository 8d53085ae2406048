"""Events that come again, after a crowd (DD-04) and as the control of an outage (DD-24): events that are remembered by their number are forgotten, those remembered by their age are not."""

from __future__ import annotations

import pytest

from challenges.alert_dedup.history import Obs
from challenges.alert_dedup.judging import play
from challenges.alert_dedup.suites import test_dd04_redelivery as dd04
from challenges.alert_dedup.suites.test_dd24_store_restarts import remembers
from tests.challenges.dedup_trials import Maker, make

__all__ = ["make"]

REMEMBERS = """
def page(self, fingerprint, event, alert_id=None):
    super().page(fingerprint, event, os.urandom(8).hex())

def reserve(self, fingerprint, event):
    known = '''local count = redis.call('INCR', 'count')
        redis.call('SET', 'event at ' .. count, ARGV[1])
        local old = redis.call('GET', 'event at ' .. (count - ARGV[2]))
        if old then redis.call('DEL', 'known ' .. old) end
        return redis.call('SET', 'known ' .. ARGV[1], 1, 'NX') and 1 or 0'''
    return self.store.ask("EVAL", known, 0, event, {most}) == 1 and super().reserve(fingerprint, event)
"""


@pytest.mark.parametrize(("most", "broken"), [(10, {"DD-04"}), (1000, set())])
def test_a_crowd_makes_some_forget(make: Maker, monkeypatch: pytest.MonkeyPatch, most: int, broken: set[str]) -> None:
    monkeypatch.setattr(dd04, "AT_ONCE", 10)
    run = play(make.field(REMEMBERS.format(most=most), 3), dd04.crowd_of(30))
    assert {found.requirement for found in run.of("DD-04", "DD-10")} == broken
    assert [entry.data for entry in run.entries if isinstance(entry, Obs) and entry.what == dd04.CROWD] == [{"offered": 30}]


NEVER = """
def page(self, fingerprint, event, alert_id=None):
    super().page(fingerprint, event, os.urandom(8).hex())
"""


@pytest.mark.parametrize(("body", "known"), [(NEVER, False), (REMEMBERS.format(most=1000), True)])
def test_who_forgets_without_an_outage_is_not_charged_for_it_after_one(make: Maker, body: str, known: bool) -> None:
    assert remembers(make.field(body, 3, begin=False)) is known
