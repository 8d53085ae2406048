"""`harness selftest`: every known bad caught, every known good left alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from harness.cli._frame import EXIT_DONE, EXIT_GATE, command
from harness.errors import UsageError
from harness.evaluation import Options
from harness.judge.requirements import challenge_ids, load_challenge
from harness.paths import challenges_root, scratch_prefix
from harness.selftest import Judged, run, uncovered


@command
def selftest(
    challenge: Annotated[str | None, typer.Option(help="only this challenge")] = None,
    specimen: Annotated[list[str] | None, typer.Option(help="only this specimen (repeatable)")] = None,
    profile: Annotated[str, typer.Option(help="quick or full")] = "quick",
    seed: Annotated[int, typer.Option(help="every random choice comes from it", min=0)] = 1,
    jobs: Annotated[int, typer.Option(help="workers at a time; 0 is one per core", min=0)] = 0,
    time: Annotated[str, typer.Option(help="virtual or real")] = "virtual",
    sandbox: Annotated[str, typer.Option(help="auto, bwrap or none")] = "auto",
) -> int:
    """Judge the judge: run every specimen through its designated requirement."""
    names = frozenset(specimen or ())
    ids = [challenge] if challenge is not None else challenge_ids(challenges_root())
    judged: list[Judged] = []
    open_ids: list[str] = []
    print(f"seed {seed}, profile {profile}, time {time}")
    with tempfile.TemporaryDirectory(prefix=scratch_prefix("selftest"), ignore_cleanup_errors=True) as scratch:
        options = Options(profile, seed, jobs or os.cpu_count() or 1, sandbox, time, out=Path(scratch))
        for name in ids:
            loaded = load_challenge(challenges_root(), name)
            found = run(loaded, options, names, _tell)
            judged += found
            open_ids += uncovered(loaded, found) if not names else []
    if names - {item.specimen.name for item in judged}:
        raise UsageError(f"no such specimen: {', '.join(sorted(names - {item.specimen.name for item in judged}))}")
    return _summary(judged, open_ids)


def _tell(item: Judged) -> None:
    specimen = item.specimen
    word = "WRONG" if item.problem else ("caught" if specimen.kind == "bad" else "clean ")
    print(f"{word}  {specimen.designated}  {specimen.kind:4}  {specimen.name}  {item.seconds:.1f} s", flush=True)
    if item.problem:
        print(f"        {item.problem}")


def _summary(judged: list[Judged], open_ids: list[str]) -> int:
    wrong = [item for item in judged if item.problem]
    bad = [item for item in judged if item.specimen.kind == "bad"]
    print(f"{len(bad)} known bad, {len(judged) - len(bad)} known good, {len(wrong)} judged wrongly")
    if wrong:
        print("judged wrongly: " + ", ".join(f"{item.specimen.name} by {item.specimen.designated}" for item in wrong))
    if open_ids:
        print("no known bad is designated for: " + ", ".join(open_ids))
    return EXIT_GATE if wrong or open_ids else EXIT_DONE
