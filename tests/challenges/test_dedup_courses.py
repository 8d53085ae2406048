"""What a course says of itself: races count as such where requests are proven to have met in the store."""

from __future__ import annotations

from challenges.alert_dedup.courses import MET, met
from challenges.alert_dedup.history import STORE, Obs


def looked(number: int, waiting: int, what: str = MET) -> Obs:
    return Obs(i=number, t_ns=number, clock_ns=number, proc=STORE, what=what, data={"waiting": waiting})


def test_a_race_met_where_two_requests_or_more_waited_together() -> None:
    said = met([looked(0, 3), looked(1, 2), looked(2, 1), looked(3, 0)])
    assert "in 2 of 4 races" in said


def test_where_there_was_no_such_race_nothing_is_said() -> None:
    assert met([]) == met([looked(0, 3, "up")]) == ""
