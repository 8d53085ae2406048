"""What a sandboxed candidate can and cannot reach; each attempt is also made without the sandbox, where it must succeed."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from harness.errors import CandidateDied, CandidateFailure, InfraError, UsageError
from harness.runtime.process import Process
from harness.runtime.sandbox import Launch, Mount, available, choose

ATTEMPT = """
import json, os, socket, sys
line = json.loads(sys.stdin.readline())
def attempt(do):
    try:
        return str(do())
    except OSError as error:
        return "refused: " + str(error)
def connect():
    with socket.create_connection(("127.0.0.1", line["params"]["port"]), timeout=2): return "connected"
result = {
    "network": attempt(connect),
    "secret": attempt(lambda: open(line["params"]["secret"]).read()),
    "write": attempt(lambda: open(os.path.join(os.path.dirname(__file__), "mark"), "w").write("x")),
    "parent": attempt(lambda: os.kill(line["params"]["pid"], 0) or "seen"),
    "environment": os.environ.get("HARNESS_TEST_SECRET", "refused"),
    "usr": attempt(lambda: open("/usr/harness-test-mark", "w").close()),
}
print(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}), flush=True)
"""


@pytest.fixture
def listener() -> socket.socket:
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept_all, args=(server,), daemon=True).start()
    return server


def _accept_all(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def attempt(kind: str, folder: Path, secret: Path, port: int, pid: int) -> dict[str, str]:
    (folder / "program.py").write_text(ATTEMPT)
    launch = Launch(("python3", "{checkout}/program.py"), {"checkout": Mount(folder, "/candidate")})
    with Process(choose(kind).spawn(launch), None) as process:
        return process.request("tick", {"port": port, "secret": str(secret), "pid": pid}, now_ms=1)


def test_only_what_is_bound_can_be_reached(tmp_path: Path, listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    if available()["bwrap"]:
        pytest.skip(f"bubblewrap does not work here: {available()['bwrap']}")
    import os

    monkeypatch.setenv("HARNESS_TEST_SECRET", "leaked")
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    folder = tmp_path / "tree"
    folder.mkdir()
    arguments = (folder, secret, listener.getsockname()[1], os.getpid())
    control = attempt("none", *arguments)
    assert control["network"] == "connected" and control["secret"] == "top secret" and control["write"] == "1"
    assert control["parent"] == "seen"
    held = attempt("bwrap", *arguments)
    assert {name for name, what in held.items() if not what.startswith("refused")} == set(), json.dumps(held)
    assert control["environment"] == "refused"
    listener.close()


def test_a_command_that_is_not_there_is_the_candidates_error(tmp_path: Path) -> None:
    launch = Launch(("no-such-program-anywhere",), {"checkout": Mount(tmp_path, "/candidate")})
    for kind in [kind for kind, why_not in available().items() if not why_not]:
        with pytest.raises(CandidateFailure, match="no-such-program|exited with status") as caught:
            with Process(choose(kind).spawn(launch), None) as process:
                process.request("tick", {}, now_ms=1)
        assert isinstance(caught.value, CandidateDied)
        assert "no-such-program" in str(caught.value) + caught.value.stderr_tail


def test_a_folder_that_cannot_be_bound_is_our_own_failure(tmp_path: Path) -> None:
    if available()["bwrap"]:
        pytest.skip(f"bubblewrap does not work here: {available()['bwrap']}")
    launch = Launch(("true",), {"checkout": Mount(tmp_path / "absent", "/candidate")})
    with pytest.raises(InfraError, match="is not there"):
        Process(choose("bwrap").spawn(launch), None)


def test_an_unknown_sandbox_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="auto, none or bwrap"):
        choose("docker2")
