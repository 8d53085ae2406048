"""`harness selftest`: every known bad caught, every known good left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli._frame import EXIT_DONE, EXIT_GATE, command
from harness.errors import UsageError
from harness.evaluation import Options
from harness.judge.matrix import Shot
from harness.judge.requirements import challenge_ids, load_challenge
from harness.judge.specimens import read_specimens
from harness.paths import challenges_root
from harness.report import kill_matrix as page
from harness.report.text import duration
from harness.results.layout import kill_matrix
from harness.selftest import Judged, Plan, Scope, run


@command
def selftest(
    challenge: Annotated[str | None, typer.Option(help="only this challenge")] = None,
    specimen: Annotated[list[str] | None, typer.Option(help="only this specimen (repeatable)")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="a quick choice of specimens: some minutes")] = False,
    full: Annotated[bool, typer.Option("--full", help="known good twice, known bad through other requirements too")] = False,
    every_cell: Annotated[bool, typer.Option("--every-cell", help="known bad through all other requirements: hours")] = False,
    repeat: Annotated[int, typer.Option(help="rounds, each with the next seed", min=1, max=100)] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="go on where a run of the same content was cut off")] = False,
    profile: Annotated[str, typer.Option(help="quick or full")] = "quick",
    seed: Annotated[int, typer.Option(help="every random choice comes from it", min=0)] = 1,
    jobs: Annotated[int, typer.Option(help="workers at a time; 0 is as many as the challenge bears", min=0)] = 0,
    time: Annotated[str, typer.Option(help="virtual or real")] = "virtual",
    sandbox: Annotated[str, typer.Option(help="auto, bwrap or none")] = "auto",
    out: Annotated[Path, typer.Option(help="where the kill matrix goes")] = Path("reports"),
) -> int:
    """Judge the judge: run specimens through the suites, and draw the kill matrix."""
    names = frozenset(specimen or ())
    plan = Plan(_scope(quick, full, every_cell), repeat, names)
    loaded = [load_challenge(challenges_root(), name) for name in _challenges(challenge, names)]
    options = Options(profile, seed, jobs, sandbox, time, out=out)
    seeds = f"seed {seed}" if repeat == 1 else f"seeds {seed} to {seed + repeat - 1}"
    print(f"{seeds}, profile {profile}, time {time}, {plan.scope}", flush=True)
    judged = [run(each, options, plan, _tell, resume=resume) for each in loaded]
    console = Console()
    for each in judged:
        console.print(page.terminal(each.matrix))
        console.print(_took(each), highlight=False)
        console.print(f"page: {kill_matrix(out, each.matrix.challenge).page}", soft_wrap=True, highlight=False)
    return EXIT_GATE if any(each.matrix.wrong or each.matrix.idle for each in judged) else EXIT_DONE


def _took(judged: Judged) -> str:
    alone = f", {duration(judged.alone_s)} of these for rows that have the machine to themselves" if judged.alone_s else ""
    return f"took {duration(judged.took_s)}{alone}"


def _scope(quick: bool, full: bool, every_cell: bool) -> Scope:
    if quick + full + every_cell > 1:
        raise UsageError("--quick, --full and --every-cell are three different runs: give one of them")
    return "quick" if quick else "full" if full else "every cell" if every_cell else "designated"


def _challenges(challenge: str | None, names: frozenset[str]) -> list[str]:
    """The challenges to judge: those that have the specimens, where some are named. Raises UsageError for an unknown one."""
    ids = [challenge] if challenge is not None else challenge_ids(challenges_root())
    known = {name: {each.name for each in read_specimens(load_challenge(challenges_root(), name).folder)} for name in ids}
    if missing := names - set().union(*known.values()):
        raise UsageError(f"no such specimen: {', '.join(sorted(missing))}")
    return [name for name in ids if not names or names & known[name]]


def _tell(shot: Shot) -> None:
    specimen = shot.specimen
    if not shot.binding:
        return
    word = "WRONG" if shot.problem else ("caught" if specimen.kind == "bad" else "clean ")
    again = f"  round {shot.round}" if shot.round > 1 else ""
    print(f"{word}  {shot.requirement}  {specimen.kind:4}  {specimen.name}  {shot.seconds:.1f} s{again}", flush=True)
    if shot.problem:
        print(f"        {shot.problem}", flush=True)
