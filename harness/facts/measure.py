"""The facts of one candidate: read, run and kept, so that what was measured once for a tree is not measured again.

Whatever goes wrong here is ours, and becomes a sentence in its section: no fact that is missing counts against a candidate.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.candidate.cache import Cache
from harness.candidate.checkout import Checkout
from harness.candidate.diff import DiffStats, diff
from harness.candidate.estimate import estimate
from harness.candidate.values import Candidate
from harness.facts import figures, integration, own_tests, reports
from harness.facts.changed import Changed, changed_files
from harness.facts.ran import packages_of
from harness.facts.reach import CODE, entry_of
from harness.facts.reading import TOOLS, Read, read_files
from harness.paths import scratch_prefix
from harness.runtime.cell import Cell
from harness.runtime.sandbox import Sandbox
from harness.runtime.steps import SandboxRunner

LAYOUT = 1
MAX_REPOSITORY_FILES = 3000
SKIPPED = frozenset({"node_modules", ".git", "dist", "build", "vendor", ".venv", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Bench:
    """What facts are taken from: a built tree, and the cell of its `[run]` (None where it does not start, or for another entry)."""

    candidate: Candidate
    checkout: Checkout
    tree: Path
    sandbox: Sandbox
    sdk: Path
    cache: Cache


def facts(bench: Bench, cell: Cell, challenge_folder: Path, *, wired: bool) -> dict[str, Any]:
    """`integration` (if asked for by `wired`), `own_tests`, what is added to `diff` and `cost`, and what counts (`judged`).

    A section that could not be had says why in `problem`.
    """
    stats = _guarded(lambda: _difference(bench.checkout))
    stats = stats if isinstance(stats, DiffStats) else None
    changed = _guarded(lambda: _changed(bench.checkout, stats))
    files: list[Changed] = changed if isinstance(changed, list) else []
    source = [file for file in files if file.kind == "source"]
    read = _guarded(lambda: _read(bench, source)) if source else {}
    known: Mapping[str, Read] = {} if "problem" in read else read
    found: dict[str, Any] = {
        "diff": _figures(source, known),
        "cost": _guarded(lambda: _estimate(bench, files)),
        "own_tests": _own_tests(bench, stats, cell.profile),
    }
    if wired:
        found["integration"] = _guarded(lambda: _integration(bench, cell, challenge_folder, source, known, stats))
    return {**found, "judged": judged(found, challenges=len(bench.candidate.challenges))}


def judged(found: Mapping[str, Any], challenges: int = 1) -> dict[str, Any]:
    """What of the facts enters the verdict, by the names of `harness.judge.scoring.Facts`. Pure.

    Of a repository that serves several challenges, the program for one need not run what was changed for another: its share is
    shown, and not charged.
    """
    share = (found.get("integration") or {}).get("share") if challenges == 1 else None
    return {
        "integrated": None if share is None else integration.word_of(share) != "not wired in",
        "own_tests_red": own_tests.charged(found.get("own_tests")),
    }


def _figures(source: list[Changed], known: Mapping[str, Read]) -> dict[str, Any]:
    if not source:
        return {}
    return {"comment_share": figures.comment_share(source, known), "complexity": figures.complexity(source, known)}


def _estimate(bench: Bench, files: list[Changed]) -> dict[str, Any]:
    """A lower bound, where the tokens that the model wrote are not known."""
    candidate = bench.candidate
    if candidate.usage.output_tokens is not None or candidate.model is None or not files:
        return {}
    added = ("\n".join(line for number, line in enumerate(file.text.split("\n"), 1) if number in file.lines) for file in files)
    return {"estimate": dataclasses.asdict(estimate(added, candidate.model, bench.checkout.date))}


def _guarded(job: Callable[[], Any]) -> Any:
    """What the job gives, or a section with the problem."""
    try:
        return job()
    except Exception as error:  # noqa: BLE001 - whatever a hostile repository made of us is our own failure, as a sentence
        return {"word": "not measured", "problem": f"a failure of the harness: {type(error).__name__}: {str(error)[:200]}"}


def _difference(checkout: Checkout) -> DiffStats | None:
    if checkout.mirror is None or checkout.commit is None or checkout.base is None:
        return None
    return diff(checkout.mirror, checkout.base, checkout.commit)


def _changed(checkout: Checkout, stats: DiffStats | None) -> list[Changed]:
    if stats is None or checkout.mirror is None:
        return []
    return changed_files(checkout.mirror, stats, ("source", "test", "docs", "examples", "config"))


def _read(bench: Bench, files: list[Changed]) -> dict[str, Read]:
    """Every file of code in the checkout, those of the change in full."""
    texts = {**_repository(bench.checkout.path), **{file.path: file.text for file in files}}
    return read_files(SandboxRunner(bench.sandbox, bench.sdk), texts, [file.path for file in files])


def _repository(root: Path) -> dict[str, str]:
    """Path -> text of the checkout's files of code, and of what declares its packages; no symlink is followed."""
    texts: dict[str, str] = {}
    todo = [root]
    while todo and len(texts) < MAX_REPOSITORY_FILES:
        folder = todo.pop()
        for path in sorted(folder.iterdir()):
            if path.is_symlink() or path.name in SKIPPED:
                continue
            if path.is_dir():
                todo.append(path)
            elif path.name.endswith(CODE) and path.stat().st_size <= 1_000_000:
                texts[path.relative_to(root).as_posix()] = decoded(path.read_bytes())
    return texts


def decoded(data: bytes) -> str:
    """Text by its byte order mark, else UTF-8; what is neither keeps its lines."""
    return data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "replace")


def _integration(
    bench: Bench, cell: Cell, challenge_folder: Path, source: list[Changed], known: Mapping[str, Read], stats: DiffStats | None
) -> dict[str, Any]:
    if stats is None:
        return {"word": "nothing to integrate", "share": None, "problem": "there is no base to compare with"}
    manifests = {path.relative_to(bench.checkout.path).as_posix(): decoded(path.read_bytes()) for path in _package_files(bench)}
    entry = bench.candidate.integration_entry or (
        entry_of(cell.program.command, known.keys()) if bench.candidate.native else None
    )
    reached = integration.reached_from(entry, known, packages_of(manifests))
    wanted = [file.path for file in source]
    parts = {file.path: integration.statements_changed(file, known.get(file.path, Read())) for file in source}
    played = integration.Played({})
    if any(parts.values()):
        folder = Path(tempfile.mkdtemp(prefix=scratch_prefix("ran")))
        played = integration.play(cell, challenge_folder, bench.tree, wanted, folder)
    found = integration.summed(source, known, played, reached)
    return {**found, "entry": " ".join(cell.program.command), "imports_followed_from": entry}


def _package_files(bench: Bench) -> list[Path]:
    root = bench.checkout.path
    found = [path for depth in ("", "*/", "*/*/") for path in root.glob(f"{depth}package.json")]
    return [
        path for path in found if not path.is_symlink() and not SKIPPED & set(path.parts) and path.stat().st_size <= 1_000_000
    ]


def _own_tests(bench: Bench, stats: DiffStats | None, profile: str) -> dict[str, Any] | None:
    """From the cache, if this tree's tests ran to their end in this profile or a longer one."""
    candidate, checkout = bench.candidate, bench.checkout
    if candidate.tests is None:
        return None
    files = stats.files if stats is not None else ()
    suite = own_tests.Suite(candidate.tests, bench.tree, candidate.adapter, checkout.mirror, files)
    for known in ("full",) if profile == "full" else ("full", "quick"):
        if (kept := _kept(bench, known)) is not None:
            return {**kept, "measured_in": f"the {known} profile, kept from an earlier run"}
    patience = own_tests.FULL if profile == "full" else own_tests.QUICK
    found: dict[str, Any] = _guarded(
        lambda: own_tests.measure(suite, bench.sandbox, bench.sdk, patience, thorough=profile == "full")
    )
    if found.get("runs") == own_tests.RUNS and found.get("base_runs") and not found.get("problem"):
        _keep(bench, profile, found)
    return {**found, "measured_in": f"the {profile} profile"}


def _place(bench: Bench, profile: str) -> Path:
    """By all that decides what the tests come to: the trees, the build, the command, the tools that run it."""
    parts = [
        LAYOUT,
        profile,
        bench.checkout.tree_digest,
        bench.checkout.base,
        str(bench.tree),
        list(bench.candidate.tests or ()),
        _own_digest(),
        bench.sandbox.level,
    ]
    name = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
    return bench.cache.folder("facts") / f"{name}.json"


def _own_digest() -> str:
    """Of the code that runs tests and reads what they report."""
    paths = [Path(own_tests.__file__), Path(reports.__file__), *sorted(TOOLS.glob("*.*"))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def _kept(bench: Bench, profile: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(_place(bench, profile).read_text())
    except (OSError, json.JSONDecodeError):
        return None
    return found


def _keep(bench: Bench, profile: str, found: Mapping[str, Any]) -> None:
    half = bench.cache.temporary("facts")
    half.write_text(json.dumps(found))
    half.replace(_place(bench, profile))
