"""One cell of work: one suite against one entry of one candidate, at one seed. A plain value that travels as JSON."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from harness.runtime.sandbox import Launch, Limits, Mount


class MountSpec(msgspec.Struct, frozen=True):
    """A host path and where the process finds it."""

    host: str
    inside: str
    writable: bool = False


class ProgramSpec(msgspec.Struct, frozen=True):
    """How the candidate is started: argv, working folder and environment may hold `{checkout}`, `{adapter}`, `{sdk}`."""

    command: list[str]
    mounts: dict[str, MountSpec]
    cwd: str = "{checkout}"
    env: dict[str, str] = {}
    clock: str = "wall"
    native: bool = True
    store: str = "none"
    store_tcp: bool = False
    base_tables: list[str] = []

    def launch(
        self, *, env: dict[str, str] | None = None, mounts: dict[str, Mount] | None = None, before: tuple[str, ...] = ()
    ) -> Launch:
        """The launch of one process, with what the runtime adds; `before` comes before its command."""
        own = {name: Mount(Path(m.host), m.inside, m.writable) for name, m in self.mounts.items()}
        return Launch((*before, *self.command), own | (mounts or {}), self.cwd, self.env | (env or {}), limits=Limits())


class Cell(msgspec.Struct, frozen=True):
    """What a worker needs to know. `suite` is a path; `requirements` the ids to run in it; `budgets_s` per requirement.

    `alone`: nothing else of ours may run meanwhile.
    """

    candidate_id: str
    challenge: str
    entry: str
    suite: str
    requirements: list[str]
    seed: int
    profile: str
    time: str
    sandbox: str
    program: ProgramSpec
    config: dict[str, Any]
    budgets_s: dict[str, float]
    journal: str
    suite_digest: str
    tree_digest: str
    replay: dict[str, Any] | None = None
    alone: bool = False

    @property
    def key(self) -> str:
        """Names the content of the cell, whichever of its requirements are still to be run: equal keys, equal work."""
        parts = [
            self.challenge,
            self.entry,
            Path(self.suite).name,
            self.seed,
            self.profile,
            self.time,
        ]
        parts += [
            self.sandbox,
            self.suite_digest,
            self.tree_digest,
            self.program.command,
            self.program.env,
            self.program.clock,
            self.program.store,
            self.program.store_tcp,
            *self.program.base_tables,
        ]
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]


def load(path: Path) -> Cell:
    """A cell from its JSON file."""
    return msgspec.json.decode(path.read_bytes(), type=Cell)
