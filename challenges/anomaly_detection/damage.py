"""Ways to damage a snapshot: cut off, or with one bit flipped. Pure functions of the state and a generator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

# What ends a state without meaning anything: a newline, the padding of base64. To lose it is no damage.
_IDLE_END = " \t\r\n="
_ASCII_BITS = 7
_SURROGATES = range(0xD800, 0xE000)


class Kind(StrEnum):
    """How a state is damaged."""

    TRUNCATED = "truncated"
    FLIPPED = "flipped"


@dataclass(frozen=True, slots=True)
class Damage:
    """A damaged state: where (in characters), and for a flip which bit of the character's number."""

    kind: Kind
    at: int
    bit: int
    state: str

    @property
    def words(self) -> str:
        """For a witness."""
        return (
            f"cut off after {self.at} characters" if self.kind is Kind.TRUNCATED else f"bit {self.bit} of character {self.at}"
        )


def truncated(state: str, at: int) -> Damage:
    """The first `at` characters."""
    return Damage(Kind.TRUNCATED, at, 0, state[:at])


def flipped(state: str, at: int, bit: int) -> Damage:
    """One bit of one character flipped. Raises ValueError where that gives no character."""
    number = ord(state[at]) ^ (1 << bit)
    if number in _SURROGATES or number > 0x10FFFF:
        raise ValueError(f"bit {bit} of character {at} cannot be flipped: {number:#x} is no character")
    return Damage(Kind.FLIPPED, at, bit, state[:at] + chr(number) + state[at + 1 :])


def truncations(state: str, count: int, rng: np.random.Generator) -> list[Damage]:
    """So many cuts: nothing left, all but the last character that means something, and places in between."""
    length = len(state.rstrip(_IDLE_END))
    if length == 0:
        return []
    inner = [1 + int(rng.random() * (length - 1)) for _ in range(count - 2)]
    return [truncated(state, at) for at in dict.fromkeys([*inner, length - 1, 0])]


def flips(state: str, count: int, rng: np.random.Generator) -> list[Damage]:
    """So many single bits flipped, anywhere in what means something. The low seven bits: a text in ASCII stays one."""
    length = len(state.rstrip(_IDLE_END))
    places = [(int(rng.random() * length), int(rng.random() * _ASCII_BITS)) for _ in range(count if length else 0)]
    return [flipped(state, at, bit) for at, bit in dict.fromkeys(places)]
