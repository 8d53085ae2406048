"""Builds a candidate: its steps, one after the other, on a private copy of its tree, inside the sandbox.

The result is kept under a key of everything that went in, and used read-only by every run. A build happens
where it will stay, because tools write absolute paths into what they make; only a marker that is written last
makes it a finished one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import shlex
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

from harness.candidate import tree
from harness.candidate.cache import Cache, make_read_only, remove
from harness.candidate.checkout import Checkout
from harness.candidate.disk import MAX_FILES
from harness.candidate.mirror import Limits
from harness.candidate.values import ADAPTER_VARIABLE, Candidate
from harness.candidate.walk import OverLongPath, walk
from harness.errors import BuildFailed, InfraError

_LAYOUT = 1
_MARKER = "build.json"
_MAX_DISK_BYTES = 8 * 1024**3
# What no tree that a candidate makes can bring about: the disk is full or broken.
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended: `exit_code` is None if it was killed; `tail` the end of its output, both streams.

    `seconds` are of real time; `disk_flooded` is true if it was killed for what it used of the disk.
    """

    exit_code: int | None
    timed_out: bool
    output_flooded: bool
    tail: str
    seconds: float
    disk_flooded: bool = False


class BuildRunner(Protocol):
    """Runs one step in a sandbox. `root` is writable, `adapter` read-only, everything else is out of reach."""

    def run_step(
        self,
        argv: list[str],
        *,
        cwd: Path,
        root: Path,
        adapter: Path | None,
        network: bool,
        env: dict[str, str],
        timeout_s: float,
        max_output_bytes: int,
        max_disk_bytes: int = _MAX_DISK_BYTES,
    ) -> StepResult:
        """Runs `argv` to its end, its time or one of its limits, and leaves no process of it behind.

        `max_disk_bytes` is for all that it may write to.

        `argv` and the values of `env` may hold `{checkout}` and `{adapter}`: the runner fills them, by
        `values.fill`, with the places that the step sees `root` and `adapter` at. Raises InfraError where the
        sandbox itself fails.
        """
        ...


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """Per step but for `max_tree_bytes`, which is how large the tree may be after any step."""

    step_timeout_s: float = 900.0
    max_output_bytes: int = 64 * 1024**2
    max_disk_bytes: int = _MAX_DISK_BYTES
    max_tree_bytes: int = 8 * 1024**3


@dataclass(frozen=True, slots=True)
class Built:
    """A finished build. `path` is the tree to run, read-only; `key` the hash of all that went in.

    `log` is the file with what the steps wrote; `seconds` what the build took when it was made.
    """

    path: Path
    key: str
    log: Path
    seconds: float
    reused: bool


def build(
    cache: Cache,
    candidate: Candidate,
    checkout: Checkout,
    runner: BuildRunner,
    *,
    fingerprint: Mapping[str, str] | None = None,
    limits: BuildLimits | None = None,
) -> Built:
    """The candidate's tree after its build steps.

    `fingerprint` holds what else decides the result, such as versions.

    Raises BuildFailed if a step fails, hangs, floods, fills the disk or makes a tree over its limits;
    InfraError if the fault is ours.
    """
    limits = limits or BuildLimits()
    key = build_key(candidate, checkout, fingerprint if fingerprint is not None else environment_fingerprint())
    home = cache.folder("builds") / key
    log = cache.folder("logs") / f"{key}.log"
    with cache.lock(f"build {key}"):
        seconds = _finished(home)
        if seconds is not None:
            return Built(home / "tree", key, log, seconds, reused=True)
        remove(home)
        try:
            seconds = _build_anew(home, log, candidate, checkout, runner, limits)
        finally:
            if not (home / _MARKER).exists():
                remove(home)
    return Built(home / "tree", key, log, seconds, reused=False)


def build_key(candidate: Candidate, checkout: Checkout, fingerprint: Mapping[str, str]) -> str:
    """SHA-256 (hex) of all that decides what a build makes; without steps the tree alone decides."""
    parts: dict[str, object] = {"layout": _LAYOUT, "tree": checkout.tree_digest}
    if candidate.build_steps:
        parts |= {
            "steps": candidate.build_steps,
            "network": candidate.network,
            "adapter": folder_digest(candidate.adapter) if candidate.adapter else None,
            "environment": dict(sorted(fingerprint.items())),
        }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def folder_digest(folder: Path) -> str:
    """The digest of a plain folder's files, as of a tree."""
    return tree.tree_digest(tree.folder_entries(folder, Limits()))


def environment_fingerprint(programs: Sequence[str] = ("node",)) -> dict[str, str]:
    """Versions of the interpreters that builds use here, and the kind of machine.

    A program that is absent is "".
    """
    versions = {"python": platform.python_version(), "machine": platform.machine(), "libc": "-".join(platform.libc_ver())}
    return versions | {program: _version(program) for program in programs}


def _version(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        return ""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _finished(home: Path) -> float | None:
    """The seconds that the finished build in `home` took.

    None if there is none, or if its tree was touched since.
    """
    try:
        record = json.loads((home / _MARKER).read_text())
        return float(record["seconds"]) if record["stamp"] == _stamp(home / "tree") else None
    except (FileNotFoundError, json.JSONDecodeError, OverLongPath):
        return None


def _build_anew(
    home: Path, log: Path, candidate: Candidate, checkout: Checkout, runner: BuildRunner, limits: BuildLimits
) -> float:
    started = time.monotonic()
    root = home / "tree"
    try:
        home.mkdir(mode=0o700)
        _copy(checkout.path, root)
        with log.open("w", encoding="utf-8") as file:
            for number, step in enumerate(candidate.build_steps, 1):
                _step(number, list(step), root, file, candidate, runner, limits)
        steps = candidate.build_steps
        with _charged_to("the build", list(steps[-1])) if steps else nullcontext():
            _remove_special_files(root)
            make_read_only(root)
            stamp = _stamp(root)
        seconds = time.monotonic() - started
        half = home / f".{_MARKER}"
        half.write_text(json.dumps({"stamp": stamp, "seconds": round(seconds, 3)}))
        half.replace(home / _MARKER)
    except OSError as error:
        raise InfraError(f"the build could not be kept in {home.parent} ({error.strerror or error})") from None
    return seconds


def _copy(source: Path, root: Path) -> None:
    """A writable copy; symlinks stay symlinks."""
    shutil.copytree(source, root, symlinks=True)
    root.chmod(0o755)
    for name, status in walk(root):
        if not stat.S_ISLNK(status.st_mode):
            (root / name).chmod(0o755 if status.st_mode & 0o100 else 0o644)


@contextmanager
def _charged_to(what: str, step: list[str], tail: str = "") -> Iterator[None]:
    """Where a tree that the candidate made cannot be walked, `what` has failed: never the harness, unless the
    disk has."""
    try:
        yield
    except OverLongPath as error:
        raise BuildFailed(f"{what} made a tree too deep to be used: {error}", step=step, tail=tail) from None
    except OSError as error:
        if error.errno in _DISK_ERRORS:
            raise
        raise BuildFailed(f"{what} made a tree that cannot be read ({error.strerror or error})", step=step, tail=tail) from None


def _step(
    number: int,
    argv: list[str],
    root: Path,
    log: TextIO,
    candidate: Candidate,
    runner: BuildRunner,
    limits: BuildLimits,
) -> None:
    log.write(f"$ {shlex.join(argv)}\n")
    log.flush()
    result = runner.run_step(
        argv,
        cwd=root,
        root=root,
        adapter=candidate.adapter,
        network=candidate.network,
        env={ADAPTER_VARIABLE: "{adapter}"} if candidate.adapter else {},
        timeout_s=limits.step_timeout_s,
        max_output_bytes=limits.max_output_bytes,
        max_disk_bytes=limits.max_disk_bytes,
    )
    log.write(f"{result.tail}\n[exit code {result.exit_code} after {result.seconds:.1f} s]\n")
    shown = "".join(char if char.isprintable() else " " for char in shlex.join(argv))[:200]
    which = f"build step {number} of {len(candidate.build_steps)} ({shown})"
    reason = _why_failed(result, limits)
    if not reason:
        with _charged_to(which, argv, result.tail):
            reason = _why_too_large(root, limits)
    if reason:
        raise BuildFailed(f"{which} {reason}", step=argv, tail=result.tail)


def _why_failed(result: StepResult, limits: BuildLimits) -> str:
    if result.disk_flooded:
        return f"used more than {limits.max_disk_bytes / 1024**3:g} GiB of disk, or made more than {MAX_FILES:,} files"
    if result.timed_out:
        return f"did not end within {limits.step_timeout_s:g} s"
    if result.output_flooded:
        return f"wrote more than {limits.max_output_bytes / 1024**2:g} MiB of output"
    if result.exit_code == 0:
        return ""
    words = next((line.strip() for line in reversed(result.tail.splitlines()) if line.strip()), "")
    words = "".join(char for char in words if char.isprintable())[:300]
    how = "was killed" if result.exit_code is None else f"failed with exit code {result.exit_code}"
    return f"{how}, its last words: {words}" if words else f"{how} and said nothing"


def _why_too_large(root: Path, limits: BuildLimits) -> str:
    total = 0
    for count, (_, status) in enumerate(walk(root), 1):
        total += 0 if stat.S_ISDIR(status.st_mode) else status.st_size
        if total > limits.max_tree_bytes:
            return f"made the tree larger than {limits.max_tree_bytes / 1024**3:g} GiB"
        if count > MAX_FILES:
            return f"made a tree of more than {MAX_FILES:,} files"
    return ""


def _remove_special_files(root: Path) -> None:
    """Pipes, sockets and devices have no place in a finished build: opening one can block whoever reads it."""
    for name, status in walk(root):
        if stat.S_IFMT(status.st_mode) not in {stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR}:
            (root / name).unlink()


def _stamp(root: Path) -> str:
    """A digest over names, modes, sizes and times of change of everything under `root`.

    Cheap, and moved by any write.
    """
    digest = hashlib.sha256()
    for name, status in walk(root):
        fields = (status.st_mode, status.st_size, status.st_mtime_ns)
        digest.update(os.fsencode(name) + b"\0%d %d %d\0" % fields)
    return digest.hexdigest()
