"""What is played: all of it drawn from a seed before anything starts. Times are in seconds from the beginning of the live part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

LOGS_PER_S = 1667
STEP_S = 0.1
HISTORY_S = 75.0
"""What the detectors learn from, played at full speed beforehand. They warm up for 60 s of it."""
WINDOW_MS = 15_000
LEASE_MS = 3000
OFFSETS_MS = (-1500, 0, 1500)
DETECTION_S = 8.0
"""How long after an onset its first page is being decided and sent: where a kill can hurt."""

_SERVICES = {
    "catalog": (0.26, 0.004),
    "checkout": (0.14, 0.010),
    "login": (0.12, 0.020),
    "mail": (0.08, 0.030),
    "payments": (0.12, 0.006),
    "search": (0.28, 0.012),
}
"""Name -> share of the logs, and usual share of errors."""


@dataclass(frozen=True)
class Incident:
    """`service` fails in `share` of its logs between the two times."""

    service: str
    start_s: float
    end_s: float
    share: float


@dataclass(frozen=True)
class Trouble:
    """A receiver answers with `status` between the two times; with 0 it is only slow, by `delay_s`."""

    receiver: str
    start_s: float
    end_s: float
    status: int
    delay_s: float = 0.0

    @property
    def words(self) -> str:
        """What it looks like to the pipeline."""
        return f"HTTP {self.status}" if self.status else f"{self.delay_s:g} s late"


@dataclass(frozen=True)
class Plan:
    """One demonstration. At `kill_s` the process that has an alert in hand is killed; if none has, the one with index `victim`."""

    seed: int
    live_s: float
    incidents: Sequence[Incident]
    troubles: Sequence[Trouble]
    victim: int
    kill_s: float

    def share(self, service: str, at_s: float) -> float:
        """Share of errors in a service's logs at a time."""
        hit = (one.share for one in self.incidents if one.service == service and one.start_s <= at_s < one.end_s)
        return next(hit, _SERVICES[service][1])


def services() -> list[str]:
    """All services, by name."""
    return sorted(_SERVICES)


def draw(seed: int) -> Plan:
    """The plan of a seed: three incidents in three services (the second long enough to be paged twice), trouble at each
    receiver, and a kill in the seconds in which one of the incidents is detected and paged."""
    rng = Random(f"demo/{seed}")
    names = rng.sample(services(), 3)
    starts = [rng.uniform(6, 10), rng.uniform(20, 23), rng.uniform(56, 60)]
    lengths = [rng.uniform(8, 9.5), rng.uniform(29, 32), rng.uniform(8, 10)]
    incidents = [
        Incident(name, round(start, 1), round(start + length, 1), round(rng.uniform(0.25, 0.6), 2))
        for name, start, length in zip(names, starts, lengths, strict=True)
    ]
    kill_s = round(rng.choice(incidents).start_s + rng.uniform(1.0, DETECTION_S), 2)
    return Plan(seed, 78.0, incidents, _troubles(rng, incidents), rng.randrange(len(OFFSETS_MS)), kill_s)


def _troubles(rng: Random, incidents: Sequence[Incident]) -> list[Trouble]:
    """Each begins before the page it delays, and ends soon enough for that page to arrive before all is over."""
    receivers = rng.sample(["slack", "pagerduty", "jira"], 3)
    kinds = rng.sample([(503, 0.0), (429, 0.0), (0, 1.5)], 3)
    return [
        Trouble(receiver, one.start_s, round(one.start_s + rng.uniform(7, 10), 1), status, delay_s)
        for receiver, one, (status, delay_s) in zip(receivers, incidents, kinds, strict=True)
    ]


@dataclass(frozen=True)
class Step:
    """The logs of one step of the stream: JSON lines, and per service how many logs and errors they are."""

    at_s: float
    body: bytes
    counts: dict[str, tuple[int, int]]


def stream(plan: Plan, zero_ms: int, start_s: float, end_s: float) -> Iterator[Step]:
    """The logs from `start_s` to `end_s`, dated from `zero_ms` (epoch); equal arguments give equal logs."""
    rng = Random(f"demo/{plan.seed}/logs/{start_s}")
    names = services()
    weights = [_SERVICES[name][0] for name in names]
    steps = round((end_s - start_s) / STEP_S)
    for step in range(steps):
        at_s = start_s + step * STEP_S
        count = max(1, round(rng.gauss(STEP_S * LOGS_PER_S, (STEP_S * LOGS_PER_S) ** 0.5)))
        shares = {name: plan.share(name, at_s) for name in names}
        counts = dict.fromkeys(names, (0, 0))
        lines = []
        for number, name in enumerate(rng.choices(names, weights, k=count)):
            bad = rng.random() < shares[name]
            logs, errors = counts[name]
            counts[name] = (logs + 1, errors + bad)
            ts_ms = zero_ms + int((at_s + STEP_S * number / count) * 1000)
            level, message = ("error", "request failed") if bad else ("info", "request served")
            lines.append(f'{{"ts_ms":{ts_ms},"service":"{name}","level":"{level}","message":"{message}"}}')
        yield Step(at_s, "\n".join(lines).encode(), counts)
