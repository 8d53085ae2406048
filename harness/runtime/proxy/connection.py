"""One client's connection through the proxy: two sockets, one dialect, and at most one round trip at a time.

Round trips of one connection go one after another even if the client sends several at once, so that each has a moment at which the
store has seen everything before it and nothing after.
"""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol

from harness.runtime.loop import GONE, READ, WRITE, Loop, Timer, Watch
from harness.runtime.proxy.trips import PASS, Move, Point, RoundTrip, Verdict
from harness.runtime.proxy.wire import Dialect, Part, Request, WireError

CHUNK = 256 * 1024
HIGH_WATER_BYTES = 4 * 1024 * 1024
MAX_QUEUED = 20_000


class Side:
    """One of the two sockets: what is still to be written to it, and whether it may be read."""

    def __init__(self, loop: Loop, sock: socket.socket, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._loop, self._sock = loop, sock
        self._on_data, self._on_end = on_data, on_end
        self._out = bytearray()
        self._reading = True
        self._watch: Watch = loop.watch(sock.fileno(), READ, self._ready)

    @property
    def backlog(self) -> int:
        """Bytes that the other end has not taken yet."""
        return len(self._out)

    def send(self, data: bytes) -> None:
        """Writes now what can be written now, the rest when the other end takes it. An end that is gone is noticed by reading."""
        if not data:
            return
        if not self._out and self._watch.live:
            try:
                sent = self._sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                return
            if sent == len(data):
                return
            data = data[sent:]
        if self._watch.live:
            self._out += data
            self._update()

    def read(self, wanted: bool) -> None:
        """Whether to take in what comes."""
        self._reading = wanted
        self._update()

    def _update(self) -> None:
        self._loop.change(self._watch, (READ if self._reading else 0) | (WRITE if self._out else 0))

    def _ready(self, events: int) -> None:
        if events & WRITE and self._out:
            self._write_out()
        if self._watch.live and (events & READ or (events & GONE)):
            self._read_in()

    def _write_out(self) -> None:
        try:
            del self._out[: self._sock.send(self._out)]
        except BlockingIOError:
            return
        except OSError:
            self._out.clear()
        self._update()

    def _read_in(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_data(data)
        else:
            self.silence()
            self._on_end()

    def silence(self) -> None:
        """No more events from this socket; it stays open."""
        self._loop.unwatch(self._watch)

    def close(self) -> None:
        """Writes what can be written without waiting, and closes."""
        if self._out:
            with contextlib.suppress(OSError):
                self._sock.send(self._out)
        self._out.clear()
        self._loop.unwatch(self._watch)
        self._sock.close()


class Owner(Protocol):
    """Whom a connection belongs to: the proxy. `refusal` is the sentence for connections that get no server."""

    refusal: str

    def started(self, connection: Connection, request: Request) -> RoundTrip:
        """Makes the record of a round trip whose request is here in full."""
        ...

    def decide(self, trip: RoundTrip, point: Point) -> Verdict:
        """What happens to it now. Must not run the loop."""
        ...

    def ended(self, trip: RoundTrip) -> None:
        """Its fate is known."""
        ...

    def closed(self, connection: Connection) -> None:
        """Both sides are closed."""
        ...

    def complain(self, sentence: str) -> None:
        """The client did something that no driver does."""
        ...


class Connection:
    """See the module. `server` is None for a connection that is only told why it is refused."""

    def __init__(
        self,
        loop: Loop,
        number: int,
        client: socket.socket,
        server: socket.socket | None,
        dialect: Dialect,
        owner: Owner,
    ) -> None:
        self.number = number
        self.dialect = dialect
        self.live = True
        self._loop, self._owner = loop, owner
        self._queue: deque[Request] = deque()
        self._queued_bytes = 0
        self._waiting = 0
        self._request: Request | None = None
        self._trip: RoundTrip | None = None
        self._reply: list[bytes] = []
        self._reply_bytes = 0
        self._flowing = False
        self._timer: Timer | None = None
        self._choked = self._client_gone = self._server_gone = False
        self._client = Side(loop, client, self._from_client, self._client_ended)
        self._server = Side(loop, server, self._from_server, self._server_ended) if server is not None else None

    # -- from the client -------------------------------------------------------------------------------------------------------

    def _from_client(self, data: bytes) -> None:
        try:
            requests = self.dialect.from_client(data)
        except WireError as error:
            self._owner.complain(f"connection {self.number} was cut: {error}")
            self.cut()
            return
        if self._server is None:
            self._refuse(requests)
            return
        for request in requests:
            self._queue.append(request)
            self._queued_bytes += len(request.data)
        self._advance()
        if self.live and (self._queued_bytes > HIGH_WATER_BYTES or len(self._queue) > MAX_QUEUED):
            self._choked = True
            self._client.read(False)

    def _refuse(self, requests: list[Request]) -> None:
        """Answers what is asked before the greeting; to the greeting, and to whatever a client may say after it, the sentence."""
        for request in requests:
            self._client.send(request.reply or (self.dialect.refusal(self._owner.refusal) if self.dialect.greeted else b""))
        if self.dialect.greeted and self.dialect.refusal_ends:
            self.close()

    def _advance(self) -> None:
        """Forwards what may go now."""
        forward: list[bytes] = []
        while self.live and self._queue:
            request = self._queue[0]
            if self._trip is not None and not self._may_join(request):
                break
            self._queue.popleft()
            self._queued_bytes -= len(request.data)
            if request.counted and self._trip is None:
                if forward and self._server is not None:
                    self._server.send(b"".join(forward))
                    forward.clear()
                self._begin(request)
            elif request.reply:
                self._client.send(request.reply)
            else:
                self._waiting += int(request.answers and not request.counted)
                forward.append(request.data)
            if request.ends:
                self.close()
        if forward and self.live and self._server is not None:
            self._server.send(b"".join(forward))
        self._after_advance()

    def _may_join(self, request: Request) -> bool:
        return request.urgent or self.dialect.joins(request)

    def _after_advance(self) -> None:
        if not self.live:
            return
        if self._choked and self._queued_bytes <= HIGH_WATER_BYTES // 2 and len(self._queue) <= MAX_QUEUED // 2:
            self._choked = False
            self._client.read(True)
        if self._trip is None and (self._server_gone or (self._client_gone and not self._queue)):
            self.close()

    # -- a round trip ----------------------------------------------------------------------------------------------------------

    def _begin(self, request: Request) -> None:
        self._request = request
        self._trip = trip = self._owner.started(self, request)
        trip._go_on = self._go_on
        self._judge(trip, Point.BEFORE)

    def _judge(self, trip: RoundTrip, point: Point) -> None:
        trip.held = point
        verdict = self._owner.decide(trip, point)
        # The policy may have killed, cut or released it by itself.
        if trip.held is point and not trip.over:
            self._go_on(verdict)

    def _go_on(self, verdict: Verdict) -> None:
        trip = self._trip
        if trip is None or trip.held is None or verdict.move is Move.HOLD:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if verdict.move is Move.DELAY:
            self._timer = self._loop.call_later(verdict.delay_s, lambda: self._go_on(PASS))
            return
        point, trip.held = trip.held, None
        if verdict.move is Move.CUT:
            self._finish(f"cut {point.value}")
            self.cut()
        elif point is Point.BEFORE:
            self._forward(trip)
        else:
            self._deliver()

    def _forward(self, trip: RoundTrip) -> None:
        request, self._request = self._request, None
        if request is None or self._server is None:
            return
        trip.forwarded_ns = self._loop.now_ns()
        self._waiting += 1
        self._server.send(request.data)

    def _deliver(self) -> None:
        self._flush_reply()
        self._finish("client gone" if self._client_gone else "delivered")
        self._advance()

    def _finish(self, fate: str) -> None:
        trip, self._trip = self._trip, None
        self._reply, self._reply_bytes, self._flowing, self._request = [], 0, False, None
        if trip is not None:
            trip.fate, trip.held, trip._go_on = fate, None, None
            trip.ended_ns = self._loop.now_ns()
            self._owner.ended(trip)

    # -- from the server -------------------------------------------------------------------------------------------------------

    def _from_server(self, data: bytes) -> None:
        try:
            pieces = self.dialect.from_server(data, self._waiting)
        except WireError as error:
            self._owner.complain(f"connection {self.number} was cut, for the store's answer was not understood: {error}")
            self.cut()
            return
        for part, piece in pieces:
            if not self.live:
                return
            self._take(part, piece)
        if self.live and self._server is not None and self._client.backlog > HIGH_WATER_BYTES:
            self._server.read(False)
            self._loop.call_later(0.005, self._read_on)

    def _read_on(self) -> None:
        if self.live and self._server is not None:
            if self._client.backlog > HIGH_WATER_BYTES // 2:
                self._loop.call_later(0.005, self._read_on)
            else:
                self._server.read(True)

    def _take(self, part: Part, piece: bytes) -> None:
        trip = self._trip
        if part is Part.ASIDE or trip is None or trip.forwarded_ns == 0 or (self._waiting > 1 and part is Part.LAST):
            # Replies come in order: with more than one awaited, this one belongs to something that was not counted.
            self._waiting -= int(part is Part.LAST)
            if trip is not None and trip.answered_ns:
                self._reply.append(piece)  # said after an answer that is held: it may not overtake it
            else:
                self._client.send(piece)
            return
        self._reply.append(piece)
        self._reply_bytes += len(piece)
        trip.reply_bytes += len(piece)
        self._flowing = self._flowing or part is Part.FLOW or self._reply_bytes > HIGH_WATER_BYTES
        if part is Part.LAST:
            self._waiting -= 1
            trip.answered_ns = self._loop.now_ns()
            trip.reply = self.dialect.last_reply()
            self._judge(trip, Point.AFTER)
        elif self._flowing:
            self._flush_reply()

    def _flush_reply(self) -> None:
        if self._reply and not self._client_gone:
            self._client.send(b"".join(self._reply))
        self._reply, self._reply_bytes = [], 0

    # -- ends ------------------------------------------------------------------------------------------------------------------

    def _client_ended(self) -> None:
        """What it had sent before goes its way; then the server's side is closed too."""
        self._client_gone = True
        if self._server is None:
            self.close()
        else:
            self._after_advance()

    def _server_ended(self) -> None:
        """What the store had answered is still delivered as the verdict on it says; its last words go to the client at once."""
        self._server_gone = True
        if self._trip is not None and self._trip.held is Point.AFTER:
            return
        self._flush_reply()
        self.close()

    def cut(self) -> None:
        """Closes both sides without delivering anything more."""
        self._reply = []
        self.close()

    def close(self) -> None:
        """Closes both sides; a round trip that was under way is lost."""
        if not self.live:
            return
        self.live = False
        if self._timer is not None:
            self._timer.cancel()
        if self._trip is not None:
            held = self._trip.held
            self._finish("lost" if held is None or self._server_gone else f"cut {held.value}")
        self._client.close()
        if self._server is not None:
            self._server.close()
        self._owner.closed(self)
