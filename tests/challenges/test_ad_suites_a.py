"""The suites on baselines, rises, adaptation, gaps and pace, on fake candidates: a good one passes each, each fault fails."""

from __future__ import annotations

from typing import Any

import fake_candidate as fakes
import pytest
from fake_candidate import FakeTrial

from challenges.anomaly_detection.suites import test_ad02_may_zone as ad02
from challenges.anomaly_detection.suites import test_ad04_own_baseline as ad04
from challenges.anomaly_detection.suites import test_ad05_rises as ad05
from challenges.anomaly_detection.suites import test_ad06_traffic as ad06
from challenges.anomaly_detection.suites import test_ad07_new_normal as ad07
from challenges.anomaly_detection.suites import test_ad10_no_variance as ad10
from challenges.anomaly_detection.suites import test_ad11_gap as ad11
from challenges.anomaly_detection.suites import test_ad60_pace as ad60
from harness.errors import Undecided, Violation

Alerts = list[dict[str, Any]]
SUITES = [
    ad04.test_each_service_has_its_own_baseline,
    ad05.test_a_jump_is_detected,
    ad05.test_a_ramp_is_detected,
    ad06.test_traffic_alone_is_no_anomaly,
    ad10.test_no_variance_is_no_trap,
    ad11.test_a_gap_is_no_anomaly,
]


def failure(suite: Any, make: type[fakes.Good], *cases: str) -> Violation:
    """The failure, which a replay of its witness shows again."""
    with pytest.raises(Violation) as caught:
        suite(FakeTrial(make, cases=cases))
    if not cases:
        assert str(failure(suite, make, *caught.value.witness["cases"]))
    return caught.value


class LongBuckets(fakes.Good):
    bucket_ms = 60_000
    warmup_ms = 720_000


@pytest.mark.parametrize("suite", SUITES)
def test_a_good_detector_passes(suite: Any) -> None:
    trial = FakeTrial(fakes.Good)
    suite(trial)
    assert trial.credits == [1.0] and [item["kind"] for item in trial.evidences] == ["timeline", "table"]


@pytest.mark.parametrize("suite", SUITES)
def test_so_does_one_with_buckets_of_a_minute(suite: Any) -> None:
    trial = FakeTrial(LongBuckets, cases=["seed-0"])
    suite(trial)
    assert trial.credits == [1.0]


@pytest.mark.parametrize("suite", [s for s in SUITES if s is not ad06.test_traffic_alone_is_no_anomaly])
def test_who_stays_silent_fails_what_must_be_seen(suite: Any) -> None:
    assert "5 of 5" in str(failure(suite, fakes.Silent))


@pytest.mark.parametrize("suite", [s for s in SUITES if s not in (ad05.test_a_jump_is_detected, ad05.test_a_ramp_is_detected)])
def test_who_always_alerts_fails_what_must_stay_silent(suite: Any) -> None:
    assert "no alert for" in failure(suite, fakes.Always).witness["expected"]


@pytest.mark.parametrize("suite", [*SUITES, ad02.test_weaker_steps, ad60.test_pace_of_alerts])
def test_who_is_too_slow_is_not_failed(suite: Any) -> None:
    trial = FakeTrial(fakes.Always)
    trial.budget_left = 1
    with pytest.raises(Undecided, match="too slow"):
        suite(trial)


def test_every_ramp_ends_in_the_must_zone_and_every_jump_is_tenfold() -> None:
    assert pytest.approx(10 * ad05.P0) == ad05.P1 and min(ad05.JUMP_RATES.values()) >= 500
    assert all(ad05.must_strength(*ramp).is_must for ramp in ad05.RAMPS.values())


# -- AD-02 ---------------------------------------------------------------------------------------------------------------------


def test_weaker_steps_are_graded() -> None:
    trial = FakeTrial(fakes.Good)
    ad02.test_weaker_steps(trial)
    assert 0.5 < trial.credits[0] <= 1.0
    curve = trial.evidences[0]
    assert (
        curve["unit"] == "z1" and curve["t_s"] == [0.0, 3.0, 4.0, 5.0, 6.0, 7.0, 7.9] and curve["series"][0]["values"][0] == 0
    )


def test_who_notices_nothing_gets_nothing_and_does_not_fail() -> None:
    trial = FakeTrial(fakes.Silent)
    ad02.test_weaker_steps(trial)
    assert trial.credits == [0.0]


def test_chance_earns_nothing() -> None:
    levels = [ad02.Level(0.0, 4, 4, 5.0, 1.0), ad02.Level(3.0, 4, 4, 5.0, 1.0), ad02.Level(5.0, 4, 4, 5.0, 1.0)]
    assert ad02.credit_of(levels) == 0.0
    assert ad02.credit_of([ad02.Level(0.0, 4, 1, 5.0, 0.25), *levels[1:]]) == 0.75


def test_every_step_lies_in_the_may_zone() -> None:
    made = ad02.strengths(0, FakeTrial(fakes.Good).rng("x"))
    assert [size for size, _ in made] == [*ad02.Z1S, 0.0, 0.0]
    assert all(strength.z1 == pytest.approx(size) and strength.z1 < 8 for size, strength in made)


# -- AD-05, AD-06, AD-10, AD-11 ------------------------------------------------------------------------------------------------


def test_who_runs_after_a_ramp_misses_it() -> None:
    class Follows(fakes.Good):
        def judge(self, service: str, logs: int, errors: int, alerts: Alerts) -> None:
            super().judge(service, logs, errors, alerts)
            self.share[service] += 0.3 * (errors / logs - self.share[service])

    assert "ramp" in str(failure(ad05.test_a_ramp_is_detected, Follows))
    ad05.test_a_jump_is_detected(FakeTrial(Follows))


class Counts(fakes.Good):
    """Compares the number of logs, and tells it as `kind_of_more`."""

    kind_of_more = "volume"

    def judge(self, service: str, logs: int, errors: int, alerts: Alerts) -> None:
        usual = self.usual = getattr(self, "usual", logs)
        if logs > 2 * usual:
            alerts.append(self.alert(service, self.kind_of_more, 5.0, f"{logs} logs"))
        super().judge(service, logs, errors, alerts)


def test_more_traffic_may_be_told_as_volume_and_as_nothing_else() -> None:
    class CountsWrongly(Counts):
        kind_of_more = "rate_of_change"

    ad06.test_traffic_alone_is_no_anomaly(FakeTrial(Counts))
    found = failure(ad06.test_traffic_alone_is_no_anomaly, CountsWrongly)
    assert found.witness["got"][0]["kind"] == "rate_of_change"


def test_an_absolute_limit_fails_a_service_that_always_errs() -> None:
    class Limit(fakes.Good):
        def judge(self, service: str, logs: int, errors: int, alerts: Alerts) -> None:
            if errors >= 0.9 * logs:
                alerts.append(self.alert(service, "error_rate", 1.0, "nearly all failed"))

    found = failure(ad10.test_no_variance_is_no_trap, Limit)
    assert found.witness["interval"] == ad10.FULL and found.witness["service"] == ad10.ALWAYS.service


def test_one_stray_error_is_enough_for_who_has_no_floor() -> None:
    class NoFloor(fakes.Good):
        @staticmethod
        def z(share: float, logs: int, errors: int) -> float:
            return 100.0 if errors > logs * share + 0.5 else 0.0

    assert failure(ad10.test_no_variance_is_no_trap, NoFloor).witness["interval"] == ad10.STRAY


def test_a_gap_that_is_learned_fails_and_one_that_is_told_as_volume_does_not() -> None:
    class Forgets(fakes.Good):
        def advance(self, bucket: int, alerts: Alerts) -> None:
            if self.current is not None and bucket > self.current and not self.counts:
                self.share = {service: share * 0.9 for service, share in self.share.items()}
            super().advance(bucket, alerts)

    class TellsTheGap(fakes.Good):
        def advance(self, bucket: int, alerts: Alerts) -> None:
            if self.current is not None and bucket > self.current and not self.counts:
                alerts.extend(self.alert(service, "volume", 1.0, "no logs") for service in self.share)
            super().advance(bucket, alerts)

    assert failure(ad11.test_a_gap_is_no_anomaly, Forgets).witness["interval"] == ad11.END
    ad11.test_a_gap_is_no_anomaly(FakeTrial(TellsTheGap))


# -- AD-07 ---------------------------------------------------------------------------------------------------------------------


class Adapts(fakes.Good):
    """Believes a shift after `patience` anomalous buckets in a row."""

    patience = 48

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, int] = {}

    def judge(self, service: str, logs: int, errors: int, alerts: Alerts) -> None:
        before = len(alerts)
        super().judge(service, logs, errors, alerts)
        self.held[service] = self.held.get(service, 0) + 1 if len(alerts) > before else 0
        if self.held[service] >= self.patience_of(service):
            self.share[service] = errors / logs

    def patience_of(self, service: str) -> int:
        return self.patience


class AdaptsByAge(Adapts):
    def patience_of(self, service: str) -> int:
        return max(self.patience, self.seen[service] // 3)


@pytest.fixture
def short_uptimes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, after 12 and 48 windows."""
    monkeypatch.setattr(ad07, "YOUNG", 12)
    monkeypatch.setattr(ad07, "OLD", 48)


def test_who_adapts_in_time_passes(short_uptimes: None) -> None:
    trial: Any = FakeTrial(Adapts)
    ad07.test_a_shift_becomes_normal(trial)
    ad07.test_time_to_silence_does_not_grow(trial)
    assert trial.credits == [1.0, 1.0] and trial.started == 2


def test_who_never_adapts_fails_both(short_uptimes: None) -> None:
    found = failure(ad07.test_a_shift_becomes_normal, fakes.Good)
    assert found.witness["interval"] == ad07.ENDED and found.witness["wrong"] == list(ad07.SEEDS)
    assert "went on for more than 30 min" in str(failure(ad07.test_time_to_silence_does_not_grow, fakes.Good))


def test_who_says_nothing_of_a_shift_fails_both(short_uptimes: None) -> None:
    assert failure(ad07.test_a_shift_becomes_normal, fakes.Silent).witness["interval"] == ad07.FIRST
    assert "raised no alert" in str(failure(ad07.test_time_to_silence_does_not_grow, fakes.Silent))


def test_who_adapts_once_and_is_blind_then_fails(short_uptimes: None) -> None:
    class Blind(Adapts):
        def alert(self, service: str, kind: str, score: Any, message: str) -> dict[str, Any]:
            self.patience = 48 if self.share[service] < 0.2 else 1
            return super().alert(service, kind, score, message)

        @staticmethod
        def z(share: float, logs: int, errors: int) -> float:
            return fakes.Good.z(share, logs, errors) if share < 0.2 else 0.0

    assert failure(ad07.test_a_shift_becomes_normal, Blind).witness["interval"] == ad07.LATER


def test_whose_time_to_silence_grows_with_uptime_fails(short_uptimes: None) -> None:
    found = failure(ad07.test_time_to_silence_does_not_grow, AdaptsByAge)
    assert found.witness["growth"] > 1.5 and "1.5 times as long" in str(found)


# -- AD-60 ---------------------------------------------------------------------------------------------------------------------


def test_who_speaks_in_every_bucket_is_too_fast() -> None:
    found = failure(ad60.test_pace_of_alerts, fakes.Good)
    assert found.witness["kind"] == "error_rate" and len(found.witness["got"]) == 2


def test_who_speaks_every_ten_seconds_is_not() -> None:
    class TenSeconds(fakes.Good):
        bucket_ms = 10_000
        warmup_ms = 120_000

    trial: Any = FakeTrial(TenSeconds)
    ad60.test_pace_of_alerts(trial)
    assert "the closest two" in trial.summaries[0]


def test_who_says_nothing_has_no_pace() -> None:
    with pytest.raises(Undecided, match="no pace to judge"):
        ad60.test_pace_of_alerts(FakeTrial(fakes.Silent))
