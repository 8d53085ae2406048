"""Fingerprints that are easily taken for each other: pairs of texts that are not equal, each with what it is that they share.

Fixed texts, found once by search, so that every candidate is asked the same. `tests/challenges/test_dedup_lookalikes.py` computes the
hashes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 64 * 1024  # bytes of UTF-8, the most that the protocol allows
_FRAME = "at Checkout.pay(Checkout.java:42) "
_PREFIX = "checkout/error_rate/" + "the same long path/" * 12  # 248 characters
SERVICE = "checkout"


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one of the two: its fingerprint; the service beside it, and the event's id, where a key could be joined of them."""

    fingerprint: str
    service: str = SERVICE
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two that are not equal. `long`: longer than what is usual, which is a part of its own."""

    name: str
    one: Told
    other: Told
    long: bool = False

    @property
    def size(self) -> int:
        """Characters of both: of two pairs that show the same, the smaller one is the better witness."""
        return len(self.one.fingerprint) + len(self.other.fingerprint)


def _pair(name: str, one: str, other: str, *, long: bool = False) -> Pair:
    return Pair(name, Told(one), Told(other), long)


HASHES = (
    ("crc32", "yhcbdjwhj/latency", "cfmwjcitz/latency"),
    ("adler32", "service-120/error_rate", "service-201/error_rate"),
    ("FNV-1a", "hhuhtvqzb/latency", "soohcjtgg/latency"),
    ("FNV-1", "yqzbgxgwe/latency", "morjtdyvy/latency"),
    ("djb2", "service-az/error_rate", "service-bY/error_rate"),
    ("djb2a", "aqgsrbgof/latency", "ktqfazeoc/latency"),
    ("sdbm", "tsfsujhri/latency", "qvaoaazja/latency"),
    ("Java's hashCode", "service-Aa/error_rate", "service-BB/error_rate"),
    ("MurmurHash3", "service-102048/error_rate", "service-108637/error_rate"),
    ("one-at-a-time", "service-55980/error_rate", "service-96004/error_rate"),
    ("Postgres's hashtext", "service-94038/error_rate", "service-149149/error_rate"),
    ("the first 8 digits of MD5", "service-2675/error_rate", "service-36026/error_rate"),
    ("the first 8 digits of SHA-1", "service-112216/error_rate", "service-150798/error_rate"),
    ("the first 8 digits of SHA-256", "service-16462/error_rate", "service-80018/error_rate"),
)

TEXTS = (
    ("letter case", "Latency", "latency"),
    ("letter case beyond ASCII", "größe", "GRÖSSE"),
    ("NFC and NFD", "caf\u00e9", "cafe\u0301"),
    ("compatible characters", "\ufb01le", "file"),
    ("a trailing blank", "disk", "disk "),
    ("a leading blank", "load", " load"),
    ("a trailing line end", "swap", "swap\n"),
    ("two blanks for one", "free space", "free  space"),
    ("%", "full%", "full/a"),
    ("_", "part_1", "part-1"),
    ("*", "node*", "node/a"),
    ("?", "rack?", "racka"),
    ("[ab]", "row[ab]", "rowa"),
    ("a backslash", "c\\d", "cd"),
    ("a number", "1", "01"),
    ("names of an object", "__proto__", "constructor"),
    ("more names of an object", "toString", "hasOwnProperty"),
    ("names that stand for nothing", "null", "undefined"),
    ("a prefix of the other", "checkout", "checkout/latency"),
    ("beyond the basic plane", "\U0001f525", "\U0001f4a7"),
    ("? or nothing for what is beyond ASCII", "\u0436\u0443\u043a", "\u0449\u0438\u0442"),
    ("the low byte of each character", "BELL", "\u0142\u0145\u014c\u014c"),
)


def _joined() -> list[Pair]:
    """`a:b` with `c` and `a` with `b:c`, in the service and in the event's id: the same text, once they are joined."""
    pairs = []
    for number, mark in enumerate(":|/-"):
        up, io, at = f"up{number}", f"io{number}", f"at{number}"
        told = (Told(f"{up}{mark}db", "eu"), Told(up, f"db{mark}eu"))
        pairs.append(Pair(f"joined by {mark} with the service", *told))
        told = (Told(f"eu{mark}{io}", "db"), Told(io, f"db{mark}eu"))
        pairs.append(Pair(f"the service before it, joined by {mark}", *told))
        told = (Told(f"{at}{mark}db", event_id=f"e{mark}1"), Told(at, event_id=f"db{mark}e{mark}1"))
        pairs.append(Pair(f"joined by {mark} with the event", *told))
    return pairs


def _long() -> list[Pair]:
    """Alike for as far as somebody may look, and as long as may be."""
    pairs = []
    for length in (256, 1024, 4096):
        start = (_PREFIX * 20)[: length - 1]
        pairs.append(_pair(f"{length} characters, of which the last differs", f"{start}a", f"{start}b", long=True))
    start = (_FRAME * 2000)[: LONGEST - 1]
    pairs.append(_pair("64 KiB, of which the last character differs", f"{start}a", f"{start}b", long=True))
    return pairs


PAIRS: Sequence[Pair] = (
    *(_pair(f"equal {name}", one, other) for name, one, other in HASHES),
    *(_pair(name, one, other) for name, one, other in TEXTS),
    *_joined(),
    *_long(),
)
