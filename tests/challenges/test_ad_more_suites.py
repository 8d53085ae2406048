"""The suites on isolation, clocks, acceptance and restarts, on fake candidates: a good one passes, each fault is found.

Most play one case, as a replay does; the specimens play them in full, on real processes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fake_candidate as fakes
import pytest
from fake_candidate import FakeProcess, FakeTrial

from challenges.anomaly_detection.suites import test_ad12_isolation as ad12
from challenges.anomaly_detection.suites import test_ad15_skewed_sources as ad15
from challenges.anomaly_detection.suites import test_ad16_host_clock as ad16
from challenges.anomaly_detection.suites import test_ad21_year_ahead as ad21
from challenges.anomaly_detection.suites import test_ad22_acceptance as ad22
from challenges.anomaly_detection.suites import test_ad30_snapshot as ad30
from challenges.anomaly_detection.suites import test_ad31_damaged_snapshot as ad31
from challenges.anomaly_detection.suites import test_ad32_cold_restart as ad32
from harness.errors import NotOffered, RpcError, Undecided, Violation

MIB = 2**20


@dataclass(frozen=True)
class Killed:
    """The proof of a kill."""

    took: bool = True
    states: tuple[int, ...] = ()


class KeptProcess(FakeProcess):
    """A fake process that can be killed, weighed, and asked for its state."""

    def kill(self) -> Killed:
        return Killed()

    def rss_bytes(self) -> int:
        return int(getattr(self._candidate, "rss_bytes", 50 * MIB))

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        candidate: Any = self._candidate
        if method == "snapshot":
            return {"state": candidate.snapshot()}
        if method == "restore":
            try:
                candidate.restore(params["state"])
            except (ValueError, KeyError, TypeError) as error:
                raise RpcError(-32602, str(error), method=method) from error
            return {}
        return super()._call(method, params)


class KeptTrial(FakeTrial):
    """A trial of such processes."""

    def start(self, node_id: str = "p0", *, wall_ms: int) -> FakeProcess:
        self.started += 1
        return KeptProcess(self.make)


class Kept(fakes.Good):
    """Good, with a snapshot behind a checksum."""

    capabilities = ("reset", "snapshot")

    def content(self) -> dict[str, Any]:
        return {"current": self.current, "counts": self.counts, "share": self.share, "seen": self.seen}

    def snapshot(self) -> str:
        text = json.dumps(self.content())
        return f"{zlib.crc32(text.encode()):08x} {text}"

    def restore(self, state: str) -> None:
        checksum, _, text = state.partition(" ")
        if checksum != f"{zlib.crc32(text.encode()):08x}":
            raise ValueError("damaged")
        self.take_over(json.loads(text))

    def take_over(self, kept: dict[str, Any]) -> None:
        self.current, self.counts, self.share, self.seen = (kept[k] for k in ("current", "counts", "share", "seen"))


def failure(suite: Any, make: type[fakes.Good], cases: Sequence[str] = ()) -> Violation:
    with pytest.raises(Violation) as caught:
        suite(KeptTrial(make, cases=cases))
    assert caught.value.witness["cases"]
    return caught.value


def passes(suite: Any, make: type[fakes.Good], cases: Sequence[str] = ()) -> KeptTrial:
    trial = KeptTrial(make, cases=cases)
    suite(trial)
    return trial


# -- AD-12 -----------------------------------------------------------------------------------------------------------------------


class OneCooldown(fakes.Good):
    """After an alert it is silent for a minute, about everything."""

    silent_until = -1

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        before, now = len(alerts), self.current or 0
        super().judge(service, logs, errors, alerts)
        if len(alerts) > before:
            if now < self.silent_until:
                alerts.pop()
            else:
                self.silent_until = now + 60_000 // self.bucket_ms


class StormBrake(fakes.Good):
    """For 12 s after an alert no other service may alert."""

    last = ("", -100)

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        before, now = len(alerts), self.current or 0
        super().judge(service, logs, errors, alerts)
        if len(alerts) > before:
            if service != self.last[0] and (now - self.last[1]) * self.bucket_ms < 12_000:
                alerts.pop()
            else:
                self.last = (service, now)


def test_a_neighbour_that_alerts_just_before() -> None:
    assert "interleaved" in failure(ad12.test_services_do_not_disturb_each_other, StormBrake).witness["failed"]


def test_services_by_themselves() -> None:
    assert passes(ad12.test_services_do_not_disturb_each_other, fakes.Good).credits == [1.0]
    found = failure(ad12.test_services_do_not_disturb_each_other, OneCooldown)
    assert found.witness["failed"] == ["added", "interleaved"]
    assert failure(ad12.test_services_do_not_disturb_each_other, OneCooldown, found.witness["cases"])


def test_who_never_alerts_is_not_called_isolated() -> None:
    with pytest.raises(Undecided, match="nothing to compare"):
        passes(ad12.test_services_do_not_disturb_each_other, fakes.Silent)


# -- AD-15 -----------------------------------------------------------------------------------------------------------------------


class Late(fakes.Good):
    """Counts what is late in the present bucket."""

    lateness_ms = 3_000


class ThrowsAway(Late):
    """A log older than the one before it empties the bucket."""

    newest_ms = 0

    def take(self, log: Any, now_ms: int, alerts: list[dict[str, Any]]) -> bool:
        if log["ts_ms"] < self.newest_ms:
            self.counts = {}
        self.newest_ms = log["ts_ms"]
        return super().take(log, now_ms, alerts)


def test_sources_apart() -> None:
    assert "logs up to 27" in passes(ad15.test_sources_apart, Late, ["seed-1/sources apart"]).summaries[0]
    assert "logs up to 0 ms" in passes(ad15.test_sources_apart, fakes.Good, ["seed-1/sources apart"]).summaries[0]
    assert "no onset" in str(failure(ad15.test_sources_apart, ThrowsAway, ["seed-1/sources apart"]))


# -- AD-16 -----------------------------------------------------------------------------------------------------------------------


class OwnTime(fakes.Good):
    """Its time is that of the logs."""

    def valid(self, log: Any, now_ms: int) -> bool:
        return super().valid(log, log["ts_ms"])

    def tick(self, now_ms: int) -> dict[str, Any]:
        return {"alerts": []}


class AlarmedByTheClock(OwnTime):
    """A clock that jumps is an incident to it."""

    host_ms = 0

    def ingest(self, logs: list[Any], now_ms: int) -> dict[str, Any]:
        result = super().ingest(logs, now_ms)
        if self.host_ms and abs(now_ms - self.host_ms) > 60_000:
            result["alerts"].append(self.alert(logs[0]["service"], "clock", 1.0, "the clock has jumped"))
        self.host_ms = now_ms
        return result


@pytest.mark.parametrize("clock", ["+3 s", "-1 h", "strobe"])
def test_steps_under_wrong_clocks(clock: str) -> None:
    passes(ad16.test_steps_are_detected, OwnTime, [f"seed-1/{clock}"])
    if clock == "-1 h":
        assert "under a right clock it has one" in str(failure(ad16.test_steps_are_detected, fakes.Good, [f"seed-1/{clock}"]))


class MuteUntilThen(OwnTime):
    """15 s between two alerts of a service, by the clock of its host."""

    host_ms = 0

    def __init__(self) -> None:
        super().__init__()
        self.told_ms: dict[str, int] = {}

    def ingest(self, logs: list[Any], now_ms: int) -> dict[str, Any]:
        self.host_ms = now_ms
        return super().ingest(logs, now_ms)

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        before = len(alerts)
        super().judge(service, logs, errors, alerts)
        if len(alerts) > before:
            if self.host_ms - self.told_ms.get(service, -(10**9)) < 15_000:
                alerts.pop()
            else:
                self.told_ms[service] = self.host_ms


def test_a_step_after_an_alert_when_the_clock_has_stepped_back() -> None:
    asked = ad16.test_steps_after_an_alert_are_detected
    assert "an hour" in passes(asked, OwnTime).summaries[0]
    found = failure(asked, MuteUntilThen)
    assert found.witness["failed"] == [ad16.AFTER_ALERT] and found.witness["clock_off_by"] == ad16.AFTER_ALERT
    assert failure(asked, MuteUntilThen, found.witness["cases"])
    passes(ad16.test_steps_are_detected, MuteUntilThen, ["seed-1/-1 h"])  # without an alert before there is nothing to see


def test_who_does_not_see_a_second_step_is_not_asked_for_it_under_a_wrong_clock() -> None:
    assert "was not asked" in passes(ad16.test_steps_after_an_alert_are_detected, fakes.Silent).summaries[0]


def test_steady_traffic_under_wrong_clocks() -> None:
    case = [f"seed-1/{ad16.TOUR}"]
    passes(ad16.test_no_false_alarms, OwnTime, case)
    assert failure(ad16.test_no_false_alarms, AlarmedByTheClock, case).witness["first_false_alarm"]["kind"] == "clock"
    with pytest.raises(Undecided, match="whose doing"):
        passes(ad16.test_no_false_alarms, fakes.Always, case)


def test_an_alert_at_the_clocks_step_does_not_hide_a_detection() -> None:
    passes(ad16.test_steps_are_detected, AlarmedByTheClock, ["seed-1/-1 h"])


# -- AD-21 -----------------------------------------------------------------------------------------------------------------------


class Bloated(fakes.Good):
    """A log from next year costs 100 MiB."""

    rss_bytes = 50 * MIB

    def valid(self, log: Any, now_ms: int) -> bool:
        if log["ts_ms"] > now_ms + 10**10:
            self.rss_bytes = 150 * MIB
        return super().valid(log, now_ms)


class DiesOfNextYear(fakes.Good):
    def valid(self, log: Any, now_ms: int) -> bool:
        if log["ts_ms"] > now_ms + 10**10:
            raise OverflowError("date out of range")
        return super().valid(log, now_ms)


def test_a_log_from_next_year() -> None:
    assert passes(ad21.test_log_from_next_year, fakes.Good).credits == [1.0]
    case = [f"seed-0/{ad21.EARLY}"]
    assert "unnoticed" in str(failure(ad21.test_log_from_next_year, fakes.FrozenByTheFuture, case))
    assert "grow by 100 MiB" in str(failure(ad21.test_log_from_next_year, Bloated, case))
    assert "after the log" in str(failure(ad21.test_log_from_next_year, DiesOfNextYear, case))


# -- AD-22 -----------------------------------------------------------------------------------------------------------------------


class ReadsText(fakes.Good):
    def valid(self, log: Any, now_ms: int) -> bool:
        if isinstance(log, dict) and isinstance(log.get("ts_ms"), str) and log["ts_ms"].isdigit():
            log["ts_ms"] = int(log["ts_ms"])
        return super().valid(log, now_ms)


class CountsRejected(fakes.Good):
    def take(self, log: Any, now_ms: int, alerts: list[dict[str, Any]]) -> bool:
        taken = super().take(log, now_ms, alerts)
        if not taken and isinstance(log, dict) and log.get("level") == "error" and log.get("service") in self.counts:
            self.counts[log["service"]][1] += 1
        return taken


class KnownOnly(fakes.Good):
    def take(self, log: Any, now_ms: int, alerts: list[dict[str, Any]]) -> bool:
        if isinstance(log, dict) and log.get("level") == "notice":
            log["level"] = "error"
        return super().take(log, now_ms, alerts)


class Hashable(CountsRejected):
    def take(self, log: Any, now_ms: int, alerts: list[dict[str, Any]]) -> bool:
        plain = isinstance(log, dict) and not isinstance(log.get("service"), list | dict)
        return super().take(log, now_ms, alerts) if plain else False


def test_rows_of_the_table() -> None:
    assert "56 kinds" in passes(ad22.test_counts_follow_the_table, fakes.Good).summaries[0]
    found = failure(ad22.test_counts_follow_the_table, ReadsText)
    assert found.witness["cases"] == ["ts_ms a text of digits"]
    assert failure(ad22.test_counts_follow_the_table, ReadsText, found.witness["cases"])


def test_a_row_that_was_wrong_but_not_asked_again_is_not_called_right(monkeypatch: pytest.MonkeyPatch) -> None:
    class TakesAll(fakes.Good):
        def valid(self, log: Any, now_ms: int) -> bool:
            return True

        def take(self, log: Any, now_ms: int, alerts: list[dict[str, Any]]) -> bool:
            return True

    monkeypatch.setattr(ad22, "MOST_WITNESSES", 1)
    trial = FakeTrial(TakesAll)
    with pytest.raises(Violation):
        ad22.test_counts_follow_the_table(trial)
    said = {key: result for key, _verdict, result in trial.evidences[0]["rows"]}
    assert said["a number for a log"].startswith("accepted 1 of 1")
    assert said["null for a log"] == "otherwise, and not asked again: not charged"
    assert said["level INFO"] == "so it was"


def test_what_is_rejected_and_unknown_levels() -> None:
    for variation in (ad22.REJECTS_STREWN, ad22.UNKNOWN_LEVEL):
        passes(ad22.test_what_is_rejected_changes_nothing, fakes.Good, [f"seed-0/{variation}"])
    assert failure(ad22.test_what_is_rejected_changes_nothing, Hashable, [f"seed-0/{ad22.REJECTS_STREWN}"])
    assert failure(ad22.test_what_is_rejected_changes_nothing, KnownOnly, [f"seed-0/{ad22.UNKNOWN_LEVEL}"])


# -- AD-30, AD-31, AD-32 -----------------------------------------------------------------------------------------------------------


class LosesShares(Kept):
    def take_over(self, kept: dict[str, Any]) -> None:
        super().take_over({**kept, "share": dict.fromkeys(kept["share"], 0.0)})


class NoChecksum(Kept):
    def snapshot(self) -> str:
        return json.dumps(self.content())

    def restore(self, state: str) -> None:
        self.take_over(json.loads(state))


class ShortIsNone(Kept):
    def restore(self, state: str) -> None:
        if len(state) > 8:
            super().restore(state)


class Stunned(Kept):
    def restore(self, state: str) -> None:
        self.current = 10**9
        super().restore(state)


class Storm(fakes.Good):
    """Alerts every 35 s about any service above 5 %."""

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        if errors > 0.05 * logs and (self.current or 0) % 7 == 0:
            alerts.append(self.alert(service, "error_rate", 1.0, "m"))


class TellsAgain(Kept):
    """An incident is told once, and after a restart once more, 40 s after the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.told: set[str] = set()
        self.told_ms: dict[str, int] = {}

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        before, now_ms = len(alerts), (self.current or 0) * self.bucket_ms
        super().judge(service, logs, errors, alerts)
        if len(alerts) == before:
            self.told.discard(service)
        elif service in self.told or now_ms - self.told_ms.get(service, -(10**9)) < 40_000:
            alerts.pop()
        else:
            self.told.add(service)
            self.told_ms[service] = now_ms

    def content(self) -> dict[str, Any]:
        return {**super().content(), "told_ms": self.told_ms}

    def take_over(self, kept: dict[str, Any]) -> None:
        super().take_over(kept)
        self.told_ms = dict(kept["told_ms"])


def test_a_spike_outlasts_a_restart_by_long_enough_for_a_second_onset() -> None:
    assert failure(ad30.test_restart_goes_unnoticed, TellsAgain).witness["failed"] == [ad30.GOING_ON]


def test_restarts_from_a_snapshot() -> None:
    trial = passes(ad30.test_restart_goes_unnoticed, Kept)
    assert trial.credits == [1.0] and "at 6 moments" in trial.summaries[0]
    found = failure(ad30.test_restart_goes_unnoticed, LosesShares)
    assert ad30.STEADY in found.witness["failed"] and "batch-import" in str(found)
    assert failure(ad30.test_restart_goes_unnoticed, LosesShares, found.witness["cases"])


def test_a_control_without_difference_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ad30, "cold_differs", lambda *_: False)
    with pytest.raises(Undecided, match="nothing is shown"):
        passes(ad30.test_restart_goes_unnoticed, Kept)
    monkeypatch.setattr(ad30, "cold_differs", lambda _trial, _told, _base, moment: moment == ad30.CLEAR)
    assert "makes no difference in the warm-up" in passes(ad30.test_restart_goes_unnoticed, Kept).summaries[0]


@pytest.mark.parametrize("suite", [ad30.test_restart_goes_unnoticed, ad31.test_damage_is_recognised])
def test_without_snapshots_it_is_not_offered(suite: Any) -> None:
    with pytest.raises(NotOffered, match="snapshot"):
        suite(KeptTrial(fakes.Good))


def test_damaged_snapshots() -> None:
    assert "refused, 0 without effect" in passes(ad31.test_damage_is_recognised, Kept).summaries[0]
    assert "truncated state was accepted" in str(failure(ad31.test_damage_is_recognised, ShortIsNone))
    assert "flipped bit" in str(failure(ad31.test_damage_is_recognised, NoChecksum))
    assert "refused states" in str(failure(ad31.test_damage_is_recognised, Stunned))


def test_a_kill_that_does_not_take_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeptProcess, "kill", lambda self: Killed(took=False))
    with pytest.raises(Undecided, match="SIGKILL"):
        passes(ad32.test_cold_restart_raises_no_storm, fakes.Good)


def test_cold_restarts() -> None:
    assert passes(ad32.test_cold_restart_raises_no_storm, fakes.Good).credits == [1.0]
    found = failure(ad32.test_cold_restart_raises_no_storm, Storm)
    assert len(found.witness["onsets"]) >= 2 and ad32.EXEMPT not in str(found)
