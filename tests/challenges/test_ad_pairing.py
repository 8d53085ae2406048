"""Onsets of two runs over the same logs, compared: what counts as the same, and what does not."""

from __future__ import annotations

from collections.abc import Sequence

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.pairing import onset_changes, starts

S = 1_000


def alerts(*times_s: float, service: str = "cart", kind: str = "error_rate") -> list[SeenAlert]:
    return [SeenAlert(round(t * S), t * S, service, kind, "high", 1.0, "m") for t in times_s]


def changes(first: Sequence[SeenAlert], second: Sequence[SeenAlert], later_s: float = 0.0) -> list[str]:
    later_ms = round(later_s * S)
    return onset_changes(first, second, slack_ms=5 * S, from_ms=100 * S, to_ms=1_000 * S, later_ms=later_ms).phrases()


def test_the_same_and_what_is_moved_within_the_slack_is_no_change() -> None:
    assert changes(alerts(200), alerts(200)) == []
    assert changes(alerts(200), alerts(204.9)) == changes(alerts(204.9), alerts(200)) == []


def test_a_lost_and_a_new_onset_are_named() -> None:
    assert changes(alerts(200), []) == ["lost: the onset of 'cart' (error_rate) at 200000"]
    assert changes([], alerts(200)) == ["new: the onset of 'cart' (error_rate) at 200000"]
    assert len(changes(alerts(200), alerts(206))) == 2


def test_service_and_kind_must_agree() -> None:
    assert len(changes(alerts(200), alerts(200, service="search"))) == 2
    assert len(changes(alerts(200), alerts(200, kind="other"))) == 2


def test_only_the_second_run_may_come_later() -> None:
    assert changes(alerts(200), alerts(207.5), later_s=3) == []
    assert len(changes(alerts(207.5), alerts(200), later_s=3)) == 2


def test_before_the_gate_there_is_nothing_and_after_the_end_only_partners() -> None:
    assert changes(alerts(50), []) == [] and changes(alerts(1_001), []) == []
    assert changes(alerts(999), alerts(1_003)) == []


def test_repetitions_at_the_edge_of_the_silence_are_no_change() -> None:
    first, second = alerts(200, 230, 260, 290), alerts(200, 229.9, 260, 289.9)
    assert changes(first, second) == changes(second, first) == []


def test_silence_where_the_other_run_goes_on_alerting_is_a_change() -> None:
    going_on = alerts(*range(200, 300, 10))
    assert changes(going_on, alerts(200, 210, 290)) == ["new: the onset of 'cart' (error_rate) at 290000"]


def test_each_partner_serves_once() -> None:
    both = sorted([*alerts(200), *alerts(232)], key=lambda alert: alert.seen_ms)
    assert changes(both, alerts(200)) == ["lost: the onset of 'cart' (error_rate) at 232000"]


def test_where_continued_onsets_fall_makes_no_difference() -> None:
    long = alerts(*range(200, 600, 10))
    assert changes(long, long[:29]) == []


def test_the_first_change_is_the_one_that_was_seen_first() -> None:
    found = onset_changes(alerts(300), alerts(200), slack_ms=S, from_ms=0, to_ms=400 * S)
    assert found and found.first.seen_ms == 200 * S
    assert not onset_changes(alerts(300), alerts(300), slack_ms=S, from_ms=0, to_ms=400 * S)


def test_starts_need_as_much_silence_as_asked_for() -> None:
    heard = alerts(0, 20, 45, 80)
    assert [a.seen_ms for a in starts(heard, 30 * S)] == [0, 80 * S]
    assert [a.seen_ms for a in starts(heard, 25 * S)] == [0, 45 * S, 80 * S]
