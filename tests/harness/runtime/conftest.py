"""Small programs that keep or break the protocol, started for real in every sandbox that this machine has."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.runtime.clock import ClockPage, shim_path
from harness.runtime.process import Process
from harness.runtime.sandbox import Launch, Limits, Mount, available, choose

ECHO = """
import json, sys, time
for line in sys.stdin:
    m = json.loads(line)
    r = {}
    if m["method"] == "initialize":
        r = {"name": "echo", "language": "python", "capabilities": [], "declared": {}, "now_ms": int(time.time() * 1000)}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
    if m["method"] == "shutdown":
        break
"""

KINDS = [kind for kind, why_not in available().items() if not why_not]
Start = Callable[..., Process]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Every sandbox that works here."""
    return str(request.param)


@pytest.fixture
def start(tmp_path: Path, kind: str) -> Iterator[Start]:
    """`start(source)` runs a Python program; with `clock=True` under the shim."""
    with ExitStack() as stack:

        def run(source: str = ECHO, *, clock: bool = False, limits: Limits | None = None) -> Process:
            folder = tmp_path / f"program{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            (folder / "program.py").write_text(textwrap.dedent(source))
            mounts, env, page = {"checkout": Mount(folder, "/candidate")}, {}, None
            if clock:
                page = ClockPage(folder / "clock")
                mounts |= {"clock": Mount(folder / "clock", "/clock"), "shim": Mount(shim_path().parent, "/shim")}
                env = {"LD_PRELOAD": "{shim}/clockshim.so", "HARNESS_CLOCK_PAGE": "{clock}/offset"}
            launch = Launch(("python3", "-u", "{checkout}/program.py"), mounts, env=env, limits=limits or Limits())
            process = Process(choose(kind).spawn(launch), page)
            stack.callback(process.close)
            return process

        yield run
