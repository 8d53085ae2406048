"""One HTTP request with an end to it, and what the status codes mean for a page.

The standard library's client and not one with more comfort: it follows no redirect, which could carry a token elsewhere, and
tries nothing twice on its own.
"""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from reference_impl.pipeline.destinations.base import NotNow, Refused

MAX_REPLY_BYTES = 64 * 1024
LONGEST_WAIT_S = 300.0
"""However long a receiver asks us to wait, we ask again after so many seconds."""
NEVER_MIND = (400, 413, 415, 422)
"""What is wrong is the page itself. Any other refusal (401, 403, 404 ...) ends when somebody mends a token or an address."""
SHOWN_CHARS = 200


class Reply(msgspec.Struct, frozen=True):
    """What came back; `body` is cut at `MAX_REPLY_BYTES`."""

    status: int
    body: bytes
    retry_after_s: float | None = None

    def json(self) -> object:
        """The body's JSON value. Raises NotNow if it is none: something else answered in the receiver's place."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise NotNow(f"HTTP {self.status} with a body that is not JSON: {error}") from None


def request(method: str, url: str, timeout_s: float, body: object = None, headers: Mapping[str, str] | None = None) -> Reply:
    """One request with a JSON body, over within about `timeout_s` however slowly the receiver speaks.

    Raises NotNow, whose text does not name the address: that may be a secret.
    """
    give_up_s = time.monotonic() + timeout_s
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=timeout_s)
    cut: threading.Timer | None = None
    try:
        connection.connect()
        cut = threading.Timer(max(give_up_s - time.monotonic(), 0), _cut, [connection.sock])
        cut.daemon = True
        cut.start()
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        data = None if body is None else msgspec.json.encode(body)
        connection.request(method, target, data, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(MAX_REPLY_BYTES), _retry_after_s(answer.getheader("Retry-After")))
    except (OSError, http.client.HTTPException) as error:
        late = time.monotonic() >= give_up_s
        what = f"no whole answer within {timeout_s:g} s" if late else f"no connection, or a broken one ({type(error).__name__})"
        raise NotNow(what) from None
    finally:
        if cut is not None:
            cut.cancel()
        connection.close()


def require(reply: Reply, *accepted: int) -> None:
    """Raises Refused or NotNow unless the status is one of `accepted`."""
    if reply.status in accepted:
        return
    said = " ".join(reply.body.decode(errors="replace").split())[:SHOWN_CHARS]
    reason = f"HTTP {reply.status}" + (f": {said}" if said else "")
    if reply.status in NEVER_MIND:
        raise Refused(reason)
    raise NotNow(reason, reply.retry_after_s)


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _retry_after_s(value: str | None) -> float | None:
    """Seconds, or a date; None for anything else."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdecimal() else _seconds_until(value)
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def _seconds_until(date: str) -> float:
    moment = parsedate_to_datetime(date)
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - time.time()
