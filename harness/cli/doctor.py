"""`harness doctor`: what this machine has, and what each absence costs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from harness.cli._frame import EXIT_DONE, command
from harness.measure import machine
from harness.paths import cache_root
from harness.runtime.clock import find_compiler, shim_unavailable
from harness.runtime.sandbox import available, choose
from harness.runtime.sandbox.limits import cgroup_kind
from harness.runtime.stores import store_program, store_unavailable
from harness.runtime.toolbox import node_root
from harness.runtime.wiring import STORE_SHIM

VERSION_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Item:
    """One thing looked for: `found` is '' if it is absent, and `cost` says what that means."""

    name: str
    found: str
    cost: str


def _sandbox() -> Item:
    why_not = available()["bwrap"]
    return Item(
        "sandbox",
        "" if why_not else choose("auto").level,
        f"candidates run only with --sandbox none, at your risk ({why_not})",
    )


def _limits() -> Item:
    kind = cgroup_kind()
    cost = "memory is limited by address space, which Node and Java overstate, and a fork bomb of root is not bounded"
    return Item("cgroups", f"{kind}, writable" if kind else "", cost)


def _compiler() -> Item:
    why_not = shim_unavailable()
    found = "" if why_not else f"{find_compiler() or 'cached'}"
    return Item(
        "C compiler (clock shim)",
        found,
        f"candidates on the wall clock are inconclusive wherever time matters ({why_not})",
    )


def _node() -> Item:
    root = node_root()
    binary = str(root / "bin" / "node") if root is not None else shutil.which("node")
    return Item(
        "node",
        _version([binary, "--version"]) if binary else "",
        "candidates in JavaScript or TypeScript cannot start (install the extra `node`)",
    )


def _postgres() -> Item:
    return _store("postgres", "Postgres")


def _valkey() -> Item:
    return _store("redis", "Valkey or Redis")


def _store(kind: str, name: str) -> Item:
    program, why_not = store_program(kind), store_unavailable(kind)
    found = ""
    if program is not None and why_not is None:
        path, origin = program
        version = _version([str(path), "--version"]).partition(" sha=")[0]  # a build's digests say nothing to a reader
        found = f"{version or 'without a version'}, from {origin}"
    return Item(f"store: {name}", found, f"candidates that share their state by it cannot be measured ({why_not})")


def _sqlite() -> Item:
    why_not = shim_unavailable(STORE_SHIM)
    found = "files; operations are seen and held by a shim" if why_not is None else ""
    return Item("store: SQLite", found, f"candidates over a SQLite file cannot be measured under faults ({why_not})")


def _docker() -> Item:
    binary = shutil.which("docker")
    found = _version([binary, "info", "--format", "{{.ServerVersion}}"]) if binary else ""
    return Item("docker engine", found, "the sandbox `docker` cannot be chosen; bwrap serves instead")


def _git() -> Item:
    binary = shutil.which("git")
    return Item("git", _version([binary, "--version"]) if binary else "", "no commit can be checked out")


def _version(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else ""


LOOKS: tuple[Callable[[], Item], ...] = (_git, _sandbox, _limits, _compiler, _node, _postgres, _valkey, _sqlite, _docker)


@command
def doctor() -> int:
    """Say what this machine has, and what each absence costs."""
    table = Table(show_header=True, header_style="bold", title="harness doctor", title_justify="left")
    for heading in ("what", "found", "what its absence costs"):
        table.add_column(heading, overflow="fold")
    for look in LOOKS:
        item = look()
        table.add_row(item.name, item.found or "absent", "" if item.found else item.cost)
    console = Console()
    console.print(table)
    facts = machine.facts()
    console.print(
        f"{facts['cores']} cores, {facts['cpu']}, {facts['memory_bytes'] >> 30} GiB, Python {facts['python']}, Linux {facts['kernel']}"
    )
    console.print(f"cache: {cache_root()}", soft_wrap=True)
    return EXIT_DONE
