"""`store_tcp`: a port of the loopback in front of the store's socket, for drivers that know no other way."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from challenges.alert_dedup.crashes import calibrate, crash
from harness.runtime.proxy import Point
from harness.runtime.sandbox import available
from harness.runtime.wiring import FORWARDER
from tests.challenges.dedup_trials import Maker, make, nothing_left

__all__ = ["make", "nothing_left"]
SANDBOXES = [kind for kind, why_not in available().items() if not why_not]

TCP = """
def connect(self, params):
    place, _, _ = params["store"]["url"].removeprefix("redis://").partition("/")
    host, _, port = place.partition(":")
    self.store = Store.__new__(Store)
    self.store.link = socket.create_connection((host, int(port)))
    self.store.file = self.store.link.makefile("rb")
def stats(self, params):
    return {"url": self.told["store"]["url"], "pid": os.getpid()}
"""
POSTGRES = """
def connect(self, params):
    import psycopg
    self.db = psycopg.connect(params["store"]["url"], autocommit=True)
    self.db.execute("create table if not exists t (f text primary key)")
def reserve(self, fingerprint, event):
    return self.db.execute("insert into t values (%s) on conflict do nothing", (fingerprint,)).rowcount > 0
"""


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_candidate_connects_by_tcp_and_is_killed_at_a_round_trip(make: Maker, sandbox: str, nothing_left) -> None:
    field = make.field(TCP, processors=2, tcp=True, sandbox=sandbox, begin=False)
    calibration = calibrate(field)
    assert [text.split()[0] for text in calibration.trips] == ["SET"]
    node = field.cluster.nodes["p0"]
    call = field.cluster.send(node, "stats", {})
    assert field.cluster.run_until(lambda: call.over, 10)
    assert call.value()["url"].startswith("redis://127.0.0.1:")
    for where in calibration.points:
        crash(field, where, calibration)
        assert (field.cluster.store.entries() == 1) == (where.point is Point.AFTER)  # type: ignore[union-attr]
    nothing_left(field.trial)


@pytest.mark.parametrize("sandbox", SANDBOXES[:1])
def test_postgres_by_tcp_with_and_without_a_proxy(make: Maker, sandbox: str) -> None:
    field = make.field(POSTGRES, store="postgres", processors=1, tcp=True, sandbox=sandbox)
    offer = field.offer("p0", "f")
    field.wait(offer)
    assert offer.decision == "emit" and field.trips()
    process = make.trial(POSTGRES, store="postgres", tcp=True, sandbox=sandbox).start(wall_ms=1_800_000_000_000)
    assert process.name == "tiny"


def test_the_forwarder_passes_on_both_ways_and_ends_with_either_end(tmp_path: Path) -> None:
    path = tmp_path / "s"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    argv = [sys.executable, "-I", "-S", str(FORWARDER), str(path), "0"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as forwarder, listener:
        assert forwarder.stdout is not None
        port = int(forwarder.stdout.readline())
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        server, _ = listener.accept()
        server.settimeout(10)
        much = bytes(range(256)) * 8192
        server.sendall(much[:1000])
        assert client.recv(2000)
        client.sendall(b"to the store")
        assert server.recv(100) == b"to the store"
        server.sendall(much)
        server.shutdown(socket.SHUT_RDWR)
        seen = 0
        while data := client.recv(65536):
            seen += len(data)
        assert seen >= len(much)
        other = socket.create_connection(("127.0.0.1", port), timeout=10)
        back, _ = listener.accept()
        back.settimeout(10)
        other.close()
        assert back.recv(1) == b""
        forwarder.kill()


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", "-S", str(FORWARDER), str(tmp_path / "s"), "0", "--", str(tmp_path / "none")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 127 and "could not be started" in done.stderr
