"""The same logs through the detectors' adapter and through the repository's own entry point: the same alerts, or the difference.

Both get one log at a time, their wall clocks held at the same second of the stream, their minute timers at the same ticks. What the
entry point's processAlert would hold back, it does not: every alert is closed by hand before the next log, so each becomes a row
(but for a second one of its kind for the same log, which is folded here too).
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.programs import program_of
from harness.runtime.clock import ClockPage, shim_path
from harness.runtime.process import Process
from harness.runtime.sandbox import Launch, Mount, choose
from tests.adapters.bench import Bench, built
from tests.adapters.entry_point import EntryPoint, Log, Row, insert, prepare_store, resolve_all, rows

START_MS = 1_760_000_055_000  # a quarter of a minute into a minute, so that phases show
MINUTES = 45
SEED = 20
TYPES = {"error_rate": "error_spike"}
SEVERITIES = ("low", "medium", "high", "critical")
TSC = "node_modules/typescript/bin/tsc"


def stream() -> Iterator[tuple[int, list[Log]]]:
    """Each second of the stream with its logs: two services with spikes in different minutes, and one that falls silent."""
    chance = random.Random(SEED)
    for second in range(1, MINUTES * 60 + 1):
        minute = second // 60
        logs = []
        for service in ("api", "web", "pay"):
            if service == "pay" and minute >= 34:
                continue
            spike = (service, minute) in {("api", 37), ("api", 38), ("web", 41)}
            for _ in range(chance.choices((0, 1, 2), (75, 20, 5) if not spike else (20, 40, 40))[0]):
                level = "error" if chance.random() < (0.8 if spike else 0.03) else "info"
                logs.append(Log(START_MS + second * 1000 - chance.randrange(900), service, level, f"m{second}"))
        yield second, logs


def by_entry_point(bench: Bench, tree: Path, folder: Path) -> tuple[list[Row], list[str]]:
    """Logs into its database; its alerts out of it."""
    prepare_store(bench, tree)
    running = EntryPoint(bench, tree, folder, wall_ms=START_MS)
    for second, logs in stream():
        running.set_wall_ms(START_MS + second * 1000)
        for log in logs:
            insert(bench, [log])
            running.expect_logs(1)
            resolve_all(bench)
        if second % 60 == 0:
            running.fire()
            resolve_all(bench)
    return rows(bench, moments=True), running.complaints()


def by_adapter(candidate_id: str, folder: Path) -> tuple[list[Row], int]:
    """The same logs through `[run]` of the manifest: its alerts, and how many more it reported of one kind for one log."""
    candidate, tree = built(candidate_id)
    program = program_of(candidate.entries["run"]["anomaly-detection"], tree, candidate.adapter, native=False)
    page = ClockPage(folder / "clock")
    page.hold_ms(START_MS)
    mounts = {"clock": Mount(folder / "clock", "/clock"), "shim": Mount(shim_path().parent, "/shim")}
    env = {"LD_PRELOAD": "{shim}/clockshim.so", "HARNESS_CLOCK_PAGE": "{clock}/offset"}
    process = Process(choose("auto").spawn(program.launch(env=env, mounts=mounts)), page)
    try:
        params = {"challenge": "anomaly-detection", "node": {"id": "p0", "peers": []}, "clock": "wall", "seed": 1, "config": {}}
        process.initialize({**params, "store": None}, now_ms=START_MS)
        found, reported = [], 0
        for second, logs in stream():
            for alerts, kept in _second(process, second, logs):
                found += [row_of(alert) for alert in kept]
                reported += len(alerts)
        return found, reported - len(found)
    finally:
        process.close()


Alerts = list[dict[str, Any]]


def _second(process: Process, second: int, logs: list[Log]) -> Iterator[tuple[Alerts, Alerts]]:
    """What each reply of one second of the stream reported, and what is kept of it."""
    now_ms = START_MS + second * 1000
    process.set_wall_ms(now_ms)
    for log in logs:
        sent = {"ts_ms": log.ts_ms, "service": log.service, "level": log.level, "message": log.message}
        reply = process.request("ingest", {"logs": [sent]}, now_ms=now_ms)
        assert reply["accepted"] == 1
        yield reply["alerts"], folded(reply["alerts"])
    alerts = process.request("tick", {}, now_ms=now_ms)["alerts"]
    yield alerts, alerts


def folded(alerts: Alerts) -> Alerts:
    """Alerts of one log as processAlert keeps them, one after the other: of two of a kind the first, raised to a higher severity."""
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for alert in alerts:
        first = kept.setdefault((alert["service"], alert["kind"]), dict(alert))
        if SEVERITIES.index(alert["severity"]) > SEVERITIES.index(first["severity"]):
            first |= {"severity": alert["severity"], "message": alert["message"]}
    return list(kept.values())


def row_of(alert: dict[str, Any]) -> Row:
    """An alert of the protocol in the repository's words."""
    kind = TYPES.get(alert["kind"], alert["kind"])
    return Row(alert["service"], kind, alert["severity"], alert["message"], created_ms=alert["ts_ms"])


def runnable(candidate_id: str, folder: Path) -> Path:
    """The built tree, or where its build left out the entry point, a copy with all of it compiled, type errors or not."""
    _, tree = built(candidate_id)
    if (tree / "apps/processor/dist/index.js").exists():
        return tree
    copy = folder / "tree"
    shutil.copytree(tree, copy, symlinks=True)
    for path in [copy, *copy.glob("packages/*"), *copy.glob("apps/*"), *copy.glob("*/*/dist")]:
        path.chmod(0o755)
    for path in copy.glob("apps/processor/dist/*"):
        path.unlink()
    for package in ("packages/core", "packages/db", "packages/infra", "apps/processor"):
        launch = Launch(("node", TSC, "-p", package), {"checkout": Mount(copy, "/candidate", writable=True)})
        spawned = choose("auto").spawn(launch)
        spawned.popen.communicate(timeout=120)
        spawned.cleanup()
    return copy


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


@pytest.mark.parametrize(
    "candidate",
    [
        "tracer-gpt-5.1-codex-detector",
        "tracer-gpt-5-codex-detector",
        "tracer-sonnet-4.5-detector",
        "tracer-kimi-k2-detector",
    ],
)
def test_adapter_and_entry_point_raise_the_same_alerts(bench: Bench, tmp_path: Path, candidate: str) -> None:
    entry_point, complaints = by_entry_point(bench, runnable(candidate, tmp_path), tmp_path)
    adapter, more = by_adapter(candidate, tmp_path)
    print(f"\n{candidate}: {len(entry_point)} rows, {Counter(row.alert_type for row in entry_point)}, {more} more folded")
    only_there = list((Counter(entry_point) - Counter(adapter)).elements())
    only_here = list((Counter(adapter) - Counter(entry_point)).elements())
    print(f"  only by the entry point: {only_there[:5]}\n  only by the adapter: {only_here[:5]}", flush=True)
    assert complaints == []
    assert {"error_spike", "service_down"} <= {row.alert_type for row in entry_point}
    assert (only_there, only_here) == ([], [])  # in any order: the timers' alerts are stored at once, none after the other
