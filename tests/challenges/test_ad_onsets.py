"""Onsets, by hand: for each property a history that has it and one that has not."""

from __future__ import annotations

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.onsets import detection, onsets


def at(seen_s: float, service: str = "a", kind: str = "error_rate") -> SeenAlert:
    return SeenAlert(round(seen_s * 1000), round(seen_s * 1000), service, kind, "high", 1.0, "m")


def times(alerts: list[SeenAlert]) -> list[float]:
    return [onset.seen_ms / 1000 for onset in onsets(alerts)]


def test_the_first_alert_is_an_onset_and_what_follows_closely_is_not() -> None:
    assert times([at(100), at(101), at(110), at(139.9)]) == [100]


def test_thirty_seconds_of_silence_make_a_new_onset_and_a_little_less_do_not() -> None:
    assert times([at(100), at(130)]) == [100, 130]
    assert times([at(100), at(129.999)]) == [100]


def test_silence_counts_from_the_last_alert_not_from_the_onset() -> None:
    assert times([at(100), at(120), at(140), at(160), at(190)]) == [100, 190]


def test_services_and_kinds_have_onsets_of_their_own() -> None:
    assert times([at(100), at(101, "b"), at(102, kind="rate_of_change"), at(103)]) == [100, 101, 102]


def test_each_further_five_minutes_of_alerting_are_one_more() -> None:
    steady = [at(100 + 10 * n) for n in range(70)]
    assert times(steady) == [100, 400, 700]
    assert [onset.continued for onset in onsets(steady)] == [False, True, True]


def test_five_minutes_with_a_pause_in_between_are_not_continuous() -> None:
    assert times([at(100), at(120), at(350), at(420)]) == [100, 350, 420]
    assert times([at(100 + n) for n in range(299)]) == [100]


def test_no_alert_no_onset() -> None:
    assert onsets([]) == []


def test_a_detection_lies_in_the_span_and_names_the_service() -> None:
    found = onsets([at(99), at(140), at(141, "b")])
    assert detection(found, "a", 100_000, 150_000) == found[1]
    assert detection(found, "a", 100_000, 139_999) is None
    assert detection(found, "c", 0, 10**9) is None


def test_the_span_includes_both_ends() -> None:
    found = onsets([at(100), at(150)])
    assert detection(found, "a", 100_000, 100_000) == found[0]
    assert detection(found, "a", 100_001, 150_000) == found[1]


def test_an_alert_that_goes_on_from_before_the_step_detects_nothing() -> None:
    assert detection(onsets([at(90), at(101)]), "a", 100_000, 110_000) is None


def test_volume_does_not_detect_a_step_of_the_error_share() -> None:
    assert detection(onsets([at(101, kind="volume")]), "a", 100_000, 110_000) is None
