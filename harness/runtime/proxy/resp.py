"""RESP2 and RESP3: frames out of bytes, and which commands are round trips.

A round trip is a command up to its reply. MULTI and what is queued after it have no effect until EXEC, which is one round trip.
Not counted: commands that only set up or check a connection, commands that may block (they wait on others, so when they are
answered says nothing about this client), subscriptions. Pushes belong to no command.
"""

from __future__ import annotations

from harness.runtime.proxy.wire import MAX_MESSAGE_BYTES, TEXT_CHARS, Part, Request, WireError, visible

MAX_ELEMENTS = 1024 * 1024
MAX_LINE_BYTES = 64 * 1024
MAX_QUEUED_SHOWN = 64
_ONE_LINE = (b"+", b"-", b":")
_SIMPLE = frozenset(b"+-:_,#(")
_BULK = frozenset(b"$=!")
_MANY = frozenset(b"*~>")
_PAIRS = frozenset(b"%|")
_SETUP = frozenset(
    ("HELLO", "AUTH", "SELECT", "CLIENT", "PING", "ECHO", "QUIT", "RESET", "COMMAND", "READONLY", "READWRITE", "ASKING")
)
_BLOCKING = frozenset(
    (
        "BLPOP",
        "BRPOP",
        "BLMOVE",
        "BRPOPLPUSH",
        "BLMPOP",
        "BZPOPMIN",
        "BZPOPMAX",
        "BZMPOP",
        "WAIT",
        "WAITAOF",
        "MONITOR",
        "SYNC",
        "PSYNC",
    )
)
_SUBSCRIBING = frozenset(("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"))
_PUBSUB_KINDS = frozenset(
    (
        b"subscribe",
        b"psubscribe",
        b"ssubscribe",
        b"unsubscribe",
        b"punsubscribe",
        b"sunsubscribe",
        b"message",
        b"pmessage",
        b"smessage",
    )
)
_READS_WITH_BLOCK = frozenset(("XREAD", "XREADGROUP"))


class Frames:
    """Splits a stream into whole frames. With `inline`, a line that starts no frame is a command in words (requests only)."""

    def __init__(self, *, inline: bool = False) -> None:
        self._inline = inline
        self._buffer = bytearray()
        self._at = 0  # where the next element begins
        self._todo = 0  # elements that the frame under way still lacks

    def feed(self, data: bytes) -> list[bytes]:
        """Every frame that these bytes complete. Raises WireError."""
        if (
            not self._inline
            and not self._buffer
            and data[:1] in _ONE_LINE
            and data.find(b"\n") == len(data) - 1
            and data[-2:-1] == b"\r"
        ):
            return [data]  # the commonest reply by far
        self._buffer += data
        frames: list[bytes] = []
        start = 0
        while self._step():
            if self._todo == 0:
                frames.append(bytes(self._buffer[start : self._at]))
                start = self._at
        if start:
            del self._buffer[:start]
            self._at -= start
        if len(self._buffer) > MAX_MESSAGE_BYTES:
            raise WireError(f"a message of more than {MAX_MESSAGE_BYTES >> 20} MiB was begun")
        return frames

    def _step(self) -> bool:
        """Takes one element; False if it is not all there."""
        buffer, at = self._buffer, self._at
        line_end = buffer.find(b"\n", at)
        if line_end < 0:
            if len(buffer) - at > MAX_LINE_BYTES:
                raise WireError(
                    f"a line of more than {MAX_LINE_BYTES >> 10} KiB was begun: {visible(bytes(buffer[at : at + 40]))}"
                )
            return False
        kind = buffer[at]
        if self._inline and self._todo == 0 and kind != 0x2A:
            self._at = line_end + 1
            return True
        if line_end == at or buffer[line_end - 1] != 0x0D:
            raise WireError(f"a line of the protocol must end with CR LF; it was {visible(bytes(buffer[at : line_end + 1]))}")
        self._todo = self._todo or 1
        if kind in _BULK:
            return self._bulk(at, line_end)
        if kind in _MANY or kind in _PAIRS:
            count = max(self._number(at, line_end), 0) * (2 if kind in _PAIRS else 1)
            if count > MAX_ELEMENTS:
                raise WireError(f"a list of {count} elements was begun; at most {MAX_ELEMENTS} are understood")
            self._todo += count - (kind != 0x7C)  # an attribute comes before the element that it is about
        elif kind in _SIMPLE:
            self._todo -= 1
        else:
            raise WireError(f"no message of the protocol begins with {visible(bytes(buffer[at : at + 16]))}")
        self._at = line_end + 1
        return True

    def _bulk(self, at: int, line_end: int) -> bool:
        length = self._number(at, line_end)
        end = line_end + 1 if length < 0 else line_end + 1 + length + 2
        if length > MAX_MESSAGE_BYTES:
            raise WireError(f"a value of {length} bytes was announced; at most {MAX_MESSAGE_BYTES >> 20} MiB are understood")
        if end > len(self._buffer):
            return False
        if length >= 0 and self._buffer[end - 2 : end] != b"\r\n":
            raise WireError(f"a value of {length} bytes does not end where it should")
        self._todo -= 1
        self._at = end
        return True

    def _number(self, at: int, line_end: int) -> int:
        digits = bytes(self._buffer[at + 1 : line_end - 1])
        if (not digits.isdigit() and digits != b"-1") or len(digits) > 10:
            raise WireError(f"a length was expected; it was {visible(digits)}")
        return int(digits)


def words_of(frame: bytes, limit: int | None = None) -> list[bytes]:
    """The words of a request frame, at most `limit` of them. Raises WireError if it holds anything but words."""
    if not frame.startswith(b"*"):
        return frame.split(None, limit or -1)[:limit]
    at = frame.index(b"\n") + 1
    words: list[bytes] = []
    while at < len(frame) and (limit is None or len(words) < limit):
        end = frame.index(b"\n", at)
        if frame[at] != 0x24 or frame[at + 1] == 0x2D:
            raise WireError(f"a command consists of words; one of its elements was {visible(frame[at:end])}")
        length = int(frame[at + 1 : end - 1])
        words.append(frame[end + 1 : end + 1 + length])
        at = end + 1 + length + 2
    return words


def describe(words: list[bytes]) -> str:
    """A command for the log, cut to a line."""
    text = " ".join(visible(word) if word else "''" for word in words[:24])
    if len(words) > 24:
        text += f" … ({len(words)} words)"
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARS else text[: TEXT_CHARS - 1] + "…"


class RespDialect:
    """One RESP connection (see `wire.Dialect`)."""

    backend = 0
    refusal_ends = False

    def __init__(self) -> None:
        self._requests = Frames(inline=True)
        self._replies = Frames()
        self._queued: list[str] | None = None
        self._subscribed = False
        self._last = b""
        self.greeted = False

    def from_client(self, data: bytes) -> list[Request]:
        """See `Dialect`."""
        found = [self._request(frame) for frame in self._requests.feed(data)]
        self.greeted = self.greeted or bool(found)
        return found

    def _request(self, frame: bytes) -> Request:
        head = words_of(frame, 2)
        if not head:
            return Request(frame, "empty", answers=False)
        name = head[0].upper().decode("latin-1")
        if self._queued is not None:
            return self._inside_multi(frame, name, self._queued)
        if name == "CLIENT" and len(head) > 1 and head[1].upper() == b"REPLY":
            return Request(frame, name, reply=b"-ERR CLIENT REPLY is not available here: every command must have its reply\r\n")
        if name == "MULTI":
            self._queued = []
            return Request(frame, name)
        if name in _SUBSCRIBING:
            self._subscribed = True
            return Request(frame, name, answers=False)
        if name in _SETUP or name in _BLOCKING or (name in _READS_WITH_BLOCK and _blocks(frame)):
            return Request(frame, name)
        return Request(frame, name, counted=True, describe=lambda: describe(words_of(frame, 64)))

    def _inside_multi(self, frame: bytes, name: str, queued: list[str]) -> Request:
        if name not in ("EXEC", "DISCARD", "RESET", "QUIT"):
            if len(queued) < MAX_QUEUED_SHOWN:
                queued.append(describe(words_of(frame, 12)))
            return Request(frame, name)
        self._queued = None
        if name != "EXEC":
            return Request(frame, name)
        return Request(frame, name, counted=True, describe=lambda: _cut("EXEC of " + "; ".join(queued)))

    def from_server(self, data: bytes, waiting: int) -> list[tuple[Part, bytes]]:
        """See `Dialect`."""
        pieces: list[tuple[Part, bytes]] = []
        for frame in self._replies.feed(data):
            if waiting == 0 or frame[0] == 0x3E or (self._subscribed and _is_pubsub(frame)):
                pieces.append((Part.ASIDE, frame))
            else:
                waiting -= 1
                self._last = frame[:200]
                pieces.append((Part.LAST, frame))
        return pieces

    def joins(self, request: Request) -> bool:
        """See `Dialect`: never."""
        return False

    def refusal(self, sentence: str) -> bytes:
        """See `Dialect`."""
        return f"-ERR {sentence}\r\n".encode()

    def last_reply(self) -> str:
        """See `Dialect`."""
        return visible(self._last.replace(b"\r\n", b" ").rstrip())


def _blocks(frame: bytes) -> bool:
    return any(word.upper() == b"BLOCK" for word in words_of(frame, 8))


def _is_pubsub(frame: bytes) -> bool:
    if frame[:1] != b"*":
        return False
    parts = frame.split(b"\r\n", 3)
    return len(parts) > 2 and parts[2].lower() in _PUBSUB_KINDS
