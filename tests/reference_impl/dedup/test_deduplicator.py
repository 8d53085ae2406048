"""The rules, over a store in memory and in virtual time, with crashes and lost answers where they hurt."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from reference_impl.dedup import Connections, Deduplicator, Held, Reservation, StoreUnavailable, Terms
from reference_impl.dedup.model import Answer

T = TypeVar("T")
TERMS = Terms()
LEASE_S = TERMS.lease_ms / 1000


class Killed(BaseException):
    """The processor ends here."""


class World:
    """A store's state and clock, and everything that was sent."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.windows: dict[bytes, float] = {}
        self.alerts: dict[bytes, Held] = {}
        self.leases: dict[bytes, float] = {}
        self.sent: list[str] = []
        self.log: list[str] = []
        self.disturb: Callable[[str, str], None] = lambda step, when: None
        self.down = False

    def processor(self, take: Callable[[Held], None] | None = None) -> Deduplicator:
        """With `take` one that hands its alerts over to it."""
        connections = Connections(lambda: MemoryStore(self), self._monotonic, 0)
        return Deduplicator(connections, take or self.send, TERMS, lambda: self.now_s, deferred=take is not None)

    def _monotonic(self) -> float:
        self.now_s += 0.01  # trying again takes time
        return self.now_s

    def send(self, held: Held) -> None:
        self.disturb("send", "before")
        self.sent.append(held.alert_id)
        self.disturb("send", "after")


class MemoryStore:
    """Counts as a connection; a disturbance may come before the request leaves or after it was carried out."""

    def __init__(self, world: World) -> None:
        if world.down:
            raise StoreUnavailable("refused", maybe_done=False)
        self._world = world

    def _step(self, name: str, work: Callable[[], T]) -> T:
        if self._world.down:
            raise StoreUnavailable("gone", maybe_done=True)
        self._world.log.append(name)
        self._world.disturb(name, "before")
        result = work()
        self._world.disturb(name, "after")
        return result

    def reserve(self, wanted: Reservation) -> Answer:
        return self._step("reserve", lambda: self._reserve(wanted))

    def _reserve(self, wanted: Reservation) -> Answer:
        world, held = self._world, wanted.held
        if held.event_key in world.alerts:
            return "emit" if world.alerts[held.event_key] == held and held.event_key in world.leases else "known"
        if world.windows.get(wanted.window_key, -1e9) + TERMS.window_ms / 1000 > world.now_s:
            return "suppress"
        world.windows[wanted.window_key] = world.now_s
        world.alerts[held.event_key] = held
        world.leases[held.event_key] = world.now_s + LEASE_S
        return "emit"

    def renew(self, held: Held) -> bool:
        return self._step("renew", lambda: self._renew(held))

    def _renew(self, held: Held) -> bool:
        world = self._world
        if world.alerts[held.event_key] != held or held.event_key not in world.leases:
            return False
        world.leases[held.event_key] = world.now_s + LEASE_S
        return True

    def confirm(self, sent: Sequence[Held]) -> None:
        self._step("confirm", lambda: [self._world.leases.pop(held.event_key, None) for held in sent])

    def take_over(self, owner: str, most: int) -> list[Held]:
        return self._step("take_over", lambda: self._take_over(owner, most))

    def _take_over(self, owner: str, most: int) -> list[Held]:
        world = self._world
        taken = []
        for key in [key for key, until_s in world.leases.items() if until_s <= world.now_s][:most]:
            old = world.alerts[key]
            world.alerts[key] = Held(key, old.alert_id, old.fingerprint, old.event_id, owner)
            world.leases[key] = world.now_s + LEASE_S
            taken.append(world.alerts[key])
        return taken

    def close(self) -> None:
        pass


def kill_at(step: str, when: str) -> Callable[[str, str], None]:
    def disturb(now_step: str, now_when: str) -> None:
        if (now_step, now_when) == (step, when):
            raise Killed

    return disturb


CRASH_POINTS = [(step, when) for step in ("reserve", "send", "confirm") for when in ("before", "after")]


def crash(world: World, step: str, when: str) -> Deduplicator:
    """A processor dies at a point of its first offer; the survivor."""
    world.disturb = kill_at(step, when)
    with pytest.raises(Killed):
        world.processor().offer("f", "e1", 1)
    world.disturb = lambda step, when: None
    return world.processor()


@pytest.mark.parametrize(("step", "when"), CRASH_POINTS)
@pytest.mark.parametrize("then", ["nothing", "new event", "redelivery", "after the window"])
def test_at_every_crash_point_nothing_is_lost_and_a_repeat_has_the_same_id(step: str, when: str, then: str) -> None:
    world = World()
    survivor = crash(world, step, when)
    if then == "new event":
        survivor.offer("f", "e2", 1)
    if then == "redelivery":
        assert survivor.offer("f", "e1", 1) == "emit"
    world.now_s += LEASE_S
    survivor.tick()
    in_the_window = len(world.sent)
    if then == "after the window":
        world.now_s += 5
        assert survivor.offer("f", "e3", 1) == "emit"
    world.now_s += LEASE_S
    survivor.tick()
    nothing_reserved = (step, when) == ("reserve", "before")
    assert len(world.sent) == in_the_window + (then == "after the window")
    assert in_the_window == (0 if nothing_reserved and then in ("nothing", "after the window") else in_the_window)
    assert in_the_window <= 2
    assert in_the_window >= 1 or nothing_reserved
    assert len(set(world.sent[:in_the_window])) <= 1


def test_a_decision_takes_one_round_trip_and_an_alert_two() -> None:
    world = World()
    processor = world.processor()
    assert [processor.offer("f", "e1", 1), processor.offer("f", "e2", 1)] == ["emit", "suppress"]
    assert world.log == ["reserve", "confirm", "reserve"]


def test_a_lost_answer_is_asked_for_again_and_the_alert_goes_out_once() -> None:
    for step in ("reserve", "confirm"):
        world = World()
        lost = [True]

        def lose(now_step: str, when: str, lost: list[bool] = lost, step: str = step) -> None:
            if (now_step, when) == (step, "after") and lost and lost.pop():
                raise StoreUnavailable("reset", maybe_done=True)

        world.disturb = lose
        processor = world.processor()
        assert processor.offer("f", "e1", 1) == "emit"
        world.now_s += 2 * LEASE_S
        processor.tick()
        assert len(world.sent) == 1


def test_a_zombie_sends_nothing_that_another_took_over() -> None:
    world = World()
    survivor = world.processor()

    def freeze(step: str, when: str) -> None:
        if (step, when) == ("reserve", "after"):
            world.disturb = lambda step, when: None
            world.now_s += 1.5 * LEASE_S
            survivor.tick()

    world.disturb = freeze
    assert world.processor().offer("f", "e1", 1) == "emit"
    assert len(world.sent) == 1
    assert world.log == ["reserve", "take_over", "confirm", "renew"]


def test_one_paused_for_less_than_its_lease_goes_on_with_it() -> None:
    world = World()

    def freeze(step: str, when: str) -> None:
        if (step, when) == ("reserve", "after"):
            world.now_s += 0.9 * LEASE_S

    world.disturb = freeze
    assert world.processor().offer("f", "e1", 1) == "emit"
    assert world.log == ["reserve", "renew", "confirm"]
    assert len(world.sent) == 1


def test_without_the_store_an_offer_is_refused_for_certain_and_a_tick_waits_its_turn() -> None:
    world = World()
    world.down = True
    processor = world.processor()
    with pytest.raises(StoreUnavailable) as refused:
        processor.offer("f", "e1", 1)
    assert not refused.value.maybe_done
    processor.tick()
    world.down = False
    assert processor.offer("f", "e1", 1) == "emit"


def test_a_store_that_goes_away_with_the_answer_leaves_it_open_what_happened() -> None:
    world = World()

    def go_away(step: str, when: str) -> None:
        if (step, when) == ("reserve", "after"):
            world.down = True
            raise StoreUnavailable("reset", maybe_done=True)

    world.disturb = go_away
    processor = world.processor()
    with pytest.raises(StoreUnavailable) as uncertain:
        processor.offer("f", "e1", 1)
    assert uncertain.value.maybe_done
    world.down, world.disturb = False, lambda step, when: None
    world.now_s += LEASE_S
    processor.tick()
    assert len(world.sent) == 1


def test_what_could_not_be_confirmed_is_confirmed_on_the_next_tick() -> None:
    world = World()

    def go_away(step: str, when: str) -> None:
        if (step, when) == ("confirm", "before"):
            world.down = True
            raise StoreUnavailable("reset", maybe_done=False)

    world.disturb = go_away
    processor = world.processor()
    assert processor.offer("f", "e1", 1) == "emit"
    world.down, world.disturb = False, lambda step, when: None
    world.now_s += LEASE_S
    processor.tick()
    assert len(world.sent) == 1
    assert not world.leases


def test_more_than_a_batch_is_taken_over_on_one_tick() -> None:
    world = World()
    world.disturb = kill_at("send", "before")
    for number in range(100):
        with pytest.raises(Killed):
            world.processor().offer(f"f{number}", f"e{number}", 1)
    world.disturb = lambda step, when: None
    world.now_s += LEASE_S
    world.processor().tick()
    assert len(set(world.sent)) == len(world.sent) == 100


def test_a_store_long_gone_is_asked_once_and_not_waited_for() -> None:
    world = World()
    world.down = True
    attempts = []
    connections = Connections(lambda: attempts.append(1) or MemoryStore(world), world._monotonic, 0)
    with pytest.raises(StoreUnavailable):
        connections.run(lambda store: None, 1.0)
    assert len(attempts) > 10
    attempts.clear()
    with pytest.raises(StoreUnavailable):
        connections.run(lambda store: None, 1.0)
    assert len(attempts) == 1


def test_an_alert_handed_over_is_held_until_it_is_confirmed() -> None:
    world = World()
    mine: list[Held] = []
    owner, other = world.processor(mine.append), world.processor()
    assert owner.offer("f", "e", 1) == "emit" and len(mine) == 1
    world.now_s += 0.9 * LEASE_S
    assert owner.renew(mine[0])
    world.now_s += 0.9 * LEASE_S
    other.tick()
    assert world.sent == []
    owner.confirm(mine)
    world.now_s += 2 * LEASE_S
    other.tick()
    assert world.sent == [] and not owner.renew(mine[0])


def test_an_alert_handed_over_and_forgotten_is_taken_over_under_its_id() -> None:
    world = World()
    mine: list[Held] = []
    owner, other = world.processor(mine.append), world.processor()
    owner.offer("f", "e", 1)
    world.now_s += 1.1 * LEASE_S
    other.tick()
    assert world.sent == [mine[0].alert_id] and not owner.renew(mine[0])


def test_a_confirmation_that_does_not_get_through_is_made_up_for_on_a_tick() -> None:
    world = World()
    mine: list[Held] = []
    owner, other = world.processor(mine.append), world.processor()
    owner.offer("f", "e", 1)
    world.down = True
    owner.confirm(mine)
    world.down = False
    owner.tick()
    world.now_s += 2 * LEASE_S
    other.tick()
    assert world.sent == []
