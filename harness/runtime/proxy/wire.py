"""What the parsers of both protocols share: what they hand over, how they complain, and how bytes are shown to a reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from harness.errors import HarnessError

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
TEXT_CHARS = 300
VALUE_CHARS = 60
_SHOWN = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class WireError(HarnessError):
    """Bytes that the protocol does not have; the connection is cut, the sentence goes to the proxy's complaints."""


@dataclass(slots=True)
class Request:
    """One unit from a client: forwarded whole or not at all.

    `counted`: a round trip, which may be held, cut and counted; others pass. `answers`: a reply will come that belongs to it.
    `reply`: what the proxy itself answers; the request then goes no further. `urgent`: goes even while a round trip is under way.
    """

    data: bytes
    kind: str
    counted: bool = False
    answers: bool = True
    urgent: bool = False
    ends: bool = False
    reply: bytes = b""
    describe: Callable[[], str] | None = None


class Part(Enum):
    """What a piece of a server's bytes is."""

    ASIDE = "aside"  # belongs to no request: a push, a notice while nothing is asked
    MORE = "more"  # a part of the reply to the oldest request
    FLOW = "flow"  # the same, and the client must see it before the reply can end (copy)
    LAST = "last"  # the end of the reply to the oldest request


class Dialect(Protocol):
    """One connection's protocol, without its sockets: bytes in, units out, however the bytes are cut."""

    def from_client(self, data: bytes) -> list[Request]:
        """Complete units, in order. Raises WireError."""
        ...

    def from_server(self, data: bytes, waiting: int) -> list[tuple[Part, bytes]]:
        """Pieces, in order; `waiting` requests were forwarded and have no complete reply yet. Raises WireError."""
        ...

    def joins(self, request: Request) -> bool:
        """Whether a request that looks like a new unit belongs to the round trip under way."""
        ...

    def refusal(self, sentence: str) -> bytes:
        """An error for the client."""
        ...

    @property
    def refusal_ends(self) -> bool:
        """Whether a client expects the connection to be closed after a refusal; else each of its requests is refused."""
        ...

    @property
    def greeted(self) -> bool:
        """Whether the client has said enough for a refusal to be understood."""
        ...

    @property
    def backend(self) -> int:
        """The number of the server's process behind this connection, 0 if unknown."""
        ...

    def last_reply(self) -> str:
        """A few words about the reply that ended last."""
        ...


def visible(data: bytes, limit: int = VALUE_CHARS) -> str:
    """Bytes for a reader: text where it is text, other bytes as \\xNN; cut with … where it is longer than `limit` characters."""
    text = data[: limit * 4].decode("utf-8", "surrogateescape")
    shown = "".join(_SHOWN.get(char) or (char if char.isprintable() else _escape(char)) for char in text[: limit + 1])
    return shown if len(shown) <= limit and len(data) <= limit * 4 else shown[: limit - 1] + "…"


def _escape(char: str) -> str:
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:  # a byte that is no text
        number -= 0xDC00
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
