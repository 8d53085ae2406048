"""`harness eval CANDIDATE...`: measures candidates and writes their scorecards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from harness.candidate.resolve import Resolved, distinguish, resolve
from harness.cli._board import Board
from harness.cli._frame import EXIT_DONE, EXIT_GATE, EXIT_NOTHING, EXIT_OURS, command
from harness.errors import UsageError
from harness.evaluation import Evaluation, Options
from harness.judge.requirements import Challenge, challenge_ids, load_challenge
from harness.paths import PROJECT_ROOT, challenges_root
from harness.preparation import Prepared, prepare, subject
from harness.report import markdown, terminal
from harness.results.compose import measured
from harness.results.layout import evaluation

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
    jobs: Annotated[int, typer.Option(help="workers at a time; 0 is one per core", min=0)] = 0,
    sandbox: Annotated[str, typer.Option(help="auto, bwrap or none")] = "auto",
    time: Annotated[str, typer.Option(help="virtual or real; a detector's stream is virtual in both")] = "virtual",
    out: Annotated[Path, typer.Option(help="where results go")] = Path("reports"),
    as_json: Annotated[bool, typer.Option("--json", help="print the results as JSON on stdout")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="print a summary in Markdown on stdout")] = False,
    gate: Annotated[str | None, typer.Option(help="exit 1 unless every verdict is this or better: ship or harden")] = None,
    fail_under: Annotated[float | None, typer.Option(help="exit 1 if a score is below this", min=0, max=100)] = None,
) -> int:
    """Measure candidates: verdict, score, and evidence for each requirement."""
    _check("--profile", profile, ("quick", "full"))
    _check("--time", time, ("virtual", "real"))
    if gate is not None:
        _check("--gate", gate, tuple(GATES))
    options = Options(
        profile, seed, jobs or os.cpu_count() or 1, sandbox, time, tuple(suite or ()), tuple(requirement or ()), out
    )
    console = Console(stderr=as_json or as_markdown)
    console.print(
        f"seed {options.seed}, profile {options.profile}, {options.jobs} workers, sandbox {options.sandbox}, results in {out}/"
    )
    results: list[dict[str, Any]] = []
    for resolved in distinguish([resolve(text, root=PROJECT_ROOT) for text in candidates]):
        results += _evaluate(resolved, challenge, options, repeat, console)
    if as_json:
        print(json.dumps(results if len(results) != 1 else results[0], indent=2))
    if as_markdown:
        print("\n".join(markdown.summary(result) for result in results))
    return _status(results, gate, fail_under)


def _check(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{option} takes {' or '.join(allowed)}; it was given {value!r}")


def _evaluate(
    resolved: Resolved, challenge: str | None, options: Options, repeat: int, console: Console
) -> Iterator[dict[str, Any]]:
    known = challenge_ids(challenges_root())
    if challenge is not None and challenge not in known:
        load_challenge(challenges_root(), challenge)
    names = [name for name in resolved.candidate.challenges if name in known]
    if challenge is not None and challenge not in names:
        offered = ", ".join(names) or "none that is known here"
        raise UsageError(f"{resolved.candidate.id} is no candidate for {challenge!r}; its challenges are: {offered}")
    console.print(f"[bold]{resolved.candidate.id}[/bold]  {resolved.checkout.subject or ''}", highlight=False)
    prepared = prepare(resolved, options.sandbox)
    for name in [challenge] if challenge is not None else names:
        loaded = load_challenge(challenges_root(), name)
        for entry in prepared.entries(name):
            for round_number in range(repeat):
                if repeat > 1:
                    console.print(f"round {round_number + 1} of {repeat}")
                yield _one(prepared, loaded, entry, options, console)


def _one(prepared: Prepared, challenge: Challenge, entry: Any, options: Options, console: Console) -> dict[str, Any]:
    siblings = [
        (
            f"{challenge.id}, {other}",
            os.path.relpath(_page(prepared, challenge, other, options), _page(prepared, challenge, entry, options).parent),
        )
        for other in prepared.entries(challenge.id)
        if other != entry
    ]
    run = Evaluation(subject(prepared, challenge.id, entry), challenge, options, siblings)
    with Board(run, console) as board:
        result = run.run(board.update)
    console.print(terminal.table(result))
    console.print(f"page: {run.folder.page}", soft_wrap=True, highlight=False)
    return result


def _page(prepared: Prepared, challenge: Challenge, entry: str, options: Options) -> Path:
    return evaluation(options.out, prepared.candidate.id, challenge.id, entry).page


def _status(results: list[dict[str, Any]], gate: str | None, fail_under: float | None) -> int:
    rows = [row for result in results for row in measured(result)]
    if not any(row["outcome"] not in UNDECIDED for row in rows):
        return EXIT_NOTHING if not rows else EXIT_OURS
    judged = [result for result in results if result["entry"] == "run"]
    if gate is not None and any(result["verdict"] not in GATES[gate] for result in judged):
        return EXIT_GATE
    if fail_under is not None and any((result["score"] or 0.0) < fail_under for result in judged):
        return EXIT_GATE
    if any(row["outcome"] in UNDECIDED and row["severity"] in {"critical", "major"} for row in rows):
        return EXIT_OURS
    return EXIT_DONE
