"""A round trip as the proxy sees it, what may be decided about it, and the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Point(Enum):
    """Where a round trip can be held."""

    BEFORE = "before"  # the request is here in full, the store has seen nothing of it
    AFTER = "after"  # the store has answered, the client has seen nothing of it


class Move(Enum):
    """What happens to a round trip at a point."""

    PASS = "pass"
    HOLD = "hold"  # until `release`
    DELAY = "delay"
    CUT = "cut"  # neither forwarded nor delivered: both sides of the connection are closed


@dataclass(frozen=True, slots=True)
class Verdict:
    """A move; `delay_s` for DELAY only."""

    move: Move
    delay_s: float = 0.0


PASS, HOLD, CUT = Verdict(Move.PASS), Verdict(Move.HOLD), Verdict(Move.CUT)


def delay(delay_s: float) -> Verdict:
    """The verdict that lets it pass after that many seconds."""
    return Verdict(Move.DELAY, delay_s)


@dataclass(slots=True, eq=False)
class RoundTrip:
    """One round trip. `k` counts from 1 within the proxy's current window, 0 outside one. Times: ns, 0 while not yet.

    `fate`: "under way", "delivered", "cut before", "cut after", "client gone" (answered, nobody there to hear it), "lost" (the
    store's side ended first); over SQLite "went on" (the next part of its transaction began), "given up" (its lock was refused). `goes_on`: a part of what had leave to begin, which the gate does not hold.
    `inside`: whoever is stopped before it keeps locks that others want, for a transaction over SQLite has begun.
    """

    processor: str
    connection: int
    k: int
    window: str
    kind: str
    t_ns: int
    request_bytes: int
    backend: int = 0
    forwarded_ns: int = 0
    answered_ns: int = 0
    ended_ns: int = 0
    reply_bytes: int = 0
    fate: str = "under way"
    held: Point | None = None
    reply: str = ""
    goes_on: bool = False
    inside: bool = False
    notes: list[str] = field(default_factory=list)
    _text: str | None = None
    _describe: Callable[[], str] | None = None
    _go_on: Callable[[Verdict], None] | None = None

    @property
    def text(self) -> str:
        """The command or query in a few words, binary made visible."""
        if self._text is None:
            self._text = self._describe() if self._describe is not None else self.kind
            self._describe = None
        return self._text

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.fate != "under way"

    def release(self, verdict: Verdict = PASS) -> bool:
        """Lets a held round trip go on (or cuts it). False if it was not held: its connection may have ended meanwhile."""
        if self.held is None or self._go_on is None:
            return False
        self._go_on(verdict)
        return True

    def row(self) -> dict[str, Any]:
        """Plain values for the history and for evidence."""
        return {
            "processor": self.processor,
            "connection": self.connection,
            "k": self.k,
            "window": self.window,
            "kind": self.kind,
            "text": self.text,
            "reply": self.reply,
            "request_bytes": self.request_bytes,
            "reply_bytes": self.reply_bytes,
            "t_ns": self.t_ns,
            "forwarded_ns": self.forwarded_ns,
            "answered_ns": self.answered_ns,
            "ended_ns": self.ended_ns,
            "fate": self.fate,
            "notes": list(self.notes),
        }


Policy = Callable[[RoundTrip, Point], Verdict]


def in_turn(*policies: Policy) -> Policy:
    """Asks the policies in order; the first that does not say PASS decides."""

    def decide(trip: RoundTrip, point: Point) -> Verdict:
        for policy in policies:
            verdict = policy(trip, point)
            if verdict.move is not Move.PASS:
                return verdict
        return PASS

    return decide
