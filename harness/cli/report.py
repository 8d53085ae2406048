"""`harness report`: draws pages anew from results that were measured before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli._frame import EXIT_DONE, EXIT_NOTHING, command
from harness.cli.eval import GATES, check_choice, status
from harness.report import markdown, page
from harness.results import store
from harness.results.judge import matrix_link
from harness.results.layout import COMPONENT_SUFFIX, EvaluationFolder, all_evaluations


@command
def report(
    out: Annotated[Path, typer.Option(help="where results are")] = Path("reports"),
    as_markdown: Annotated[bool, typer.Option("--markdown", help="print summaries in Markdown on stdout")] = False,
    gate: Annotated[str | None, typer.Option(help="exit 1 unless every verdict is this or better: ship or harden")] = None,
    fail_under: Annotated[float | None, typer.Option(help="exit 1 if a score is below this", min=0, max=100)] = None,
) -> int:
    """Draw the page of every result under OUT anew, without measuring anything; with a gate, judge what was measured."""
    if gate is not None:
        check_choice("--gate", gate, tuple(GATES))
    results = []
    for folder in all_evaluations(out):
        result = store.read_result(folder)
        beside = siblings(folder) + matrix_link(folder, str((result.get("provenance") or {}).get("suite_digest")))
        text = page.render(result, store.read_evidence(folder), beside)
        store.write_atomically(folder.page, text.encode())
        results.append(result)
        if not as_markdown:
            print(folder.page)
    if as_markdown:
        print(markdown.document(results))
    if gate is not None or fail_under is not None:
        return status(results, gate, fail_under)
    return EXIT_DONE if results else EXIT_NOTHING


def siblings(folder: EvaluationFolder) -> list[tuple[str, str]]:
    """(label, address) of the other entry of the same candidate and challenge, if it has a result."""
    name = folder.path.name
    other = name.removesuffix(COMPONENT_SUFFIX) if name.endswith(COMPONENT_SUFFIX) else name + COMPONENT_SUFFIX
    if not EvaluationFolder(folder.path.parent / other).result.exists():
        return []
    label = "component" if other.endswith(COMPONENT_SUFFIX) else "run"
    return [(label, f"../{other}/index.html")]
