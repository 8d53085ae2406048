"""Runs git, through GitPython, so that nothing a repository brings along is ever executed.

Every call is given one private repository of ours (`git_dir`) by environment variable. Hooks, file monitors,
filters, credential helpers and prompts are switched off; only transports that are no commands are allowed. A
call that uses the network or another repository sees the operator's own configuration (their proxies,
certificates and `insteadOf`); every other call sees none.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from git import Git, GitCommandNotFound

from harness.candidate.addresses import SCHEMES
from harness.errors import InfraError

_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.askPass": "",
    "credential.helper": "",
    # A pack appears whole or not at all; loose objects of a fetch that was killed would pass for the commit.
    "transfer.unpackLimit": "1",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
}
_QUIET_SLICE_S = 0.2
# Where harness runs inside a hook, these name parts of another repository.
_NOT_OURS = ("GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_PREFIX")


@dataclass(frozen=True, slots=True)
class GitResult:
    """How one call of git ended. `stopped` says why the harness killed it, or is empty."""

    status: int
    stdout: bytes
    stderr: str
    stopped: str = ""

    @property
    def last_words(self) -> str:
        """The last line that git wrote to say what is wrong, without its prefix."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines
        chosen = next((line for line in telling if line.startswith("fatal:")), telling[-1] if telling else "")
        told = "".join(char for char in chosen.partition(": ")[2] or chosen if char.isprintable())
        return re.sub(r"://[^/@\s]+@", "://", told)[:300]


def environment(git_dir: Path, *, operator_config: bool) -> dict[str, str]:
    """Variables for a call on `git_dir`; those that the caller's own git session may have set are overruled."""
    env = {
        "GIT_DIR": str(git_dir),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    # Inside a hook these point at another repository; they cannot be unset, only overruled.
    for name, place in (("GIT_OBJECT_DIRECTORY", "objects"), ("GIT_INDEX_FILE", "index")):
        if name in os.environ:
            env[name] = str(git_dir / place)
    if not operator_config:
        # A repository can name a remote that git would go to for what is missing: a look-up goes nowhere.
        env |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": "none"}
    return env


def open_git(git_dir: Path, *, operator_config: bool = False) -> Git:
    """A GitPython command object that works on `git_dir` under the rules above."""
    git = Git(git_dir)
    git.update_environment(**environment(git_dir, operator_config=operator_config))
    return git


def command(arguments: Sequence[str]) -> list[str]:
    """The argv of git with the settings above in front."""
    settings = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
    # GitPython hands on the whole environment, and can set a variable but not take one away.
    unset = [word for name in _NOT_OURS if name in os.environ for word in ("-u", name)]
    clean = ["env", *unset] if unset else []
    return [*clean, Git.GIT_PYTHON_GIT_EXECUTABLE or "git", "--no-pager", "--bare", *settings, *arguments]


def run(
    git_dir: Path,
    arguments: Sequence[str],
    *,
    timeout_s: float = 120.0,
    operator_config: bool = False,
    too_much: Callable[[], str] | None = None,
    env: dict[str, str] | None = None,
    work_tree: Path | None = None,
) -> GitResult:
    """Runs git to its end, its whole process group killed after `timeout_s` or once `too_much()` gives a
    reason.

    With `work_tree` the call compares that folder with `git_dir`. Raises InfraError if git is not installed.
    """
    git = open_git(git_dir, operator_config=operator_config)
    argv = command(arguments)
    extra = dict(env or {})
    if work_tree is not None:
        argv[argv.index("--bare")] = f"--work-tree={work_tree}"
    process = _start(git, argv, extra)
    stopped = ""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            stdout, stderr = process.communicate(timeout=_QUIET_SLICE_S)
            break
        except subprocess.TimeoutExpired:
            reason = f"it took longer than {timeout_s:.0f} s" if time.monotonic() > deadline else ""
            reason = reason or (too_much() if too_much is not None else "")
            if reason and not stopped:
                stopped = reason
                kill_group(process)
    return GitResult(process.returncode, stdout, stderr.decode("utf-8", "replace"), stopped)


def start(git_dir: Path, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """git with its stdout and stderr as pipes, for output that is read as it comes; the caller ends it."""
    return _start(open_git(git_dir), command(arguments), {})


def _start(git: Git, argv: Sequence[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: no terminal to prompt on, and one group to kill.
    try:
        handle = git.execute(argv, as_process=True, env=env, start_new_session=True)
    except GitCommandNotFound:
        raise InfraError("git is not installed; install git 2.30 or newer") from None
    process = handle.proc
    if not isinstance(process, subprocess.Popen):
        raise InfraError("git could not be started")
    handle.proc = None  # GitPython would end it when the handle is collected; its end is ours to wait for.
    return process


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills git and whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
