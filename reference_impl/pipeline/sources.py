"""Where logs come from: lines of a stream, or requests to a server on a unix socket or the loopback interface."""

import os
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import msgspec

from reference_impl.pipeline.detection import Batch, Detection

CHUNK_BYTES = 256 * 1024
MAX_LINE_BYTES = 2 * 1024 * 1024
STUB = b"(a line that was too long)"
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_CLIENTS = 16
CLIENT_TIMEOUT_S = 10.0
ROOM_TIMEOUT_S = 1.0
SETTLED_TIMEOUT_S = 5.0
BUSY = "too many logs are waiting; none of these was taken: send them again"
LATE = "the logs were counted, but the store does not yet hold the alerts that they raised"


class Lines:
    """Cuts what is read into lines. Of one longer than `MAX_LINE_BYTES` a stub is left, which is no log and counts as one rejected."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def cut(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        if self._skipping and lines:
            lines[0], self._skipping = STUB, False
        self._skipping |= len(rest) > MAX_LINE_BYTES
        self._rest = b"" if self._skipping else rest
        return lines

    def last(self) -> bytes:
        """What follows the last line's end: a line too, if it is whole."""
        return STUB if self._skipping else self._rest


def read_stream(stream: BinaryIO, detection: Detection, stopped: threading.Event) -> None:
    """Hand over all lines of a stream, in batches of what is there to be read; waits where the detector is behind."""
    lines = Lines()
    while not stopped.is_set():
        chunk = os.read(stream.fileno(), CHUNK_BYTES)
        if not chunk:
            _hand_over([lines.last()], detection)
            return
        _hand_over(lines.cut(chunk), detection)


def _hand_over(lines: list[bytes], detection: Detection) -> None:
    filled = [line for line in lines if line.strip()]
    if filled:
        detection.take(Batch(filled))


class LogServer(ThreadingHTTPServer):
    """`POST /logs` takes JSON lines, `GET /health` tells how things are.

    A batch is answered with 200 once it is counted and every alert that it raised is in the store, so that a kill after that
    loses no alert; with 503 if there is no room (nothing was taken), with 504 if the store takes longer than 5 s.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: str | tuple[str, int], detection: Detection, health: Callable[[], dict[str, object]]) -> None:
        self.detection = detection
        self.health = health
        self._room = threading.BoundedSemaphore(MAX_CLIENTS)
        if isinstance(address, str):
            self.address_family = socket.AF_UNIX
            if Path(address).is_socket():  # a killed process's
                Path(address).unlink()
        elif ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)  # type: ignore[arg-type]  # the stubs know no unix sockets

    def server_bind(self) -> None:
        """Bind alone: the base class asks for the host's name, which a unix socket has not."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", 0

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """One thread a client, `MAX_CLIENTS` at most: whoever comes then finds the door closed."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = CLIENT_TIMEOUT_S
    server: LogServer

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, self.server.health())
        else:
            self._answer(404, {"error": "there are GET /health and POST /logs"})

    def do_POST(self) -> None:
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal():
            self._answer(411, {"error": "Content-Length must say how many bytes of JSON lines follow"})
        elif int(size) > MAX_BODY_BYTES:
            self._answer(413, {"error": f"at most {MAX_BODY_BYTES} bytes at a time"})
        else:
            # Read in any case: a connection that is closed on unread bytes may lose the answer on its way.
            body = self.rfile.read(int(size))
            if self.path == "/logs":
                self._take(body, int(size))
            else:
                self._answer(404, {"error": "there are GET /health and POST /logs"})

    def _take(self, body: bytes, size: int) -> None:
        if len(body) < size:
            self.close_connection = True
            return
        batch = Batch([line for line in body.split(b"\n") if line.strip()])
        if not self.server.detection.take(batch, ROOM_TIMEOUT_S):
            self._answer(503, {"error": BUSY})
        elif not batch.settled.wait(SETTLED_TIMEOUT_S):
            self._answer(504, {"error": LATE})
        else:
            self._answer(200, {"accepted": batch.accepted, "rejected": batch.rejected})

    def _answer(self, status: int, value: object) -> None:
        body = msgspec.json.encode(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status >= 400:
            # What follows of the request is not read, so the next one would begin in the middle of it.
            self.send_header("Connection", "close")
            self.close_connection = True
        if status == 503:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "client"

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not told one by one."""
