"""The candidate's own tests, run in the sandbox: do they hold, every time, in any order, at any hour; and do they test anything?

Three trees, all from the built one of the commit, so that nothing is fetched: the commit as it is; the base, that is every file of
the difference as it was before; and the commit's tests over the source as it was before. What the build itself wrote (`dist/`, say)
stays that of the commit in all three. Each run has an order of its own, where the runner takes one, and a wall clock of its own.

A run that does not end in its time decides nothing: it may be this machine that is slow.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.candidate.build import StepResult
from harness.candidate.cache import remove
from harness.candidate.diff import FileDiff
from harness.candidate.mirror import read_blob
from harness.errors import UsageError
from harness.facts.ran import read_bounded
from harness.facts.reading import TOOLS
from harness.facts.reports import READERS, REPORTS, asked, outcomes, runner_of
from harness.paths import scratch_prefix
from harness.runtime.clock import ClockPage, shim_path, shim_unavailable
from harness.runtime.sandbox import Mount, Sandbox
from harness.runtime.steps import SandboxRunner

RUNS = 5
MAX_REPORT_BYTES = 32 << 20
MAX_BLOB_BYTES = 64 << 20
MAX_SHOWN = 40
MAX_BOUND = 400
# Folders that are large and that tests read only: bound as they are, not copied.
HEAVY = frozenset({"node_modules", ".venv", "venv", ".git"})
# Where the wall clock stands when a run begins; None is the real time. A leap day, a change to summer time, a year's end.
PHASES = (None, "2024-02-29T23:59:55", "2025-03-30T00:59:55", "2026-06-17T12:30:30", "2031-12-31T23:59:50")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for all runs together, and for each. What is left undone in that time is said."""

    total_s: float
    run_s: float


QUICK = Patience(40.0, 20.0)
FULL = Patience(1200.0, 300.0)
# What part of the time is used up before which tree gets no further run; each gets one in any case.
SHARE = {"the commit": 0.6, "the base": 0.8, "the source as before": 1.0}


@dataclass(frozen=True, slots=True)
class Suite:
    """What is to be run: the command, the built tree, the mirror that has the blobs, the files of the difference."""

    command: Sequence[str]
    tree: Path
    adapter: Path | None
    mirror: Path | None
    files: Sequence[FileDiff] = ()


@dataclass(slots=True)
class Tally:
    """Name -> outcome in each run that had it."""

    runs: int = 0
    seen: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)

    def add(self, found: Mapping[str, bool]) -> None:
        """Takes in one run."""
        self.runs += 1
        for name, passed in found.items():
            self.seen.setdefault(name, []).append((self.runs, passed))

    def failed(self, name: str) -> list[int]:
        """The runs, from 1, in which it failed."""
        return [run for run, passed in self.seen.get(name, ()) if not passed]

    @property
    def failing(self) -> list[str]:
        """Names that failed at least once."""
        return [name for name in self.seen if self.failed(name)]


def measure(suite: Suite, sandbox: Sandbox, sdk: Path, patience: Patience, *, thorough: bool) -> dict[str, Any]:
    """The section `own_tests` of a result. `thorough`: the base as often as the commit, whether or not anything failed.

    Raises InfraError where the sandbox fails.
    """
    if sandbox.level == "none":
        return _head(suite) | {"problem": "not run: there is no sandbox, and tests are run in one only"}
    bench = _Bench(suite, sandbox, sdk, patience)
    commit = bench.tally("the commit", RUNS, lambda file: True)
    if not commit.runs:
        return _head(suite) | bench.closing() | {"problem": "no run came to its end"}
    base, old_source = Tally(), Tally()
    if suite.mirror is not None and suite.files:
        base = bench.tally("the base", RUNS if thorough or commit.failing else 1, lambda file: False)
        if any(file.kind == "source" for file in suite.files):
            old_source = bench.tally("the source as before", 1, lambda file: file.kind != "source")
    return _head(suite) | summed(commit, base, old_source) | bench.closing()


def _head(suite: Suite) -> dict[str, Any]:
    runner = runner_of(suite.command)
    return {"command": " ".join(suite.command), "read_from": READERS[runner]}


def summed(commit: Tally, base: Tally, old_source: Tally) -> dict[str, Any]:
    """Counts and names. What fails at the base too is no fault of the commit. Pure."""
    excused = {name for name in commit.failing if base.failed(name)}
    at_fault = [name for name in commit.failing if name not in excused]
    red = [name for name in at_fault if all(not passed for _, passed in commit.seen[name])]
    flaky = [name for name in at_fault if name not in red]
    passing = [name for name in commit.seen if not commit.failed(name)]
    new = [name for name in passing if name not in base.seen] if base.runs or not old_source.runs else passing
    idle = [name for name in new if old_source.seen.get(name) and not old_source.failed(name)]
    before = f", {len(excused)} failed before too" if excused else ""
    how = f"{len(passing)} pass in all of {commit.runs} runs, {len(red)} red, {len(flaky)} flaky{before}"
    return {
        "summary": f"{len(commit.seen)} tests: {how}",
        "runs": commit.runs,
        "base_runs": base.runs,
        "tests": len(commit.seen),
        "passing": len(passing),
        "red": red[:MAX_SHOWN],
        "flaky": [_flaky(name, commit) for name in flaky[:MAX_SHOWN]],
        "red_at_base": sorted(excused)[:MAX_SHOWN],
        "new_tests": len(new) if old_source.runs else None,
        "pass_without_the_change": idle[:MAX_SHOWN] if old_source.runs else None,
        "pass_without_the_change_count": len(idle) if old_source.runs else None,
    }


def _flaky(name: str, commit: Tally) -> dict[str, Any]:
    failed = commit.failed(name)
    when = "; ".join(f"run {run}, begun at {PHASES[(run - 1) % RUNS] or 'the real time'}" for run in failed)
    return {"name": name, "failed": len(failed), "of": len(commit.seen[name]), "when": when}


def charged(section: Mapping[str, Any] | None) -> list[str] | None:
    """Names of the tests that count against the candidate, flaky ones too; None where nothing was measured."""
    if not section or section.get("runs") is None:
        return None
    return [*section["red"], *(item["name"] for item in section["flaky"])]


class _Bench:
    """Runs the command in one tree after another, for as long as there is time."""

    def __init__(self, suite: Suite, sandbox: Sandbox, sdk: Path, patience: Patience) -> None:
        self._suite = suite
        self._sandbox = sandbox
        self._sdk = sdk
        self._patience = patience
        self._began = time.monotonic()
        self._notes: list[str] = []

    @property
    def spent_s(self) -> float:
        """Since the first run began."""
        return time.monotonic() - self._began

    def closing(self) -> dict[str, Any]:
        """What the reader must know besides."""
        if not asked(self._suite.command, 1).shuffles:
            self._notes.append("the runner takes no order: every run had its own")
        if shim_unavailable() is not None:
            self._notes.append("the clock could not be moved here: every run had the real time")
        changed = [
            file.path for file in self._suite.files if file.kind in {"generated", "config"} and _is_of_packages(file.path)
        ]
        if changed:
            self._notes.append(
                f"the base was run with the commit's packages, which the commit changed ({', '.join(changed[:3])})"
            )
        return {"problem": "", "notes": self._notes, "seconds": round(self.spent_s, 1)}

    def tally(self, what: str, runs: int, keep: Callable[[FileDiff], bool]) -> Tally:
        """That many runs, or as many as there is time for, in a tree where files that are not kept are as at the base."""
        found = Tally()
        home = Path(tempfile.mkdtemp(prefix=scratch_prefix("tests")))
        try:
            mounts = lay_out(self._suite.tree, home / "tree")
            for file in self._suite.files:
                if not keep(file):
                    self._put_back(home / "tree", file)
            for number in range(runs):
                if found.runs and self.spent_s > SHARE[what] * self._patience.total_s:
                    self._notes.append(f"{what}: {found.runs} of {runs} runs, then the time of the profile was used up")
                    break
                outcome = self._run(what, home, number, mounts)
                if outcome is None:
                    break
                found.add(outcome)
        finally:
            remove(home)
        return found

    def _put_back(self, tree: Path, file: FileDiff) -> None:
        path = tree / file.path
        if not _is_inside(tree, path) or self._suite.mirror is None:
            return
        if path.is_symlink() or path.is_file():
            path.unlink()
        if set(file.blobs[0]) == {"0"}:
            return
        try:
            data = read_blob(self._suite.mirror, file.blobs[0], max_bytes=MAX_BLOB_BYTES)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except (UsageError, OSError):
            self._notes.append(f"not put back to the base: {file.path}")

    def _run(self, what: str, home: Path, number: int, mounts: Mapping[str, Mount]) -> dict[str, bool] | None:
        """Outcomes by name; None where the run did not end in its time."""
        results, clock = home / f"results-{number}", home / f"clock-{number}"
        results.mkdir()
        runner = runner_of(self._suite.command)
        ordered = asked(self._suite.command, number)
        hosts = home / "hosts"  # a test server wants `localhost`, and the sandbox knows no names
        hosts.write_text("127.0.0.1 localhost\n::1 localhost\n")
        more = {
            **mounts,
            "hosts": Mount(hosts, "/etc/hosts"),
            "results": Mount(results, "/results", True),
            "tools": Mount(TOOLS, "/tools"),
        }
        env, page = dict(ordered.env), None
        phase = PHASES[number % RUNS]
        if phase is not None and shim_unavailable() is None:
            page = _clock_at(clock, phase)
            more |= {"clock": Mount(clock, "/clock"), "shim": Mount(shim_path().parent, "/shim")}
            env |= {"LD_PRELOAD": "{shim}/clockshim.so", "HARNESS_CLOCK_PAGE": "{clock}/offset"}
        try:
            done = self._step(SandboxRunner(self._sandbox, self._sdk, more), ordered.command, home / "tree", env)
        finally:
            if page is not None:
                page.close()
        if done.timed_out or done.output_flooded or done.disk_flooded:
            how = "did not end in its time" if done.timed_out else "wrote more than is allowed"
            self._notes.append(f"{what}: run {number + 1} {how} ({done.seconds:.0f} s), and decides nothing")
            return None
        report = read_bounded(results / REPORTS[runner], MAX_REPORT_BYTES) if REPORTS[runner] else b""
        if done.exit_code != 0 and not report and not self._notes:
            self._notes.append(f"no report; the last words of the command: {_last_words(done.tail)}")
        return outcomes(runner, report, done.exit_code)

    def _step(self, runner: SandboxRunner, command: list[str], tree: Path, env: dict[str, str]) -> StepResult:
        return runner.run_step(
            command,
            cwd=tree,
            root=tree,
            adapter=self._suite.adapter,
            network=False,
            env=env,
            timeout_s=self._patience.run_s,
            max_output_bytes=16 << 20,
        )


def _clock_at(folder: Path, moment: str) -> ClockPage:
    page = ClockPage(folder)
    page.set_offset_ns(int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1e9) - time.time_ns())
    return page


def lay_out(tree: Path, copy: Path) -> dict[str, Mount]:
    """A writable copy of a built tree but for its heavy folders, which are to be bound read-only: the mounts for that, by name."""
    heavy: list[str] = []

    def ignore(folder: str, names: list[str]) -> Iterable[str]:
        found = [
            name
            for name in names
            if name in HEAVY and not (Path(folder) / name).is_symlink() and (Path(folder) / name).is_dir()
        ]
        heavy.extend((Path(folder) / name).relative_to(tree).as_posix() for name in found)
        return found

    shutil.copytree(tree, copy, symlinks=True, ignore=ignore)
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    bound = [inner for name in heavy for inner in _opened(tree, copy, name)]
    return {f"heavy{number}": Mount(tree / name, f"/candidate/{name}") for number, name in enumerate(bound)}


def _opened(tree: Path, copy: Path, name: str) -> list[str]:
    """What of a heavy folder is to be bound. Runners write temporary files into `node_modules` itself: it is made anew, with its
    packages bound one by one, unless they are very many."""
    (copy / name).mkdir()
    children = sorted((tree / name).iterdir())
    folders = [child for child in children if child.is_dir() and not child.is_symlink()]
    if not name.endswith("node_modules") or len(folders) > MAX_BOUND:
        return [name]
    for child in children:
        if child in folders:
            (copy / name / child.name).mkdir()
        else:
            shutil.copy2(child, copy / name / child.name, follow_symlinks=False)
    return [f"{name}/{child.name}" for child in folders]


def _is_inside(tree: Path, path: Path) -> bool:
    """Whether writing there stays in the tree: no folder on the way is a symlink that leads out."""
    return path.parent.resolve().is_relative_to(tree.resolve()) and ".." not in path.parts


def _is_of_packages(path: str) -> bool:
    name = path.rsplit("/", 1)[-1]
    return name in {
        "package.json",
        "pnpm-lock.yaml",
        "package-lock.json",
        "yarn.lock",
        "pyproject.toml",
        "requirements.txt",
        "uv.lock",
    }


def _last_words(text: str) -> str:
    line = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    return "".join(char for char in line if char.isprintable())[:200] or "none"
