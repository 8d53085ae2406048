"""Trials of alert-dedup made by hand: tiny candidates over a raw Valkey socket, specimens, and a look at what was left behind."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from challenges.alert_dedup.field import Field
from harness.candidate.values import EntrySpec
from harness.judge.outcomes import Finding
from harness.paths import PROJECT_ROOT, challenges_root, scratch_prefix
from harness.programs import program_of
from harness.runtime.cell import Cell
from harness.runtime.leftovers import scratch_places
from harness.runtime.sandbox.limits import our_groups
from harness.runtime.stores import store_program, store_unavailable
from harness.runtime.trial import Trial

# A candidate without any import that takes time: `TINY` goes before each program, which changes a method or two of it.
TINY = '''
import json, os, socket, sys, time

class Refused(Exception):
    pass

class Store:
    def __init__(self, url):
        self.link = socket.socket(socket.AF_UNIX)
        self.link.connect(url.removeprefix("unix://").partition("?")[0])
        self.file = self.link.makefile("rb")

    def ask(self, *words):
        texts = [str(word).encode() for word in words]
        self.link.sendall(b"*%d\\r\\n" % len(texts) + b"".join(b"$%d\\r\\n%b\\r\\n" % (len(t), t) for t in texts))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"-" or not kind:
            raise RuntimeError(rest.decode() or "the store is gone")
        return int(rest) if kind == b":" else rest.decode()

class Tiny:
    """One atomic request; pages if it was the first."""

    capabilities = ["reset"]
    declared = {"lease_ms": 500, "retention_ms": 60000}

    def initialize(self, params):
        self.told, self.window_ms, self.store = params, params["config"]["window_ms"], None
        self.connect(params)

    def connect(self, params):
        self.store = Store(params["store"]["url"])

    def offer(self, params):
        fingerprint, event = params.get("fingerprint"), params.get("event_id")
        if not (isinstance(fingerprint, str) and fingerprint and isinstance(event, str) and event):
            raise Refused
        return {"decision": self.decide(fingerprint, event)}

    def decide(self, fingerprint, event):
        if self.reserve(fingerprint, event):
            self.page(fingerprint, event)
            return "emit"
        return "suppress"

    def reserve(self, fingerprint, event):
        return self.store.ask("SET", "window:" + fingerprint, event, "NX", "PX", self.window_ms) is not None

    def page(self, fingerprint, event, alert_id=None):
        told = {"alert_id": alert_id or f"{event}/{fingerprint}", "fingerprint": fingerprint, "event_id": event}
        self.write({"jsonrpc": "2.0", "method": "emit", "params": told})

    def tick(self, params):
        pass

    def reset(self, params):
        pass

    def stats(self, params):
        return {"wall_ms": time.time() * 1000, "said_ms": params["now_ms"], "told": self.told, "pid": os.getpid()}

    def write(self, message):
        sys.stdout.write(json.dumps(message) + "\\n")
        sys.stdout.flush()

    def serve(self):
        for line in sys.stdin:
            asked = json.loads(line)
            reply = {"jsonrpc": "2.0", "id": asked["id"]}
            try:
                result = getattr(self, asked["method"])(asked["params"]) or {}
                if asked["method"] == "initialize":
                    result = {"name": "tiny", "language": "python", "capabilities": self.capabilities}
                    result |= {"declared": self.declared, "now_ms": int(time.time() * 1000)}
                self.write(reply | {"result": result})
            except Refused:
                self.write(reply | {"error": {"code": -32602, "message": "malformed"}})
'''
CONFIG = {"window_ms": 5000, "max_skew_ms": 3000}
SHORT = {"window_ms": 300, "max_skew_ms": 100}
"""Durations for cases that are played in real time."""
REFERENCE = ("python3", "-m", "reference_impl.server", "alert-dedup")
Make = Callable[..., Trial]


def program(folder: Path, body: str) -> tuple[str, ...]:
    """Writes a candidate: `class Own(Tiny)` with that body. Its command."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f"{TINY}\nclass Own(Tiny):\n    pass\n{textwrap.indent(textwrap.dedent(body), '    ')}\n\nOwn().serve()\n"
    (folder / "program.py").write_text(text)
    return ("python3", "-u", "program.py")


def specimen(name: str) -> tuple[str, ...]:
    """The command of a specimen."""
    return ("python3", str((challenges_root() / "alert_dedup" / "specimens" / name / "specimen.py").relative_to(PROJECT_ROOT)))


def cell_of(
    command: tuple[str, ...], tree: Path, out: Path, *, store: str = "redis", tcp: bool = False, requirement: str, **more: Any
) -> Cell:
    """A cell of alert-dedup for that command in that tree; `tcp` for `store_tcp`; `more` are fields of `Cell`."""
    spec = EntrySpec(command, store=store, store_tcp=tcp, clock="wall")
    fields = {
        "candidate_id": "x",
        "challenge": "alert-dedup",
        "entry": "run",
        "suite": "s",
        "requirements": [requirement],
        "seed": 1,
        "profile": "quick",
        "time": "virtual",
        "sandbox": "none",
        "program": program_of(spec, tree, None, native=True),
        "config": CONFIG,
        "budgets_s": {},
        "journal": str(out / "journal.jsonl"),
        "suite_digest": "d",
        "tree_digest": "t",
    }
    return Cell(**(fields | more))


def need(store: str) -> None:
    """Skips where there is no such store."""
    if (why_not := store_unavailable(store)) is not None:
        pytest.skip(why_not)


class Maker:
    """Makes trials and fields; ends them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._made = 0

    def trial(
        self, body: str = "", *, command: tuple[str, ...] | None = None, store: str = "redis", req: str = "DD-01", **more: Any
    ) -> Trial:
        """A trial of a tiny candidate with that body, or of a command of the project's own."""
        if store != "none":
            need(store)
        self._made += 1
        out = self._folder / str(self._made)
        tree = PROJECT_ROOT if command is not None else out / "candidate"
        command = command if command is not None else program(tree, body)
        out.mkdir(exist_ok=True)
        made = Trial(cell_of(command, tree, out, store=store, requirement=req, **more), "test", req)
        self._stack.callback(made.close)
        return made

    def field(
        self, body: str = "", processors: int = 1, *, real: bool = False, durable: bool = False, begin: bool = True, **more: Any
    ) -> Field:
        """A field with that candidate, its run begun."""
        made = Field(self.trial(body, **more), processors, real=real, durable=durable)
        if begin:
            made.begin()
        return made

    def close(self) -> None:
        """Ends all."""
        self._stack.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    """`make.trial(body)` and `make.field(body, processors)`; ended with the test."""
    made = Maker(tmp_path)
    yield made
    made.close()


def outcome(trial: Trial, test: Callable[[Trial], None]) -> Finding:
    """What a suite's function comes to."""
    try:
        test(trial)
    except Exception as error:  # noqa: BLE001 - as the plugin does
        return trial.finding_of(error)
    return trial.finding_of(None)


def traces() -> dict[str, set[Any]]:
    """All that a trial could leave behind."""
    me = psutil.Process()
    unix = {(c.fd, c.laddr) for c in me.net_connections("unix")}
    # Copies of the stores' programs are kept until this process ends.
    folders = {path.name for place in scratch_places() for path in place.glob(scratch_prefix("*"))}
    folders -= {name for name in folders if "-programs-" in name}
    children = {child.pid for child in me.children(recursive=True)}
    return {
        "processes": children,
        "folders": folders,
        "sockets": unix,
        "groups": {g.name for g in our_groups() if _ours(g.name)},
    }


def _ours(name: str) -> bool:
    return name.startswith(scratch_prefix("group"))


@pytest.fixture
def nothing_left() -> Iterator[Callable[[Trial], None]]:
    """`nothing_left(trial)` ends the trial and compares what there is with what was there before the test."""
    for kind in ("redis", "postgres"):
        store_program(kind)
    before, fds = traces(), psutil.Process().num_fds()

    def check(trial: Trial) -> None:
        trial.close()
        deadline = time.monotonic() + 5
        while (left := {k: v - before[k] for k, v in traces().items()}) and any(left.values()) and time.monotonic() < deadline:
            time.sleep(0.02)  # a child of a killed process is init's to reap
        assert not any(left.values()), left
        assert psutil.Process().num_fds() <= fds

    yield check
