"""Is the change wired in? The statements that it added or changed which run when typical traffic goes through `[run]`.

What counts is a statement inside a function, in the kind `source` alone. A line of a module's own body (an import, a constant, a
class with its methods) runs as soon as anything imports the module, so that it would make code look wired in that nobody calls;
it is left out of both sides of the share. A statement that spans several lines is one, and counts as changed if any of them is.

The share is the runtime's word, and the runtime is the candidate's (see `ran.py`); what its entry point can reach by imports stands
beside it. The traffic is the challenge's (`typical.py` in its folder: `calls(seed)` and `moved(params, now_ms)`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harness.candidate.cache import remove
from harness.errors import CandidateFailure, RpcError, Undecided
from harness.facts.changed import Changed
from harness.facts.ran import lines_run
from harness.facts.reach import reachable
from harness.facts.reading import TOOLS, Read
from harness.runtime.cell import Cell, MountSpec, ProgramSpec
from harness.runtime.process import Process
from harness.runtime.trial import Trial

NOT_WIRED_BELOW = 0.10
PARTLY_BELOW = 0.60
TRAFFIC_FILE = "typical.py"
MAX_SECONDS = 60.0
MAX_RAN_BYTES = 512 << 20
LOOK_EVERY = 200
EPOCH_MS = 1_704_067_200_000
EXIT_PATIENCE_S = 15.0
MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Played:
    """What came of the traffic: the lines that ran by path, or None with the reason why nothing is known."""

    lines: Mapping[str, Collection[int]] | None
    problem: str = ""
    notes: tuple[str, ...] = ()


def word_of(share: float | None) -> str:
    """How a share (0 to 1) is called; None is that there was nothing to integrate."""
    if share is None:
        return "nothing to integrate"
    return "not wired in" if share < NOT_WIRED_BELOW else "partly" if share < PARTLY_BELOW else "wired in"


def statements_changed(file: Changed, read: Read) -> frozenset[int]:
    """First lines of the statements inside functions that the commit added or changed."""
    starts = read.statements or {}
    return frozenset(starts[line] for line in file.lines if line in starts)


def statements_ran(lines: Collection[int], read: Read) -> frozenset[int]:
    """First lines of the statements of which a line ran."""
    starts = read.statements or {}
    return frozenset(starts[line] for line in lines if line in starts)


def summed(
    changed: Sequence[Changed], read: Mapping[str, Read], played: Played, reached: Collection[str] | None
) -> dict[str, Any]:
    """The section `integration` of a result. `reached`: paths that the entry point can reach, None where it is not known."""
    files, notes = [], list(played.notes)
    ran_all = of_all = 0
    for file in changed:
        known = read.get(file.path, Read())
        if known.statements is None:
            notes.append(f"not read as code: {file.path}")
            continue
        wanted = statements_changed(file, known)
        ran = wanted & statements_ran((played.lines or {}).get(file.path, ()), known)
        ran_all, of_all = ran_all + len(ran), of_all + len(wanted)
        files.append(_file(file, len(ran) if played.lines is not None else None, len(wanted), reached))
    share = ran_all / of_all if of_all and played.lines is not None else None
    word = "not measured" if of_all and played.lines is None else word_of(share)
    return {
        "summary": _sentence(word, ran_all, of_all, played),
        "word": word,
        "share": None if share is None else round(share, 4),
        "ran": ran_all if played.lines is not None else None,
        "of": of_all,
        "problem": played.problem,
        "files": files[:MAX_SHOWN],
        "notes": notes[:MAX_SHOWN],
    }


def _sentence(word: str, ran: int, of: int, played: Played) -> str:
    if not of:
        return f"{word}: the commit changed no statement inside a function"
    what = "statements inside functions that the commit added or changed"
    return f"{word}: {ran} of {of} {what} ran on typical traffic" if played.lines is not None else f"{word}, of {of} {what}"


def _file(file: Changed, ran: int | None, of: int, reached: Collection[str] | None) -> dict[str, Any]:
    return {
        "path": file.path,
        "status": "added" if file.added else "changed",
        "ran": ran,
        "of": of,
        "share": round(ran / of, 4) if of and ran is not None else None,
        "reachable": None if reached is None else file.path in reached,
    }


def reached_from(entry: str | None, read: Mapping[str, Read], packages: Mapping[str, str]) -> frozenset[str] | None:
    """What can be reached from the entry point; None without one that could be read."""
    if entry is None or entry not in read or read[entry].statements is None:
        return None
    return reachable(entry, {path: found.imports for path, found in read.items()}, packages)


# -- traffic ---------------------------------------------------------------------------------------------------------------------


def watched(program: ProgramSpec, folder: Path) -> ProgramSpec:
    """The program with both runtimes told to write down what ran, into `folder`."""
    before = program.env.get("PYTHONPATH")
    env = {
        "NODE_V8_COVERAGE": "{ran}",
        "HARNESS_RAN": "{ran}",
        "PYTHONPATH": "{watch}" + (f":{before}" if before else ""),
    }
    mounts = {"ran": MountSpec(str(folder), "/ran", True), "watch": MountSpec(str(TOOLS), "/watch")}
    return msgspec.structs.replace(program, env={**program.env, **env}, mounts={**program.mounts, **mounts})


def play(cell: Cell, challenge_folder: Path, tree: Path, wanted: Collection[str], folder: Path) -> Played:
    """Typical traffic through the program of `cell`, which is stopped by `shutdown`. `folder` is emptied afterwards."""
    path = challenge_folder / TRAFFIC_FILE
    if not path.is_file():
        return Played(None, "the challenge has no typical traffic")
    folder.chmod(0o777)
    trial = Trial(msgspec.structs.replace(cell, program=watched(cell.program, folder)), "typical", "typical")
    try:
        started, problem = _drive(trial, _load(path), folder)
        if not started:
            return Played(None, f"it does not start: {problem}")
        inside = trial.inside(trial.cell.program.launch().mounts["checkout"])
        lines = lines_run(folder, tree, inside, wanted)
    finally:
        trial.close()
        remove(folder)
    if lines is None:
        why = (
            problem
            or "its runtime wrote down nothing of what ran (no Python with coverage, no Node, or it did not end by itself)"
        )
        return Played(None, why)
    return Played(lines, "", (f"the traffic was cut short: {problem}",) if problem else ())


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"typical_{path.parent.name}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _drive(trial: Trial, traffic: Any, folder: Path) -> tuple[bool, str]:
    """Whether it started; and '' if all of the traffic went through, else why it ended. Error replies are replies."""
    # A store reads the real time, so a program that has one starts there.
    start_ms = int(time.time() * 1000) if trial.cell.program.store != "none" else EPOCH_MS
    deadline = time.monotonic() + MAX_SECONDS
    started = False
    try:
        process = trial.start(wall_ms=start_ms)
        started, now_ms = True, start_ms
        for number, (after_ms, method, params) in enumerate(traffic.calls(trial.seed)):
            now_ms = start_ms + after_ms
            process.set_wall_ms(now_ms)
            _ask(process, method, traffic.moved(params, now_ms), now_ms)
            if time.monotonic() > deadline:
                break
            if number % LOOK_EVERY == 0 and _bytes(folder) > MAX_RAN_BYTES:
                return True, "it wrote more about itself than is read"
        _ask(process, "shutdown", {}, now_ms)
        return True, "" if process.finish(EXIT_PATIENCE_S) is not None else "it did not end after `shutdown`"
    except (CandidateFailure, RpcError, Undecided) as error:
        return started, str(error)[:300]


def _ask(process: Process, method: str, params: dict[str, Any], now_ms: int) -> None:
    with contextlib.suppress(RpcError):
        process.request(method, params, now_ms=now_ms)


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.iterdir())
