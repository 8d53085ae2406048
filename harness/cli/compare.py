"""`harness compare CANDIDATE...`: evaluates what is missing, then shows all of it side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from harness.cli._frame import EXIT_DONE, command
from harness.cli._runs import evaluate, measured_before, page_of, plan
from harness.cli.eval import DEFAULT_SEED, check_choice
from harness.evaluation import Options
from harness.report import comparison
from harness.results import layout, store


@command
def compare(
    candidates: Annotated[list[str], typer.Argument(metavar="CANDIDATE...", help="as for eval; two or more")],
    challenge: Annotated[str | None, typer.Option(help="only this challenge")] = None,
    profile: Annotated[str, typer.Option(help="quick or full")] = "quick",
    seed: Annotated[int, typer.Option(help="every random choice comes from it", min=0, max=2**53 - 1)] = DEFAULT_SEED,
    jobs: Annotated[int, typer.Option(help="workers at a time; 0 is one per core", min=0)] = 0,
    sandbox: Annotated[str, typer.Option(help="auto, bwrap or none")] = "auto",
    out: Annotated[Path, typer.Option(help="where results go")] = Path("reports"),
) -> int:
    """Set candidates side by side: requirement by candidate, in the terminal and on a page."""
    check_choice("--profile", profile, ("quick", "full"))
    console = Console()
    options = Options(profile, seed, jobs or os.cpu_count() or 1, sandbox, out=out, resume=True)
    found: dict[str, list[tuple[dict[str, Any], Path]]] = {}
    for run in plan(candidates, challenge, options, console):
        result = measured_before(run, options)
        if result is None:
            result = evaluate(run, options, console)
        else:
            console.print(Text(f"measured before: {page_of(run, options)}"), soft_wrap=True)
        found.setdefault(run.challenge.id, []).append((result, page_of(run, options)))
    target = layout.comparison_page(out)
    sections = [_section(pairs, target) for pairs in found.values()]
    store.write_atomically(target, comparison.page(sections).encode())
    for section in sections:
        console.print(comparison.terminal(section))
    console.print(Text(f"page: {target}"), soft_wrap=True)
    return EXIT_DONE


def _section(pairs: list[tuple[dict[str, Any], Path]], target: Path) -> comparison.Comparison:
    addresses = [os.path.relpath(page, target.parent) for _, page in pairs]
    return comparison.compare([result for result, _ in pairs], addresses)
