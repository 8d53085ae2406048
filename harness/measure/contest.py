"""A candidate's latency against the no-op of its language, from the plan to the decision and the evidence for the scorecard."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil

from harness.measure import figures, machine
from harness.measure.figures import Judged
from harness.measure.rounds import Rounds, alternate
from harness.measure.sample import Sample
from harness.measure.statistics import Decision
from harness.runtime.trial import Trial, Undecided, Violation

_NEVER_MS = 1e9

Stretch = Callable[[int], Sample]
"""Drives one round's half; it is told the number of the round."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Who is measured: the candidate and its no-op in turns, then others once each, by name, for scale."""

    mine: Stretch
    floor: Stretch
    others: dict[str, Stretch] = field(default_factory=dict)


@dataclass(slots=True)
class Contest:
    """What came of it."""

    rounds: Rounds
    others: dict[str, Sample]
    judged: Judged
    noise: dict[str, Any]
    budget_ms: float
    rate: str


def hold(trial: Trial, sides: Sides, wanted: int, gated: Sequence[str], budget_ms: float, rate: str) -> Contest:
    """Runs the rounds; `rate` says in words what was asked. The raw samples are kept."""
    with quiet_here() as noise:
        rounds = alternate(wanted, sides.mine, sides.floor, trial.over_budget)
        others = {name: stretch(0) for name, stretch in sides.others.items()}
    judged = figures.judge(rounds, gated, budget_ms, trial.rng("bootstrap"))
    contest = Contest(rounds, others, judged, noise, budget_ms, rate)
    figures.keep_samples(trial, "candidate", [one.mine for one in rounds.run])
    figures.keep_samples(trial, "no-op", [one.floor for one in rounds.run])
    for name, sample in others.items():
        figures.keep_samples(trial, name, [sample])
    return contest


@contextmanager
def quiet_here() -> Iterator[dict[str, Any]]:
    """No garbage is collected here meanwhile; afterwards the value yielded says how busy the machine was."""
    noise: dict[str, Any] = {}
    before, collecting = psutil.cpu_times(), gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield noise
    finally:
        if collecting:
            gc.enable()
        after = psutil.cpu_times()
        total = sum(after) - sum(before)
        stolen = getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)
        noise |= machine.facts()
        noise["cores"] = psutil.cpu_count() or 1  # this thread may be allowed but one of them
        noise["steal"] = round(stolen / total, 4) if total > 0 else 0.0


def evidence(contest: Contest, title: str) -> dict[str, Any]:
    """The evidence of kind `latency`: `figures` go into the result, `curves` and `over_time` are drawn."""
    rounds = contest.rounds
    shown = rounds.valid or rounds.run  # where no round counts, a reader still wants to see what there was
    halves = {"candidate": [one.mine for one in shown], "no-op": [one.floor for one in shown]}
    halves |= {name: [sample] for name, sample in contest.others.items()}
    rows = {name: figures.row(name, samples) for name, samples in halves.items()}
    curves = [figures.curve(name, figures.all_latency(samples)) for name, samples in halves.items()]
    curves.insert(1, figures.curve("candidate, uncorrected", figures.all_from_send(halves["candidate"])))
    return {
        "kind": "latency",
        "title": title,
        "budget_ms": contest.budget_ms,
        "figures": {
            "rate": contest.rate,
            "intervals of 95 %": {name: interval.plain() for name, interval in contest.judged.intervals.items()},
            "from the plan, and uncorrected from the send": list(rows.values()),
            "ratio to": {name: figures.ratios(rows["candidate"], rows[name]) for name in rows if name != "candidate"},
            "rounds": figures.per_round(rounds),
            "rounds that do not count": rounds.invalid,
            "first refusal": first_refusal(halves["candidate"]) or "none",
            "machine meanwhile": {key: contest.noise[key] for key in ("cores", "load", "steal", "cpu") if key in contest.noise},
        },
        "curves": curves,
        "over_time": figures.over_time(rounds),
    }


def conclude(trial: Trial, contest: Contest, title: str) -> None:
    """Leaves evidence and summary, and raises Violation or Undecided unless the budget is kept."""
    item = evidence(contest, title)
    trial.evidence(item)
    for name, interval in contest.judged.intervals.items():
        trial.figure(f"{name}_ms", interval.value)
    words = spoken(contest)
    match contest.judged.decision:
        case Decision.PASS:
            trial.summary(words)
        case Decision.FAIL:
            witness = {key: item["figures"][key] for key in ("rate", "intervals of 95 %", "rounds")}
            raise Violation(f"{words}: above {contest.budget_ms:g} ms", witness=witness)
        case Decision.INCONCLUSIVE:
            raise Undecided(f"{words}; {why_not(contest)}")


def spoken(contest: Contest) -> str:
    """The gated quantiles with their intervals, in one line, and what was dropped if that is what decides."""
    if not contest.judged.intervals:
        return f"{contest.rate}: no round counts"
    parts = [f"{name} {ms(one.value)} ({ms(one.low)} to {ms(one.high)})" for name, one in contest.judged.intervals.items()]
    told = f"{contest.rate}: {', '.join(parts)}"
    lost = any(one.value >= _NEVER_MS for one in contest.judged.intervals.values())
    return f"{told}; {dropped([one.mine for one in contest.rounds.valid])}" if lost else told


def dropped(samples: Sequence[Sample]) -> str:
    """How many requests of the stretches were dropped and by what, with what the first refused one was told."""
    causes = [f"{sum(each.dropped()[cause] for each in samples):,} {cause}" for cause in samples[0].dropped()]
    told = first_refusal(samples)
    return f"of {sum(map(len, samples)):,} requests {', '.join(causes)}" + (f", the first with {told!r}" if told else "")


def first_refusal(samples: Sequence[Sample]) -> str | None:
    """What the first refused request of the stretches was told."""
    return next((each.refusal for each in samples if each.refusal), None)


def ms(value: float) -> str:
    """A latency for a reader; what was dropped has none."""
    if value >= _NEVER_MS:
        return "never"
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def why_not(contest: Contest) -> str:
    """Why nothing could be decided."""
    rounds = contest.rounds
    if rounds.hopeless:
        last = next(one.noise for one in reversed(rounds.run) if one.noise)
        return f"the machine is too noisy: {rounds.invalid} of {len(rounds.run)} rounds do not count, since {last}"
    if not rounds.enough:
        return f"only {len(rounds.valid)} of {rounds.wanted} rounds were run in the time there is"
    if any(one.low > contest.budget_ms for one in contest.judged.intervals.values()):
        return f"above the budget of {contest.budget_ms:g} ms, but by no more than what the no-op lost in the same rounds"
    return f"the budget of {contest.budget_ms:g} ms lies inside an interval: `--profile full` measures three times as long"
