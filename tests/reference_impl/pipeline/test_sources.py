"""Logs come in: lines of a stream, and requests to the server."""

import http.client
import io
import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference_impl.detector import Alert
from reference_impl.pipeline.detection import Batch, Detection
from reference_impl.pipeline.journal import Journal
from reference_impl.pipeline.sources import MAX_BODY_BYTES, MAX_LINE_BYTES, STUB, Lines, LogServer, read_stream

PATIENCE_S = 20.0
GOOD = b'{"ts_ms":1800000000000,"service":"a","level":"info","message":"\\ud800 is no text"}'
BAD = b'{"ts_ms":"soon","service":"a","level":"info"}'


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(self._path)


def detection() -> Detection:
    return Detection(lambda alerts, batch: None, Journal("p1", out=io.BytesIO()))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LogServer]:
    feed = detection()
    feed.start()
    running = LogServer(str(tmp_path / "logs.sock"), feed, lambda: {"accepted": feed.accepted})
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def ask(server: LogServer, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, object]]:
    connection = UnixConnection(str(server.server_address))
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_lines_are_cut_the_same_however_they_come(size: int) -> None:
    text = b"one\n\ntwo\nthree"
    lines = Lines()
    cut = [line for at in range(0, len(text), size) for line in lines.cut(text[at : at + size])]
    assert [*cut, lines.last()] == [b"one", b"", b"two", b"three"]


def test_a_line_without_an_end_takes_no_memory() -> None:
    lines = Lines()
    chunk = b"x" * 100_000
    for _ in range(2 * MAX_LINE_BYTES // len(chunk)):
        assert lines.cut(chunk) == [] and len(lines._rest) <= MAX_LINE_BYTES
    assert lines.last() == STUB
    assert lines.cut(b"tail\nnext\nrest") == [STUB, b"next"]
    assert lines.last() == b"rest"


def test_a_stream_is_read_to_its_end() -> None:
    feed = detection()
    feed.start()
    read, write = os.pipe()
    with open(read, "rb") as stream:
        with open(write, "wb") as out:
            out.write(b"\n".join([GOOD, BAD, b"", b"no json", GOOD]))
        read_stream(stream, feed, threading.Event())
    assert feed.finish(PATIENCE_S)
    assert (feed.accepted, feed.rejected) == (2, 2)


def test_the_server_counts_and_answers(server: LogServer) -> None:
    assert ask(server, "POST", "/logs", b"\n".join([GOOD, BAD, GOOD])) == (200, {"accepted": 2, "rejected": 1})
    assert ask(server, "POST", "/logs") == (200, {"accepted": 0, "rejected": 0})
    assert ask(server, "GET", "/health") == (200, {"accepted": 2})


def test_the_server_says_what_it_does_not_take(server: LogServer) -> None:
    assert ask(server, "GET", "/")[0] == 404
    assert ask(server, "POST", "/log", GOOD)[0] == 404
    assert ask(server, "POST", "/logs", **{"Content-Length": str(MAX_BODY_BYTES + 1)})[0] == 413
    assert ask(server, "POST", "/logs", **{"Content-Length": "-1"})[0] == 411
    assert ask(server, "GET", "/health") == (200, {"accepted": 0})


def test_a_dead_servers_socket_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "logs.sock"
    for _ in range(2):
        LogServer(str(path), detection(), dict).server_close()
        assert path.is_socket()
    path.unlink()
    path.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        LogServer(str(path), detection(), dict)
    assert path.read_text() == "precious"


def test_one_connection_serves_many_batches(server: LogServer) -> None:
    connection = UnixConnection(str(server.server_address))
    for _ in range(3):
        connection.request("POST", "/logs", GOOD)
        assert json.loads(connection.getresponse().read()) == {"accepted": 1, "rejected": 0}
    connection.close()


def test_without_room_nothing_is_taken_and_503_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reference_impl.pipeline.sources.ROOM_TIMEOUT_S", 0.01)
    feed = detection()  # not started: nobody empties its queue
    while feed.take(Batch([GOOD]), 0.001):
        pass
    running = LogServer(str(tmp_path / "logs.sock"), feed, dict)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    status, told = ask(running, "POST", "/logs", GOOD)
    running.shutdown()
    running.server_close()
    assert status == 503 and "send them again" in str(told["error"])


def test_a_batch_is_answered_only_once_its_alerts_are_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Waited out once, by the batch with the alert; every other one is counted long before, on a busy machine too.
    monkeypatch.setattr("reference_impl.pipeline.sources.SETTLED_TIMEOUT_S", 2.0)
    waiting: list[tuple[list[Alert], Batch | None]] = []
    feed = Detection(lambda alerts, batch: waiting.append((alerts, batch)), Journal("p1", out=io.BytesIO()))
    feed.start()
    running = LogServer(str(tmp_path / "logs.sock"), feed, dict)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    answers = [ask(running, "POST", "/logs", second)[0] for second in anomaly()]
    running.shutdown()
    running.server_close()
    assert waiting and all(batch is None or not batch.settled.is_set() for _, batch in waiting)
    assert answers.count(504) == sum(batch is not None for _, batch in waiting)


def anomaly() -> Iterator[bytes]:
    """100 s of one service, the last 10 of them bad: 50 logs a second."""
    for second in range(100):
        level = "error" if second >= 90 else "info"
        rows = [{"ts_ms": 1_800_000_000_000 + second * 1000 + 20 * n, "service": "a", "level": level} for n in range(50)]
        yield b"\n".join(json.dumps(row).encode() for row in rows)
