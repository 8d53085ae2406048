"""The Postgres wire, version 3: messages out of bytes, and which of them make a round trip.

A round trip is a Query, a function call, or all messages up to a Sync, until ReadyForQuery. Messages that a client flushes before
their Sync go on uncounted: what they do is committed by the Sync, if not by a COMMIT. Requests for encryption are answered N.
"""

from __future__ import annotations

import struct

from harness.runtime.proxy.wire import MAX_MESSAGE_BYTES, TEXT_CHARS, Part, Request, WireError, visible

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
MAX_STARTUP_BYTES = 10_000
MAX_STATEMENTS = 2000
_FRONTEND = frozenset(b"QPBDECHSFdcfpX")
_Q, _S, _F, _H, _X, _P, _B, _E, _C = b"QSFHXPBEC"
_COPY_DATA, _COPY_DONE, _COPY_FAIL, _PASSWORD = b"dcfp"
_READY, _COPY_IN, _COPY_OUT, _COPY_BOTH, _KEY, _COMPLETE, _ERROR = b"ZGHWKCE"


class Messages:
    """Splits a stream into messages of a type byte, four bytes of length, and a body."""

    def __init__(self, known: frozenset[int] | None = None) -> None:
        self._known = known
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Every message that these bytes complete, type and length included. Raises WireError."""
        self._buffer += data
        buffer, at, found = self._buffer, 0, []
        while len(buffer) - at >= 5:
            length = int.from_bytes(buffer[at + 1 : at + 5], "big")
            self._check(buffer[at], length)
            end = at + 1 + length
            if end > len(buffer):
                break
            found.append(bytes(buffer[at:end]))
            at = end
        if at:
            del buffer[:at]
        return found

    def _check(self, kind: int, length: int) -> None:
        if self._known is not None and kind not in self._known:
            raise WireError(f"no message of a Postgres client has the type {visible(bytes((kind,)))}")
        if not 4 <= length <= MAX_MESSAGE_BYTES:
            raise WireError(
                f"a message of {length} bytes was announced; 4 bytes to {MAX_MESSAGE_BYTES >> 20} MiB are understood"
            )


class Startup:
    """Splits what comes before the first typed message: four bytes of length, four of code or version, and a body."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> bytes | None:
        """The first packet if it is all there. Raises WireError."""
        self._buffer += data
        if len(self._buffer) < 8:
            return None
        length = int.from_bytes(self._buffer[:4], "big")
        if not 8 <= length <= MAX_STARTUP_BYTES:
            raise WireError(
                f"the first message of a Postgres client has 8 to {MAX_STARTUP_BYTES} bytes; {length} were announced"
            )
        if len(self._buffer) < length:
            return None
        packet = bytes(self._buffer[:length])
        del self._buffer[:length]
        return packet

    def rest(self) -> bytes:
        """What came after the packets handed out."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest


def startup_parameters(packet: bytes) -> dict[str, str]:
    """The pairs of a startup packet: user, database and so on."""
    fields = packet[8:].split(b"\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    return {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in pairs if key}


def error_message(sentence: str, code: str) -> bytes:
    """A fatal ErrorResponse."""
    body = b"".join(
        kind + value.encode() + b"\0" for kind, value in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", code), (b"M", sentence))
    )
    return b"E" + struct.pack("!I", len(body) + 5) + body + b"\0"


class PostgresDialect:
    """One Postgres connection (see `wire.Dialect`). `user`: the only one who is let in, None for anybody."""

    refusal_ends = True

    def __init__(self, user: str | None = None) -> None:
        self._user = user
        self._startup: Startup | None = Startup()
        self._messages = Messages(_FRONTEND)
        self._answers = Messages()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._statements: dict[bytes, bytes] = {}
        self._ready_once = False
        self._copying = False
        self._words: list[str] = []
        self._said = ""
        self.greeted = False
        self.backend = 0

    # -- from the client -------------------------------------------------------------------------------------------------------

    def from_client(self, data: bytes) -> list[Request]:
        """See `Dialect`."""
        requests: list[Request] = []
        while self._startup is not None:
            packet = self._startup.feed(data)
            data = b""
            if packet is None:
                return requests
            requests.append(self._first(packet))
            if requests[-1].ends:
                return requests
            if requests[-1].kind == "startup":
                data, self._startup = self._startup.rest(), None
        requests.extend(found for message in self._messages.feed(data) if (found := self._typed(message)) is not None)
        return requests

    def _first(self, packet: bytes) -> Request:
        code = int.from_bytes(packet[4:8], "big")
        if code in (SSL_REQUEST, GSS_REQUEST):
            return Request(packet, "encryption", reply=b"N")
        if code == CANCEL_REQUEST:
            return Request(packet, "cancel", answers=False)
        self.greeted = True
        user = startup_parameters(packet).get("user", "")
        if self._user is not None and user != self._user:
            sentence = f"the user of this store is {self._user!r}; it was {user!r}"
            return Request(packet, "startup", ends=True, reply=error_message(sentence, "28000"))
        return Request(packet, "startup", answers=False)

    def _typed(self, message: bytes) -> Request | None:
        kind = message[0]
        if kind == _Q:
            return Request(message, "query", counted=True, describe=lambda: visible(message[5:-1], TEXT_CHARS))
        if kind == _S:
            return self._sync(message)
        if kind in (_COPY_DATA, _COPY_DONE, _COPY_FAIL, _PASSWORD):
            return Request(message, "copy", answers=False, urgent=True)
        if kind == _H:
            return Request(self._take_pending() + message, "flush", answers=False)
        if kind == _F:
            return Request(message, "call", counted=True, describe=lambda: "function call")
        if kind == _X:
            return Request(message, "terminate", answers=False)
        self._pending.append(message)
        self._pending_bytes += len(message)
        if self._pending_bytes > MAX_MESSAGE_BYTES:
            raise WireError(f"more than {MAX_MESSAGE_BYTES >> 20} MiB of messages came without a Sync")
        self._note_statement(message)
        return None

    def _take_pending(self) -> bytes:
        pending = b"".join(self._pending)
        self._pending, self._pending_bytes = [], 0
        return pending

    def _sync(self, message: bytes) -> Request:
        steps = [(step, self._sql_of(step)) for step in self._pending if step[0] in (_P, _B)]
        return Request(self._take_pending() + message, "sync", counted=True, describe=lambda: _describe_steps(steps))

    def _note_statement(self, message: bytes) -> None:
        if message[0] == _P:
            name, query, _ = _strings(message[5:], 2)
            if len(self._statements) < MAX_STATEMENTS or name in self._statements:
                self._statements[name] = query
        elif message[0] == _C and message[5:6] == b"S":
            self._statements.pop(message[6:-1], None)

    def _sql_of(self, step: bytes) -> bytes:
        _, second, _ = _strings(step[5:], 2)
        return second if step[0] == _P else self._statements.get(second, b"statement " + second)

    def joins(self, request: Request) -> bool:
        """See `Dialect`: a server in the middle of a COPY from the client ignored the Sync before it, and awaits the one after."""
        return self._copying and (request.kind == "flush" or (request.kind == "sync" and len(request.data) == 5))

    # -- from the server -------------------------------------------------------------------------------------------------------

    def from_server(self, data: bytes, waiting: int) -> list[tuple[Part, bytes]]:
        """See `Dialect`."""
        runs: list[tuple[Part, list[bytes]]] = []
        for message in self._answers.feed(data):
            part = self._part(message, waiting)
            waiting -= part is Part.LAST
            if runs and runs[-1][0] is part and part in (Part.ASIDE, Part.MORE):
                runs[-1][1].append(message)
            else:
                runs.append((part, [message]))
        return [(part, b"".join(messages)) for part, messages in runs]

    def _part(self, message: bytes, waiting: int) -> Part:
        kind = message[0]
        if kind == _READY and not self._ready_once:
            self._ready_once = True
            return Part.ASIDE
        if kind == _KEY and not self._ready_once:
            self.backend = int.from_bytes(message[5:9], "big")
        if waiting == 0 or not self._ready_once:
            return Part.ASIDE
        if kind == _READY:
            self._said = ", ".join([*self._words, "in transaction"] if message[5:6] != b"I" else self._words)
            self._words, self._copying = [], False
            return Part.LAST
        if kind in (_COPY_IN, _COPY_OUT, _COPY_BOTH):
            self._copying = kind != _COPY_OUT
            return Part.FLOW
        if kind in (_COMPLETE, _ERROR) and len(self._words) < 8:
            self._words.append(visible(message[5:-1]) if kind == _COMPLETE else _error_words(message))
        return Part.MORE

    def refusal(self, sentence: str) -> bytes:
        """See `Dialect`."""
        return error_message(sentence, "53300")

    def last_reply(self) -> str:
        """See `Dialect`: command tags and errors, and whether a transaction is open."""
        return self._said


def _strings(body: bytes, count: int) -> tuple[bytes, ...]:
    """The first `count` zero-ended strings of a body, and the rest. Raises WireError if they are not all there."""
    parts = tuple(body.split(b"\0", count))
    if len(parts) <= count:
        raise WireError("a message of a Postgres client lacks the end of a string")
    return parts


def _error_words(message: bytes) -> str:
    fields = {field[:1]: field[1:] for field in message[5:].split(b"\0") if field}
    return f"error {visible(fields.get(b'C', b'?'))}: {visible(fields.get(b'M', b''))}"


def _describe_steps(steps: list[tuple[bytes, bytes]]) -> str:
    bound = {sql for step, sql in steps if step[0] == _B}
    texts = []
    for step, sql in steps:
        if step[0] == _B:
            texts.append(visible(sql, TEXT_CHARS) + _values(step))
        elif sql not in bound:
            texts.append("prepare " + visible(sql, TEXT_CHARS))
    text = "; ".join(texts) or "nothing but the Sync"
    return text if len(text) <= TEXT_CHARS else text[: TEXT_CHARS - 1] + "…"


def _values(bind: bytes) -> str:
    """The parameters of a Bind, for the log; a malformed one is the server's to refuse."""
    try:
        rest = _strings(bind[5:], 2)[2]
        at = 2 + 2 * int.from_bytes(rest[:2], "big")
        (count,) = struct.unpack_from("!H", rest, at)
        at += 2
        values = []
        for _ in range(min(count, 24)):
            (length,) = struct.unpack_from("!i", rest, at)
            at += 4
            values.append("null" if length < 0 else visible(rest[at : at + length]))
            at += max(length, 0)
    except (WireError, struct.error):
        return " [malformed values]"
    return f" [{', '.join(values)}{', …' if count > 24 else ''}]" if values else ""
