"""AD-13: the same input gives the same alerts, and what carries no meaning changes no onset.

Variations of one stream: played again; other batches; another order among logs of equal time; whole weeks later; cut
off right after the log with which an alert came. A failing variation of batches or order is narrowed to a short stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from challenges.anomaly_detection.alerts import SeenAlert
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import SILENCE_MS, Onset, onsets
from challenges.anomaly_detection.pairing import Changes, onset_changes, starts, unpaired
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import BATCH_SPAN_MS, Playback, Step
from challenges.anomaly_detection.sameness import exact_difference, smallest_range
from challenges.anomaly_detection.scenarios import Span, Strength, first_step_s, spiky, stream_start_ms
from challenges.anomaly_detection.traffic import Ints, Traffic, generate, reordered_ties, shifted, with_ties
from harness.runtime.trial import Trial, Undecided, Violation

STRENGTH = Strength(rate=50.0, p0=0.01, p1=0.5)
TIE_MS = 100
AFTER_S = 60.0
WEEK_MS = 7 * 86_400_000
MOST_SHRINK_RUNS = 24
MOST_PREFIXES = 2
MOST_RUNS_AGAIN = 3
MOST_LOGS_SHOWN = 12
MOST_NAMED = 4
VARIATIONS = ("again", "singles", "random-batches", "ties-reversed", "ties-shuffled", "week-1", "week-52", "prefix")


@dataclass(slots=True)
class Base:
    """The stream that is varied, and what the candidate said of it after its warm-up. `narrows`: whether a difference
    is still to be narrowed down to a short stretch."""

    trial: Trial
    playback: Playback
    spikes: tuple[Span, ...]
    gated_ms: int
    slack_ms: int
    lag_ms: int
    alerts: list[SeenAlert]
    held: bool
    narrows: bool = True
    spare: Detector | None = None

    @property
    def traffic(self) -> Traffic:
        return self.playback.traffic

    @property
    def onsets(self) -> list[Onset]:
        return onsets(self.alerts)

    def hear(self, playback: Playback, *, later_ms: int = 0) -> list[SeenAlert]:
        """The alerts after the warm-up of a fresh process that is played this; `later_ms` is how far it is shifted."""
        return self.hear_held(playback, later_ms=later_ms)[0]

    def hear_held(self, playback: Playback, *, later_ms: int = 0) -> tuple[list[SeenAlert], bool]:
        """As `hear`, and whether its wall clock stood at the moments of the stream throughout (see `Detector.held`)."""
        detector = Detector.start(self.trial, playback.traffic.start_ms)
        detector.play(playback)
        detector.close()
        return [alert for alert in detector.alerts if alert.seen_ms >= self.gated_ms + later_ms], detector.held

    def hear_again(self, steps: Sequence[Step]) -> list[SeenAlert]:
        """As `hear`, with one process for many runs where the candidate can forget everything (capability `reset`)."""
        start_ms = self.traffic.start_ms
        if self.spare is None:
            self.spare = Detector.start(self.trial, start_ms)
        elif "reset" in self.spare.process.capabilities:
            self.spare.reset(start_ms)
        else:
            self.spare.close()
            self.spare = Detector.start(self.trial, start_ms)
        self.spare.play(steps)
        return [alert for alert in self.spare.alerts if alert.seen_ms >= self.gated_ms]

    def differs(self, alerts: list[SeenAlert], *, to_ms: int | None = None) -> Changes:
        """The onsets that this and the varied run do not share, of those whose partner would still have been seen."""
        last_ms = self.traffic.end_ms - self.slack_ms if to_ms is None else to_ms
        return onset_changes(self.alerts, alerts, slack_ms=self.slack_ms, from_ms=self.gated_ms, to_ms=last_ms)


def base_of(trial: Trial) -> Base:
    """Two services, each with one MUST step, 30 s apart; many logs share their millisecond."""
    rng = trial.rng("AD-13")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    declared = detector.declared
    first_s = first_step_s(declared, rng)
    hold_s = declared.hold_ms / 1000
    spikes_s = [(first_s, first_s + hold_s), (first_s + 30, first_s + 30 + hold_s)]
    made = [spiky(name, STRENGTH, [spike]) for name, spike in zip(("checkout", "search"), spikes_s, strict=True)]
    traffic = with_ties(generate(made, start_ms, first_s + 30 + hold_s + AFTER_S, rng), TIE_MS)
    playback = Playback(traffic)
    detector.play(playback)
    detector.close()
    gated_ms = start_ms + declared.warmup_ms
    return Base(
        trial=trial,
        playback=playback,
        spikes=tuple(Span(start_ms + round(a * 1000), start_ms + round(b * 1000)) for a, b in spikes_s),
        gated_ms=gated_ms,
        slack_ms=declared.same_onset_ms,
        lag_ms=declared.lag_ms,
        alerts=[alert for alert in detector.alerts if alert.seen_ms >= gated_ms],
        held=detector.held,
    )


# -- the variations: each gives None, or what was found -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A difference in words, the alerts of the varied run, the smallest stretch that shows it, and the service concerned."""

    words: str
    alerts: list[SeenAlert]
    small: dict[str, Any]
    service: str = ""


def found_in(differs: Changes, alerts: list[SeenAlert], small: dict[str, Any]) -> Found:
    """The difference as what was found: its first few onsets, and the service of the first."""
    return Found("; ".join(differs.phrases()[:MOST_NAMED]), alerts, small, differs.first.service)


def again(base: Base) -> Found | None:
    """The same input to another process: the same alerts, exactly.

    The wall clock is part of the input. Where it ran on in one of the two runs, because the start or a reply outlasted the
    hold, the two were not told the same: such a difference charges nobody, and another process is asked. Raises Undecided if
    there are no two runs under equal clocks to compare.
    """
    first, first_held = base.alerts, base.held
    for _ in range(MOST_RUNS_AGAIN):
        alerts, held = base.hear_held(base.playback)
        if (words := exact_difference(first, alerts)) is None:
            return None
        if first_held and held:
            return Found(words, alerts, {})
        if not first_held:
            first, first_held = alerts, held
    raise Undecided(
        "two runs differ, but its start or a reply took longer than its wall clock can be held: "
        "whether equal clocks would have given equal alerts is not known"
    )


def batch_rows(base: Base, batches: list[Step], share: float) -> Ints:
    """Rows before which to cut so that the batches are split at each log, or at a share of them."""
    rows = np.concatenate([np.arange(step.first + 1, step.last) for step in batches] or [np.empty(0, np.int64)])
    return np.asarray(rows[base.trial.rng("AD-13/cuts").random(len(rows)) < share], dtype=np.int64)


def split(share: float) -> Callable[[Base], Found | None]:
    """Batches from half a minute before the end of the warm-up on are cut at each log, or at a share of them."""

    def check(base: Base) -> Found | None:
        batches = [step for step in base.playback if step.logs > 1 and step.now_ms >= base.gated_ms - 30_000]

        def varied(first: int, last: int) -> Playback:
            return Playback(base.traffic, batch_rows(base, batches[first:last], share))

        def span(first: int, last: int) -> Span:
            return Span(batches[first].now_ms - BATCH_SPAN_MS, batches[last - 1].now_ms + 1)

        return compared(base, len(batches), varied, span, "split")

    return check


def ties(*, reverse: bool) -> Callable[[Base], Found | None]:
    """Logs of equal time arrive in another order."""

    def check(base: Base) -> Found | None:
        rows = len(base.traffic)
        keys = -np.arange(rows, dtype=np.float64) if reverse else base.trial.rng("AD-13/ties").random(rows)
        start_ms = base.traffic.start_ms
        groups = (base.traffic.end_ms - start_ms) // TIE_MS + 1

        def span(first: int, last: int) -> Span:
            return Span(start_ms + first * TIE_MS, start_ms + last * TIE_MS)

        def varied(first: int, last: int) -> Playback:
            inside = span(first, last)
            return Playback(reordered_ties(base.traffic, keys, from_ms=inside.from_ms, to_ms=inside.to_ms))

        return compared(base, groups, varied, span, "reordered")

    return check


def compared(
    base: Base, size: int, varied: Callable[[int, int], Playback], span: Callable[[int, int], Span], what: str
) -> Found | None:
    """Plays the whole variation; where its onsets differ, looks for the shortest stretch of it that does it."""
    alerts = base.hear(varied(0, size))
    if not (differs := base.differs(alerts)):
        return None
    whole = span(0, size)
    plain = found_in(differs, alerts, {f"{what}_ms": [whole.from_ms, whole.to_ms], **logs_in(base, whole)})
    if not base.narrows:
        return plain
    # The first difference is the one to explain: the stream after it need not be played again and again.
    to_ms = differs.first.seen_ms

    def breaks(first: int, last: int) -> bool:
        try:
            heard = base.hear_again(upto(varied(first, last), to_ms + base.slack_ms))
        except Undecided:  # out of time: what is not known to break is not taken for a smaller witness
            return False
        return bool(base.differs(heard, to_ms=to_ms))

    found = smallest_range(size, breaks, MOST_SHRINK_RUNS)
    try:
        narrow = base.hear(varied(*found))
    except Undecided:
        return plain
    # Only what a fresh process confirms is shown: a run after a `reset` may remember more than it should.
    if again := base.differs(narrow):
        inside = span(*found)
        return found_in(again, narrow, {f"{what}_ms": [inside.from_ms, inside.to_ms], **logs_in(base, inside)})
    return plain


def upto(playback: Playback, to_ms: int) -> list[Step]:
    """The requests up to that time of the stream, and the first one at or after it."""
    steps: list[Step] = []
    for step in playback:
        steps.append(step)
        if step.now_ms >= to_ms:
            break
    return steps


def logs_in(base: Base, span: Span) -> dict[str, Any]:
    """The logs of a stretch, if they are few."""
    rows = np.flatnonzero((base.traffic.ts_ms >= span.from_ms) & (base.traffic.ts_ms < span.to_ms))
    return (
        {"logs": [base.traffic.log(row) for row in rows.tolist()]} if len(rows) <= MOST_LOGS_SHOWN else {"log_count": len(rows)}
    )


def later(weeks: int) -> Callable[[Base], Found | None]:
    """The same stream, whole weeks later."""

    def check(base: Base) -> Found | None:
        by_ms = weeks * WEEK_MS
        alerts = base.hear(Playback(shifted(base.traffic, by_ms)), later_ms=by_ms)
        back = [moved(alert, -by_ms) for alert in alerts]
        differs = base.differs(back)
        return found_in(differs, back, {"later_ms": by_ms}) if differs else None

    return check


def moved(alert: SeenAlert, by_ms: int) -> SeenAlert:
    """The alert, as if the stream had been shifted."""
    return replace(alert, seen_ms=alert.seen_ms + by_ms, ts_ms=alert.ts_ms + by_ms)


def prefix(base: Base) -> Found | None:
    """The stream ends with the log after which an alert came; its batch comes log by log, then only ticks: the alert comes too."""
    by_log = [o for o in base.onsets if not o.alert.by_tick and not o.continued]
    for onset in by_log[:MOST_PREFIXES]:
        step = next(s for s in base.playback if s.logs and s.now_ms == onset.seen_ms)
        last = caused_by(base, onset.alert, step)
        # Lateness may delay what the next log would have closed; ticks close it by then.
        slack_ms = base.lag_ms + base.slack_ms
        traffic = replace(base.traffic.rows(slice(0, last)), end_ms=onset.seen_ms + slack_ms)
        alerts = base.hear(Playback(traffic, np.arange(step.first + 1, last, dtype=np.int64)))
        before = [o for o in base.onsets if o.seen_ms <= onset.seen_ms and not o.continued]
        partners = starts(alerts, max(0, SILENCE_MS - slack_ms))
        if lost := unpaired(before, partners, earlier_ms=slack_ms, later_ms=slack_ms):
            words = f"{lost[0].alert.shown()} came with a batch, but not when its stream ended there"
            return Found(words, alerts, {"stream_ends_after": base.traffic.log(last - 1)}, lost[0].service)
    return None


def caused_by(base: Base, alert: SeenAlert, step: Step) -> int:
    """The row after the last log of the batch that may have caused the alert: none is later than the alert's own time
    plus the lag that the candidate declares."""
    rows = np.arange(step.first, step.last)
    may = rows[base.traffic.ts_ms[rows] <= alert.ts_ms + base.lag_ms]
    return int(may[-1]) + 1 if len(may) else step.last


CHECKS: dict[str, Callable[[Base], Found | None]] = {
    "again": again,
    "singles": split(1.0),
    "random-batches": split(0.3),
    "ties-reversed": ties(reverse=True),
    "ties-shuffled": ties(reverse=False),
    "week-1": later(1),
    "week-52": later(52),
    "prefix": prefix,
}
MEANT = {
    "again": "the same alerts, field by field, from the same input",
    "singles": "the same onsets within one bucket when each log comes alone",
    "random-batches": "the same onsets within one bucket when batches are split elsewhere",
    "ties-reversed": "the same onsets within one bucket when logs of equal ts_ms come in reverse order",
    "ties-shuffled": "the same onsets within one bucket when logs of equal ts_ms come in another order",
    "week-1": "the same onsets within one bucket one week later",
    "week-52": "the same onsets within one bucket 52 weeks later",
    "prefix": "an alert whose cause is complete comes without the logs after it",
}


def picture(base: Base, title: str, alerts: list[SeenAlert], service: str) -> dict[str, Any]:
    """One service of the stream, with the alerts of one run."""
    spike = base.spikes[base.traffic.services.index(service)]
    window = Span(max(base.traffic.start_ms, base.gated_ms - 30_000), base.traffic.end_ms)
    return timeline(title, base.traffic, service, alerts, truth=[(spike, "MUST step")], window=window)


@pytest.mark.requirement("AD-13")
def test_same_input_same_alerts(trial: Trial) -> None:
    base = base_of(trial)
    if not base.alerts:
        raise Undecided("the candidate sent no alert for two MUST steps: there is nothing to compare")
    service = base.alerts[0].service if base.alerts[0].service in base.traffic.services else base.traffic.services[0]
    trial.evidence(picture(base, f"The stream that is varied ({service})", base.alerts, service))
    names = trial.cases(VARIATIONS)
    found: dict[str, Found] = {}
    open_question: Undecided | None = None
    for name in names:
        try:
            got = CHECKS[name](base)
        except Undecided as error:
            open_question = open_question or error
            if trial.over_budget():  # what is decided stays decided, however slow the rest
                break
            continue
        if got is not None:
            found[name] = got
            # One small witness is enough; the other variations are only checked.
            base.narrows = False
    if found:
        name, got = next(iter(found.items()))
        concerned = got.service if got.service in base.traffic.services else service
        trial.evidence(picture(base, f"Variation {name!r} of it ({concerned})", got.alerts, concerned))
        raise Violation(
            f"onsets or alerts changed where the input meant the same: {', '.join(found)} ({got.words[:300]})",
            witness={
                "cases": [name],
                "stream_start_ms": base.traffic.start_ms,
                "expected": MEANT[name],
                "got": got.words[:1500],
                **got.small,
            },
        )
    if open_question is not None:
        raise open_question
    trial.summary(f"{len(base.onsets)} onsets, the same in {len(names)} variations of the input")
