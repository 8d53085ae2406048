"""AD-03: false alarms on stationary traffic, as onsets per service-hour, in three bands of traffic.

Each seed is one process with services of all bands side by side; a cell is one service of one seed. What counts against
a band is the 99 % lower bound of its rate, so that one unlucky cell does not condemn a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest

from challenges.anomaly_detection.alerts import Declared, SeenAlert
from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.onsets import Onset, Tracker
from challenges.anomaly_detection.pictures import timeline
from challenges.anomaly_detection.playback import Playback, Step
from challenges.anomaly_detection.rates import Cell, Exposure, credit, exposure, least_bound, pooled_rate
from challenges.anomaly_detection.scenarios import SERVICES, Span, stream_start_ms
from challenges.anomaly_detection.traffic import Source, flat, generate
from harness.runtime.trial import Trial, Undecided, Violation

P0_LOWEST, P0_HIGHEST = 0.001, 0.20
# With a longer warm-up than this (seconds) each band has one service a seed instead of two: fewer warm-ups to play.
LONG_WARMUP_S = 300
_STEPS_BETWEEN_DRAINS = 300
_KEPT_ALERTS = 500


@dataclass(frozen=True, slots=True)
class Band:
    """Services of like traffic, the rates (logs/s) of its first and second service, and its budget (onsets/h)."""

    name: str
    severity: str
    rates: tuple[float, float]
    budget: float


TOP = Band("500 logs/s and more", "critical", (502.0, 505.0), 0.5)
MIDDLE = Band("50 to 500 logs/s", "major", (60.0, 80.0), 2.0)
LOW = Band("below 50 logs/s", "graded", (25.0, 8.0), 2.0)
BANDS = (TOP, MIDDLE, LOW)


@dataclass(frozen=True, slots=True)
class Plan:
    """The exposure that each band needs before it is judged."""

    needed: Exposure

    @property
    def seeds(self) -> tuple[str, ...]:
        return tuple(f"seed-{n}" for n in range(self.needed.seeds))

    def services(self, declared: Declared) -> int:
        """Services per band and seed."""
        return 1 if declared.warmup_ms > LONG_WARMUP_S * 1000 else 2

    def gated_s(self, declared: Declared) -> float:
        """Seconds of every cell that count."""
        return self.needed.hours * 3600 / self.needed.seeds / self.services(declared)


QUICK, FULL = Plan(Exposure(3.0, 6)), Plan(Exposure(12.0, 12))


@dataclass(slots=True)
class Seed:
    """What one seed showed: cells by band, the first onsets of each service, and a picture of the noisiest."""

    cells: dict[str, list[Cell]]
    first: dict[str, Onset]
    picture: dict[str, Any]
    most_onsets: int


@dataclass(slots=True)
class Heard:
    """Onsets per service after the warm-up, counted as the alerts come, and the first of the alerts themselves."""

    gated_ms: int
    tracker: Tracker = field(default_factory=Tracker)
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, Onset] = field(default_factory=dict)
    alerts: dict[str, list[SeenAlert]] = field(default_factory=dict)

    def take(self, alerts: list[SeenAlert]) -> None:
        for alert in alerts:
            if alert.seen_ms < self.gated_ms:
                continue
            kept = self.alerts.setdefault(alert.service, [])
            if len(kept) < _KEPT_ALERTS:
                kept.append(alert)
            if (onset := self.tracker.add(alert)) is not None:
                self.counts[alert.service] = self.counts.get(alert.service, 0) + 1
                self.first.setdefault(alert.service, onset)


def sources(trial: Trial, key: str, index: int, plan: Plan, declared: Declared) -> list[tuple[Band, Source]]:
    """The services of one seed: shares of errors spread evenly on a log scale over all cells of a band."""
    per_band = plan.services(declared)
    names = trial.rng(f"AD-03/{key}/names").permutation(len(SERVICES))
    cells = plan.needed.seeds * per_band
    made = []
    for b, band in enumerate(BANDS):
        ranks = trial.rng(f"AD-03/{band.name}").permutation(cells)
        for s in range(per_band):
            share = ranks[index * per_band + s] / max(1, cells - 1)
            p0 = P0_LOWEST * (P0_HIGHEST / P0_LOWEST) ** share
            name = SERVICES[names[b * per_band + s]]  # tells nothing of the rate: a candidate could be silent just here
            made.append((band, Source(name, flat(band.rates[s]), flat(p0))))
    return made


def drained(detector: Detector, playback: Playback, heard: Heard) -> None:
    """Plays all of it; alerts are counted and dropped as they come, however many there are."""
    steps: Iterator[Step] = iter(playback)
    while chunk := list(islice(steps, _STEPS_BETWEEN_DRAINS)):
        detector.play(chunk)
        heard.take(detector.take_alerts())


def play(trial: Trial, key: str, plan: Plan) -> Seed:
    """One seed on a process of its own."""
    rng = trial.rng(f"AD-03/{key}")
    start_ms = stream_start_ms(rng)
    detector = Detector.start(trial, start_ms)
    declared = detector.declared
    made = sources(trial, key, plan.seeds.index(key), plan, declared)
    length_s = declared.warmup_ms / 1000 + plan.gated_s(declared)
    playback = Playback(generate([source for _, source in made], start_ms, length_s, rng))
    heard = Heard(start_ms + declared.warmup_ms)
    drained(detector, playback, heard)
    detector.close()
    cells = {band.name: [cell(key, source, heard, plan, declared) for b, source in made if b is band] for band in BANDS}
    noisiest = max((source.service for _, source in made), key=lambda name: heard.counts.get(name, 0))
    count = heard.counts.get(noisiest, 0)
    picture = timeline(
        f"Stationary traffic, {key}, {noisiest}: {count} onsets after the warm-up",
        playback.traffic,
        noisiest,
        heard.alerts.get(noisiest, []),
        window=Span(heard.gated_ms, playback.traffic.end_ms),
    )
    return Seed(cells, heard.first, picture, count)


def cell(key: str, source: Source, heard: Heard, plan: Plan, declared: Declared) -> Cell:
    """One service of one seed, counted."""
    return Cell(
        key=f"{key}/{source.service}",
        seed_key=key,
        service=source.service,
        rate=source.rate.highest,
        p0=source.error.highest,
        onsets=heard.counts.get(source.service, 0),
        hours=plan.gated_s(declared) / 3600,
    )


def bound_of(trial: Trial, band: Band, seeds: dict[str, Seed], plan: Plan) -> float:
    """The lower bound of a band's rate, whatever the seeds not played yet may show. A replay plays the noisiest seed
    alone: there is no bound then, but the same false alarms must come again."""
    cells = cells_of(band, seeds)
    if trial.replaying:
        return pooled_rate(cells)
    per_seed = len(cells) // len(seeds)
    return least_bound(cells, (plan.needed.seeds - len(seeds)) * per_seed, cells[0].hours)


def cells_of(band: Band, seeds: dict[str, Seed]) -> list[Cell]:
    """The cells of one band over the seeds played."""
    return [cell for seed in seeds.values() for cell in seed.cells[band.name]]


def judge(trial: Trial, band: Band, seeds: dict[str, Seed], plan: Plan) -> None:
    """Decides one band. Raises Violation or Undecided; sets credit and summary where neither."""
    cells = cells_of(band, seeds)
    rate, bound, seen = pooled_rate(cells), bound_of(trial, band, seeds, plan), exposure(cells)
    found = f"{sum(c.onsets for c in cells)} onsets in {seen.hours:.2f} service-hours, {rate:.2f} an hour"
    if band.severity != "graded" and bound > band.budget:
        raise violation(band, cells, seeds, f"{found}; 99 % lower bound {bound:.2f}, budget {band.budget:g}")
    if not trial.replaying and not seen.covers(plan.needed):
        raise Undecided(
            f"{band.name}: {seen.hours:.2f} service-hours over {seen.seeds} seeds were played, "
            f"{plan.needed.hours:g} over {plan.needed.seeds} are needed ({found})"
        )
    trial.credit(credit(rate, band.budget))
    trial.summary(f"{band.name}: {found} (budget {band.budget:g})")


def violation(band: Band, cells: list[Cell], seeds: dict[str, Seed], found: str) -> Violation:
    """The failure of a band, with its noisiest cell as the witness."""
    worst = max(cells, key=lambda c: c.onsets)
    first = seeds[worst.seed_key].first[worst.service]
    return Violation(
        f"false alarms on stationary traffic of {band.name}: {found}",
        witness={
            "cases": [worst.seed_key],
            "service": worst.service,
            "logs_per_s": worst.rate,
            "p0": round(worst.p0, 5),
            "onsets_there": worst.onsets,
            "hours_there": round(worst.hours, 3),
            "expected": f"at most {band.budget:g} onsets per service-hour where nothing changes",
            "got": found,
            "first_false_alarm": first.alert.shown(),
        },
    )


def table(seeds: dict[str, Seed]) -> dict[str, Any]:
    """Every cell."""
    rows = [
        [band.name, cell.key, f"{cell.rate:g}", f"{cell.p0:.2%}", round(cell.hours, 3), cell.onsets]
        for band in BANDS
        for seed in seeds.values()
        for cell in seed.cells[band.name]
    ]
    columns = ["band", "cell", "logs/s", "p0", "hours", "onsets"]
    return {"kind": "table", "title": "Stationary cells", "columns": columns, "rows": rows}


def run(trial: Trial, plan: Plan) -> None:
    """Plays the plan as far as the time allows, then judges the bands, the critical one last.

    Where no remaining seed could save the bands that can fail, the rest is not played.
    """
    seeds: dict[str, Seed] = {}
    try:
        for key in trial.cases(plan.seeds):
            seeds[key] = play(trial, key, plan)
            if all(bound_of(trial, band, seeds, plan) > band.budget for band in (TOP, MIDDLE)):
                break
    except Undecided:
        if not seeds:
            raise
    trial.evidence(max(seeds.values(), key=lambda seed: seed.most_onsets).picture)
    trial.evidence(table(seeds))
    for band in (LOW, MIDDLE):
        with trial.part(band.name, band.severity):
            judge(trial, band, seeds, plan)
    judge(trial, TOP, seeds, plan)


@pytest.mark.requirement("AD-03")
def test_false_alarms(trial: Trial) -> None:
    run(trial, QUICK if trial.quick else FULL)
