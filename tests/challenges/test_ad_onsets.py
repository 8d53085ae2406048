"""Onsets, by hand: for each property a history that has it and one that has not."""

from __future__ import annotations

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.onsets import detection, difference, missing, onsets


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


def test_equal_onsets_within_the_slack_do_not_differ() -> None:
    first, second = onsets([at(100), at(200)]), onsets([at(104), at(196)])
    assert not difference(first, second, 5_000)
    found = difference(first, second, 3_999)
    assert (len(found.lost), len(found.new), found.first_ms) == (2, 2, 100_000)


def test_an_onset_too_many_or_too_few_differs_and_is_named() -> None:
    first, second = onsets([at(100)]), onsets([at(100), at(200)])
    more, fewer = difference(first, second, 1_000), difference(second, first, 1_000)
    assert more.words() == (
        "the onset of 'a' (error_rate) at 200000 of the varied run has no partner within 1000 ms in the first"
    )
    assert fewer.words() == "the onset of 'a' (error_rate) at 200000 has no partner within 1000 ms in the varied run"


def test_onsets_of_another_kind_or_service_are_no_partners() -> None:
    for other in (at(100, "b"), at(100, kind="volume")):
        found = difference(onsets([at(100)]), onsets([other]), 1_000)
        assert len(found.lost) == len(found.new) == 1


def test_what_comes_after_the_end_of_the_comparison_needs_no_partner_but_may_be_one() -> None:
    first, second = onsets([at(100), at(200)]), onsets([at(101)])
    assert not difference(first, second, 2_000, to_ms=100_000)
    assert difference(first, second, 2_000, to_ms=200_000)


def test_one_partner_serves_one_onset_only() -> None:
    twice = [*onsets([at(100)]), *onsets([at(101)])]
    assert [onset.seen_ms for onset in missing(twice, onsets([at(100)]), 5_000)] == [101_000]


def test_where_continued_onsets_fall_makes_no_difference() -> None:
    long = [at(100 + 10 * n) for n in range(40)]
    assert not difference(onsets(long), onsets(long[:29]), 1_000)
