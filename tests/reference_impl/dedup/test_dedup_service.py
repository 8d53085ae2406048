"""The deduplicator as processes see it: real ones, on real stores."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from reference_impl.dedup import Terms
from tests.reference_impl.dedup.store_servers import Server

GOOD = {"service": "s", "alert_type": "t", "severity": "high", "message": "m"}
EXIT_S = 10


class Processor:
    """One process; `emitted` are the pages that it has sent so far."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "reference_impl.server", "alert-dedup"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.emitted: list[dict] = []
        self._next = 0

    def send(self, method: str, **params: object) -> int:
        self._next += 1
        line = json.dumps({"jsonrpc": "2.0", "id": self._next, "method": method, "params": {"now_ms": 1, **params}})
        self.write(line.encode())
        return self._next

    def write(self, line: bytes) -> None:
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict:
        while True:
            message = json.loads(self.process.stdout.readline())
            if "method" not in message:
                return message
            assert message["method"] == "emit"
            self.emitted.append(message["params"])

    def call(self, method: str, **params: object) -> dict:
        number = self.send(method, **params)
        reply = self.receive()
        assert reply["id"] == number
        return reply

    def offer(self, fingerprint: str, event_id: str, severity: str = "high", attempt: int = 1) -> str:
        alert = GOOD | {"severity": severity}
        reply = self.call("offer", fingerprint=fingerprint, event_id=event_id, attempt=attempt, alert=alert)
        return reply["result"]["decision"]


@pytest.fixture
def start(server: Server, prefix: str) -> Iterator[Callable[..., Processor]]:
    started: list[Processor] = []

    def start_one(**changes: object) -> Processor:
        started.append(Processor())
        hello = {"protocol": 1, "challenge": "alert-dedup", "node": {"id": "p", "peers": []}, "clock": "virtual", "seed": 1}
        store = {"kind": server.kind, "url": server.url, "prefix": prefix}
        config = {"window_ms": 5000, "max_skew_ms": 3000}
        reply = started[-1].call("initialize", **(hello | {"store": store, "config": config} | changes))
        assert ("error" in reply) == bool(changes), reply
        server.advance(0)  # what its start took is not to run the store's clock out of its hold
        return started[-1]

    yield start_one
    for processor in started:
        processor.process.kill()
        processor.process.wait()
        processor.process.stdin.close()
        processor.process.stdout.close()


def test_two_processors_page_once(start: Callable[..., Processor], server: Server) -> None:
    one, other = start(), start()
    assert [one.offer("f", "e1", "low"), other.offer("f", "e2", "low"), other.offer("f", "e3", "high")] == [
        "emit",
        "suppress",
        "update",
    ]
    assert other.offer("f", "e1", attempt=2) == "emit"
    assert [(page["fingerprint"], page["event_id"]) for page in one.emitted] == [("f", "e1")]
    assert other.emitted == []
    assert one.call("tick")["result"] == other.call("resolve", fingerprint="f")["result"] == one.call("reset")["result"] == {}
    assert one.call("stats")["result"]["rss_bytes"] > 0
    server.advance(5000)
    assert other.offer("f", "e4") == "emit"
    assert other.emitted[0]["alert_id"] != one.emitted[0]["alert_id"]


def test_a_page_that_its_owner_never_sent_comes_from_the_survivor(start: Callable[..., Processor], server: Server) -> None:
    owner, survivor = start(), start()
    owner.process.stdout.close()  # it reserves, but cannot send: its death comes in between
    owner.send("offer", fingerprint="f", event_id="e1", attempt=1, alert=GOOD)
    assert owner.process.wait(EXIT_S) == 1
    assert survivor.offer("f", "e2") == "suppress"
    server.advance(Terms().lease_ms)
    survivor.call("tick")
    survivor.call("tick")
    assert [page["event_id"] for page in survivor.emitted] == ["e1"]


def test_many_requests_at_once_are_all_answered(start: Callable[..., Processor]) -> None:
    processor = start()
    fingerprints = {f"{'x' * 60_000}{number}" if number % 5 == 0 else f"f{number}" for number in range(25)}
    offers = [{"fingerprint": each, "event_id": f"e-{each[-9:]}", "attempt": 1, "alert": GOOD} for each in fingerprints]
    with ThreadPoolExecutor(1) as writer:  # more than the pipes hold
        written = [writer.submit(processor.send, "offer", **offer) for offer in offers]
        replies = [processor.receive() for _ in written]
    numbers = {each.result() for each in written}
    assert {reply["id"] for reply in replies} == numbers
    assert {reply["result"]["decision"] for reply in replies} == {"emit"}
    assert {page["fingerprint"] for page in processor.emitted} == fingerprints


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": None},
        {"fingerprint": ""},
        {"fingerprint": 7},
        {"event_id": None},
        {"event_id": ""},
        {"event_id": ["e"]},
        {"fingerprint": "\ud800"},
        {"alert": None},
        {"alert": "down"},
        {"alert": [GOOD]},
    ],
    ids=repr,
)
def test_malformed_offers_change_nothing(start: Callable[..., Processor], change: dict) -> None:
    processor = start()
    good = {"fingerprint": "f", "event_id": "e1", "attempt": 1, "alert": GOOD}
    for bad in (good | change, {key: value for key, value in good.items() if key not in change}):
        assert processor.call("offer", **bad)["error"]["code"] == -32602
    assert processor.emitted == []
    assert processor.offer("f", "e1") == "emit"


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": 2},
        {"challenge": "anomaly-detection"},
        {"store": None},
        {"store": {"kind": "mysql", "url": "mysql:////x", "prefix": ""}},
        {"config": {"window_ms": 0}},
        {"config": {"window_ms": "soon"}},
    ],
    ids=repr,
)
def test_initialize_refuses(start: Callable[..., Processor], change: dict) -> None:
    processor = start(**change)
    assert processor.call("tick")["error"]["code"] == -32600


def test_bad_lines_are_survived_and_the_end_is_an_end(start: Callable[..., Processor]) -> None:
    processor = start()
    for line in (b"{", b"[]", b"\xff\xfe", b'{"jsonrpc":"2.0","id":1,"method":"offer","params":[]}'):
        processor.write(line)
        assert "error" in processor.receive()
    assert processor.offer("f", "e1") == "emit"
    assert processor.call("shutdown")["result"] == {}
    assert processor.process.wait(EXIT_S) == 0


def test_it_ends_when_its_input_does(start: Callable[..., Processor]) -> None:
    processor = start()
    processor.process.stdin.close()
    assert processor.process.wait(EXIT_S) == 0


def test_a_store_that_is_away_is_a_definite_refusal_and_then_forgotten(start: Callable[..., Processor], server: Server) -> None:
    processor = start()
    server.stop()
    try:
        reply = processor.call("offer", fingerprint="f", event_id="e1", attempt=1, alert=GOOD)
        assert reply["error"]["code"] in (-32001, -32603)
        again = processor.call("offer", fingerprint="g", event_id="e2", attempt=1, alert=GOOD)
        assert again["error"]["code"] == -32001
        assert processor.call("tick")["result"] == {}
    finally:
        server.start()
    assert processor.offer("g", "e2", attempt=2) == "emit"
