"""`harness eval CANDIDATE...`: measures candidates and writes their scorecards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from harness.cli._frame import EXIT_DONE, EXIT_GATE, EXIT_NOTHING, EXIT_OURS, command
from harness.cli._runs import Run, evaluate, plan
from harness.errors import UsageError
from harness.evaluation import Options
from harness.report import markdown
from harness.results.compose import measured
from harness.runtime.stores import KINDS

DEFAULT_SEED = 1
UNDECIDED = {"infra_error", "inconclusive"}
GATES = {"ship": ("ship",), "harden": ("ship", "harden")}


@command
def eval_command(
    candidates: Annotated[
        list[str], typer.Argument(metavar="CANDIDATE...", help="manifest id, path, commit of this repository, or REPO#COMMIT")
    ],
    challenge: Annotated[str | None, typer.Option(help="only this challenge")] = None,
    suite: Annotated[list[str] | None, typer.Option(help="only this suite (repeatable); the verdict is then unknown")] = None,
    requirement: Annotated[
        list[str] | None, typer.Option(help="only this requirement (repeatable); the verdict is then unknown")
    ] = None,
    profile: Annotated[str, typer.Option(help="quick or full")] = "quick",
    seed: Annotated[int, typer.Option(help="every random choice comes from it", min=0, max=2**53 - 1)] = DEFAULT_SEED,
    repeat: Annotated[int, typer.Option(help="run so often, and say where outcomes differ", min=1, max=100)] = 1,
    jobs: Annotated[int, typer.Option(help="workers at a time; 0 is as many as the challenge bears", min=0)] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on where a run of the same settings was cut off")] = False,
    sandbox: Annotated[str, typer.Option(help="auto, bwrap or none")] = "auto",
    time: Annotated[str, typer.Option(help="virtual or real; a detector's stream is virtual in both")] = "virtual",
    store: Annotated[
        str | None, typer.Option(help="postgres, redis or sqlite, for a candidate that serves several stores")
    ] = None,
    out: Annotated[Path, typer.Option(help="where results go")] = Path("reports"),
    as_json: Annotated[bool, typer.Option("--json", help="print the results as JSON on stdout")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="print a summary in Markdown on stdout")] = False,
    gate: Annotated[str | None, typer.Option(help="exit 1 unless every verdict is this or better: ship or harden")] = None,
    fail_under: Annotated[float | None, typer.Option(help="exit 1 if a score is below this", min=0, max=100)] = None,
) -> int:
    """Measure candidates: verdict, score, and evidence for each requirement."""
    check_choice("--profile", profile, ("quick", "full"))
    check_choice("--time", time, ("virtual", "real"))
    if gate is not None:
        check_choice("--gate", gate, tuple(GATES))
    if store is not None:
        check_choice("--store", store, KINDS)
    options = Options(
        profile,
        seed,
        jobs,
        sandbox,
        time,
        tuple(suite or ()),
        tuple(requirement or ()),
        out,
        resume,
        store,
    )
    console = Console(stderr=as_json or as_markdown)
    workers = f"{jobs} workers" if jobs else "as many workers as a challenge bears"
    console.print(f"seed {options.seed}, profile {options.profile}, {workers}, sandbox {options.sandbox}, results in {out}/")
    results: list[dict[str, Any]] = []
    for run in plan(candidates, challenge, options, console):
        results += _rounds(run, options, repeat, console)
    if as_json:
        print(json.dumps(results if len(results) != 1 else results[0], indent=2))
    if as_markdown:
        print(markdown.document(results))
    return status(results, gate, fail_under)


def check_choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{option} takes {' or '.join(allowed)}; it was given {value!r}")


def _rounds(run: Run, options: Options, repeat: int, console: Console) -> Iterator[dict[str, Any]]:
    outcomes: dict[str, list[str]] = {}
    for round_number in range(1, repeat + 1):
        if repeat > 1:
            console.print(f"round {round_number} of {repeat}")
        result = evaluate(run, options, console)
        for row in measured(result):
            outcomes.setdefault(row["id"], []).append(row["outcome"])
        yield result
    if repeat > 1:
        unsteady = {name: seen for name, seen in outcomes.items() if len(set(seen)) > 1}
        for name, seen in unsteady.items():
            console.print(f"UNSTEADY {name}: {', '.join(seen)}")
        console.print(
            f"{len(outcomes) - len(unsteady)} of {len(outcomes)} requirements had the same outcome in all {repeat} rounds"
        )


def status(results: Sequence[Mapping[str, Any]], gate: str | None, fail_under: float | None) -> int:
    """The exit status of these results: a gate that nothing was judged by is not met."""
    rows = [row for result in results for row in measured(result)]
    if not any(row["outcome"] not in UNDECIDED for row in rows):
        return EXIT_NOTHING if not rows else EXIT_OURS
    judged = [result for result in results if result["entry"] == "run"]
    if (gate is not None or fail_under is not None) and not judged:
        return EXIT_GATE
    if gate is not None and any(result["verdict"] not in GATES[gate] for result in judged):
        return EXIT_GATE
    if fail_under is not None and any((result["score"] or 0.0) < fail_under for result in judged):
        return EXIT_GATE
    if any(row["outcome"] in UNDECIDED and row["severity"] in {"critical", "major"} for row in rows):
        return EXIT_OURS
    return EXIT_DONE
