"""Requirements of a challenge, read from its `challenge.toml`. Strict: an unknown key or a wrong value names file and id."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UsageError

Severity = Literal["critical", "major", "minor", "graded"]
Basis = Literal["P", "I", "S"]
AS_ASKED = frozenset({"P", "I"})
WEIGHT = {"critical": 5.0, "major": 3.0, "minor": 1.0, "graded": 1.0}
SEVERITIES = tuple(WEIGHT)


class Requirement(BaseModel):
    """One row of the specification. Without `suite` it is planned. Budgets in seconds.

    `apart`: left out where `selftest --full` shows specimens to requirements that are not theirs, for the time it takes.
    `alone`: its figures are spoiled by whatever else of ours runs, so its suite runs after all others, by itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Z]{2,4}-\d{2,3}$")
    title: str
    dimension: str
    severity: Severity
    basis: Basis
    text: str
    suite: str | None = None
    alone: bool = False
    quick_budget_s: float = 120.0
    full_budget_s: float = 600.0
    apart: bool = False

    def budget_s(self, profile: str) -> float:
        """The time budget of a profile, in seconds."""
        return self.quick_budget_s if profile == "quick" else self.full_budget_s


class Canary(BaseModel):
    """A known bad that every whole evaluation must catch on the way, by this requirement: else its verdict is `unknown`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    specimen: str
    requirement: str


class Challenge(BaseModel):
    """A challenge: its head, its requirements, its canaries, and the folder they were read from.

    `workers_per_core`: how many of its suites one core bears at a time; those that mostly wait leave it to each other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    version: int
    prompt: str = "PROMPT.md"
    config: dict[str, Any] = {}
    workers_per_core: int = Field(1, ge=1, le=8)
    requirements: tuple[Requirement, ...]
    canaries: tuple[Canary, ...] = ()
    folder: Path

    def suite_path(self, name: str) -> Path:
        """Where a suite lies."""
        return self.folder / "suites" / name

    def workers(self, jobs: int) -> int:
        """How many workers to run at a time; `jobs` 0: as many as this machine's cores bear."""
        return jobs or (os.cpu_count() or 1) * self.workers_per_core

    @property
    def suites(self) -> dict[str, list[Requirement]]:
        """Suite file name -> its requirements, in the order of the specification."""
        found: dict[str, list[Requirement]] = {}
        for requirement in self.requirements:
            if requirement.suite is not None:
                found.setdefault(requirement.suite, []).append(requirement)
        return found


def load_challenge(root: Path, challenge_id: str) -> Challenge:
    """The challenge of that id under `root`. Raises UsageError with the ids that exist."""
    if not re.fullmatch(r"[a-z0-9-]+", challenge_id) or not (root / challenge_id.replace("-", "_") / "challenge.toml").exists():
        known = ", ".join(challenge_ids(root)) or "none"
        raise UsageError(f"no challenge is called {challenge_id!r}; there are: {known}")
    return read_challenge(root / challenge_id.replace("-", "_"))


def challenge_ids(root: Path) -> list[str]:
    """Ids of the challenges under `root`."""
    return sorted(path.parent.name.replace("_", "-") for path in root.glob("*/challenge.toml"))


def read_challenge(folder: Path) -> Challenge:
    """The challenge in `folder`. Raises UsageError that names the file and the place."""
    path = folder / "challenge.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    unknown = sorted(set(table) - {"challenge", "requirement", "canary"})
    if unknown:
        raise UsageError(f"{path}: only [challenge], [[requirement]] and [[canary]] are known; it has {', '.join(unknown)}")
    rows, canaries = tuple(table.get("requirement", ())), tuple(table.get("canary", ()))
    try:
        challenge = Challenge(**table.get("challenge", {}), requirements=rows, canaries=canaries, folder=folder)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: at {place}: {first['msg']} (it had {first['input']!r:.80})") from error
    _check(challenge, path)
    return challenge


def _check(challenge: Challenge, path: Path) -> None:
    ids = [requirement.id for requirement in challenge.requirements]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise UsageError(f"{path}: each requirement once; twice there: {', '.join(twice)}")
    with_suite = {requirement.id for requirement in challenge.requirements if requirement.suite is not None}
    lost = [canary.requirement for canary in challenge.canaries if canary.requirement not in with_suite]
    if lost:
        raise UsageError(f"{path}: a canary is caught by a requirement that has a suite; these have none: {', '.join(lost)}")
    missing = [name for name in challenge.suites if not challenge.suite_path(name).exists()]
    if missing:
        raise UsageError(f"{path}: no such suite in suites/: {', '.join(missing)}")
