"""The pairs of DD-40: unequal, legal, and what they say they share; and its rule over histories."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable

import pytest

from challenges.alert_dedup.independence import differs, name, never_paged, paged
from challenges.alert_dedup.lookalikes import HASHES, LONGEST, PAIRS, TEXTS
from challenges.alert_dedup.suites.test_dd40_independence import CONTROL, KINDS, LONG
from challenges.alert_dedup.view import Rules, View
from tests.challenges.dedup_histories import Sketch

M32 = 0xFFFFFFFF


def rolling(start: int, step: Callable[[int, int], int]) -> Callable[[bytes], int]:
    def value(text: bytes) -> int:
        state = start
        for byte in text:
            state = step(state, byte) & M32
        return state

    return value


def murmur3(text: bytes) -> int:
    """The 32-bit variant for x86, seed 0."""

    def mixed(k: int) -> int:
        k = k * 0xCC9E2D51 & M32
        return ((k << 15 | k >> 17) & M32) * 0x1B873593 & M32

    state, whole = 0, len(text) // 4 * 4
    for at in range(0, whole, 4):
        state ^= mixed(int.from_bytes(text[at : at + 4], "little"))
        state = ((state << 13 | state >> 19) & M32) * 5 + 0xE6546B64 & M32
    state ^= mixed(int.from_bytes(text[whole:], "little")) ^ len(text)
    state = (state ^ state >> 16) * 0x85EBCA6B & M32
    state = (state ^ state >> 13) * 0xC2B2AE35 & M32
    return state ^ state >> 16


def one_at_a_time(text: bytes) -> int:
    def step(state: int, byte: int) -> int:
        state = (state + byte) & M32
        state = (state + (state << 10)) & M32
        return state ^ state >> 6

    state = rolling(0, step)(text)
    state = (state + (state << 3)) & M32
    state ^= state >> 11
    return (state + (state << 15)) & M32


HASH: dict[str, Callable[[bytes], object]] = {
    "crc32": zlib.crc32,
    "adler32": zlib.adler32,
    "FNV-1a": rolling(0x811C9DC5, lambda state, byte: (state ^ byte) * 0x01000193),
    "FNV-1": rolling(0x811C9DC5, lambda state, byte: (state * 0x01000193 & M32) ^ byte),
    "djb2": rolling(5381, lambda state, byte: state * 33 + byte),
    "djb2a": rolling(5381, lambda state, byte: (state * 33 & M32) ^ byte),
    "sdbm": rolling(0, lambda state, byte: byte + (state << 6) + (state << 16) - state),
    "Java's hashCode": rolling(0, lambda state, byte: state * 31 + byte),
    "MurmurHash3": murmur3,
    "one-at-a-time": one_at_a_time,
    "the first 8 digits of MD5": lambda text: hashlib.md5(text).digest()[:4],
    "the first 8 digits of SHA-1": lambda text: hashlib.sha1(text).digest()[:4],
    "the first 8 digits of SHA-256": lambda text: hashlib.sha256(text).digest()[:4],
}


@pytest.mark.parametrize(("kind", "one", "other"), [row for row in HASHES if row[0] in HASH])
def test_hashes_are_equal(kind: str, one: str, other: str) -> None:
    assert one != other
    assert HASH[kind](one.encode()) == HASH[kind](other.encode())


def test_only_the_hash_of_the_database_is_not_computed_here() -> None:
    assert {kind for kind, _, _ in HASHES} - set(HASH) == {"Postgres's hashtext"}


def test_all_fingerprints_differ_and_are_legal() -> None:
    texts = [told.fingerprint for pair in PAIRS for told in (pair.one, pair.other)]
    assert len(texts) == len(set(texts))
    for text in texts:
        assert text
        assert len(text.encode()) <= LONGEST
        assert "\0" not in text
    assert max(len(text.encode()) for text in texts) == LONGEST


def test_names_and_event_ids_are_used_once() -> None:
    names = [pair.name for pair in PAIRS] + [company.name for company in (*KINDS, LONG)]
    assert len(names) == len(set(names))
    ids = [told.event_id for pair in PAIRS for told in (pair.one, pair.other) if told.event_id]
    assert len(ids) == len(set(ids))


def test_kinds_hold_every_pair_once() -> None:
    assert sorted(pair.name for company in (*KINDS, LONG) for pair in company.pairs) == sorted(pair.name for pair in PAIRS)
    assert len(KINDS[0].pairs) == len(HASHES)
    assert len(KINDS[1].pairs) == len(TEXTS)


@pytest.mark.parametrize("mark", list(":|/-"))
def test_joined_ones_are_equal_once_joined(mark: str) -> None:
    by_name = {pair.name: pair for pair in PAIRS}
    after, before, event = (
        by_name[text]
        for text in (
            f"joined by {mark} with the service",
            f"the service before it, joined by {mark}",
            f"joined by {mark} with the event",
        )
    )
    assert len({mark.join((told.fingerprint, told.service)) for told in (after.one, after.other)}) == 1
    assert len({mark.join((told.service, told.fingerprint)) for told in (before.one, before.other)}) == 1
    assert len({mark.join((told.fingerprint, told.event_id)) for told in (event.one, event.other)}) == 1


def test_pairs_beyond_ascii_are_equal_once_their_bytes_are_cut_or_replaced() -> None:
    by_name = {pair.name: (pair.one.fingerprint, pair.other.fingerprint) for pair in PAIRS}
    low = {bytes(ord(c) & 0xFF for c in text) for text in by_name["the low byte of each character"]}
    assert low == {b"BELL"}
    replaced = by_name["? or nothing for what is beyond ASCII"]
    assert {text.encode("ascii", "replace") for text in replaced} == {b"???"}
    assert {text.encode("ascii", "ignore") for text in replaced} == {b""}


def test_long_ones_differ_in_the_last_character_alone() -> None:
    for pair in LONG.pairs:
        assert pair.one.fingerprint[:-1] == pair.other.fingerprint[:-1]


def test_control_is_of_no_pair() -> None:
    texts = {told.fingerprint for pair in PAIRS for told in (pair.one, pair.other)}
    assert not texts & {CONTROL.one.fingerprint, CONTROL.other.fingerprint}


# -- the rule --------------------------------------------------------------------------------------------------------------------


def view(sketch: Sketch) -> View:
    return View(sketch.end(10_000).entries(), Rules())


def alone() -> Sketch:
    return Sketch().page(0, "e1", "a1").offer(200, "e2").page(6000, "e3", "a3")


def test_same_pages_among_others_are_no_finding() -> None:
    among = alone().page(10, "x1", "b1", fp="g").offer(210, "x2", fp="g")
    assert differs(view(among), view(alone()), "f") is None
    assert paged(view(among), "f") == (True, False, True)
    assert never_paged(view(alone()), "f") is None


def test_a_page_under_the_id_of_another_fingerprints_reaches_nobody() -> None:
    among = Sketch().page(0, "x1", "a1", fp="g").page(5, "e1", "a1").offer(200, "e2").page(6000, "e3", "a3")
    assert paged(view(among), "f") == (False, False, True)
    finding = differs(view(among), view(alone()), "f")
    assert finding is not None and "was paged, but under another fingerprint's alert_id" in finding.summary


def test_event_that_another_ones_page_swallowed_is_found() -> None:
    among = Sketch().page(0, "x1", "b1", fp="g").offer(10, "e1").offer(200, "e2").page(6000, "e3", "a3")
    finding = differs(view(among), view(alone()), "f")
    assert finding is not None
    assert "event 1 of 'f' was not paged, and is when it is alone" in finding.summary


def test_page_too_many_among_others_is_found() -> None:
    among = Sketch().page(0, "e1", "a1").page(10, "x1", "b1", fp="g").page(200, "e2", "a2").page(6000, "e3", "a3")
    finding = differs(view(among), view(alone()), "f")
    assert finding is not None
    assert "event 2 of 'f' was paged, and is not when it is alone" in finding.summary


def test_page_under_another_fingerprint_is_none_of_its_own() -> None:
    among = Sketch().offer(0, "e1", "emit").emit(1, "e1", "a1", fp="F").offer(200, "e2").page(6000, "e3", "a3")
    assert differs(view(among), view(alone()), "f") is not None


@pytest.mark.parametrize(
    ("reply", "said", "severity"),
    [("fail", "refused", "major"), ("info", "refused", "major"), ("suppress", "accepted and never paged", "critical")],
)
def test_never_paged_alone_is_found(reply: str, said: str, severity: str) -> None:
    finding = never_paged(view(Sketch().offer(0, "e1", reply)), "f")
    assert finding is not None
    assert said in finding.summary
    assert finding.severity == severity


def test_long_fingerprints_are_named_by_their_ends() -> None:
    assert name("caf\u00e9") == "'caf\\xe9'"
    assert len(name("x" * LONGEST)) < 100
