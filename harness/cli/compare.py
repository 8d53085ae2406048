"""`harness compare CANDIDATE...`: evaluates what is missing, then shows all of it side by side."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from harness.cli._frame import EXIT_DONE, EXIT_NOTHING, command
from harness.cli._runs import evaluate, folder_of, measured_before, plan
from harness.cli.eval import DEFAULT_SEED, check_choice
from harness.evaluation import Options
from harness.report import comparison, exports
from harness.results import layout, store
from harness.results.compose import measured
from harness.results.layout import EvaluationFolder

Found = dict[str, list[tuple[dict[str, Any], EvaluationFolder]]]


@command
def compare(
    candidates: Annotated[list[str], typer.Argument(metavar="CANDIDATE...", help="as for eval; two or more")],
    challenge: Annotated[str | None, typer.Option(help="only this challenge")] = None,
    profile: Annotated[str, typer.Option(help="quick or full")] = "quick",
    seed: Annotated[int, typer.Option(help="every random choice comes from it", min=0, max=2**53 - 1)] = DEFAULT_SEED,
    jobs: Annotated[int, typer.Option(help="workers at a time; 0 is as many as the challenge bears", min=0)] = 0,
    sandbox: Annotated[str, typer.Option(help="auto, bwrap or none")] = "auto",
    out: Annotated[Path, typer.Option(help="where results go")] = Path("reports"),
    as_json: Annotated[bool, typer.Option("--json", help="print the comparison as JSON on stdout")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="print the comparison in Markdown on stdout")] = False,
) -> int:
    """Set candidates side by side: requirement by candidate, in the terminal, on a page and as files."""
    check_choice("--profile", profile, ("quick", "full"))
    console = Console(stderr=as_json or as_markdown)
    options = Options(profile, seed, jobs, sandbox, out=out, resume=True)
    found: Found = {}
    for run in plan(candidates, challenge, options, console):
        result = measured_before(run, options)
        folder = folder_of(run, options)
        if result is None:
            result = evaluate(run, options, console)
        else:
            console.print(Text(f"measured before: {folder.page}"), soft_wrap=True)
        found.setdefault(run.challenge.id, []).append((result, folder))
    views = write(found, out)
    for view in views:
        console.print(comparison.terminal(view))
    console.print(Text(f"page: {layout.comparison_page(out)}"), soft_wrap=True)
    if as_json:
        print(json.dumps(exports.as_data(views), indent=2))
    if as_markdown:
        print(exports.as_markdown(views))
    return EXIT_DONE if any(measured(result) for pairs in found.values() for result, _ in pairs) else EXIT_NOTHING


def write(found: Found, out: Path) -> list[comparison.Comparison]:
    """The page and its files from results by challenge; what they show."""
    # Not at the top: every command of the program would wait for the charts' library.
    from harness.report import comparison_page  # noqa: PLC0415

    target = layout.comparison_page(out)
    sections = [
        comparison_page.section(
            [result for result, _ in pairs],
            [os.path.relpath(folder.page, target.parent) for _, folder in pairs],
            [store.read_evidence(folder) for _, folder in pairs],
        )
        for pairs in found.values()
    ]
    views = [section.view for section in sections]
    files = layout.comparison_files(out)
    texts = {
        "CSV": exports.as_csv(views),
        "Markdown": exports.as_markdown(views),
        "JSON": json.dumps(exports.as_data(views), indent=2) + "\n",
        "JUnit XML": exports.as_junit([result for pairs in found.values() for result, _ in pairs]),
    }
    for kind, path in files.items():
        store.write_atomically(path, texts[kind].encode())
    page = comparison_page.page(sections, [(kind, path.name) for kind, path in files.items()])
    store.write_atomically(target, page.encode())
    return views
