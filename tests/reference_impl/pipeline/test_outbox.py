"""The outbox and its couriers: what is sent, to whom, how often, and when an alert counts as sent."""

import io
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from reference_impl.dedup import Held, StoreUnavailable
from reference_impl.dedup.model import reservation
from reference_impl.pipeline import courier
from reference_impl.pipeline.destinations import NotNow, Refused
from reference_impl.pipeline.journal import Journal
from reference_impl.pipeline.observation import Observation, Page, page_of
from reference_impl.pipeline.outbox import Outbox

PATIENCE_S = 20.0
LEASE_MS = 60_000


class Fake:
    """A destination that does what it is told, else takes everything."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.taken: list[str] = []
        self.attempts: list[str] = []
        self.errors: dict[str, list[Exception]] = {}
        self.down: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.changed = threading.Condition()

    def deliver(self, page: Page) -> None:
        with self.changed:
            self.attempts.append(page.service)
            self.changed.notify_all()
        self.gate.wait(PATIENCE_S)
        error = self.down or (self.errors.get(page.service) or [None]).pop(0)
        if error is not None:
            raise error
        with self.changed:
            self.taken.append(page.service)
            self.changed.notify_all()

    def wait(self, count: int) -> list[str]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.taken) >= count, PATIENCE_S), (self.taken, self.attempts)
        return self.taken

    def wait_attempts(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.attempts) >= count, PATIENCE_S)


class Ledger:
    """The store as the outbox sees it."""

    def __init__(self) -> None:
        self.confirmed: list[str] = []
        self.renewed: list[str] = []
        self.answer: bool | Exception = True
        self.changed = threading.Condition()

    def renew(self, held: Held) -> bool:
        self.renewed.append(page_of(held).service)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def confirm(self, sent: Sequence[Held]) -> None:
        with self.changed:
            self.confirmed += [page_of(held).service for held in sent]
            self.changed.notify_all()

    def wait(self, count: int) -> list[str]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.confirmed) >= count, PATIENCE_S)
        return self.confirmed


def held(service: str) -> Held:
    seen = Observation("p1", 0, service, "error_rate", "high", 1.0, "text")
    return reservation(service, seen.event_id(), 3, "owner").held


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier.Courier.__init__, "__defaults__", (0.001,))


@pytest.fixture
def pair() -> Iterator[tuple[Fake, Fake]]:
    one, two = Fake("one"), Fake("two")
    yield one, two
    one.gate.set()
    two.gate.set()
    while _started:
        _started.pop().stop(PATIENCE_S)


_started: list[Outbox] = []


def outbox_of(pair: tuple[Fake, Fake], ledger: Ledger, lease_ms: int = LEASE_MS, limit: int = 8) -> Outbox:
    box = Outbox(pair, lambda page: [one.name for one in pair], Journal("p1", out=io.BytesIO()), lease_ms, limit)
    box.start(ledger.renew, ledger.confirm)
    _started.append(box)
    return box


def test_an_alert_is_confirmed_once_all_have_it(pair: tuple[Fake, Fake]) -> None:
    ledger = Ledger()
    pair[1].gate.clear()
    outbox_of(pair, ledger).put(held("a"))
    pair[0].wait(1)
    pair[1].wait_attempts(1)
    assert not ledger.confirmed
    pair[1].gate.set()
    assert ledger.wait(1) == ["a"]
    assert pair[0].taken == pair[1].taken == ["a"]


def test_one_that_hangs_or_is_down_holds_up_no_other(pair: tuple[Fake, Fake]) -> None:
    ledger = Ledger()
    pair[1].gate.clear()
    box = outbox_of(pair, ledger)
    for number in range(5):
        box.put(held(f"s{number}"))
    assert len(pair[0].wait(5)) == 5
    assert not ledger.confirmed and len(box) == 5
    pair[1].gate.set()
    assert sorted(ledger.wait(5)) == [f"s{number}" for number in range(5)]


def test_a_page_that_fails_holds_up_no_other_page(pair: tuple[Fake, Fake]) -> None:
    pair[0].errors["bad"] = [NotNow("HTTP 500")] * 50
    box = outbox_of(pair, Ledger())
    box.put(held("bad"))
    pair[0].wait_attempts(2)
    box.put(held("good"))
    assert pair[0].wait(1) == ["good"]


def test_it_is_tried_until_it_arrives(pair: tuple[Fake, Fake]) -> None:
    ledger = Ledger()
    pair[0].errors["a"] = [NotNow("HTTP 500"), ValueError("a fault of ours"), NotNow("HTTP 429", 0.01)]
    outbox_of(pair, ledger).put(held("a"))
    assert ledger.wait(1) == ["a"]
    assert pair[0].attempts == ["a"] * 4 and pair[1].attempts == ["a"]


def test_what_is_refused_for_good_is_not_tried_again_and_told(pair: tuple[Fake, Fake]) -> None:
    ledger, out = Ledger(), io.BytesIO()
    pair[0].errors["a"] = [Refused("HTTP 400: invalid")]
    box = Outbox(pair, lambda page: ["one", "two"], Journal("p1", out=out), LEASE_MS)
    box.start(ledger.renew, ledger.confirm)
    box.put(held("a"))
    ledger.wait(1)
    assert pair[0].attempts == ["a"] and b'"event":"refused"' in out.getvalue() and b"HTTP 400: invalid" in out.getvalue()


def test_one_that_came_back_goes_only_to_those_that_have_it_not(pair: tuple[Fake, Fake]) -> None:
    """This process let go of it, since its lease had run out; then it took it over itself."""
    ledger = Ledger()
    pair[1].down = NotNow("HTTP 503")
    box = outbox_of(pair, ledger, lease_ms=1)
    box.put(held("a"))
    deadline_s = time.monotonic() + PATIENCE_S
    # The courier tells of an arrival a moment after the destination took the page: to let go before would be to forget it.
    while not box._done and time.monotonic() < deadline_s:
        time.sleep(0.001)
    assert pair[0].taken == ["a"]
    ledger.answer = False
    while len(box) and time.monotonic() < deadline_s:
        box.keep()
    assert not len(box)
    ledger.answer = True
    pair[1].down = None
    box.put(held("a"))
    assert ledger.wait(1) == ["a"]
    assert pair[0].taken == ["a"] and pair[1].taken == ["a"]


def test_leases_are_renewed_while_an_alert_is_in_hand(pair: tuple[Fake, Fake]) -> None:
    ledger = Ledger()
    pair[1].gate.clear()
    box = outbox_of(pair, ledger, lease_ms=60)
    box.put(held("a"))
    pair[1].wait_attempts(1)
    deadline_s = time.monotonic() + PATIENCE_S
    while not ledger.renewed and time.monotonic() < deadline_s:
        box.keep()
    assert ledger.renewed and len(box) == 1


def test_with_the_store_away_pages_go_out_all_the_same(pair: tuple[Fake, Fake]) -> None:
    ledger = Ledger()
    ledger.answer = StoreUnavailable("gone", maybe_done=False)
    outbox_of(pair, ledger, lease_ms=0).put(held("a"))
    assert pair[0].wait(1) == ["a"]
    assert ledger.renewed


def test_what_another_process_has_by_now_is_not_sent(pair: tuple[Fake, Fake]) -> None:
    ledger = Ledger()
    ledger.answer = False
    box = outbox_of(pair, ledger, lease_ms=0)
    box.put(held("a"))
    deadline_s = time.monotonic() + PATIENCE_S
    while len(box) and time.monotonic() < deadline_s:
        box.keep()
    assert not len(box) and not pair[0].taken and not pair[1].taken and not ledger.confirmed


def test_a_full_outbox_makes_room_where_somebody_was_told(pair: tuple[Fake, Fake]) -> None:
    """One destination is down for long: the other still hears of everything, and the memory stays as it is."""
    pair[1].down = NotNow("HTTP 503")
    box = outbox_of(pair, Ledger(), limit=4)
    for number in range(20):
        box.put(held(f"s{number}"))
        pair[0].wait(number + 1)
        assert len(box) <= 4
    assert pair[0].taken == [f"s{number}" for number in range(20)]


def test_a_full_outbox_leaves_to_its_lease_what_it_cannot_take(pair: tuple[Fake, Fake]) -> None:
    for one in pair:
        one.down = NotNow("HTTP 503")
    box = outbox_of(pair, Ledger(), limit=4)
    for number in range(20):
        box.put(held(f"s{number}"))
    assert len(box) == 4


def test_an_alert_that_goes_nowhere_is_confirmed(pair: tuple[Fake, Fake]) -> None:
    ledger = Ledger()
    box = Outbox(pair, lambda page: [], Journal("p1", out=io.BytesIO()), LEASE_MS)
    box.start(ledger.renew, ledger.confirm)
    box.put(held("a"))
    assert ledger.wait(1) == ["a"]


def test_an_event_of_another_program_is_paged_too() -> None:
    page = page_of(reservation("some fingerprint", "event 7", 1, "owner").held)
    assert (page.service, page.message) == ("some fingerprint", "event event 7")


def test_the_event_says_all_that_the_page_needs() -> None:
    seen = Observation("p1", 5, 'a "service"', "error_rate", "critical", 2.5, "said")
    page = page_of(reservation("f", seen.event_id(), 1, "owner").held)
    assert (page.node, page.ts_ms, page.service, page.severity, page.message) == ("p1", 5, 'a "service"', "critical", "said")
