"""Courses of events without a fault, used by several suites. Times in ms of true time since the start of the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from challenges.alert_dedup.field import Field, Offer
from challenges.alert_dedup.history import STORE, Entry, Obs
from challenges.alert_dedup.judging import Case

FINGERPRINT = "checkout/error_rate"
RACES, NEW_RACES, HELD_RACES, HANDED_OUT = 60, 4, 6, 40
TRIES = 6
TOGETHER_S = 0.2
HELD_LOOKS, LOOK_S = 30, 0.01
MET = "writers held"
BETTER_AND_WORSE = ("high", "critical", "low", "critical", "medium", "high")


def burst(field: Field) -> None:
    """Four offers of one fingerprint to each processor, all at once."""
    field.wait(*(field.offer(name, FINGERPRINT) for _ in range(4) for name in field.names))


def at_moments(field: Field, moments_ms: Iterable[float], severities: Sequence[str] = ("high",)) -> list[Offer]:
    """An offer at each moment, to the processors in turn, with the severities in turn."""
    made = []
    for number, at_ms in enumerate(moments_ms):
        field.pass_until_ms(at_ms)
        severity = severities[number % len(severities)]
        made.append(field.offer(field.names[number % len(field.names)], FINGERPRINT, severity=severity))
        field.wait(made[-1])
    return made


def one_window(field: Field) -> None:
    """Six offers within one window, none of them near its end, told of as better and worse: the fingerprint alone decides."""
    at_moments(field, (0, 500, 1500, 2500, 3500, 4500), BETTER_AND_WORSE)


def two_waves(field: Field) -> None:
    """A wave, and one more late in its window."""
    burst(field)
    field.pass_until_ms(4700)
    burst(field)


def long_run(field: Field) -> None:
    """An offer every 310 ms for 17 s: several windows, and every place in them."""
    at_moments(field, [310.0 * number for number in range(55)])


def many_fingerprints(field: Field) -> None:
    """Twelve fingerprints, three offers each, interleaved over the processors."""
    offers = []
    for round_number in range(3):
        for number in range(12):
            name = field.names[(number + round_number) % len(field.names)]
            offers.append(field.offer(name, f"{FINGERPRINT}/{number}"))
        field.wait(*offers)
        field.pass_ms(700)


def races(field: Field) -> None:
    """For each of sixty fingerprints an offer to every processor, whose requests are let go together once all have asked.

    So the store has them side by side, which it hardly ever has where each comes by itself.
    """
    for number in range(RACES):
        _side_by_side(field, f"{FINGERPRINT}/{number}")


def new_processes(field: Field) -> None:
    """The first offers that these processes have ever had, together: what is still to be read or planned takes its longest."""
    field.begin(fresh=field.names)
    for number in range(NEW_RACES):
        _side_by_side(field, f"{FINGERPRINT}/{number}")


def _side_by_side(field: Field, fingerprint: str) -> None:
    cluster, gate = field.cluster, field.cluster.gate
    gate.close()
    offers = [field.offer(name, fingerprint) for name in field.names]
    cluster.run_until(lambda: all(offer.over or offer.proc in gate.waiting() for offer in offers), TOGETHER_S)
    gate.open()
    field.wait(*offers)


def races_held(field: Field) -> None:
    """An offer to every processor while the store lets nobody write: what each has seen is old when its turn to write comes."""
    for number in range(HELD_RACES):
        with field.writers_held():
            offers = [field.offer(name, f"{FINGERPRINT}/{number}") for name in field.names]
            field.note(STORE, MET, waiting=_until_all_wait(field, offers))
        field.wait(*offers)


def _until_all_wait(field: Field, offers: Sequence[Offer]) -> int:
    """Returns once each of these offers is over or waits in the store, or after some looks: how many wait."""
    for _ in range(HELD_LOOKS):  # nothing tells that somebody waits in the store
        waiting = field.waiting()
        if waiting >= sum(not offer.over for offer in offers):
            break
        field.cluster.run_until(lambda: False, LOOK_S)
    return waiting


def met(entries: Iterable[Entry]) -> str:
    """A clause for a summary: in how many of the races for a held store requests are proven to have met; '' where there was none."""
    waited = [int(entry.data["waiting"]) for entry in entries if isinstance(entry, Obs) and entry.what == MET]
    return (
        f"; in {sum(each > 1 for each in waited)} of {len(waited)} races for a held store requests waited together"
        if waited
        else ""
    )


def handed_out_twice(field: Field) -> None:
    """Each of forty events to two processors at once, as a queue does that waited too briefly for its acknowledgement."""
    names = field.names
    for number in range(HANDED_OUT):
        first = field.offer(names[number % len(names)], f"{FINGERPRINT}/{number}")
        field.wait(first, field.redeliver(first, names[(number + 1) % len(names)]))


def redelivered(field: Field, offer: Offer, moments_ms: Sequence[float]) -> None:
    """The event of that offer once more at each moment, to the processors in turn, beginning with another one."""
    start = field.names.index(offer.proc) + 1
    for number, at_ms in enumerate(moments_ms):
        field.pass_until_ms(at_ms)
        field.wait(field.redeliver(offer, field.names[(start + number) % len(field.names)]))


ONE_BY_ONE = (Case("one window", one_window), Case("long run", long_run))
# Here who comes first is left to the machine: what breaks is real, but need not break again.
AT_ONCE = (
    Case("burst", burst, tries=TRIES),
    Case("two waves", two_waves, tries=TRIES),
    Case("many fingerprints", many_fingerprints, tries=TRIES),
    Case("sixty races", races, tries=TRIES),
    Case("a race of new processes", new_processes, begins=True, tries=TRIES),
)
FAULT_FREE = (*ONE_BY_ONE, *AT_ONCE)
# For duplicates alone: to give up on a lock, and say so, is anybody's right.
HELD = Case("races for a store that is held", races_held, tries=TRIES)
