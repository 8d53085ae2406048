"""AD-22: what is rejected and accepted is as the protocol's table says, and what is rejected changes no alert of the rest.

Every row of the table alone, then rows mixed into batches with good logs; what is charged was confirmed on a process of its
own. Then a stream with a MUST step, with and without logs that must be rejected strewn into every batch: the same alerts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
import pytest

from challenges.anomaly_detection.acceptance import ACCEPTED, EITHER, HARMLESS, REJECTED, TABLE, Moment, Row, Verdict, log_of
from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.cases import Case, Result, declared_by, judge
from challenges.anomaly_detection.counted import CountingDetector
from challenges.anomaly_detection.onsets import VOLUME, Onset, onsets
from challenges.anomaly_detection.pairing import onset_changes
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback
from challenges.anomaly_detection.sameness import exact_difference
from challenges.anomaly_detection.scenarios import SETTLE_S, Span, Strength, first_step_s, spiky, stream_start_ms
from challenges.anomaly_detection.traffic import Source, Traffic, flat, generate
from harness.errors import RpcError
from harness.runtime.trial import Trial, Violation

SERVICE = "checkout"
STEADY_RATE = 20.0
STEADY_AFTER_S = 5.0
MIXED_ROUNDS, MIXED_ROWS = 3, 6
MOST_WITNESSES = 8
AS_WANTED = "so it was"
STRENGTH = Strength(rate=50.0, p0=0.01, p1=0.55)
STREWN = 3
REJECTS_STREWN = "rejected logs strewn in"
UNKNOWN_LEVEL = "logs of an unknown level"
UNKNOWN_SHARE = 0.5


# -- counts ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wrong:
    """A batch whose counts were wrong: its rows, and what was said of it."""

    rows: tuple[Row, ...]
    said: str
    shown: str

    @property
    def words(self) -> str:
        return f"{' + '.join(dict.fromkeys(row.key for row in self.rows))}: {self.said}"


def settled(trial: Trial) -> CountingDetector:
    """A process after its warm-up in quiet traffic."""
    rng = trial.rng("AD-22/steady")
    start_ms = stream_start_ms(rng)
    detector = CountingDetector(trial, trial.start(wall_ms=start_ms))
    length_s = detector.declared.warmup_ms / 1000 + STEADY_AFTER_S
    detector.play(Playback(generate([Source(SERVICE, flat(STEADY_RATE), flat(0.01))], start_ms, length_s, rng)))
    return detector


def counted(detector: CountingDetector, rows: Sequence[Row], good: int = 0) -> Wrong | None:
    """Hands over one batch: the rows' logs in turn, a good log after each as long as there are any. None if it is counted right."""
    moment = Moment(detector.newest_ms, SERVICE, detector.declared.lateness_ms)
    logs: list[bytes] = []
    for number, row in enumerate(rows):
        logs += row.logs(moment) + [log_of(moment, level="info")] * (number < good)
    sizes = {verdict: sum(len(row.logs(moment)) for row in rows if row.verdict is verdict) for verdict in Verdict}
    least = sizes[Verdict.ACCEPTED] + min(good, len(rows))
    most = least + sizes[Verdict.EITHER]
    try:
        accepted = detector.hand_over(logs, moment.now_ms)
    except RpcError as error:
        return Wrong(tuple(rows), f"the batch was answered with error {error.code}: {error.message[:120]}", _shown(logs))
    if least <= accepted <= most:
        return None
    wanted = str(least) if least == most else f"{least} to {most}"
    return Wrong(tuple(rows), f"accepted {accepted} of {len(logs)} logs, to be accepted were {wanted}", _shown(logs))


def _shown(logs: Sequence[bytes]) -> str:
    text = b",".join(logs)[:240].decode("utf-8", "backslashreplace")
    return text if len(text) < 240 else text + "..."


def alone(trial: Trial, rows: Sequence[Row], said: dict[str, str]) -> list[Wrong]:
    """Each row as a batch of its own; the wrong ones once more on a process of their own, which alone counts.

    `said` is told of each row, by its key, what came of it.
    """
    detector = settled(trial)
    suspects = [row for row in rows if counted(detector, [row])]
    detector.close()
    said |= {row.key: AS_WANTED for row in rows} | {row.key: "otherwise, and not asked again: not charged" for row in suspects}
    found = []
    for row in suspects[:MOST_WITNESSES]:
        fresh = settled(trial)
        wrong = counted(fresh, [row])
        fresh.close()
        said[row.key] = wrong.said if wrong else f"{AS_WANTED}, asked again"
        found += [wrong] if wrong else []
    return found


def mixed(trial: Trial) -> Wrong | None:
    """Batches of several rows with good logs between them, each row in one of them at least."""
    detector = settled(trial)
    rng = trial.rng("AD-22/mixed")
    every = REJECTED + ACCEPTED + HARMLESS
    places = np.concatenate([rng.permutation(len(every)) for _ in range(MIXED_ROUNDS)]).tolist()
    batches = [[every[n] for n in places[at : at + MIXED_ROWS]] for at in range(0, len(places), MIXED_ROWS)]
    wrong = next((found for rows in batches if (found := counted(detector, rows, good=len(rows)))), None)
    detector.close()
    return wrong


@pytest.mark.requirement("AD-22")
def test_counts_follow_the_table(trial: Trial) -> None:
    rows = trial.cases(TABLE, key=lambda row: row.key)
    # What may be accepted may move the candidate's time: it comes after the rest, on a process of its own.
    said: dict[str, str] = {}
    parts = ([row for row in part if row in rows] for part in (REJECTED + ACCEPTED, EITHER))
    found = [wrong for part in parts for wrong in alone(trial, part, said)]
    if not found and (not trial.replaying or len(rows) == len(TABLE)):
        found += [wrong] if (wrong := mixed(trial)) else []
    table = [[row.key, row.verdict.value, said.get(row.key, "not asked")] for row in TABLE]
    trial.evidence({"kind": "table", "title": "Rows of the protocol", "columns": ["log", "must be", "result"], "rows": table})
    if found:
        raise Violation(
            f"logs were counted otherwise than the protocol's table says: {'; '.join(wrong.words for wrong in found[:3])}"[
                :500
            ],
            witness={
                "cases": [wrong.rows[0].key for wrong in found if len(wrong.rows) == 1],
                "logs": [wrong.shown for wrong in found][:3],
                "expected": {row.key: row.verdict.value for wrong in found for row in wrong.rows},
                "got": [wrong.words for wrong in found],
            },
        )
    trial.summary(f"{len(rows)} kinds of logs counted as the protocol says, alone and mixed")


# -- what counts for nothing changes nothing --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stream:
    """One seed's stream with a MUST step, and from when on our own logs are strewn in."""

    playback: Playback
    declared: Declared
    step: Span
    gated_ms: int
    strewn_ms: int

    @property
    def traffic(self) -> Traffic:
        return self.playback.traffic


def stream(trial: Trial, seed: str, declared: Declared) -> Stream:
    """The stream of one seed."""
    rng = trial.rng(f"AD-22/{seed}")
    start_ms = stream_start_ms(rng)
    step_s = first_step_s(declared, rng)
    end_s = step_s + declared.onset_limit_ms / 1000 + 1
    gated_ms = start_ms + declared.warmup_ms
    return Stream(
        playback=Playback(generate([spiky(SERVICE, STRENGTH, [(step_s, end_s)])], start_ms, end_s, rng)),
        declared=declared,
        step=Span(start_ms + round(step_s * 1000), start_ms + round(end_s * 1000)),
        gated_ms=gated_ms,
        strewn_ms=gated_ms + round(SETTLE_S * 500),
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """The alerts after the warm-up, what was wrong with a count, if anything, and whether the wall clock was held
    throughout (see `Detector.held`)."""

    alerts: list[SeenAlert]
    fault: str
    held: bool


def heard(trial: Trial, one: Stream, strewn: Sequence[Row], share: float = 0.0) -> Heard:
    """What is heard with those rows strewn into every batch.

    STREWN rows go into each batch, or with `share` so many for each of its own logs.
    """
    detector = CountingDetector(trial, trial.start(wall_ms=one.traffic.start_ms))
    rng, rows = trial.rng("AD-22/strewn"), cycle(strewn or REJECTED)
    fault = ""
    for step in one.playback:
        count = 0 if not strewn or step.now_ms < one.strewn_ms else round(share * step.logs) if share else STREWN
        if not count:
            detector.play([step])
            continue

        def ours(now_ms: int, count: int = count) -> list[bytes]:
            moment = Moment(now_ms, SERVICE, one.declared.lateness_ms)
            return [log for _ in range(count) for log in next(rows).logs(moment)]

        try:
            accepted = detector.play_strewn(step, ours, rng)
        except RpcError as error:
            fault = fault or f"a batch with such logs was answered with error {error.code}, which loses its good logs"
            continue
        if not share and step.logs and accepted != step.logs:
            fault = fault or f"a batch of {step.logs} good logs and {count} to be rejected was counted as {accepted} accepted"
    detector.close()
    return Heard([alert for alert in detector.alerts if alert.seen_ms >= one.gated_ms], fault, detector.held)


def rejected_case(trial: Trial, case: Case, declared: Declared) -> Result:
    """One seed with and without what must be rejected."""
    one = stream(trial, case.seed, declared)
    undisturbed, strewn = heard(trial, one, ()), heard(trial, one, REJECTED)
    clean, alerts = undisturbed.alerts, strewn.alerts
    words = strewn.fault or exact_difference(clean, alerts)
    held = undisturbed.held and strewn.held
    if not strewn.fault and words and (not held or exact_difference(clean, heard(trial, one, ()).alerts)):
        # It does not say the same twice even of the same input, which is AD-13's affair, or its wall clock could not be
        # held: here the onsets must do.
        slack_ms, to_ms = declared.same_onset_ms, one.step.from_ms + declared.onset_limit_ms
        words = "; ".join(onset_changes(clean, alerts, slack_ms=slack_ms, from_ms=one.gated_ms, to_ms=to_ms).phrases())
    return _result(case, one, alerts, words or "", expected="the same alerts as without them", told=bool(clean or alerts))


def unknown_case(trial: Trial, case: Case, declared: Declared) -> Result:
    """One seed's steady part with logs of an unknown level on top: they count as no errors, if at all."""
    one = stream(trial, case.seed, declared)
    before = one.traffic.rows(one.traffic.ts_ms < one.step.from_ms)
    steady = Stream(Playback(before), declared, Span(one.step.from_ms, one.step.from_ms), one.gated_ms, one.strewn_ms)
    rows = [row for row in EITHER if row.key == "level unknown"]
    raised = false_onsets(trial, steady, rows)
    told = not raised or not false_onsets(trial, steady, ())
    words = f"{len(raised)} onsets where nothing happened but logs of level 'notice'" if raised and told else ""
    return _result(case, steady, [o.alert for o in raised], words, expected="no onset: an unknown level is no error", told=told)


def false_onsets(trial: Trial, steady: Stream, rows: Sequence[Row]) -> list[Onset]:
    """The onsets in a steady stream since the rows are strewn in."""
    alerts = heard(trial, steady, rows, UNKNOWN_SHARE).alerts
    return [onset for onset in onsets(alerts) if onset.kind != VOLUME and onset.seen_ms >= steady.strewn_ms]


def _result(case: Case, one: Stream, alerts: list[SeenAlert], words: str, *, expected: str, told: bool) -> Result:
    return Result(
        case,
        words[:600],
        told=told,
        picture=picture(case, one, alerts),
        witness={"stream_start_ms": one.traffic.start_ms, "strewn_from_ms": one.strewn_ms, "expected": expected},
    )


def picture(case: Case, one: Stream, alerts: list[SeenAlert]) -> dict[str, Any]:
    """The stream's own logs, without those strewn in."""
    window = Span(max(one.traffic.start_ms, one.gated_ms - 15_000), one.traffic.end_ms)
    marks = [(Span(one.strewn_ms, one.traffic.end_ms), case.variation), (one.step, "MUST step")]
    title = f"{SERVICE}, {case.variation}: {len(alerts)} alerts"
    return timeline(title, one.traffic, SERVICE, alerts, truth=marks, window=window)


@pytest.mark.requirement("AD-22")
def test_what_is_rejected_changes_nothing(trial: Trial) -> None:
    declared = declared_by(trial)
    checks = {REJECTS_STREWN: rejected_case, UNKNOWN_LEVEL: unknown_case}
    judge(
        trial,
        list(checks),
        lambda case: checks[case.variation](trial, case, declared),
        title="Logs that count for nothing",
        failure="logs that count for nothing changed the alerts",
        untold="there was no alert to be changed, or there were alerts without cause anyway",
    )
    trial.summary("alerts are the same with and without logs that must be rejected, and an unknown level is no error")
