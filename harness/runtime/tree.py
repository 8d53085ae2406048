"""A process and all its descendants on this host: found, stopped, continued and killed, with proof from /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 2.0
_STEP_S = 0.0005


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen after a signal: pid -> state letter of /proc (`T` stopped, `Z` zombie, `-` gone)."""

    signal: str
    states: dict[int, str]
    took_ms: float

    @property
    def took(self) -> bool:
        """Whether every process is in the state that the signal asks for."""
        wanted = {"SIGSTOP": "Tt", "SIGKILL": "-ZX"}.get(self.signal)
        if wanted is None:
            return all(state not in "Tt" for state in self.states.values())
        return bool(self.states) and all(state in wanted for state in self.states.values())


def state_of(pid: int) -> str:
    """The state letter of a process, `-` if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return "-"
    return chr(stat[stat.rindex(b")") + 2])


def _task_files(pid: int, name: str) -> Iterator[str]:
    """The contents of one file of each thread of a process; threads that end meanwhile are passed over."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for task in tasks:
        with contextlib.suppress(OSError):
            yield Path(f"/proc/{pid}/task/{task}/{name}").read_text("utf-8", "replace")


def thread_states(pid: int) -> set[str]:
    """State letters of all threads of a process."""
    return {stat[stat.rindex(")") + 2] for stat in _task_files(pid, "stat") if ")" in stat}


def descendants(pid: int) -> list[int]:
    """`pid` and every process below it, parents first."""
    found, queue = [], [pid]
    while queue:
        current = queue.pop(0)
        if state_of(current) == "-":
            continue
        found.append(current)
        for children in _task_files(current, "children"):
            queue.extend(int(child) for child in children.split())
    return found


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def stop(root: int) -> Proof:
    """SIGSTOP to the whole tree, again until no descendant runs: a child may be forked while we look."""
    started = time.monotonic()
    states: dict[int, str] = {}
    while time.monotonic() - started < PATIENCE_S:
        pids = descendants(root)
        _send([pid for pid in pids if state_of(pid) not in "TtZ"], signal.SIGSTOP)
        states = {pid: "T" if thread_states(pid) <= {"T", "t"} else state_of(pid) for pid in pids}
        states = {pid: state for pid, state in states.items() if state not in "Z-"}
        if states and all(state == "T" for state in states.values()) and set(states) >= set(descendants(root)):
            break
        time.sleep(_STEP_S)
    return Proof("SIGSTOP", states, (time.monotonic() - started) * 1000)


def cont(root: int) -> Proof:
    """SIGCONT to the whole tree, children first so that no parent sees one stopped."""
    started = time.monotonic()
    pids = descendants(root)
    _send(pids[::-1], signal.SIGCONT)
    states = {pid: state_of(pid) for pid in pids}
    while any(state in "Tt" for state in states.values()) and time.monotonic() - started < PATIENCE_S:
        time.sleep(_STEP_S)
        states = {pid: state_of(pid) for pid in pids}
    return Proof("SIGCONT", states, (time.monotonic() - started) * 1000)


def kill(root: int) -> Proof:
    """SIGKILL to the whole tree; in a pid space of its own the first process takes all others with it."""
    started = time.monotonic()
    pids = descendants(root) or [root]
    _send(pids, signal.SIGKILL)
    while (left := [pid for pid in pids if state_of(pid) not in "-ZX"]) and time.monotonic() - started < PATIENCE_S:
        _send(left, signal.SIGKILL)
        pids += [pid for pid in descendants(root) if pid not in pids]
        time.sleep(_STEP_S)
    return Proof("SIGKILL", {pid: state_of(pid) for pid in pids}, (time.monotonic() - started) * 1000)


def rss_bytes(root: int) -> int:
    """Resident memory of the tree, in bytes; shared pages count once a process."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for pid in descendants(root):
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
    return total


_WAITING = ("pipe_read", "poll", "ep_", "select")


def waits_in_read(root: int) -> bool:
    """Whether every process of the tree sleeps and some thread waits for input: nothing is left to do with what was sent."""
    pids = descendants(root)
    if any(state_of(pid) not in "SDI" for pid in pids):
        return False
    return any(any(word in wchan for word in _WAITING) for pid in pids for wchan in _task_files(pid, "wchan"))
