"""What every store must do, on the real ones, in their own (moved) time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from reference_impl.dedup import Connections, Reservation, Store, Terms
from reference_impl.dedup.model import reservation
from tests.reference_impl.dedup.store_servers import Server

W, LEASE, RETENTION = Terms().window_ms, Terms().lease_ms, Terms().retention_ms
_owners = count()
Opener = Callable[[], Store]


def wanted(fingerprint: str, event_id: str, rank: int = 1) -> Reservation:
    return reservation(fingerprint, event_id, rank, f"owner-{next(_owners)}")


def test_the_first_is_reserved_and_the_rest_of_the_window_is_folded_in(open_store: Opener, server: Server) -> None:
    one, other = open_store(), open_store()
    assert one.reserve(wanted("f", "e1")) == "emit"
    assert other.reserve(wanted("f", "e2")) == "suppress"
    assert other.reserve(wanted("f", "e3", rank=3)) == "update"
    assert one.reserve(wanted("f", "e4", rank=2)) == "suppress"
    server.advance(W - 1)
    assert other.reserve(wanted("f", "e5")) == "suppress"
    server.advance(1)
    assert other.reserve(wanted("f", "e6")) == "emit"
    assert one.reserve(wanted("f", "e7")) == "suppress"


def test_a_request_asked_twice_is_answered_alike_and_a_redelivery_gets_no_second_alert(
    open_store: Opener, server: Server
) -> None:
    store = open_store()
    first = wanted("f", "e1")
    assert [store.reserve(first), store.reserve(first), store.reserve(wanted("f", "e1"))] == ["emit", "emit", "known"]
    store.confirm([first.held])
    assert store.reserve(first) == "known"
    server.advance(RETENTION - 1000)
    assert store.reserve(wanted("f", "e1")) == "known"
    assert store.reserve(wanted("f", "e2")) == "emit"


def test_a_suppressed_event_is_judged_anew_when_redelivered_after_the_window(open_store: Opener, server: Server) -> None:
    store = open_store()
    assert [store.reserve(wanted("f", "e1")), store.reserve(wanted("f", "e2"))] == ["emit", "suppress"]
    server.advance(W)
    assert store.reserve(wanted("f", "e2")) == "emit"


def test_what_is_not_confirmed_is_taken_over_once_and_after_its_lease(open_store: Opener, server: Server) -> None:
    one, other = open_store(), open_store()
    lost, kept = wanted("f\0'\"%*", "e1"), wanted("g", "e2")
    assert [one.reserve(lost), one.reserve(kept)] == ["emit", "emit"]
    server.advance(LEASE - 1)
    assert other.take_over("heir", 9) == []
    assert one.renew(kept.held)
    server.advance(1)
    (taken,) = other.take_over("heir", 9)
    assert (taken.alert_id, taken.fingerprint, taken.event_id) == (lost.held.alert_id, "f\0'\"%*", "e1")
    assert one.take_over("late heir", 9) == []
    assert not one.renew(lost.held)
    assert other.renew(taken)
    server.advance(LEASE)
    assert {held.event_id for held in one.take_over("third", 9)} == {"e1", "e2"}


def test_a_zombie_that_did_send_may_confirm_and_nobody_sends_again(open_store: Opener, server: Server) -> None:
    store = open_store()
    lost = wanted("f", "e1")
    store.reserve(lost)
    server.advance(LEASE)
    assert len(store.take_over("heir", 9)) == 1
    store.confirm([lost.held])
    server.advance(LEASE)
    assert store.take_over("third", 9) == []


def test_takeover_outlives_the_window_and_does_not_lengthen_it(open_store: Opener, server: Server) -> None:
    store = open_store()
    first = wanted("f", "e1")
    store.reserve(first)
    server.advance(LEASE)
    store.confirm(store.take_over("heir", 9))
    server.advance(W - LEASE)
    second = wanted("f", "e2")
    assert store.reserve(second) == "emit"
    server.advance(3 * W)
    assert store.reserve(wanted("f", "e3")) == "emit"
    assert [held.event_id for held in store.take_over("heir", 1)] == ["e2"]
    assert second.held.alert_id != first.held.alert_id


ODD = [
    "a",
    "A",
    "a ",
    "a:b",
    "a\u0300",
    "\u00e0",
    "%",
    "*",
    "__proto__",
    "\U0001f525",
    "\u202e",
    "x" * 65536,
    "x" * 65535,
    "é" * 32768,
]


def test_fingerprints_are_told_apart_code_point_by_code_point(open_store: Opener, server: Server) -> None:
    store = open_store()
    assert [store.reserve(wanted(odd, f"e-{i}")) for i, odd in enumerate(ODD)] == ["emit"] * len(ODD)
    assert [store.reserve(wanted(odd, f"again-{i}")) for i, odd in enumerate(ODD)] == ["suppress"] * len(ODD)
    server.advance(LEASE)
    assert {held.fingerprint for held in store.take_over("heir", 99)} == set(ODD)


@pytest.mark.parametrize("same_event", [False, True], ids=["observations", "redeliveries"])
def test_of_many_at_once_exactly_one_is_reserved(open_store: Opener, same_event: bool) -> None:
    stores = [open_store() for _ in range(6)]
    with ThreadPoolExecutor(len(stores)) as pool:
        for turn in range(25):
            asked = [wanted(f"f{turn}", f"{turn}-{0 if same_event else n}") for n in range(len(stores))]
            answers = pool.map(lambda store, each: store.reserve(each), stores, asked)
            assert sorted(answers) == ["emit"] + ["known" if same_event else "suppress"] * 5


def test_the_store_is_emptied_by_time(open_store: Opener, server: Server, prefix: str) -> None:
    store = open_store()
    sent = [wanted(f"f{i}", f"e{i}") for i in range(300)]
    for each in sent:
        server.advance(0)  # held again, so that all are of one moment however long 600 round trips take
        store.reserve(each)
        store.reserve(wanted(each.held.fingerprint, f"suppressed-{each.held.event_id}"))
    assert server.size(prefix) >= 600
    server.advance(0)
    store.confirm([each.held for each in sent])
    server.advance(RETENTION + 1)
    store.take_over("heir", 9)
    assert server.size(prefix) == 0


def test_a_clock_set_back_keeps_nothing_waiting(open_store: Opener, server: Server) -> None:
    store = open_store()
    assert store.reserve(wanted("f", "e1")) == "emit"
    server.advance(-3_600_000)
    assert store.reserve(wanted("f", "e2")) == "suppress"
    assert [held.event_id for held in store.take_over("heir", 9)] == ["e1"]
    server.advance(W)
    assert store.reserve(wanted("f", "e3")) == "emit"


def test_a_restart_loses_nothing_and_is_survived(open_store: Opener, server: Server) -> None:
    connections = Connections(open_store)
    connections.warm(3)
    first, second = wanted("f", "e1"), wanted("g", "e2")
    assert connections.run(lambda store: store.reserve(first), 1.0) == "emit"
    assert connections.run(lambda store: store.reserve(second), 1.0) == "emit"
    connections.run(lambda store: store.confirm([second.held]), 1.0)
    server.stop()
    server.start()
    assert connections.run(lambda store: store.reserve(wanted("f", "e3")), 30.0) == "suppress"
    assert connections.run(lambda store: store.reserve(wanted("f", "e1")), 1.0) == "known"
    server.advance(LEASE)
    assert [held.event_id for held in connections.run(lambda store: store.take_over("heir", 9), 1.0)] == ["e1"]


def test_a_prefix_of_any_kind_is_a_world_of_its_own(server: Server) -> None:
    from reference_impl.dedup import opener

    for prefix in ("", "a", "A", "a'\"; drop table x --", "p" * 200, "ü"):
        store = opener(server.kind, server.url, prefix, Terms())()
        assert store.reserve(wanted("f", "e1")) == "emit"
        assert store.reserve(wanted("f", "e2")) == "suppress"
        store.close()
