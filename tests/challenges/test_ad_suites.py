"""The suites on fake candidates: a good one passes each, and each fault fails where it should."""

from __future__ import annotations

from typing import Any

import fake_candidate as fakes
import pytest
from fake_candidate import FakeTrial

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.rates import Exposure
from challenges.anomaly_detection.scenarios import SEEDS
from challenges.anomaly_detection.suites import test_ad01_step as ad01
from challenges.anomaly_detection.suites import test_ad03_false_alarms as ad03
from challenges.anomaly_detection.suites import test_ad08_second_spike as ad08
from challenges.anomaly_detection.suites import test_ad09_zero_baseline as ad09
from challenges.anomaly_detection.suites import test_ad13_determinism as ad13
from challenges.anomaly_detection.suites import test_ad20_bad_input as ad20
from harness.errors import CandidateDied, Undecided, Violation

DAY_MS = 86_400_000
SMALL = ad03.Plan(Exposure(0.1, 2))


def failure(suite: Any, trial: FakeTrial, *more: Any) -> Violation:
    with pytest.raises(Violation) as caught:
        suite(trial, *more)
    assert caught.value.witness["cases"]
    return caught.value


def kinds(trial: FakeTrial) -> list[str]:
    return [item["kind"] for item in trial.evidences]


# -- AD-01 ---------------------------------------------------------------------------------------------------------------------


def test_a_good_detector_sees_the_steps() -> None:
    trial = FakeTrial(fakes.Good)
    ad01.test_step_is_detected(trial)
    assert trial.credits[0] > 0.95 and kinds(trial) == ["timeline", "table"] and trial.started == 5


@pytest.mark.parametrize("make", [fakes.Silent, fakes.LearnsFirst])
def test_who_stays_silent_fails_the_steps(make: type[fakes.Good]) -> None:
    found = failure(ad01.test_step_is_detected, FakeTrial(make))
    assert "5 of 5" in str(found) and found.witness["cases"] == ["seed-0"]
    assert failure(ad01.test_step_is_detected, FakeTrial(make, cases=found.witness["cases"]))


class TwiceTheUsual(fakes.Good):
    """What is less than twice as bad as usual is nothing to it."""

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        if self.seen.get(service, 0) < 10 or errors / logs >= 2 * self.share[service]:
            super().judge(service, logs, errors, alerts)


class DeafOnce(fakes.Good):
    """The fourth of its kind hears nothing."""

    made = 0

    def __init__(self) -> None:
        super().__init__()
        DeafOnce.made += 1
        self.deaf = DeafOnce.made == 4

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        if not self.deaf:
            super().judge(service, logs, errors, alerts)


def test_a_step_that_is_missed_in_one_kind_of_service_is_asked_again_there() -> None:
    found = failure(ad01.test_step_is_detected, FakeTrial(TwiceTheUsual))
    assert len(found.witness["missed"]) == 3 and all(key.startswith("seed-3") for key in found.witness["missed"])
    assert found.witness["cases"] == ["seed-3"] and "20.0%" in str(found)
    assert failure(ad01.test_step_is_detected, FakeTrial(TwiceTheUsual, cases=["seed-3"]))


def test_one_draw_that_is_missed_decides_nothing() -> None:
    DeafOnce.made = 0
    trial = FakeTrial(DeafOnce)
    ad01.test_step_is_detected(trial)
    assert trial.credits[0] < 0.85 and trial.started == 5 + 3 and "4 of 5 steps" in trial.summaries[0]


def test_every_step_lies_in_the_must_zone() -> None:
    trial = FakeTrial(fakes.Silent)
    assert all(ad01.play(trial, key).story.strength.is_must for key in ad01.SEEDS)


def test_credit_falls_with_the_delay() -> None:
    assert [ad01.delay_credit(s) for s in (0.0, 10.0, 125.0, 500.0)] == [1.0, 1.0, 0.5, 0.5]
    assert ad01.delay_credit(67.5) == pytest.approx(0.75)


class LongBuckets(fakes.Good):
    bucket_ms = 60_000
    warmup_ms = 720_000


def test_buckets_of_a_minute_are_given_the_time_that_they_need() -> None:
    trial = FakeTrial(LongBuckets, cases=["seed-0", "seed-1"])
    ad01.test_step_is_detected(trial)
    assert 0.5 < trial.credits[0] < 0.95


# -- AD-03 ---------------------------------------------------------------------------------------------------------------------


def test_a_good_detector_raises_no_false_alarms() -> None:
    trial = FakeTrial(fakes.Good)
    ad03.run(trial, SMALL)
    assert trial.parts == {"below 50 logs/s": "pass", "50 to 500 logs/s": "pass"} and trial.credits[-1] == 1.0
    assert kinds(trial) == ["timeline", "table"]


def test_who_always_alerts_fails_every_band_that_can_fail() -> None:
    trial = FakeTrial(fakes.Always)
    found = failure(ad03.run, trial, SMALL)
    assert trial.parts == {"below 50 logs/s": "pass", "50 to 500 logs/s": "fail"}
    assert found.witness["first_false_alarm"]["kind"] == "error_rate"


def test_where_no_seed_could_save_it_the_rest_is_not_played() -> None:
    trial = FakeTrial(fakes.Always)
    failure(ad03.run, trial, ad03.Plan(Exposure(0.2, 8)))
    assert trial.started == 3


def test_a_replay_of_false_alarms_plays_one_seed() -> None:
    trial = FakeTrial(fakes.Always, cases=["seed-1"])
    failure(ad03.run, trial, SMALL)
    assert trial.started == 1


def test_too_little_exposure_decides_nothing() -> None:
    trial = FakeTrial(fakes.Good)
    trial.budget_left = 100
    with pytest.raises(Undecided, match="are needed"):
        ad03.run(trial, SMALL)
    assert set(trial.parts.values()) == {"inconclusive"}


def test_the_plans_are_those_of_the_specification_and_shares_span_the_range() -> None:
    assert ad03.QUICK.needed == Exposure(3.0, 6) and ad03.FULL.needed == Exposure(12.0, 12)
    trial = FakeTrial(fakes.Good)
    declared = fakes.FakeProcess(fakes.Good).declared
    for plan in (ad03.QUICK, ad03.FULL):
        for warmup_ms in (60_000, 1_800_000):
            said = ad03.Declared(declared["bucket_ms"], warmup_ms, 0)
            made = [ad03.sources(trial, key, n, plan, said) for n, key in enumerate(plan.seeds)]
            for band in ad03.BANDS:
                shares = [source.error.highest for seed in made for b, source in seed if b is band]
                assert min(shares) == pytest.approx(0.001) and max(shares) == pytest.approx(0.20)
                assert len(shares) * plan.gated_s(said) / 3600 == pytest.approx(plan.needed.hours)
            assert all(source.rate.highest >= 500 for seed in made for b, source in seed if b is ad03.TOP)


# -- AD-08 ---------------------------------------------------------------------------------------------------------------------


def test_a_good_detector_sees_the_spike_twice() -> None:
    trial = FakeTrial(fakes.Good)
    ad08.test_second_spike_is_detected(trial)
    assert trial.credits == [1.0]


def test_a_day_ends_between_the_two_spikes() -> None:
    trial = FakeTrial(fakes.Good)
    for key in SEEDS:
        story = ad08.play(trial, key, ad08.declared_by(trial)).story
        first, second = (allowed.from_ms for allowed in story.allowed)
        assert first // DAY_MS + 1 == second // DAY_MS


def test_who_never_forgets_a_spike_misses_the_second() -> None:
    found = failure(ad08.test_second_spike_is_detected, FakeTrial(fakes.NeverForgets))
    assert found.witness["missed"]["seed-0"] == ["second"] and "the second alone" in str(found)


# -- AD-09 ---------------------------------------------------------------------------------------------------------------------


def test_a_good_detector_sees_errors_where_there_were_none() -> None:
    trial = FakeTrial(fakes.Good)
    ad09.test_zero_baseline_then_spike(trial)
    ad09.test_numbers_stay_finite(trial)
    assert trial.credits == [1.0]


def test_who_stays_silent_fails_from_zero() -> None:
    assert "unnoticed" in str(failure(ad09.test_zero_baseline_then_spike, FakeTrial(fakes.Silent)))


@pytest.mark.parametrize("suite", [ad09.test_zero_baseline_then_spike, ad09.test_numbers_stay_finite])
def test_a_division_by_nothing_is_found(suite: Any) -> None:
    found = failure(suite, FakeTrial(fakes.Ratios))
    assert found.witness["got"]["score"] == "Infinity" and len(found.witness["faults"]) == 2


# -- AD-13 ---------------------------------------------------------------------------------------------------------------------


def test_a_good_detector_says_the_same_in_all_variations() -> None:
    trial = FakeTrial(fakes.Good)
    ad13.test_same_input_same_alerts(trial)
    assert "8 variations" in trial.summaries[0]


def test_who_says_nothing_cannot_be_compared() -> None:
    with pytest.raises(Undecided, match="nothing to compare"):
        ad13.test_same_input_same_alerts(FakeTrial(fakes.Silent))


@pytest.mark.parametrize(
    ("make", "case"),
    [(fakes.WholeBatches, "singles"), (fakes.Unsteady, "again")],
)
def test_a_difference_is_found_and_named(make: type[fakes.Good], case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ad13, "MOST_SHRINK_RUNS", 5)
    found = failure(ad13.test_same_input_same_alerts, FakeTrial(make))
    assert found.witness["cases"] == [case]
    again = failure(ad13.test_same_input_same_alerts, FakeTrial(make, cases=[case]))
    assert again.witness["expected"] == found.witness["expected"]


def seen(*times_ms: int) -> list[SeenAlert]:
    return [SeenAlert(ms, ms, "checkout", "error_rate", "high", 1.0, "m") for ms in times_ms]


def test_repeating_at_the_edge_of_the_silence_is_no_difference_and_a_lost_onset_is_one() -> None:
    base = ad13.base_of(FakeTrial(fakes.Good))
    base.alerts = seen(*(base.gated_ms + n for n in (1_000, 31_000, 61_000)))
    assert not base.differs(seen(*(base.gated_ms + n for n in (1_000, 30_990, 61_000))))
    lost = base.differs(seen(base.gated_ms + 1_000 + base.slack_ms + 1))
    assert [onset.seen_ms for onset in lost.lost][:1] == [base.gated_ms + 1_000]


class Jitters(fakes.Good):
    """The second, and each later process dates its alerts half a millisecond later; `late` are those too slow for a hold."""

    made = 0
    late: frozenset[int] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        type(self).made += 1
        self.number = self.made
        self.in_time = self.number not in self.late

    def alert(self, service: str, kind: str, score: Any, message: str) -> dict[str, Any]:
        made = super().alert(service, kind, score, message)
        return {**made, "ts_ms": made["ts_ms"] + 0.5 * self.number}


def jittering(*late: int) -> type[Jitters]:
    return type("Jitters", (Jitters,), {"late": frozenset(late)})


@pytest.mark.parametrize("late", [(), (1,), (2,), (1, 2)])
def test_half_a_millisecond_is_a_difference_once_two_runs_were_held(late: tuple[int, ...]) -> None:
    found = failure(ad13.test_same_input_same_alerts, FakeTrial(jittering(*late), cases=["again"]))
    assert found.witness["cases"] == ["again"] and "alert 1 was" in found.witness["got"]


def test_where_no_two_runs_were_held_a_difference_charges_nobody() -> None:
    trial = FakeTrial(jittering(1, 2, 3, 4), cases=["again", "week-1"])
    with pytest.raises(Undecided, match="longer than its wall clock can be held"):
        ad13.test_same_input_same_alerts(trial)
    assert trial.started == 5, "the other variation is played all the same"


def test_an_unheld_run_that_says_the_same_is_the_same() -> None:
    class Slow(fakes.Good):
        in_time = False

    trial = FakeTrial(Slow, cases=["again"])
    ad13.test_same_input_same_alerts(trial)
    assert trial.summaries


class MinuteOfDay(fakes.Good):
    """Counts time from the first log in steps that fit no week."""

    bucket_ms = 1_000

    def advance(self, bucket: int, alerts: list[dict[str, Any]]) -> None:
        super().advance(bucket if bucket < 1_749_500_000 else 0, alerts)


def test_a_stream_moved_by_weeks_is_compared_too() -> None:
    found = failure(ad13.test_same_input_same_alerts, FakeTrial(MinuteOfDay))
    assert found.witness["cases"] == ["week-1"] or found.witness["cases"] == ["week-52"]


def test_an_order_that_matters_is_narrowed_to_few_logs() -> None:
    trial = FakeTrial(fakes.MindsTheOrder)
    base = ad13.base_of(trial)
    found = ad13.CHECKS["ties-reversed"](base)
    at_ms = base.traffic.ts_ms[3010]
    assert found is not None and "the onset of" in found.words
    from_ms, to_ms = found.small["reordered_ms"]
    assert abs(from_ms - at_ms) <= 500 and to_ms - from_ms <= 500


def test_the_log_that_closes_a_bucket_is_not_after_its_alert() -> None:
    class OnlyByLogs(fakes.Good):
        """Ticks close nothing: an alert comes with the first log of the next bucket."""

        def tick(self, now_ms: int) -> dict[str, Any]:
            return {"alerts": []}

    base = ad13.base_of(FakeTrial(OnlyByLogs))
    assert base.onsets and not base.onsets[0].alert.by_tick and ad13.prefix(base) is None


def test_an_alert_caused_by_later_logs_of_its_batch_is_found() -> None:
    class LooksAhead(fakes.Good):
        """Judges each log by the share of errors in its whole batch, and dates the alert to the batch's first log."""

        bucket_ms = 1

        def ingest(self, logs: list[Any], now_ms: int) -> dict[str, Any]:
            errors = sum(log["level"] in ("error", "fatal") for log in logs)
            alerts = []
            if len(logs) >= 4 and errors >= 4:
                alerts = [{**self.alert(logs[0]["service"], "error_rate", 1.0, "m"), "ts_ms": logs[0]["ts_ms"]}]
            return {"accepted": len(logs), "rejected": 0, "alerts": alerts}

        def tick(self, now_ms: int) -> dict[str, Any]:
            return {"alerts": []}

    found = ad13.prefix(ad13.base_of(FakeTrial(LooksAhead)))
    assert found is not None and "when its stream ended there" in found.words


# -- AD-20 ---------------------------------------------------------------------------------------------------------------------


def test_a_good_detector_survives_the_list() -> None:
    trial = FakeTrial(fakes.Good)
    ad20.test_bad_input(trial)
    assert "62 bad inputs" in trial.summaries[0] and kinds(trial) == ["timeline", "table"]


def test_lines_and_the_end_of_input_are_for_native_candidates() -> None:
    trial = FakeTrial(fakes.Good, native=False)
    ad20.test_bad_input(trial)
    assert "47 bad inputs" in trial.summaries[0]


def test_a_crash_is_charged_to_the_item_that_does_it_alone() -> None:
    found = failure(ad20.test_bad_input, FakeTrial(fakes.DiesOfNullLevel))
    assert found.witness["cases"] == ["log-empty-object"]
    assert set(found.witness["charged"].split(", ")) == {"log-empty-object", "level-missing", "level-null", "level-number"}
    assert "crashed" in str(found) and found.witness["stderr"]


def test_blindness_is_charged_to_the_item_that_does_it_alone() -> None:
    found = failure(ad20.test_bad_input, FakeTrial(fakes.FrozenByTheFuture))
    assert found.witness["cases"] == ["ts-2^53+1"] or found.witness["cases"] == ["ts-ten-years-ahead"]
    assert "unnoticed" in str(found)
    assert failure(ad20.test_bad_input, FakeTrial(fakes.FrozenByTheFuture, cases=found.witness["cases"]))


def test_who_sees_nothing_anyway_is_not_called_blinded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ad20, "FOR_ALL", ad20.FOR_ALL[:2])
    with pytest.raises(Undecided, match="without them too"):
        ad20.test_bad_input(FakeTrial(fakes.Silent, native=False))


def test_out_of_time_says_first_what_could_not_be_told_and_shows_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ad20, "FOR_ALL", ad20.FOR_ALL[:2])

    def one_then_out_of_time(_trial: Any, group: Any, findings: ad20.Findings) -> None:
        if findings.unknown:
            raise Undecided("too slow")
        findings.unknown.append(group[0].key)

    monkeypatch.setattr(ad20, "QUICK_GROUP", 1)
    monkeypatch.setattr(ad20, "judge", one_then_out_of_time)
    trial = FakeTrial(fakes.Silent, native=False)
    with pytest.raises(Undecided, match="without them too"):
        ad20.test_bad_input(trial)
    assert kinds(trial) == ["table"]


def test_out_of_time_with_nothing_else_to_say_is_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_time(*_: Any) -> None:
        raise Undecided("too slow")

    monkeypatch.setattr(ad20, "judge", out_of_time)
    with pytest.raises(Undecided, match="too slow"):
        ad20.test_bad_input(FakeTrial(fakes.Good, native=False))


def test_who_dies_of_good_traffic_is_not_charged_for_bad_input() -> None:
    class DiesOfErrors(fakes.Good):
        def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
            if errors > logs / 2:
                raise TypeError("toFixed of undefined")

    with pytest.raises(CandidateDied):
        ad20.test_bad_input(FakeTrial(DiesOfErrors))


def test_what_only_a_sequence_does_is_charged_to_the_sequence() -> None:
    class ThirdTime(fakes.Good):
        """Three different kinds of refusals, and it no longer looks."""

        refused = 0

        def valid(self, log: Any, now_ms: int) -> bool:
            good = super().valid(log, now_ms)
            self.refused += not good
            return good

        def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
            if self.refused < 6:
                super().judge(service, logs, errors, alerts)

    found = failure(ad20.test_bad_input, FakeTrial(ThirdTime))
    assert len(found.witness["cases"]) == ad20.QUICK_GROUP and "in sequence" in str(found)
    assert failure(ad20.test_bad_input, FakeTrial(ThirdTime, cases=found.witness["cases"]))


def test_who_outlives_the_end_of_its_input_is_found_and_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fakes.FakeProcess, "finish", lambda self, patience_s: None)
    monkeypatch.setattr(ad20, "FOR_ALL", ())
    found = failure(ad20.test_bad_input, FakeTrial(fakes.Good))
    assert found.witness["cases"] == ["half-a-line-then-end"] and "still running" in str(found)
    assert failure(ad20.test_bad_input, FakeTrial(fakes.Good, cases=found.witness["cases"]))


def test_the_list_names_every_item_once_and_shows_it() -> None:
    items = ad20.FOR_ALL + ad20.FOR_NATIVE
    assert len({item.key for item in items}) == len(items) == 62
    assert all(0 < len(item.shown()) < 400 for item in items if item.key != "line-empty")
