"""The demonstration itself: a store, three processes, three receivers, and the plan played in real time."""

import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.plan import HISTORY_S, LEASE_MS, OFFSETS_MS, STEP_S, WINDOW_MS, Plan, stream
from demo.processes import PipelineProcess, Receivers
from demo.receivers import Fault, Receiver, Taken
from harness.errors import InfraError
from harness.paths import scratch_prefix
from harness.runtime.stores import open_store

LEAD_S = 1.0
USUAL_DELAY_S = 0.2
"""How long each receiver takes for an answer: as the real ones do, and long enough for a kill to fall into it."""
HISTORY_STEPS_PER_BODY = 10
HISTORY_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Arrival:
    """A page at a receiver, at a time of the plan."""

    at_s: float
    alert_id: str
    service: str
    repeat: bool


@dataclass(frozen=True)
class Line:
    """A line of a process's journal, at a time of the plan."""

    at_s: float
    node: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Node:
    """What became of a process. `skew_ms` is its wall clock against ours, as its own journal shows it."""

    name: str
    offset_ms: int
    skew_ms: int
    killed_s: float | None
    status: int | None
    acknowledged: int


@dataclass(frozen=True)
class Record:
    """All that was seen. `counts` is per second and service: logs and errors. `late_s` is how far the player fell behind at most."""

    plan: Plan
    store: str
    nodes: list[Node]
    arrivals: dict[str, list[Arrival]]
    issues: int
    lines: list[Line]
    counts: list[dict[str, tuple[int, int]]]
    late_s: float
    zero_ms: int


def play(plan: Plan, store_kind: str, tell: Callable[[str], None]) -> Record:
    """Play the plan; takes as long as it says, and a little before. Raises InfraError where something of ours does not start."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix=scratch_prefix("demo")))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        store = stack.enter_context(open_store(store_kind))
        receivers = stack.enter_context(Receivers())
        config = folder / "pipeline.toml"
        config.write_text(receivers.config(store_kind, store.url(str(store.socket.parent)), WINDOW_MS, LEASE_MS))
        processes = []
        for number, offset_ms in enumerate(OFFSETS_MS, 1):
            process = PipelineProcess(f"p{number}", folder, config, receivers.environment(), offset_ms)
            stack.callback(process.close)
            processes.append(process)
        for process in processes:
            if not process.wait_ready():
                raise InfraError(f"process {process.name} of the pipeline did not start: {process.complaints()}")
        return _played(plan, store_kind, receivers, processes, tell)


def _played(
    plan: Plan, store_kind: str, receivers: Receivers, processes: list[PipelineProcess], tell: Callable[[str], None]
) -> Record:
    for receiver in receivers.all:
        receiver.always = Fault(passes=True, delay_s=USUAL_DELAY_S)
    zero_ms = int(time.time() * 1000)
    _teach(plan, zero_ms, processes)
    tell(f"{HISTORY_S:g} s of history learned; now {plan.live_s:g} s live")
    zero_s = time.monotonic() + LEAD_S
    zero_ms += int((zero_s - time.monotonic()) * 1000)
    pool = ThreadPoolExecutor(1)
    stage = pool.submit(_stage, plan, zero_s, receivers, processes)
    counts: list[dict[str, tuple[int, int]]] = []
    late_s = 0.0
    for step in stream(plan, zero_ms, 0.0, plan.live_s):
        # Logs are posted when the step is over, as a shipper would that flushes every 100 ms.
        due_s = zero_s + step.at_s + STEP_S
        _sleep_until(due_s)
        late_s = max(late_s, time.monotonic() - due_s)
        for process in processes:
            process.post(step.body)
        _add(counts, int(step.at_s + STEP_S / 2), step.counts)
    stage.result()
    pool.shutdown()
    statuses = [process.close() for process in processes]
    nodes = [_node(process, status, zero_s) for process, status in zip(processes, statuses, strict=True)]
    arrivals = {one.name: _arrivals(one, zero_s) for one in receivers.all}
    lines = [Line(at_s - zero_s, one.name, facts) for one in processes for at_s, facts in one.journal]
    lines.sort(key=lambda line: line.at_s)
    return Record(plan, store_kind, nodes, arrivals, len(receivers.jira.issues), lines, counts, late_s, zero_ms)


def _teach(plan: Plan, zero_ms: int, processes: list[PipelineProcess]) -> None:
    steps = list(stream(plan, zero_ms, -HISTORY_S, 0.0))
    for at in range(0, len(steps), HISTORY_STEPS_PER_BODY):
        body = b"\n".join(step.body for step in steps[at : at + HISTORY_STEPS_PER_BODY])
        for process in processes:
            process.post(body)
    give_up_s = time.monotonic() + HISTORY_PATIENCE_S
    while not all(process.settled() for process in processes):
        if time.monotonic() > give_up_s:
            raise InfraError(f"the history was not learned within {HISTORY_PATIENCE_S:g} s: is this machine very busy?")
        time.sleep(0.02)


def _stage(plan: Plan, zero_s: float, receivers: Receivers, processes: list[PipelineProcess]) -> None:
    """Troubles and the kill, each at its time."""
    by_name: dict[str, Receiver] = {one.name: one for one in receivers.all}
    scenes: list[tuple[float, Callable[[], None]]] = [(plan.kill_s, lambda: _victim(plan, processes).kill())]
    for trouble in plan.troubles:
        fault = Fault(trouble.status, "not now") if trouble.status else Fault(passes=True, delay_s=trouble.delay_s)
        usual = Fault(passes=True, delay_s=USUAL_DELAY_S)
        receiver = by_name[trouble.receiver]
        # Defaults bind the loop's values; a lambda that has them has no type of its own.
        scenes.append((trouble.start_s, lambda one=receiver, fault=fault: setattr(one, "always", fault)))  # type: ignore[misc]
        scenes.append((trouble.end_s, lambda one=receiver, usual=usual: setattr(one, "always", usual)))  # type: ignore[misc]
    for at_s, act in sorted(scenes, key=lambda scene: scene[0]):
        _sleep_until(zero_s + at_s)
        act()


def _victim(plan: Plan, processes: list[PipelineProcess]) -> PipelineProcess:
    return next((one for one in processes if one.owes()), processes[plan.victim])


def _sleep_until(due_s: float) -> None:
    wait_s = due_s - time.monotonic()
    if wait_s > 0:
        time.sleep(wait_s)


def _add(counts: list[dict[str, tuple[int, int]]], second: int, more: dict[str, tuple[int, int]]) -> None:
    while len(counts) <= second:
        counts.append(dict.fromkeys(more, (0, 0)))
    for name, (logs, errors) in more.items():
        before = counts[second][name]
        counts[second][name] = (before[0] + logs, before[1] + errors)


def _arrivals(receiver: Receiver, zero_s: float) -> list[Arrival]:
    taken: list[Taken] = list(receiver.taken)
    return [Arrival(one.at_s - zero_s, one.alert_id, one.service, one.repeat) for one in taken]


def _node(process: PipelineProcess, status: int | None, zero_s: float) -> Node:
    """The skew is taken from the line `ready`: what it shows against our clock at its reading, which is a little later."""
    skew_ms = 0
    for read_s, line in process.journal:
        if line.get("event") == "ready":
            skew_ms = round(line["at_ms"] - (time.time() - time.monotonic() + read_s) * 1000)
    killed_s = None if process.killed_s is None else process.killed_s - zero_s
    return Node(process.name, process.offset_ms, skew_ms, killed_s, status, process.acknowledged)
